#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/files/files.h"
#include "services/common/statement/account.h"
#include "services/common/store/rocksdb_record_store.h"
#include "services/custody/custody.h"
#include "services/custody/stored_account_store.h"
#include "tests/fakes/fake_leaf_log.h"
#include "tests/fakes/fake_seal.h"
#include "tests/fakes/manual_clock.h"
#include "tests/testing/custody.h"
#include "tests/testing/matchers.h"
#include "tests/testing/numbered_request.h"
#include "tests/testing/temp_dir.h"
#include "tests/testing/unsafe_authorization.h"

// What is left of a destroyed key on the disk of custody, for somebody who has every file of the
// store and the root key too.
namespace comity::custody {
namespace {

constexpr size_t kPiece = 16;

// A sealed key as it stood in the store, and what it opened to.
struct SealedKey {
  AccountId account;
  AccountEpoch epoch = 0;
  KeyVersion version = 0;
  std::string sealed;
  std::string plaintext;
};

class DestroyedKeyTest : public testing::Test {
 protected:
  DestroyedKeyTest() {
    for (size_t i = 0; i < 3; ++i) owners_.push_back(deployment_.NewAccount());
    Start();
  }

  // Custody "us" over RocksDB. A second one over the same files is a restart, at which what stood
  // in the log of the store alone comes into a file of its own.
  void Start() {
    custody_.reset();
    records_.reset();
    auto records = RocksRecordStore::Open(directory_.path(),
                                          {.clock = &clock_, .erase_after = std::chrono::hours(1)});
    ASSERT_THAT(records, IsOk());
    records_ = *std::move(records);
    store_ = std::make_unique<StoredAccountStore>(records_.get());
    const TestService& service = deployment_.service("us", ServiceKind::kCustody);
    auto signer =
        ServiceSigner::Open(deployment_.topology().deployment(), region_, ServiceKind::kCustody,
                            *PrivateKey::FromPem(service.statement_key.ToPem()),
                            service.endorsement, records_.get(), &clock_);
    ASSERT_THAT(signer, IsOk());
    signer_ = *std::move(signer);
    Site site;
    site.topology = &deployment_.topology();
    site.roster = &deployment_.roster("us");
    site.clock = &clock_;
    site.signer = signer_.get();
    site.region = region_;
    site.operator_name = "apple";
    // Nothing moves here, so that nobody else is asked.
    custody_ = std::make_unique<Custody>(std::move(site), &seal_, store_.get(), &log_, nullptr, 64);
    ASSERT_THAT(custody_->Start(), IsOk());
  }
  Authorization Device(const TestAccount& owner) {
    return UnsafeAuthorizationForTest::Device(owner.device().key.public_key());
  }
  RequestId Request() { return NumberedRequest(++request_); }
  // An account with four key versions.
  void Create(TestAccount& owner) {
    ASSERT_THAT(
        custody_->custodian().Create(Device(owner), owner.entries(),
                                     owner.SignRecord(deployment_.topology(), "US", clock_.Now())),
        IsOk());
    for (int i = 0; i < 3; ++i) {
      ASSERT_THAT(custody_->key_versions().Rotate(Device(owner), owner.id(), Request()), IsOk());
    }
  }
  void ScheduleDestruction(const TestAccount& owner, KeyVersion version) {
    ASSERT_THAT(custody_->key_versions().Change(
                    Device(owner), {owner.id(), Request(), KeyChangeKind::kScheduleDestruction,
                                    version, kMinDestroyDays}),
                IsOk());
  }

  KeySealer Sealer() {
    return KeySealer(*RootKey::Create(*seal_.OpenRoot(), region_),
                     deployment_.topology().deployment(), region_);
  }
  std::vector<SealedKey> StoredKeys() {
    const KeySealer sealer = Sealer();
    std::vector<SealedKey> keys;
    for (const TestAccount& owner : owners_) {
      const absl::StatusOr<Account> account = store_->Load(owner.id(), nullptr);
      EXPECT_THAT(account, IsOk());
      for (const KeyRecord& key : account->keys) {
        if (!key.exists()) continue;
        const auto opened = sealer.OpenAccountKey(owner.id(), key.epoch, key.version, key.sealed);
        EXPECT_THAT(opened, IsOk());
        keys.push_back({owner.id(), key.epoch, key.version, key.sealed,
                        std::string(opened->RevealView(RevealKey::ForTest()))});
      }
    }
    return keys;
  }

