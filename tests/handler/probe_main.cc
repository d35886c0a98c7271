// The probe as a service of its own.
#include "services/common/server/service_main.h"
#include "tests/handler/server_probe.h"

int main(int argc, char** argv) {
  return comity::RunService(argc, argv, comity::ProbeDefinition());
}
