#include "services/common/server/guard.h"

#include <atomic>
#include <functional>
#include <utility>

#include <grpc/grpc_security_constants.h>

#include "absl/container/flat_hash_map.h"

#include "services/common/identity/caller_cache.h"
#include "services/common/server/topology_mark.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity {
namespace {

uint32_t OwnServiceRule(ServiceKind kind) {
  switch (kind) {
    case ServiceKind::kStorage:
      return kAllowOwnStorage;
    case ServiceKind::kCustody:
      return kAllowOwnCustody;
    case ServiceKind::kReview:
      return kAllowOwnReview;
  }
  return 0;
}

absl::Status NotAllowed() {
  return Refuse(Reason::kCallerNotAllowed, "no rule lets this kind of caller call this method");
}

std::optional<std::string_view> TopologyMarkOf(const grpc::ServerContextBase& context) {
  const auto [begin, end] = context.client_metadata().equal_range(kTopologyMetadata);
  if (begin == end || std::next(begin) != end) {
    return std::nullopt;
  }
  return std::string_view(begin->second.data(), begin->second.size());
}

}  // namespace

struct Guard::Impl {
  explicit Impl(Options o)
      : options(std::move(o)),
        callers(options.topology),
        own_mark(MarkOf(options.topology)),
        own_operator(
            options.topology.FindRegion(options.region)->service(options.kind).operator_name) {
    for (const auto& [region, info] : options.topology.regions()) {
      serials[region].store(options.topology.serial());
    }
  }

  // The mark is asked for only where it counts: the metadata of a call are costly to look at.
  using MarkSource = std::function<std::optional<std::string_view>()>;

  absl::StatusOr<Authorization> Admit(std::string_view certificate_pem, std::string_view method,
                                      const MarkSource& topology_mark,
                                      Authorization::Deadline deadline,
                                      std::shared_ptr<const Caller>& caller);

  absl::Status CheckRule(const Caller& caller, uint32_t rule, const MarkSource& topology_mark) {
    if ((rule & kAllowAnyVerified) != 0) {
      return absl::OkStatus();
    }
    switch (caller.kind) {
      case Caller::Kind::kDevice:
        return (rule & kAllowDevice) != 0 ? absl::OkStatus() : NotAllowed();
      case Caller::Kind::kService:
        if (caller.region == options.region) {
          return (rule & OwnServiceRule(caller.service)) != 0 ? absl::OkStatus() : NotAllowed();
        }
        return CheckForeignService(caller, rule, topology_mark);
      case Caller::Kind::kAgent:
        return CheckPerson(caller, rule, kAllowAgent);
      case Caller::Kind::kReviewer:
        return CheckPerson(caller, rule, kAllowReviewer);
      case Caller::Kind::kOperatorPerson:
        return CheckPerson(caller, rule, kAllowOwnOperatorPerson);
    }
    return NotAllowed();
  }

  absl::Status CheckForeignService(const Caller& caller, uint32_t rule,
                                   const MarkSource& topology_mark) {
    if ((rule & kAllowForeignSame) == 0 || caller.service != options.kind) {
      return NotAllowed();
    }
    if (!options.topology.BorderAllows(caller.region, options.region, options.kind)) {
      return Refuse(Reason::kBorderClosed, "no edge from region " + caller.region.name());
    }
    return CheckMark(caller.region, topology_mark());
  }

  // Each region is held to the highest serial that it has shown itself: one that claims a serial of
  // the far future shuts out nobody else.
  absl::Status CheckMark(const RegionId& region, std::optional<std::string_view> topology_mark) {
    const std::optional<TopologyMark> mark =
        topology_mark.has_value() ? ParseTopologyMark(*topology_mark) : std::nullopt;
    if (!mark.has_value()) {
      return Refuse(Reason::kTopologyStale, "the call does not say which topology it follows");
    }
    if (mark->serial == own_mark.serial && mark->digest_hex != own_mark.digest_hex) {
      return Refuse(Reason::kTopologyStale, "another topology of the same serial");
    }
    std::atomic<uint64_t>& highest = serials.at(region);
    uint64_t seen = highest.load();
    while (mark->serial > seen && !highest.compare_exchange_weak(seen, mark->serial)) {
    }
    if (mark->serial < seen) {
      return Refuse(Reason::kTopologyStale, "a lower serial than one seen before");
    }
    return absl::OkStatus();
  }

