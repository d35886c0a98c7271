#ifndef COMITY_TESTS_FAKES_FAKE_MOVE_CUSTODY_H_
#define COMITY_TESTS_FAKES_FAKE_MOVE_CUSTODY_H_

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

#include "services/common/statement/custody.h"
#include "services/storage/own_custody.h"
#include "tests/testing/deployment.h"

namespace comity::storage {

// What storage sees of the custodies of a move from `us` to `cn`: real statements, signed with the
// deployment's keys, but no keys behind them. It decides once for each epoch, as the real one does:
// RELEASED on two equal manifests, ABORTED on a withdrawal, or 30 s after it learned of the fence.
// Thread-safe.
class FakeMoveCustody final : public OwnCustody {
 public:
  enum class Mood {
    kDecides,
    kWaits,         // answers without deciding until its time is over
    kReleasesOnly,  // the destination cannot be reached: no activation
    kRefusesDestination,
  };

  // Both outlive it.
  FakeMoveCustody(const TestDeployment* deployment, const Clock* clock)
      : deployment_(deployment), clock_(clock) {}

  void SetMood(Mood mood);
  void SetUnavailable(bool unavailable);

  absl::StatusOr<std::vector<Statement>> Deliver(const AccountId& account,
                                                 const std::vector<Statement>& statements) override;

  // What a new account needs.
  Statement Activate(const AccountId& account, const ChainHead& head,
                     const std::string& metadata_key);
  // Signs as custody of a region, with its endorsement left to the caller.
  template <typename Body>
  Statement Sign(std::string_view region, const AccountId& account, const Body& body) {
    absl::MutexLock lock(&mutex_);
    return SignLocked(region, account, body);
  }
  const Statement& endorsement(std::string_view region) const {
    return deployment_->service(region, ServiceKind::kCustody).endorsement;
  }
  // The decision statements of an epoch, as a carrier would have them.
  std::vector<Statement> Decision(const AccountId& account, AccountEpoch epoch);
  bool Released(const AccountId& account, AccountEpoch epoch);

 private:
  struct Account {
    std::optional<DataFence> fence;
    UnixMillis fenced_at = 0;
    bool source_manifest = false;
    bool destination_manifest = false;
    uint64_t consent_number = 0;
    uint64_t withdrawn_number = 0;
    std::map<AccountEpoch, std::vector<Statement>> decisions;
    std::map<AccountEpoch, bool> released;
    std::optional<Statement> closing;
    UnixMillis destroy_time = 0;
    std::optional<Statement> destruction;
    bool read_back = false;
  };

  template <typename Body>
  Statement SignLocked(std::string_view region, const AccountId& account, const Body& body)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    Envelope envelope;
    envelope.deployment = deployment_->topology().deployment();
    envelope.region = std::string(region);
    envelope.subject = std::string(account.bytes());
    envelope.number = ++number_;
    envelope.time = clock_->Now();
    return SignStatement(envelope, body,
                         deployment_->service(region, ServiceKind::kCustody).statement_key);
  }
  absl::Status Take(Account& state, const AccountId& account, const Statement& statement)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Decide(Account& state, const AccountId& account) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Finish(Account& state, const AccountId& account) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const TestDeployment* const deployment_;
  const Clock* const clock_;
  absl::Mutex mutex_;
  Mood mood_ ABSL_GUARDED_BY(mutex_) = Mood::kDecides;
  bool unavailable_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t number_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<AccountId, Account> accounts_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace comity::storage

#endif  // COMITY_TESTS_FAKES_FAKE_MOVE_CUSTODY_H_
