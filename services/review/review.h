#ifndef COMITY_REVIEW_REVIEW_H_
#define COMITY_REVIEW_REVIEW_H_

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "services/review/agenda.h"
#include "services/review/bulk.h"
#include "services/review/case_keys.h"
#include "services/review/cases.h"
#include "services/review/decisions.h"
#include "services/review/execution.h"
#include "services/review/intake.h"
#include "services/review/notices.h"
#include "services/review/objections.h"
#include "services/review/site.h"

namespace comity::review {

// A case as one caller may see it.
struct CaseView {
  Case value;
  bool inside = false;  // by a reviewer or approver, who sees cores and assignee
};

struct CasePage {
  std::vector<Case> cases;
  bool inside = false;      // as in CaseView
  std::string next_cursor;  // empty: the end
};

// The whole domain of one review. Thread-safe.
class Review final {
 public:
  // All of it outlives the review.
  struct Ports {
    CaseStore* cases = nullptr;
    CaseIndex* index = nullptr;
    NoticeStore* notices = nullptr;
    ResultStore* results = nullptr;
    CaseKeys* keys = nullptr;
    EventLog* log = nullptr;
    OwnStorage* storage = nullptr;
    OwnCustody* custody = nullptr;
  };
  Review(Site site, const Ports& ports);

  // Reads from the store what falls due when. Before anything else. STORE_UNAVAILABLE.
  absl::Status Start();
  // Opens the record key if it is not open yet, and does what has fallen due.
  void Tick(const std::function<bool()>& stopping);

  // CASE_NOT_FOUND also for another agent's case.
  absl::StatusOr<CaseView> GetCase(const Authorization& person, std::string_view case_id);
  // Newest first: an agent's own, everybody's for the others. Without `state`: all. A page of large
  // requests ends before `limit`.
  absl::StatusOr<CasePage> ListCases(const Authorization& person, std::optional<CaseState> state,
                                     std::string_view cursor, size_t limit);

  Intake& intake() { return intake_; }
  Decisions& decisions() { return decisions_; }
  Execution& execution() { return execution_; }
  Notices& notices() { return notices_; }
  Objections& objections() { return objections_; }

 private:
  const Site site_;
  const Ports ports_;
  Agenda agenda_;
  Notices notices_;
  Cases cases_;
  Bulk bulk_;
  Intake intake_;
  Decisions decisions_;
  Execution execution_;
  Objections objections_;
};

}  // namespace comity::review

#endif  // COMITY_REVIEW_REVIEW_H_
