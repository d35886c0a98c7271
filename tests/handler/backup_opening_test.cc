#include "services/custody/backup_opening.h"

#include <memory>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/crypto/random.h"
#include "services/common/files/files.h"
#include "services/common/seal/seal_record.h"
#include "services/common/seal/seal_share.h"
#include "services/custody/key_sealer.h"
#include "services/custody/keyfile_seal.h"
#include "services/custody/make_seal.h"
#include "services/custody/root_key.h"
#include "tests/testing/deployment.h"
#include "tests/testing/matchers.h"
#include "tests/testing/soft_token.h"
#include "tests/testing/temp_dir.h"

// What opens the backup of a custody of which nothing else is left.
namespace comity::custody {
namespace {

using testing::HasSubstr;

const std::vector<std::string> kPersons = {"ops-evans", "ops-fox", "ops-grant"};

class BackupOpeningTest : public testing::Test {
 protected:
  BackupOpeningTest() { EXPECT_THAT(MakePrivateFolders(dir_.path() + "/identity"), IsOk()); }

  const Topology& topology() const { return deployment_->topology(); }
  RegionId us() const { return *RegionId::Create("us"); }
  BackupOpening Opening() const {
    return {.topology = topology(),
            .region = us(),
            .directory = dir_.path(),
            .shares = {},
            .token = {},
            .keys = {{1, sealed_}},
            .now = 1'000};
  }
  // The key of the backup, sealed under this root.
  void SealUnder(const SecretBytes& root) {
    const auto keys = KeySealer::Open(root.Clone(), "", topology().deployment(), us()).value();
    sealed_ = keys->SealBackupKey(SecretBytes::CopyOf(kKey));
  }
  void Split(const SecretBytes& root) {
    split_ = SplitRoot(root, topology().deployment(), us(), 2, kPersons).value();
    ASSERT_THAT(WriteFileDurably(dir_.path() + "/identity/seal", EncodeSealRecord(split_.record),
                                 FileMode::kPrivate),
                IsOk());
  }
  SecretBytes Share(size_t i) const { return FormatSealShare(split_.shares[i]); }
  static bool IsKey(const absl::StatusOr<SecretBytes>& opened) {
    return opened.ok() && opened->RevealView(RevealKey::ForTest()) == kKey;
  }

  static constexpr std::string_view kKey = "the key of the backup, 32 bytes.";
  const TempDir dir_;
  std::unique_ptr<TestDeployment> deployment_;
  std::string sealed_;
  NewSeal split_;
};

class SharedBackupTest : public BackupOpeningTest {
 protected:
  SharedBackupTest() {
    deployment_ = std::make_unique<TestDeployment>(SealedTopologyTemplate());
    SealUnder(root_);
    Split(root_);
  }
  const SecretBytes root_ = RandomSecret(kRootKeySize);
};

TEST_F(SharedBackupTest, AsManySharesAsOpenTheSealOpenIt) {
  BackupOpening opening = Opening();
  opening.shares.push_back(Share(2));
  opening.shares.push_back(Share(0));
  EXPECT_TRUE(IsKey(OpenCustodyBackup(opening)));
}

TEST_F(SharedBackupTest, TooFewSharesDoNotAndItSaysWhose) {
  BackupOpening opening = Opening();
  EXPECT_THAT(OpenCustodyBackup(opening), RefusedWith(Reason::kSealed));
  opening.shares.push_back(Share(1));
  absl::StatusOr<SecretBytes> opened = OpenCustodyBackup(opening);
  EXPECT_THAT(opened, RefusedWith(Reason::kSealed));
  EXPECT_THAT(CauseOf(opened.status()),
              HasSubstr("2 of ops-evans, ops-fox (given), ops-grant: give each with --share"));
  opening.shares.push_back(Share(1));
  EXPECT_THAT(OpenCustodyBackup(opening), RefusedWith(Reason::kSealed)) << "one person counts once";
}

TEST_F(SharedBackupTest, SharesOfAnotherSplitDoNot) {
  BackupOpening opening = Opening();
  const NewSeal other = SplitRoot(root_, topology().deployment(), us(), 2, kPersons).value();
  opening.shares.push_back(FormatSealShare(other.shares[0]));
  EXPECT_THAT(OpenCustodyBackup(opening), RefusedWith(Reason::kShareInvalid));
  opening.shares.clear();
  opening.shares.push_back(SecretBytes::CopyOf("no share"));
  EXPECT_THAT(OpenCustodyBackup(opening), RefusedWith(Reason::kShareInvalid));
}

TEST_F(SharedBackupTest, AKeySealedUnderAnotherRootDoesNotOpen) {
  SealUnder(RandomSecret(kRootKeySize));
  BackupOpening opening = Opening();
  opening.shares.push_back(Share(0));
  opening.shares.push_back(Share(1));
  EXPECT_THAT(OpenCustodyBackup(opening), RefusedWith(Reason::kDataCorrupt));
}

TEST_F(SharedBackupTest, WithoutASealedKeyNobodyOpensIt) {
  BackupOpening opening = Opening();
  opening.keys.clear();
  opening.shares.push_back(Share(0));
  opening.shares.push_back(Share(1));
  const absl::StatusOr<SecretBytes> opened = OpenCustodyBackup(opening);
  EXPECT_THAT(opened, RefusedWith(Reason::kDataCorrupt));
  EXPECT_THAT(CauseOf(opened.status()), HasSubstr("never open"));
}

// Of several, sealed under roots that followed each other, the one in force opens.
TEST_F(SharedBackupTest, OneOfSeveralSealedKeysIsEnough) {
  BackupOpening opening = Opening();
  opening.keys[2] = "sealed under a root that never came into force";
  opening.keys[0] = "and one that is gone";
  opening.shares.push_back(Share(0));
  opening.shares.push_back(Share(1));
  EXPECT_TRUE(IsKey(OpenCustodyBackup(opening)));
}

TEST_F(BackupOpeningTest, AKeyFileOpensItWhereOneIsAllowed) {
  deployment_ = std::make_unique<TestDeployment>();
  const SecretBytes root = RandomSecret(kRootKeySize);
  KeyfileSeal file(dir_.path() + "/identity/root.key");
  ASSERT_THAT(file.Replace(root, ""), IsOk());
  SealUnder(root);
  EXPECT_TRUE(IsKey(OpenCustodyBackup(Opening())));
  BackupOpening opening = Opening();
  opening.shares.push_back(SecretBytes::CopyOf("comity-share-v1 00"));
  EXPECT_THAT(OpenCustodyBackup(opening), RefusedWith(Reason::kShareInvalid));
}

TEST_F(BackupOpeningTest, ATokenOpensItAndMakesNothing) {
  const SoftToken soft;
  deployment_ = std::make_unique<TestDeployment>(TokenTopologyTemplate());
  BackupOpening opening = Opening();
  opening.token = {SoftToken::Module(), soft.pin_file()};
  EXPECT_THAT(OpenCustodyBackup(opening), RefusedWith(Reason::kSealed))
      << "without the wrapped root there is none to make";
  EXPECT_EQ(soft.CountKeys("root-wrapping"), 0u);

  soft.AddKey("root-wrapping");
  const auto seal = MakeSealAt({.topology = topology(),
                                .region = us(),
                                .directory = dir_.path(),
                                .token = opening.token,
                                .mark = nullptr})
                        .value();
  const SecretBytes root = RandomSecret(kRootKeySize);
  ASSERT_THAT(seal->Prepare(root, ""), IsOk());
  ASSERT_THAT(seal->Replace(root, ""), IsOk());
  SealUnder(root);
  opening.keys = {{1, sealed_}};
  EXPECT_TRUE(IsKey(OpenCustodyBackup(opening)));
}

}  // namespace
}  // namespace comity::custody
