#ifndef COMITY_TESTS_TESTING_REVIEW_WORLD_H_
#define COMITY_TESTS_TESTING_REVIEW_WORLD_H_

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "services/common/identity/service_signer.h"
#include "services/common/log/transparency_log.h"
#include "services/common/statement/leaf.h"
#include "services/review/review.h"
#include "services/review/stored_case_files.h"
#include "services/review/stored_case_index.h"
#include "services/review/stored_case_store.h"
#include "tests/fakes/fake_blob_store.h"
#include "tests/fakes/fake_record_store.h"
#include "tests/fakes/fake_review_peers.h"
#include "tests/fakes/manual_clock.h"
#include "tests/testing/deployment.h"

namespace comity {

// Review's log with a memory and a switch.
class RecordedEventLog final : public review::EventLog {
 public:
  // `log` and `leaves` outlive it.
  RecordedEventLog(TransparencyLog* log, std::vector<std::string>* leaves)
      : log_(log), leaves_(*leaves) {}
  absl::StatusOr<std::vector<review::LoggedLeaf>> Append(
      const std::vector<std::string>& leaves) override;

  void SetUnavailable(bool unavailable) { unavailable_ = unavailable; }
  // Runs when the leaves are durable, before anything is done on their strength.
  void SetHook(std::function<void()> hook) { hook_ = std::move(hook); }
  std::vector<Leaf> leaves() const;
  const std::vector<std::string>& encoded() const { return leaves_; }

 private:
  review::TransparencyEventLog log_;
  bool unavailable_ = false;
  std::function<void()> hook_;
  std::vector<std::string>& leaves_;
};

// The review of "cn" of a deployment in memory, without a server: true stores over fakes, true log,
// fake storage and custody. Fields may be used between calls. Not thread-safe but for review().
class ReviewWorld final {
 public:
  explicit ReviewWorld(const TestDeployment& deployment);
  // As after a restart: everything that was only in memory is gone. With other stores than this
  // world's own, which stand before them and outlive the next restart.
  void Restart(RecordStore* records_before = nullptr, BlobStore* blobs_before = nullptr);
  // Uses another roster from the next Restart() on.
  void SetRoster(Roster roster) { roster_ = std::move(roster); }

  review::Review& review() { return *review_; }
  review::Site site() const;
  RecordedEventLog& log() { return *log_; }
  UnixMillis Now() const { return clock.Now(); }
  void Tick() {
    review_->Tick([] { return false; });
  }
  // Moves the clock, then ticks.
  void Advance(int64_t milliseconds);

  // An account that is held here, with `objects` stored a day ago.
  TestAccount NewAccount(size_t objects);

  // A good request for content and names of these accounts, with its own instrument and docket.
  LegalRequest Draft(const std::vector<const TestAccount*>& accounts);
  Statement Sign(const LegalRequest& request, std::string_view person = "agent-lin");
  absl::StatusOr<review::Case> Submit(const LegalRequest& request,
                                      std::string_view person = "agent-lin");

  absl::StatusOr<review::Case> Show(const std::string& id, std::string_view person = "agent-lin");
  absl::StatusOr<review::Case> Decide(const std::string& id,
                                      std::variant<review::AcceptDecision, review::ClarifyDecision,
                                                   review::HoldDecision, review::RejectDecision>
                                          decision = review::AcceptDecision{},
                                      std::string_view person = "reviewer-chen");
  absl::StatusOr<review::Case> Approve(const std::string& id, std::string_view person,
                                       bool approve = true);
  absl::StatusOr<review::Case> Answer(const std::string& id, const std::string& text,
                                      std::string_view person = "agent-lin");
  absl::StatusOr<review::Case> Withdraw(const std::string& id,
                                        std::string_view person = "agent-lin");
  absl::StatusOr<review::Case> Execute(const std::string& id,
                                       std::string_view person = "agent-lin");
  absl::StatusOr<std::vector<Notice>> Notices(const TestAccount& account);
  absl::Status Object(TestAccount& account, const std::string& id);

  // From a fresh request to where it is authorised, by approver-wang and approver-moore.
  absl::StatusOr<review::Case> Authorise(const LegalRequest& request);

  Authorization As(std::string_view person) const;
  // The command that the person would send now.
  review::DecideCommand DecideCommandFor(const review::Case& c, std::string_view person) const;
  review::ApproveCommand ApproveCommandFor(const review::Case& c, std::string_view person,
                                           const PrivateKey* key = nullptr) const;
  review::AnswerCommand AnswerCommandFor(const std::string& id, bool withdraw,
                                         const std::string& text, std::string_view person) const;
  Envelope EnvelopeFor(std::string subject) const;

  const TestDeployment& deployment;
  ManualClock clock;
  FakeRecordStore records;
  FakeBlobStore blobs;
  FakeOwnStorage storage;
  FakeOwnCustody custody;

 private:
  Roster roster_;
  std::unique_ptr<ServiceSigner> signer_;
  std::unique_ptr<TransparencyLog> transparency_log_;
  std::vector<std::string> leaves_;  // also those of before a restart
  std::unique_ptr<RecordedEventLog> log_;
  std::unique_ptr<review::StoredWrappedKeyStore> wrapped_;
  std::unique_ptr<review::CaseKeys> keys_;
  std::unique_ptr<review::StoredCaseStore> cases_;
  std::unique_ptr<review::StoredCaseIndex> index_;
  std::unique_ptr<review::StoredNoticeStore> notices_;
  std::unique_ptr<review::StoredResultStore> results_;
  std::unique_ptr<review::Review> review_;
  int drafts_ = 0;
};

}  // namespace comity

#endif  // COMITY_TESTS_TESTING_REVIEW_WORLD_H_
