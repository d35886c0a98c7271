#ifndef COMITY_CLIENT_AUDIT_AUDIT_H_
#define COMITY_CLIENT_AUDIT_AUDIT_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "absl/status/status.h"

#include "client/session/session.h"
#include "services/common/clock/clock.h"
#include "services/common/ids/ids.h"
#include "services/common/status/reason.h"

// The audit records of a custody, as an operator person of that custody reads them.
namespace comity {

struct AuditQuery {
  enum class Kind : uint8_t { kAll, kRefused, kLegal };
  UnixMillis since = 0;  // 0: from the oldest that is kept
  UnixMillis until = 0;  // exclusive; 0: no end
  std::optional<AccountId> account;
  std::string method;  // "UnwrapDataKey"; empty: all
  Kind kind = Kind::kAll;
};

struct AuditRecordView {
  enum class Event : uint8_t { kCall, kStart, kStop };
  uint64_t number = 0;  // from 1, without a gap
  UnixMillis time = 0;
  Event event = Event::kCall;
  // The rest is about calls.
  std::string method;
  std::string caller;  // "device", "us/operator/acme/person/evans"; empty: not identified
  std::optional<SigningKeyId> caller_key;
  std::optional<AccountId> account;
  std::string use;  // "access", "export", "verify", "rewrap", "grant"; empty: uses no key
  uint32_t items = 0;
  std::optional<Digest> items_digest;   // over content ids and purposes
  std::optional<Digest> authorisation;  // of a legal use
  // That the caller named, of the account's owner.
  std::optional<GrantId> grant = std::nullopt;
  Reason outcome = Reason::kUnspecified;  // of success
  uint32_t calls = 1;                     // how many alike it stands for
};

// In the order of their numbers, a page at a time, until `visit` says false. `place` is where to
// begin (empty: at the beginning) and afterwards where to go on later with what has come since.
// DATA_CORRUPT when one is missing or was altered; CALLER_NOT_ALLOWED, CALLER_UNKNOWN for who is no
// operator person.
absl::Status ListAuditRecords(Session& session, const RegionId& region, const AuditQuery& query,
                              std::string& place,
                              const std::function<bool(const AuditRecordView&)>& visit);

}  // namespace comity

#endif  // COMITY_CLIENT_AUDIT_AUDIT_H_
