#include "services/common/server/service_main.h"
#include "services/review/review_service_definition.h"

int main(int argc, char** argv) {
  return comity::RunService(argc, argv, comity::review::ReviewDefinition());
}
