#include "services/common/server/service_main.h"
#include "services/common/status/end_process.h"
#include "services/storage/storage_service_definition.h"

int main(int argc, char** argv) {
  comity::EndProcess(
      comity::RunService(argc, argv, comity::storage::StorageDefinition({.task_threads = 32})));
}
