#ifndef COMITY_TESTS_SIM_WORLD_H_
#define COMITY_TESTS_SIM_WORLD_H_

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "services/custody/custody.h"
#include "services/custody/stored_account_store.h"
#include "services/storage/storage_node.h"
#include "services/storage/stored_object_store.h"
#include "tests/fakes/fake_blob_store.h"
#include "tests/fakes/fake_record_store.h"
#include "tests/fakes/manual_clock.h"
#include "tests/sim/kernel.h"
#include "tests/sim/ports.h"
#include "tests/sim/tokens.h"
#include "tests/testing/deployment.h"

namespace comity::sim {

// What may happen besides the move itself.
struct Scenario {
  Kernel::Limits limits;
  int accounts = 1;
  int objects = 1;  // of each account
  bool consents = true;
  bool withdraws = false;
  bool puts = false;       // the device stores one more object, whenever
  bool reads_back = true;  // the device looks where it is served and says so
  int jumps = 0;           // how often 31 s pass at once
  int attempts = 1;        // moves that are tried one after the other
  Plant plant = Plant::kNone;
};

// Two regions, the accounts of one, and everything that can happen to their moves: the product's
// own code for storage and custody over stores in memory, on a clock that stands still unless it is
// moved. Not thread-safe.
class World final {
 public:
  // `deployment` outlives it.
  World(const TestDeployment& deployment, const Scenario& scenario);
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  struct Choice {
    std::string text;
    bool trouble = false;  // nothing that has to happen for the move to get on
    std::function<void()> apply;
    // The state after it, where that is known without trying.
    std::function<std::optional<uint64_t>()> leads_to = [] { return std::nullopt; };
  };
  // Everything that can happen next. What gets on by itself comes first.
  std::vector<Choice> Choices();

  // The state as a number: equal states give equal numbers, whatever way led there.
  uint64_t Look();
  // The same, of what would outlive the death of everybody.
  uint64_t LookAtDisks() { return LookAtDisks(true); }
  bool Quiet() const { return kernel_.Quiet(); }

  // What is wrong now; nothing when every invariant holds.
  std::optional<std::string> FindBreach();
  // Lets everybody go on without trouble until nothing changes any more, and says what is wrong
  // then: every move ends in MOVED or STAYS. `passed` is told of every quiet state on the way.
  std::optional<std::string> FindBadEnd(const std::function<void(uint64_t)>& passed);
  // The same, after what is under way has come to rest.
  std::optional<std::string> FindRestedEnd();

 private:
  struct StorageSide {
    RegionId region;
    FakeRecordStore disk;
    FakeBlobStore blob_disk;
    storage::StoredObjectStore objects{&disk};
    std::unique_ptr<SimRecordStore> records;
    std::unique_ptr<SimBlobStore> blobs;
    std::unique_ptr<SimEventLog> log;
    std::unique_ptr<ServiceSigner> signer;
    std::unique_ptr<storage::PeerStorage> peer;
    std::unique_ptr<storage::OwnCustody> own_custody;
    storage::StorageNode* node = nullptr;
    explicit StorageSide(const Clock* clock) : disk(clock), blob_disk(clock) {}
  };
  struct CustodySide {
    RegionId region;
    FakeRecordStore disk;
    custody::StoredAccountStore direct{&disk};
    std::unique_ptr<SimRecordStore> records;
    std::unique_ptr<custody::StoredAccountStore> store;
    std::unique_ptr<SimLeafLog> log;
    std::unique_ptr<ServiceSigner> signer;
    std::unique_ptr<custody::PeerCustody> peers;
    custody::Custody* custody = nullptr;
    // Accounts as of a number of commits: to read one takes the verification of its device chain.
    struct Read {
      uint64_t at = 0;
      custody::Account account;
    };
    std::map<AccountId, Read> read;
    explicit CustodySide(const Clock* clock) : disk(clock) {}
  };
  struct Object {
    ObjectId id;
    std::string bytes;
  };
  struct Owner {
    std::unique_ptr<TestAccount> account;
    std::optional<custody::WrappedKey> wrap;
    std::string plain;
    std::vector<Object> stored;  // acknowledged
    Object extra;
    bool put = false;
    std::optional<Statement> withdrawal;
    bool withdrawn_at_storage = false;
    bool withdrawn_at_custody = false;
    bool too_late = false;  // and the release was there already
    bool read_back = false;
    int attempts = 0;
  };

  void MakeStorage(Machine machine);
  void MakeCustody(Machine machine);
  void Restart(Machine machine);
  void StartNode(StorageSide& side);
  void StartCustody(CustodySide& side);
  void MakeOwner(int index);

  StorageSide& StorageOf(Machine machine) { return machine == Machine::kUsStorage ? us_ : cn_; }
  CustodySide& CustodyOf(Machine machine) {
    return machine == Machine::kUsCustody ? us_keys_ : cn_keys_;
  }
  custody::Site SiteOf(const CustodySide& side) const;
  storage::SnapshotPtr Load(StorageSide& side, const Owner& owner);
  const custody::Account& Load(CustodySide& side, const Owner& owner);
  static Authorization DeviceOf(const Owner& owner);

  std::optional<uint64_t> StateAfter(const Kernel::Choice& choice);
  // Things that begin by themselves.
  void AddRoots(std::vector<Choice>& choices);
  void AddRootsOf(size_t index, std::vector<Choice>& choices);
  void AddRoot(Machine machine, Work work, bool trouble, std::function<void()> body,
               std::vector<Choice>& choices);
  void Put(Owner& owner);
  void Withdraw(Owner& owner, Machine machine);
  void ReadBackThere(Owner& owner);
  void Enrol(Owner& owner);
  std::optional<Digest> ReleasedRoot(const Owner& owner);

  // Parts of FindBreach and FindBadEnd.
  bool Serves(StorageSide& side, const Owner& owner, storage::Access access);
  bool Opens(CustodySide& side, const Owner& owner);
  std::optional<std::string> FindUnreadable(StorageSide& side, const Owner& owner);
  std::optional<std::string> FindBreachOf(const Owner& owner);
  std::optional<std::string> FindBadEndOf(const Owner& owner);
  bool RunAlone();

  const Tokens& TokensOf(Machine machine);
  uint64_t Look(Machine machine);
  // With or without the transport keys in the memory of the destination's custody.
  uint64_t LookAtDisks(bool with_keys);
  uint64_t HashKeys(Namer& namer);

  const TestDeployment& deployment_;
  Scenario scenario_;
  ManualClock clock_{TestDeployment::kStart};
  Kernel kernel_;
  Reader reader_;
  StorageSide us_{&clock_};
  StorageSide cn_{&clock_};
  CustodySide us_keys_{&clock_};
  CustodySide cn_keys_{&clock_};
  std::vector<Owner> owners_;
  int jumps_left_ = 0;
  bool ending_ = false;
  // Transport keys that this life of the destination's custody has offered, until when.
  std::map<Digest, UnixMillis> offered_;

  struct Cached {
    uint64_t at = ~uint64_t{0};
    Tokens tokens;
  };
  std::array<Cached, kMachines> cached_;
  // Killed processes: their locks may be held for ever, so they are never destroyed.
  std::vector<std::unique_ptr<storage::StorageNode>> nodes_;
  std::vector<std::unique_ptr<custody::Custody>> custodies_;
};

}  // namespace comity::sim

#endif  // COMITY_TESTS_SIM_WORLD_H_