  // Every file of the store, whatever it is for.
  std::vector<std::string> Files() {
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory_.path())) {
      if (!entry.is_regular_file()) continue;
      absl::StatusOr<std::string> bytes = ReadFile(entry.path().string());
      EXPECT_THAT(bytes, IsOk());
      files.push_back(*std::move(bytes));
    }
    return files;
  }
  // How many of the pieces of `bytes`, at any offset in it, are in some file.
  static size_t CountPieces(const std::vector<std::string>& files, std::string_view bytes) {
    size_t count = 0;
    for (size_t at = 0; at + kPiece <= bytes.size(); ++at) {
      const std::string_view piece = bytes.substr(at, kPiece);
      count += std::ranges::any_of(
          files, [&](const std::string& file) { return file.find(piece) != std::string::npos; });
    }
    return count;
  }
  // Does anything at all in the files open as that key, with the root key at hand?
  bool AnythingOpensAs(const std::vector<std::string>& files, const SealedKey& key) {
    const KeySealer sealer = Sealer();
    const size_t size = key.sealed.size();
    for (const std::string& file : files) {
      for (size_t at = 0; at + size <= file.size(); ++at) {
        const std::string_view bytes = std::string_view(file).substr(at, size);
        // Long rows of zeros fill up files.
        if (bytes.find_first_not_of('\0') >= kPiece) continue;
        if (sealer.OpenAccountKey(key.account, key.epoch, key.version, bytes).ok()) return true;
      }
    }
    return false;
  }
  // Two versions of the first account are destroyed, all of the second, none of the third.
  static bool IsDestroyed(const std::vector<TestAccount>& owners, const SealedKey& key) {
    return key.account == owners[1].id() || (key.account == owners[0].id() && key.version <= 2);
  }

  const TempDir directory_;
  const TestDeployment& deployment_ = SharedDeployment();
  const RegionId region_ = TestDeployment::Region("us");
  ManualClock clock_{TestDeployment::kStart};
  FakeSeal seal_{'u'};
  FakeLeafLog log_;
  std::vector<TestAccount> owners_;
  uint64_t request_ = 0;
  std::unique_ptr<RocksRecordStore> records_;
  std::unique_ptr<StoredAccountStore> store_;
  std::unique_ptr<ServiceSigner> signer_;
  std::unique_ptr<Custody> custody_;
};

TEST_F(DestroyedKeyTest, DestroyedKeysLeaveTheFiles) {
  for (TestAccount& owner : owners_) Create(owner);
  const std::vector<SealedKey> keys = StoredKeys();
  ASSERT_EQ(keys.size(), 12u);
  std::vector<std::string> metadata;
  for (const TestAccount& owner : owners_) {
    metadata.push_back(store_->Load(owner.id(), nullptr)->metadata_keys.at(1));
  }
  Start();
  ScheduleDestruction(owners_[0], 1);
  ScheduleDestruction(owners_[0], 2);
  ASSERT_THAT(custody_->messenger().Deliver(Device(owners_[1]), owners_[1].id(),
                                            {owners_[1].Sign(Close{}, clock_.Now())}),
              IsOk());
  Start();
  clock_.Advance(kClosingPeriodMs);
  custody_->Tick([] { return false; });
  ASSERT_EQ(StoredKeys().size(), 6u);
  // Two versions, and four with their metadata key.
  EXPECT_EQ(records_->owed_erasures(), 7u);
  const std::vector<std::string> before = Files();
  for (const SealedKey& key : keys) {
    EXPECT_EQ(CountPieces(before, key.sealed), key.sealed.size() - kPiece + 1);
    // Sealed is all that a key ever was on the disk.
    EXPECT_EQ(CountPieces(before, key.plaintext), 0u);
  }

  ASSERT_THAT(records_->EraseNow(), IsOk());
  EXPECT_EQ(records_->owed_erasures(), 0u);
  const std::vector<std::string> files = Files();
  for (const SealedKey& key : keys) {
    SCOPED_TRACE(key.account.ToString() + " version " + std::to_string(key.version));
    const bool destroyed = IsDestroyed(owners_, key);
    EXPECT_EQ(CountPieces(files, key.sealed), destroyed ? 0 : key.sealed.size() - kPiece + 1);
    EXPECT_EQ(CountPieces(files, key.plaintext), 0u);
    // Every byte of every file is tried, so not for each of them.
    if (key.version == 2) {
      EXPECT_EQ(AnythingOpensAs(files, key), !destroyed);
    }
  }
  for (size_t i = 0; i < owners_.size(); ++i) {
    EXPECT_EQ(CountPieces(files, metadata[i]), i == 1 ? 0 : metadata[i].size() - kPiece + 1);
  }
}

}  // namespace
}  // namespace comity::custody