  absl::Status CheckPerson(const Caller& caller, uint32_t rule, CallerRule needed) {
    if ((rule & needed) == 0 || caller.region != options.region) {
      return NotAllowed();
    }
    if (needed == kAllowOwnOperatorPerson && caller.operator_name != own_operator) {
      return Refuse(Reason::kCallerNotAllowed, "a person of another operator");
    }
    const Roster* roster = options.roster.get();
    if (roster == nullptr || options.clock->Now() < roster->effective_time()) {
      return Refuse(Reason::kCallerUnknown, "no roster is in force");
    }
    const RosterPerson* person = roster->FindByKey(caller.key.id());
    if (person == nullptr || person->name != caller.name || !HasNeededRole(*person, caller)) {
      return Refuse(Reason::kCallerUnknown, "not in the roster with this key, name and role");
    }
    return absl::OkStatus();
  }

  static bool HasNeededRole(const RosterPerson& person, const Caller& caller) {
    switch (caller.kind) {
      case Caller::Kind::kAgent:
        return HasRole(person, PersonRole::kAgent) && person.organisation == caller.authority;
      case Caller::Kind::kReviewer:
        return HasRole(person, PersonRole::kReviewer) || HasRole(person, PersonRole::kApprover) ||
               HasRole(person, PersonRole::kLawyer);
      case Caller::Kind::kOperatorPerson:
        return HasRole(person, PersonRole::kOperatorPerson) &&
               person.organisation == caller.operator_name;
      case Caller::Kind::kDevice:
      case Caller::Kind::kService:
        return false;
    }
    return false;
  }

  const Options options;
  const absl::flat_hash_map<std::string_view, uint32_t> rules{options.rules.begin(),
                                                              options.rules.end()};
  CallerCache callers;
  const TopologyMark own_mark;
  const std::string own_operator;
  std::map<RegionId, std::atomic<uint64_t>> serials;  // keys never change
};

Guard::Guard(Options options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Guard::~Guard() = default;

const MethodRules& Guard::rules() const { return impl_->options.rules; }

absl::StatusOr<Authorization> Guard::Admit(const grpc::ServerContextBase& context,
                                           std::string_view method,
                                           Authorization::Deadline deadline,
                                           std::shared_ptr<const Caller>& caller) const {
  // Not IsPeerAuthenticated(): where clients are asked for a certificate that TLS does not judge,
  // it is true for everybody.
  const std::shared_ptr<const grpc::AuthContext> peer = context.auth_context();
  const std::vector<grpc::string_ref> certificates =
      peer == nullptr ? std::vector<grpc::string_ref>()
                      : peer->FindPropertyValues(GRPC_X509_PEM_CERT_PROPERTY_NAME);
  const std::string_view pem =
      certificates.size() == 1
          ? std::string_view(certificates.front().data(), certificates.front().size())
          : std::string_view();
  return impl_->Admit(
      pem, method, [&context] { return TopologyMarkOf(context); }, deadline, caller);
}

absl::StatusOr<Authorization> Guard::AdmitPeer(std::string_view certificate_pem,
                                               std::string_view method,
                                               std::optional<std::string_view> topology_mark,
                                               Authorization::Deadline deadline) const {
  std::shared_ptr<const Caller> caller;
  return impl_->Admit(
      certificate_pem, method, [topology_mark] { return topology_mark; }, deadline, caller);
}

absl::StatusOr<Authorization> Guard::Impl::Admit(std::string_view certificate_pem,
                                                 std::string_view method,
                                                 const MarkSource& topology_mark,
                                                 Authorization::Deadline deadline,
                                                 std::shared_ptr<const Caller>& caller) {
  if (certificate_pem.empty()) {
    return Refuse(Reason::kCertificateInvalid, "no certificate was presented");
  }
  ASSIGN_OR_RETURN(caller, callers.Identify(certificate_pem, options.clock->Now()));
  const auto rule = rules.find(method);
  if (rule == rules.end()) {
    return Refuse(Reason::kCallerNotAllowed, "the method has no rule");
  }
  RETURN_IF_ERROR(CheckRule(*caller, rule->second, topology_mark));
  return Authorization(caller, rule->first, deadline);
}

}  // namespace comity
