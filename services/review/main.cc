#include "services/common/server/service_main.h"
#include "services/common/status/end_process.h"
#include "services/review/review_service_definition.h"

int main(int argc, char** argv) {
  comity::EndProcess(comity::RunService(argc, argv, comity::review::ReviewDefinition()));
}
