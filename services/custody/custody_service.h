#ifndef COMITY_CUSTODY_CUSTODY_SERVICE_H_
#define COMITY_CUSTODY_CUSTODY_SERVICE_H_

#include <functional>
#include <memory>
#include <set>
#include <string>

#include "services/common/server/call_environment.h"
#include "services/common/server/guard.h"
#include "services/common/server/service_environment.h"
#include "services/custody/custody.h"

namespace comity::custody {

// Who may call which method of comity.custody.v1.CustodyService.
MethodRules CustodyRules();

// Uses of data keys: see CallEnvironment::Options.
std::set<std::string, std::less<>> CustodyFrequentMethods();

// The calls among which data keys are counted, one by one.
std::set<std::string, std::less<>> CustodyKeyMethods();

// What a caller may take of this custody before his call waits for anything; `site` outlives it.
CallEnvironment::ArrivalCheck CustodyArrivalCheck(const Site* site);

// Sealing, and whether it is sealed: see CallEnvironment::Options.
std::set<std::string, std::less<>> CustodyProtectiveMethods();

// The gRPC adapter. Every method: identify and authorise, decode, domain call, encode. Uses of data
// keys of cached accounts are answered on the calling thread, everything else on the worker pool.
// `environment` and `custody` outlive it.
std::unique_ptr<grpc::Service> MakeCustodyService(ServiceEnvironment* environment,
                                                  Custody* custody);

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_CUSTODY_SERVICE_H_
