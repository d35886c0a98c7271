#ifndef COMITY_TESTS_TESTING_EXCLAVE_WORLD_H_
#define COMITY_TESTS_TESTING_EXCLAVE_WORLD_H_

#include <memory>
#include <string>
#include <vector>

#include "services/storage/storage_node.h"
#include "tests/fakes/fake_blob_store.h"
#include "tests/fakes/fake_event_log.h"
#include "tests/testing/custody.h"

namespace comity {

// One account of the deployment icloud-2017 whose data is in "eu" and whose keys are in "us", with
// the real custodies of both regions and the real storage of "eu" over stores in memory, without
// threads. By default at a time at which the keys may move to where the data is.
class ExclaveWorld final {
 public:
  static constexpr UnixMillis kBegin = 1'488'412'800'000;      // 2017-03-02
  static constexpr UnixMillis kAnnounced = 1'517'443'200'000;  // 2018-02-01
  static constexpr UnixMillis kMoves = 1'527'206'400'000;      // 2018-05-25

  static const TestDeployment& Deployment();

  // Makes the account on kBegin and moves the clock to the given time.
  explicit ExclaveWorld(UnixMillis time = kMoves + kDayMs, std::string_view territory = "DE");
  ~ExclaveWorld();

  UnixMillis now() const { return clock.Now(); }
  Authorization Device() const { return custody::CustodyNode::Device(account.device()); }
  Placement Place() const { return {eu.region(), us.region()}; }

  // As the account's device: a data key; empty when refused.
  std::string Generate(custody::CustodyNode& node);
  // Does the wrap open there?
  bool Opens(custody::CustodyNode& node, const std::string& wrapped);
  absl::StatusOr<std::vector<Statement>> DeliverToCustody(custody::CustodyNode& node,
                                                          const std::vector<Statement>& statements);
  absl::StatusOr<std::vector<Statement>> DeliverToStorage(const std::vector<Statement>& statements);
  // The consent to move the keys to the data, for 90 days, not delivered yet.
  Statement SignConsent();
  // The same, delivered to the custody of the keys and to storage.
  Statement Consent();
  custody::Account AtSource() { return us.LoadAccount(account.id()); }
  custody::Account AtDestination() { return eu.LoadAccount(account.id()); }
  // Of storage.
  storage::SnapshotPtr AtStorage();
  // Storage does what is due about the account.
  absl::Status Attend() { return storage->deliveries().Attend(account.id()); }
  // Storage dies and starts again.
  void RestartStorage();

  ManualClock clock{kBegin};
  DeathPoints deaths;  // of the custodies
  custody::CustodyNetwork network;
  custody::CustodyNode us;
  custody::CustodyNode eu;
  TestAccount account;
  FakeRecordStore records;
  FakeBlobStore blobs;
  storage::FakeEventLog storage_log;
  std::unique_ptr<storage::StorageNode> storage;

 private:
  class OwnCustody;
  void OpenAtStorage(const Statement& record, const Statement& activation);

  std::unique_ptr<ServiceSigner> storage_signer_;
  std::unique_ptr<OwnCustody> own_custody_;
};

}  // namespace comity

#endif  // COMITY_TESTS_TESTING_EXCLAVE_WORLD_H_
