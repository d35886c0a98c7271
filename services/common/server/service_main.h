#ifndef COMITY_COMMON_SERVER_SERVICE_MAIN_H_
#define COMITY_COMMON_SERVER_SERVICE_MAIN_H_

#include "services/common/server/service_environment.h"

namespace comity {

// The main function of a service: reads flags and the service's folder, checks all of it, opens
// stores and log, serves until SIGTERM or SIGINT, drains, and returns the exit code (0 after a
// clean stop and after a check that found nothing, 2 for wrong flags, 3 when --check-store found a
// violation, 1 for every refusal to start, which is told in one sentence on standard error). main()
// ends the process with it:
//
//   EndProcess(RunService(argc, argv, CustodyDefinition()));
int RunService(int argc, char** argv, const ServiceDefinition& definition);

}  // namespace comity

#endif  // COMITY_COMMON_SERVER_SERVICE_MAIN_H_
