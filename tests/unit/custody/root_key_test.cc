#include "services/custody/root_key.h"

#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "services/common/files/files.h"
#include "services/custody/key_sealer.h"
#include "services/custody/keyfile_seal.h"
#include "tests/fakes/fake_seal.h"
#include "tests/testing/golden.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_dir.h"

namespace comity::custody {
namespace {

RegionId Region(std::string_view name) { return *RegionId::Create(name); }
AccountId Account(char fill) { return *AccountId::FromBytes(std::string(20, fill)); }

RootKey Root(char fill = 'r', std::string_view region = "cn") {
  return RootKey::Create(FakeSeal(fill).OpenRoot().value(), Region(region)).value();
}
KeySealer Sealer(char fill = 'r', std::string_view region = "cn",
                 const std::string& deployment = "x.test") {
  return KeySealer(Root(fill, region), deployment, Region(region));
}

TEST(RootKeyTest, RootOfAnotherLengthIsRefused) {
  EXPECT_THAT(RootKey::Create(SecretBytes(31), Region("cn")), RefusedWith(Reason::kSealed));
}

TEST(RootKeyTest, PurposesAndRegionsHaveTheirOwnKeys) {
  const SecretBytes secret = SecretBytes::CopyOf(std::string("secret"));
  const std::string sealed = Root().Derive("one")->Seal(secret, "");
  EXPECT_THAT(Root().Derive("one")->Open(sealed, ""), IsOk());
  EXPECT_THAT(Root().Derive("two")->Open(sealed, ""), RefusedWith(Reason::kDataCorrupt));
  EXPECT_THAT(Root('r', "us").Derive("one")->Open(sealed, ""), RefusedWith(Reason::kDataCorrupt));
  EXPECT_THAT(Root('s').Derive("one")->Open(sealed, ""), RefusedWith(Reason::kDataCorrupt));
}

class KeySealerTest : public testing::Test {
 protected:
  const SecretBytes key_ = SecretBytes::CopyOf(std::string(32, 'k'));
  const std::string sealed_ = Sealer().SealAccountKey(Account('a'), 2, 3, key_);
};

TEST_F(KeySealerTest, AccountKeyOpensInItsPlace) {
  ASSERT_OK_AND_ASSIGN(const SecretBytes opened,
                       Sealer().OpenAccountKey(Account('a'), 2, 3, sealed_));
  EXPECT_TRUE(opened.ConstantTimeEquals(key_));
}

TEST_F(KeySealerTest, AccountKeyOpensInNoOtherPlace) {
  EXPECT_THAT(Sealer().OpenAccountKey(Account('b'), 2, 3, sealed_),
              RefusedWith(Reason::kDataCorrupt));
  EXPECT_THAT(Sealer().OpenAccountKey(Account('a'), 1, 3, sealed_),
              RefusedWith(Reason::kDataCorrupt));
  EXPECT_THAT(Sealer().OpenAccountKey(Account('a'), 2, 4, sealed_),
              RefusedWith(Reason::kDataCorrupt));
  EXPECT_THAT(Sealer('r', "us").OpenAccountKey(Account('a'), 2, 3, sealed_),
              RefusedWith(Reason::kDataCorrupt));
  EXPECT_THAT(Sealer('r', "cn", "y.test").OpenAccountKey(Account('a'), 2, 3, sealed_),
              RefusedWith(Reason::kDataCorrupt));
}

TEST_F(KeySealerTest, KindsOfKeysAreNotInterchangeable) {
  EXPECT_THAT(Sealer().OpenMetadataKey(Account('a'), 2, sealed_),
              RefusedWith(Reason::kDataCorrupt));
  EXPECT_THAT(Sealer().OpenRecordKey(sealed_), RefusedWith(Reason::kDataCorrupt));
  const std::string metadata = Sealer().SealMetadataKey(Account('a'), 2, key_);
  EXPECT_THAT(Sealer().OpenMetadataKey(Account('a'), 2, metadata), IsOk());
  EXPECT_THAT(Sealer().OpenAccountKey(Account('a'), 2, 0, metadata),
              RefusedWith(Reason::kDataCorrupt));
}

// What rests in a store must open for ever: the formats may not change unnoticed.
TEST_F(KeySealerTest, GoldenSealedKeysOpen) {
  const GoldenVectors golden = GoldenVectors::Load("custody_keys.txt");
  ASSERT_OK_AND_ASSIGN(const SecretBytes account,
                       Sealer().OpenAccountKey(Account('a'), 2, 3, golden.at("account_key")));
  ASSERT_OK_AND_ASSIGN(const SecretBytes metadata,
                       Sealer().OpenMetadataKey(Account('a'), 2, golden.at("metadata_key")));
  ASSERT_OK_AND_ASSIGN(const SecretBytes record, Sealer().OpenRecordKey(golden.at("record_key")));
  EXPECT_TRUE(account.ConstantTimeEquals(key_));
  EXPECT_TRUE(metadata.ConstantTimeEquals(key_));
  EXPECT_TRUE(record.ConstantTimeEquals(key_));
}

TEST_F(KeySealerTest, AVouchHoldsForItsEntriesAndInItsPlaceAlone) {
  const std::vector<std::string> entries = {"one", "two"};
  const std::string vouch = Sealer().Vouch(Account('a'), entries);
  EXPECT_EQ(vouch, GoldenVectors::Load("custody_keys.txt").at("chain_vouch"));
  EXPECT_TRUE(Sealer().Vouches(Account('a'), entries, vouch));
  EXPECT_FALSE(Sealer().Vouches(Account('b'), entries, vouch));
  for (const std::vector<std::string>& other :
       std::vector<std::vector<std::string>>{{"one"}, {"two", "one"}, {"onetwo"}, {}}) {
    EXPECT_FALSE(Sealer().Vouches(Account('a'), other, vouch));
  }
  EXPECT_FALSE(Sealer('s').Vouches(Account('a'), entries, vouch));
  EXPECT_FALSE(Sealer('r', "us").Vouches(Account('a'), entries, vouch));
  EXPECT_FALSE(Sealer('r', "cn", "y.test").Vouches(Account('a'), entries, vouch));
  EXPECT_FALSE(Sealer().Vouches(Account('a'), entries, ""));
  EXPECT_FALSE(Sealer().Vouches(Account('a'), entries, vouch.substr(1)));
}

class KeyfileSealTest : public testing::Test {
 protected:
  absl::Status OpenText(const std::string& text) {
    const std::string path = folder_.path() + "/root.key";
    EXPECT_THAT(WriteFileDurably(path, text, FileMode::kPrivate), IsOk());
    return KeyfileSeal(path).OpenRoot().status();
  }
  TempDir folder_;
};

TEST_F(KeyfileSealTest, HexIsTheRoot) {
  const std::string path = folder_.path() + "/root.key";
  std::string hex;
  for (int i = 0; i < 32; ++i) {
    hex += "0f";
  }
  ASSERT_THAT(WriteFileDurably(path, hex + "\n", FileMode::kPrivate), IsOk());
  ASSERT_OK_AND_ASSIGN(const SecretBytes root, KeyfileSeal(path).OpenRoot());
  EXPECT_EQ(root.RevealView(RevealKey::ForTest()), std::string(32, '\x0f'));
}

TEST_F(KeyfileSealTest, EverythingElseIsSealed) {
  const std::string hex(64, 'a');
  EXPECT_THAT(OpenText(hex + "\n"), IsOk());
  EXPECT_THAT(OpenText(hex), RefusedWith(Reason::kSealed));
  EXPECT_THAT(OpenText(hex.substr(1) + "\n"), RefusedWith(Reason::kSealed));
  EXPECT_THAT(OpenText(std::string(64, 'A') + "\n"), RefusedWith(Reason::kSealed));
  EXPECT_THAT(OpenText(std::string(63, 'a') + "g\n"), RefusedWith(Reason::kSealed));
  EXPECT_THAT(KeyfileSeal(folder_.path() + "/missing").OpenRoot(), RefusedWith(Reason::kSealed));
}

TEST_F(KeyfileSealTest, FileThatOthersMayReadIsRefused) {
  ASSERT_THAT(OpenText(std::string(64, 'a') + "\n"), IsOk());
  const std::string path = folder_.path() + "/root.key";
  ASSERT_EQ(chmod(path.c_str(), 0644), 0);
  EXPECT_THAT(KeyfileSeal(path).OpenRoot(), RefusedWith(Reason::kSealed));
}

// A root key that follows another one.
class NextRootTest : public KeySealerTest {
 protected:
  static SecretBytes Bytes(char fill) { return FakeSeal(fill).OpenRoot().value(); }
  static absl::StatusOr<std::shared_ptr<const KeySealer>> Open(char fill, std::string_view ring) {
    return KeySealer::Open(Bytes(fill), ring, "x.test", Region("cn"));
  }
  const KeySealer::Next next_ = Sealer().Succeed(Bytes('s'), Bytes('r'), "").value();
};

TEST_F(NextRootTest, OpensWhatRestsUnderEitherAndSealsUnderTheNewOne) {
  EXPECT_TRUE(next_.keys->rotating());
  EXPECT_EQ(next_.keys->generation(), 2u);
  EXPECT_THAT(next_.keys->OpenAccountKey(Account('a'), 2, 3, sealed_), IsOk());
  const std::string sealed = next_.keys->SealAccountKey(Account('a'), 2, 3, key_);
  EXPECT_THAT(next_.keys->OpenAccountKey(Account('a'), 2, 3, sealed), IsOk());
  EXPECT_THAT(Sealer('s').OpenAccountKey(Account('a'), 2, 3, sealed), IsOk());
  EXPECT_THAT(Sealer().OpenAccountKey(Account('a'), 2, 3, sealed),
              RefusedWith(Reason::kDataCorrupt));
}

TEST_F(NextRootTest, ResealsOnceAndInItsPlace) {
  ASSERT_OK_AND_ASSIGN(const std::optional<std::string> resealed,
                       next_.keys->ResealAccountKey(Account('a'), 2, 3, sealed_));
  ASSERT_TRUE(resealed.has_value());
  EXPECT_THAT(Sealer('s').OpenAccountKey(Account('a'), 2, 3, *resealed), IsOk());
  EXPECT_EQ(*next_.keys->ResealAccountKey(Account('a'), 2, 3, *resealed), std::nullopt);
  EXPECT_THAT(next_.keys->ResealAccountKey(Account('b'), 2, 3, sealed_),
              RefusedWith(Reason::kDataCorrupt));
  const std::string metadata = Sealer().SealMetadataKey(Account('a'), 2, key_);
  ASSERT_OK_AND_ASSIGN(const std::optional<std::string> other,
                       next_.keys->ResealMetadataKey(Account('a'), 2, metadata));
  EXPECT_THAT(Sealer('s').OpenMetadataKey(Account('a'), 2, other.value()), IsOk());
}

TEST_F(NextRootTest, VouchesOfEitherHoldAndNewOnesAreTheNewestRoots) {
  const std::vector<std::string> entries = {"one", "two"};
  const std::string before = Sealer().Vouch(Account('a'), entries);
  const std::string vouch = next_.keys->Vouch(Account('a'), entries);
  EXPECT_TRUE(next_.keys->Vouches(Account('a'), entries, before));
  EXPECT_TRUE(next_.keys->Vouches(Account('a'), entries, vouch));
  EXPECT_TRUE(Sealer('s').Vouches(Account('a'), entries, vouch));
  EXPECT_FALSE(next_.keys->WithoutOlder()->Vouches(Account('a'), entries, before));
}

TEST_F(NextRootTest, RingOpensUnderItsOwnRootAlone) {
  ASSERT_OK_AND_ASSIGN(const std::shared_ptr<const KeySealer> opened, Open('s', next_.ring));
  EXPECT_THAT(opened->OpenAccountKey(Account('a'), 2, 3, sealed_), IsOk());
  EXPECT_EQ(opened->generation(), 2u);
  EXPECT_THAT(Open('r', next_.ring), RefusedWith(Reason::kDataCorrupt));
  EXPECT_THAT(Open('s', next_.ring + "x"), RefusedWith(Reason::kDataCorrupt));
  EXPECT_THAT(KeySealer::Open(Bytes('s'), next_.ring, "x.test", Region("us")),
              RefusedWith(Reason::kDataCorrupt));
}

TEST_F(NextRootTest, WithoutTheOneBeforeNothingOpensThatRestsUnderIt) {
  ASSERT_OK_AND_ASSIGN(const std::string ring, next_.keys->RingWithoutOlder(next_.ring));
  for (const auto& keys : {next_.keys->WithoutOlder(), Open('s', ring).value()}) {
    EXPECT_FALSE(keys->rotating());
    EXPECT_EQ(keys->generation(), 2u);
    EXPECT_THAT(keys->OpenAccountKey(Account('a'), 2, 3, sealed_),
                RefusedWith(Reason::kDataCorrupt));
    EXPECT_THAT(keys->OpenRecordKey(Sealer().SealRecordKey(key_)), IsOk());
  }
}

TEST(RootRingTest, OnlyWholeRingsOfKnownFormatAreRead) {
  RootRing ring;
  ring.generation = 0x01020304;
  ring.record_key = SecretBytes::CopyOf(std::string(32, 'k'));
  for (const size_t size : {37u, 69u}) {
    if (size == 69u) ring.previous = SecretBytes::CopyOf(std::string(32, 'p'));
    const std::string bytes(EncodeRing(ring).RevealView(RevealKey::ForTest()));
    ASSERT_EQ(bytes.size(), size);
    ASSERT_OK_AND_ASSIGN(const RootRing read, DecodeRing(SecretBytes::CopyOf(bytes)));
    EXPECT_EQ(read.generation, ring.generation);
    EXPECT_TRUE(read.record_key.ConstantTimeEquals(ring.record_key));
    EXPECT_TRUE(read.previous.ConstantTimeEquals(ring.previous));
    std::string other = bytes;
    other[0] = 2;
    for (const std::string& wrong : {other, bytes + "x", bytes.substr(1), std::string(37, '\0')}) {
      EXPECT_THAT(DecodeRing(SecretBytes::CopyOf(wrong)), RefusedWith(Reason::kDataCorrupt));
    }
  }
}

TEST(KeyfileSealRotationTest, RootAndRingRestInOneFile) {
  const TempDir dir;
  KeyfileSeal seal(dir.path() + "/root.key");
  EXPECT_THAT(seal.ring(), RefusedWith(Reason::kSealed));
  const SecretBytes root = FakeSeal('r').OpenRoot().value();
  ASSERT_THAT(seal.Replace(root, std::string("ring\0\xff", 6)), IsOk());
  EXPECT_EQ(seal.ring().value_or(""), std::string("ring\0\xff", 6));
  EXPECT_TRUE(seal.OpenRoot()->ConstantTimeEquals(root));
  ASSERT_THAT(seal.KeepRing("other"), IsOk());
  EXPECT_EQ(seal.ring().value_or(""), "other");
  EXPECT_TRUE(seal.OpenRoot()->ConstantTimeEquals(root));
}

TEST(KeyfileSealRotationTest, SpoiltSecondLineOpensNothing) {
  const TempDir dir;
  const std::string line = std::string(64, '7') + "\n";
  KeyfileSeal seal(dir.path() + "/root.key");
  for (const char* second : {"\n", "7", "77", "7\n", "7g\n", "77\n77\n"}) {
    ASSERT_THAT(WritePrivateFile(dir.path() + "/root.key", SecretBytes::CopyOf(line + second)),
                IsOk());
    EXPECT_THAT(seal.OpenRoot(), RefusedWith(Reason::kSealed)) << second;
    EXPECT_THAT(seal.ring(), RefusedWith(Reason::kSealed)) << second;
  }
}

}  // namespace
}  // namespace comity::custody
