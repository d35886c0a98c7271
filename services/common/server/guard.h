#ifndef COMITY_COMMON_SERVER_GUARD_H_
#define COMITY_COMMON_SERVER_GUARD_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <grpcpp/server_context.h>

#include "absl/status/statusor.h"

#include "services/common/clock/clock.h"
#include "services/common/identity/authorization.h"
#include "services/common/ids/ids.h"
#include "services/common/topology/roster.h"
#include "services/common/topology/topology.h"

// The one place where it is decided who may call what (docs/identity.md).
namespace comity {

// Who may call a method; or'ed together.
enum CallerRule : uint32_t {
  kAllowDevice = 1,        // any device; whose account it is, is the service's question
  kAllowOwnStorage = 2,    // storage of this region
  kAllowOwnCustody = 4,    // custody of this region
  kAllowOwnReview = 8,     // review of this region
  kAllowForeignSame = 16,  // this kind of service of another region, over a declared border edge
  kAllowAgent = 32,        // an agent in this region's roster
  kAllowReviewer = 64,     // a reviewer, approver or lawyer in this region's roster
  kAllowOwnOperatorPerson = 128,  // a person in the roster of the operator of this service
  kAllowAnyVerified = 256,        // everybody whose certificate verifies, of any region
};

// Full method name ("/comity.custody.v1.CustodyService/UnwrapDataKey") -> CallerRule bits. A method
// that is not listed is refused to everybody.
using MethodRules = std::map<std::string, uint32_t, std::less<>>;

// Identifies callers and applies the rules. Thread-safe. A certificate is parsed and verified once
// and remembered (bounded, dropped when its dates pass), so that a call on a known connection costs
// one hash and one sharded lookup.
class Guard final {
 public:
  struct Options {
    Topology topology;
    RegionId region;
    ServiceKind kind = ServiceKind::kStorage;
    MethodRules rules;
    std::shared_ptr<const Roster> roster;
    const Clock* clock = nullptr;  // outlives the guard
  };
  explicit Guard(Options options);
  ~Guard();

  // May the peer of `context` call `method`?
  //   CERTIFICATE_INVALID  no certificate, or one that identifies nobody.
  //   CALLER_UNKNOWN       a person who is not in this region's roster with this key and role.
  //   CALLER_NOT_ALLOWED   no rule lets this kind of caller call this method.
  //   BORDER_CLOSED        another region's service, and the topology declares no such edge.
  //   TOPOLOGY_STALE       another region's service with no mark, a lower serial than this service
  //                        or that region had before, or another file of the same serial.
  // `caller` is who it turned out to be, also when it is refused; null if it is nobody.
  absl::StatusOr<Authorization> Admit(const grpc::ServerContextBase& context,
                                      std::string_view method, Authorization::Deadline deadline,
                                      std::shared_ptr<const Caller>& caller) const;
  absl::StatusOr<Authorization> Admit(const grpc::ServerContextBase& context,
                                      std::string_view method) const {
    std::shared_ptr<const Caller> caller;
    return Admit(context, method, Authorization::Deadline::max(), caller);
  }

  // The same decision over what Admit() takes from the context.
  absl::StatusOr<Authorization> AdmitPeer(
      std::string_view certificate_pem, std::string_view method,
      std::optional<std::string_view> topology_mark,
      Authorization::Deadline deadline = Authorization::Deadline::max()) const;

  const MethodRules& rules() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace comity

#endif  // COMITY_COMMON_SERVER_GUARD_H_
