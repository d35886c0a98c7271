#ifndef COMITY_TESTS_TESTING_CUSTODY_H_
#define COMITY_TESTS_TESTING_CUSTODY_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "services/common/identity/authorization.h"
#include "services/custody/custody.h"
#include "services/custody/stored_account_store.h"
#include "tests/fakes/fake_leaf_log.h"
#include "tests/fakes/fake_record_store.h"
#include "tests/fakes/manual_clock.h"
#include "tests/fakes/mortal_process.h"
#include "tests/testing/account.h"
#include "tests/testing/deployment.h"

// Custodies for tests: the real domain over stores in memory, several in one process, with a
// network between them that loses and repeats, and processes that can be killed at every step.
namespace comity::custody {

// Built once: keys and certificates take a while.
const TestDeployment& SharedDeployment();

// What happens to one call between two custodies.
enum class CallFate { kFine, kLoseRequest, kLoseAnswer, kTwice };

class CustodyNode;

// Carries calls between nodes of one deployment.
class CustodyNetwork final {
 public:
  void Add(CustodyNode* node);
  CustodyNode* Find(const RegionId& region) const;
  // Decides what happens to each call; kFine without.
  std::function<CallFate()> fate;

 private:
  std::map<RegionId, CustodyNode*> nodes_;
};

// One custody of a deployment. What is on its disk and in its log lives as long as the node; what
// is in its memory, until Start() is called again.
class CustodyNode final {
 public:
  CustodyNode(const TestDeployment& deployment, std::string_view region, const Clock* clock,
              CustodyNetwork* network, DeathPoints* deaths = nullptr);
  ~CustodyNode();
  void Start();
  absl::Status TryStart();
  // Starts again, from now on within these limits, which outlive it.
  void UseLimits(RateLimits* limits);
  // Starts again, from now on with this backup, which outlives it.
  absl::Status UseBackup(RootBackup* backup);
  // Starts again, from now on under the seals that this makes, with this lease.
  void UseSeal(std::function<std::unique_ptr<Seal>()> make_seal, int64_t lease_ms = 0);

  Custody& custody() { return *custody_; }
  Site site() const;
  const RegionId& region() const { return region_; }
  FakeRecordStore& records() { return records_; }
  FakeLeafLog& log() { return log_; }
  StoredAccountStore& store() { return store_; }
  MortalProcess& process() { return process_; }

  // Callers, as this node's guard would let them in.
  Authorization Storage() const;
  Authorization Review() const;
  Authorization ForeignCustody(const RegionId& region) const;
  static Authorization Device(const TestDevice& device);

  void Tick();
  Account LoadAccount(const AccountId& id);

 private:
  class MortalStore;
  class MortalLog;
  class MortalPeers;

  const TestDeployment& deployment_;
  const RegionId region_;
  const Clock* const clock_;
  MortalProcess process_;
  FakeRecordStore records_;
  FakeLeafLog log_;
  StoredAccountStore store_;
  std::unique_ptr<MortalStore> mortal_store_;
  std::unique_ptr<MortalLog> mortal_log_;
  std::unique_ptr<MortalPeers> peers_;
  std::unique_ptr<ServiceSigner> signer_;
  std::function<std::unique_ptr<Seal>()> make_seal_;
  int64_t seal_lease_ms_ = 0;
  RateLimits* limits_ = nullptr;
  RootBackup* backup_ = nullptr;
  std::unique_ptr<Seal> seal_;
  std::unique_ptr<Custody> custody_;
};

// What the two storages of a move from "us" to "cn" sign, with endorsements: everything but the
// consent.
struct MoveEvidence {
  Statement fence;
  Statement source_manifest;
  Statement destination_manifest;
  Statement source_endorsement;
  Statement destination_endorsement;
  std::vector<Statement> All() const {
    return {fence, source_manifest, destination_manifest, source_endorsement,
            destination_endorsement};
  }
};
MoveEvidence SignMoveEvidence(const TestDeployment& deployment, const AccountId& account,
                              AccountEpoch epoch, const Digest& consent, UnixMillis time,
                              std::string_view root = "root");

// Signs as a service of the deployment.
template <typename Body>
Statement SignAs(const TestDeployment& deployment, std::string_view region, ServiceKind kind,
                 const AccountId& account, const Body& body, UnixMillis time,
                 UnixMillis expiry = 0) {
  Envelope envelope;
  envelope.deployment = deployment.topology().deployment();
  envelope.region = region;
  envelope.subject = std::string(account.bytes());
  envelope.number = static_cast<uint64_t>(time);
  envelope.time = time;
  envelope.expiry = expiry;
  return SignStatement(envelope, body, deployment.service(region, kind).statement_key);
}

// The first statement of this type, if there is one.
template <typename Body>
std::optional<Parsed<Body>> FindBody(const std::vector<Statement>& statements,
                                     std::string_view region = "") {
  for (const Statement& statement : statements) {
    absl::StatusOr<Parsed<Body>> parsed = ParseStatement<Body>(statement);
    if (parsed.ok() && (region.empty() || parsed->envelope.region == region)) {
      return *std::move(parsed);
    }
  }
  return std::nullopt;
}
const Statement* FindType(const std::vector<Statement>& statements, std::string_view type,
                          std::string_view region = "");

// A deployment of two custodies, "us" and "cn", by default at a time at which accounts of mainland
// China may move, and one such account that was made before the announcement.
class CustodyWorld {
  const TestDeployment& deployment_ = SharedDeployment();

 public:
  explicit CustodyWorld(UnixMillis time = TestDeployment::kHandover + kDayMs);

  const TestDeployment& deployment() const { return deployment_; }
  const Topology& topology() const { return deployment_.topology(); }
  UnixMillis now() const { return clock.Now(); }

  // Makes the account at "us" and moves the clock to the given time.
  void CreateAccountAt(CustodyNode& node, TestAccount& owner, std::string_view territory = "CN");
  // As the account's device: a data key under a fixed context; empty when refused.
  std::string Generate(CustodyNode& node, TestAccount& owner);
  // Does the wrap open there, with the plaintext that it had?
  bool Opens(CustodyNode& node, TestAccount& owner, const std::string& wrapped);
  absl::StatusOr<std::vector<Statement>> DeliverAsStorage(CustodyNode& node,
                                                          const std::vector<Statement>& statements);
  absl::StatusOr<std::vector<Statement>> DeliverAsDevice(CustodyNode& node,
                                                         const std::vector<Statement>& statements);
  Statement SignConsent();
  // The whole move of the account from "us" to "cn", with its consent. CHECK: it was possible.
  void MoveAccount();

  static KeyContext Context(std::string_view object = "object");

  ManualClock clock{TestDeployment::kStart};
  DeathPoints deaths;
  CustodyNetwork network;
  CustodyNode us;
  CustodyNode cn;
  TestAccount account;

 private:
  std::map<std::string, std::string> plaintexts_;  // by wrap
};

}  // namespace comity::custody

#endif  // COMITY_TESTS_TESTING_CUSTODY_H_
