#ifndef COMITY_REVIEW_CASES_H_
#define COMITY_REVIEW_CASES_H_

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"

#include "services/common/identity/authorization.h"
#include "services/review/agenda.h"
#include "services/review/case.h"
#include "services/review/case_store.h"
#include "services/review/event_log.h"
#include "services/review/notices.h"
#include "services/review/site.h"

namespace comity::review {

// Names a mutation, so that its repeat is answered and not done again.
struct MutationKey {
  Digest key;      // of caller, method and request id
  Digest request;  // of the whole request
};
MutationKey MakeMutationKey(const Authorization& caller, const RequestId& id,
                            const Digest& request);

// The only way in which a case changes: leaf first, then notices, then the record, one case at a
// time. A crash in between leaves a leaf that tells of what did not happen; the repeat writes it
// again, and the last leaf of a case counts. Thread-safe. What it is given outlives it.
class Cases final {
 public:
  Cases(const Site* site, CaseStore* store, EventLog* log, Notices* notices, Agenda* agenda)
      : site_(site), store_(store), log_(log), notices_(notices), agenda_(agenda) {}

  // Opens a case: `fresh` is RECEIVED and was not written; `events` follow at once.
  absl::StatusOr<Case> Create(Case fresh, const std::vector<Event>& events);

  // CASE_NOT_FOUND.
  absl::StatusOr<Case> Find(std::string_view case_id);

  // Applies what time has brought, then what `decide` makes of the case: no events change nothing.
  // `decide` may block. CASE_NOT_FOUND, REQUEST_ID_REUSED, LOG_UNAVAILABLE, and what `decide`
  // refuses.
  using Decide = std::function<absl::StatusOr<std::vector<Event>>(const Case&)>;
  absl::StatusOr<Case> Change(std::string_view case_id, const std::optional<MutationKey>& mutation,
                              const Decide& decide);
  // Only what time has brought.
  absl::StatusOr<Case> Settle(std::string_view case_id);

 private:
  absl::Mutex& LockOf(std::string_view case_id);
  // All events in one write.
  absl::StatusOr<StoredCase> Commit(const StoredCase& before, const std::vector<Event>& events,
                                    const std::optional<MutationKey>& mutation);
  absl::StatusOr<StoredCase> SettleStored(StoredCase stored);

  const Site* const site_;
  CaseStore* const store_;
  EventLog* const log_;
  Notices* const notices_;
  Agenda* const agenda_;
  std::array<absl::Mutex, 64> locks_;
};

}  // namespace comity::review

#endif  // COMITY_REVIEW_CASES_H_
