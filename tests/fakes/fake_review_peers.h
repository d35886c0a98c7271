#ifndef COMITY_TESTS_FAKES_FAKE_REVIEW_PEERS_H_
#define COMITY_TESTS_FAKES_FAKE_REVIEW_PEERS_H_

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

#include "services/common/status/reason.h"
#include "services/review/own_custody.h"
#include "services/review/own_storage.h"
#include "tests/testing/account.h"
#include "tests/testing/deployment.h"

namespace comity {

// Storage and custody of one region, as its review meets them. They verify every authorisation as
// the true ones do, and answer a repeat with what they answered first. Thread-safe; `deployment`
// and `clock` outlive them.
class FakeOwnStorage final : public review::OwnStorage {
 public:
  FakeOwnStorage(const TestDeployment* deployment, const Clock* clock, std::string region)
      : deployment_(deployment), clock_(clock), region_(std::move(region)) {}

  void AddAccount(const TestAccount& account);
  // The account has moved away.
  void RemoveAccount(const AccountId& account);
  // An object version stored at `time`.
  ContentId AddObject(const AccountId& account, UnixMillis time);
  void RemoveObject(const AccountId& account, const ContentId& content);
  // Every call is refused so until told otherwise (kUnspecified).
  void RefuseAll(Reason reason);
  // Runs in each Execute() before anything is done.
  void SetHook(std::function<void()> hook);
  size_t scopes_asked() const;
  size_t executed() const;

  static std::string CiphertextOf(const ContentId& content);

  absl::StatusOr<review::AccountScope> GetScope(std::string_view case_id, const AccountId& account,
                                                UnixMillis begin, UnixMillis end) override;
  absl::StatusOr<review::StorageAnswer> Execute(const Authorisation& authorisation) override;
  absl::Status ReadContent(const Digest& authorisation, const AccountId& account,
                           const ContentId& content,
                           const std::function<absl::Status(std::string)>& take) override;

 private:
  struct Account {
    std::vector<Statement> chain;
    std::vector<ObjectRecord> objects;  // in order of time
  };
  absl::Status CheckAvailable() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const TestDeployment* const deployment_;
  const Clock* const clock_;
  const std::string region_;
  mutable absl::Mutex mutex_;
  std::map<AccountId, Account> accounts_ ABSL_GUARDED_BY(mutex_);
  std::map<Digest, review::StorageAnswer> answers_ ABSL_GUARDED_BY(mutex_);
  Reason refusal_ ABSL_GUARDED_BY(mutex_) = Reason::kUnspecified;
  std::function<void()> hook_ ABSL_GUARDED_BY(mutex_);
  size_t scopes_asked_ ABSL_GUARDED_BY(mutex_) = 0;
};

class FakeOwnCustody final : public review::OwnCustody {
 public:
  FakeOwnCustody(const TestDeployment* deployment, const Clock* clock, std::string region)
      : deployment_(deployment), clock_(clock), region_(std::move(region)) {}

  void RefuseAll(Reason reason);
  size_t executed() const;
  // The wraps that came with the newest authorisation.
  std::vector<review::AuthorisedWrap> newest_wraps() const;

  absl::StatusOr<review::OpenedRecordKey> OpenRecordKey(const std::string& wrapped) override;
  absl::StatusOr<review::CustodyAnswer> Execute(
      const Authorisation& authorisation,
      const std::vector<review::AuthorisedWrap>& wraps) override;

 private:
  absl::Status CheckAvailable() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const TestDeployment* const deployment_;
  const Clock* const clock_;
  const std::string region_;
  mutable absl::Mutex mutex_;
  std::map<std::string, std::string> record_keys_ ABSL_GUARDED_BY(mutex_);
  std::map<Digest, review::CustodyAnswer> answers_ ABSL_GUARDED_BY(mutex_);
  std::vector<review::AuthorisedWrap> newest_wraps_ ABSL_GUARDED_BY(mutex_);
  Reason refusal_ ABSL_GUARDED_BY(mutex_) = Reason::kUnspecified;
};

}  // namespace comity

#endif  // COMITY_TESTS_FAKES_FAKE_REVIEW_PEERS_H_
