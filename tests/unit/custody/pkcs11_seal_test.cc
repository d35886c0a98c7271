#include "services/custody/pkcs11_seal.h"

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "services/common/crypto/random.h"
#include "services/common/files/files.h"
#include "services/custody/leaves.h"
#include "services/custody/stored_root_mark.h"
#include "services/custody/vault.h"
#include "tests/fakes/fake_record_store.h"
#include "tests/testing/custody.h"
#include "tests/testing/matchers.h"
#include "tests/testing/rotatable_seal.h"
#include "tests/testing/soft_token.h"
#include "tests/testing/temp_dir.h"
#include "tests/testing/unsafe_authorization.h"

namespace comity::custody {
namespace {

using testing::HasSubstr;

constexpr char kKey[] = "root-wrapping";

Authorization Person(std::string_view name) {
  return UnsafeAuthorizationForTest::OperatorPerson(
      "us", "apple", name, PrivateKey::Generate(SignatureAlgorithm::kEcdsaP256).public_key());
}

// SEALED, for this, with what to do about it.
MATCHER_P2(IsTrouble, trouble, remedy, "") {
  *result_listener << DescribeStatus(StatusOf(arg));
  return ReasonOf(StatusOf(arg)) == Reason::kSealed && TroubleOf(StatusOf(arg)) == trouble &&
         CauseOf(StatusOf(arg)).find(remedy) != std::string::npos;
}

class Pkcs11SealTest : public testing::Test {
 protected:
  // As custody does at a start.
  std::unique_ptr<Pkcs11Seal> Make(const std::string& region = "us",
                                   const std::string& operator_name = "apple") {
    return std::make_unique<Pkcs11Seal>(
        Pkcs11Seal::Options{.deployment = "x.test",
                            .region = *RegionId::Create(region),
                            .operator_name = operator_name,
                            .labels = {"custody-us", kKey},
                            .record = Record(),
                            .module = SoftToken::Module(),
                            .pin_file = soft_.pin_file(),
                            .mark = std::make_unique<StoredRootMark>(&records_)});
  }
  absl::StatusOr<SecretBytes> Start() { return Make()->OpenRoot(); }
  // As an operator person does; the root key.
  static absl::StatusOr<SecretBytes> Unseal(Pkcs11Seal& seal) {
    absl::StatusOr<std::optional<SecretBytes>> root = seal.Enter("ops-evans", SecretBytes(), 0);
    if (!root.ok()) return root.status();
    return *std::move(*root);
  }
  std::string Record() const { return dir_.path() + "/wrapped-root"; }
  std::string ReadRecord() const { return ReadFile(Record()).value_or(""); }
  void WriteRecord(const std::string& bytes) const {
    ASSERT_THAT(WriteFileDurably(Record(), bytes, FileMode::kPrivate), IsOk());
  }
  WrappedRoot Wrapped() const { return DecodeWrappedRoot(ReadRecord()).value(); }

  const TempDir dir_;
  const SoftToken soft_;
  FakeRecordStore records_;
};

TEST_F(Pkcs11SealTest, FirstStartMakesBothKeysAndEveryOtherFindsThem) {
  ASSERT_OK_AND_ASSIGN(const SecretBytes first, Start());
  EXPECT_EQ(first.size(), kRootKeySize);
  EXPECT_EQ(soft_.CountKeys(kKey), 1u);
  const std::string record = ReadRecord();
  const absl::StatusOr<WrappedRoot> wrapped = DecodeWrappedRoot(record);
  ASSERT_THAT(wrapped, IsOk());
  EXPECT_EQ(wrapped->operator_name, "apple");
  EXPECT_EQ(record.find(first.RevealView(RevealKey::ForTest())), std::string::npos);
  struct stat info {};
  ASSERT_EQ(stat(Record().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  for (int i = 0; i < 2; ++i) {
    const auto seal = Make();
    ASSERT_OK_AND_ASSIGN(const SecretBytes again, seal->OpenRoot());
    EXPECT_TRUE(again.ConstantTimeEquals(first));
    EXPECT_EQ(seal->trouble(), SealTrouble::kNone);
  }
  EXPECT_EQ(ReadRecord(), record);
  EXPECT_EQ(soft_.CountKeys(kKey), 1u);
}

TEST_F(Pkcs11SealTest, KeyThatWasMadeBeforeIsTaken) {
  soft_.AddKey(kKey);
  EXPECT_THAT(Start(), IsOk());
  EXPECT_EQ(soft_.CountKeys(kKey), 1u);
}

TEST_F(Pkcs11SealTest, UnfitKeyIsNoKeyForAFirstStart) {
  soft_.AddKey(kKey, SoftToken::Key::kExtractable);
  EXPECT_THAT(Start(), IsTrouble(SealTrouble::kKeyUnfit, "it can leave the token"));
  EXPECT_FALSE(FileExists(Record()));
}

TEST_F(Pkcs11SealTest, KeyThatIsGoneIsNeverMadeAnew) {
  ASSERT_THAT(Start(), IsOk());
  soft_.DeleteKeys(kKey);
  const auto seal = Make();
  EXPECT_THAT(seal->OpenRoot(), IsTrouble(SealTrouble::kKeyMissing, "the token's own backup"));
  EXPECT_THAT(Unseal(*seal), IsTrouble(SealTrouble::kKeyMissing, "the token's own backup"));
  EXPECT_EQ(seal->trouble(), SealTrouble::kKeyMissing);
  EXPECT_EQ(soft_.CountKeys(kKey), 0u);
}

TEST_F(Pkcs11SealTest, SecondKeyOfTheLabelIsRefused) {
  ASSERT_OK_AND_ASSIGN(const SecretBytes root, Start());
  soft_.AddKey(kKey);
  EXPECT_THAT(Start(), IsTrouble(SealTrouble::kKeyAmbiguous, "another label"));
}

TEST_F(Pkcs11SealTest, AnotherKeyOfTheLabelOpensNothing) {
  ASSERT_THAT(Start(), IsOk());
  soft_.DeleteKeys(kKey);
  soft_.AddKey(kKey);
  EXPECT_THAT(Start(), IsTrouble(SealTrouble::kRecord, "C_Decrypt"));
}

TEST_F(Pkcs11SealTest, RecordThatIsLostIsNoFirstStart) {
  ASSERT_OK_AND_ASSIGN(const SecretBytes root, Start());
  const std::string record = ReadRecord();
  std::filesystem::remove(Record());
  EXPECT_THAT(Start(), IsTrouble(SealTrouble::kRecord, "backup of this custody"));
  EXPECT_FALSE(FileExists(Record()));
  WriteRecord(record);
  ASSERT_OK_AND_ASSIGN(const SecretBytes again, Start());
  EXPECT_TRUE(again.ConstantTimeEquals(root));
}

TEST_F(Pkcs11SealTest, AccountsThatRestUnderAnotherSealAreNoFirstStart) {
  ASSERT_THAT(records_.Commit("custody/someone", RandomId<RequestId>(), {},
                              {Mutation::Put("account/record", "r")}),
              IsOk());
  EXPECT_THAT(Start(), IsTrouble(SealTrouble::kRecord, "a root key was made"));
}

// A death after the record and before the mark.
TEST_F(Pkcs11SealTest, MarkThatIsMissingIsSetAtTheNextStart) {
  ASSERT_THAT(Start(), IsOk());
  FakeRecordStore without;
  StoredRootMark mark(&without);
  Pkcs11Seal seal({.deployment = "x.test",
                   .region = *RegionId::Create("us"),
                   .operator_name = "apple",
                   .labels = {"custody-us", kKey},
                   .record = Record(),
                   .module = SoftToken::Module(),
                   .pin_file = soft_.pin_file(),
                   .mark = std::make_unique<StoredRootMark>(&without)});
  EXPECT_THAT(mark.IsSet(), IsOkAndHolds(false));
  EXPECT_THAT(seal.OpenRoot(), IsOk());
  EXPECT_THAT(mark.IsSet(), IsOkAndHolds(true));
}

TEST_F(Pkcs11SealTest, SpoiltRecordOpensNothing) {
  ASSERT_THAT(Start(), IsOk());
  const WrappedRoot good = Wrapped();
  WrappedRoot spoilt = good;
  spoilt.sealed[7] ^= 1;
  WriteRecord(EncodeWrappedRoot(spoilt));
  EXPECT_THAT(Start(), IsTrouble(SealTrouble::kRecord, "backup of this custody"));
  spoilt = good;
  spoilt.iv[0] ^= 1;
  WriteRecord(EncodeWrappedRoot(spoilt));
  EXPECT_THAT(Start(), IsTrouble(SealTrouble::kRecord, "backup of this custody"));
  spoilt = good;
  spoilt.ring = "no ring";
  WriteRecord(EncodeWrappedRoot(spoilt));
  EXPECT_THAT(Start(), IsTrouble(SealTrouble::kRecord, "the ring"));
  WriteRecord("no record");
  EXPECT_THAT(Start(), IsTrouble(SealTrouble::kRecord, "is no wrapped root key"));
  WriteRecord(EncodeWrappedRoot(good));
  EXPECT_THAT(Start(), IsOk());
}

TEST_F(Pkcs11SealTest, RecordOfAnotherPlaceOpensNothing) {
  ASSERT_THAT(Start(), IsOk());
  EXPECT_THAT(Make("cn")->OpenRoot(), IsTrouble(SealTrouble::kRecord, "is of custody us of apple"));
  EXPECT_THAT(Make("us", "gcbd")->OpenRoot(), IsTrouble(SealTrouble::kRecord, "is of custody us"));
  // What it says of itself changes nothing: the token has the last word.
  WrappedRoot moved = Wrapped();
  moved.region = *RegionId::Create("cn");
  WriteRecord(EncodeWrappedRoot(moved));
  EXPECT_THAT(Make("cn")->OpenRoot(), IsTrouble(SealTrouble::kRecord, "C_Decrypt"));
  moved = DecodeWrappedRoot(EncodeWrappedRoot(moved)).value();
  moved.region = *RegionId::Create("us");
  moved.operator_name = "gcbd";
  WriteRecord(EncodeWrappedRoot(moved));
  EXPECT_THAT(Make("us", "gcbd")->OpenRoot(), IsTrouble(SealTrouble::kRecord, "C_Decrypt"));
}

TEST_F(Pkcs11SealTest, FileWithThePinIsItsOwnersAndHasOneLine) {
  const std::string remedy = "--pkcs11-pin-file";
  for (const std::string& text : {std::string(), std::string("\n"), std::string("pin\nand more\n"),
                                  std::string("pin\n\n"), std::string(256, 'p')}) {
    soft_.WritePin(text);
    EXPECT_THAT(Start(), IsTrouble(SealTrouble::kPinFile, remedy));
  }
  soft_.WritePin(SoftToken::kPin);
  EXPECT_THAT(Start(), IsOk()) << "without a line end";
  ASSERT_EQ(chmod(soft_.pin_file().c_str(), 0640), 0);
  EXPECT_THAT(Start(), IsTrouble(SealTrouble::kPinFile, "can be read by others"));
  ASSERT_EQ(chmod(soft_.pin_file().c_str(), 0400), 0);
  EXPECT_THAT(Start(), IsOk());
  if (geteuid() == 0) {
    ASSERT_EQ(chown(soft_.pin_file().c_str(), 12345, 12345), 0);
    EXPECT_THAT(Start(), IsTrouble(SealTrouble::kPinFile, "belongs to another user"));
  }
  std::filesystem::remove(soft_.pin_file());
  EXPECT_THAT(Start(), IsTrouble(SealTrouble::kPinFile, remedy));
}

TEST_F(Pkcs11SealTest, WrongPinIsTriedOnceAndByNobodyUntilTheFileChanges) {
  ASSERT_THAT(Start(), IsOk());
  soft_.WritePin("another-pin");
  const auto seal = Make();
  EXPECT_THAT(seal->OpenRoot(), IsTrouble(SealTrouble::kPinRefused, "C_Login: CKR_PIN_INCORRECT"));
  EXPECT_EQ(seal->trouble(), SealTrouble::kPinRefused);
  EXPECT_THAT(Unseal(*seal), IsTrouble(SealTrouble::kPinRefused, "has not changed since"));
  soft_.WritePin(SoftToken::kPin);
  EXPECT_THAT(Unseal(*seal), IsOk());
  EXPECT_EQ(seal->trouble(), SealTrouble::kNone);
}

TEST_F(Pkcs11SealTest, StartTriesNoPinAfterAWrongOne) {
  ASSERT_THAT(Start(), IsOk());
  soft_.WritePin("another-pin");
  EXPECT_THAT(Start(), IsTrouble(SealTrouble::kPinRefused, "C_Login"));
  // However often it starts again.
  EXPECT_THAT(Start(), IsTrouble(SealTrouble::kPinRefused, "since the last right one"));
  soft_.WritePin(SoftToken::kPin);
  const auto seal = Make();
  EXPECT_THAT(seal->OpenRoot(), IsTrouble(SealTrouble::kPinRefused, "since the last right one"));
  EXPECT_THAT(Unseal(*seal), IsOk());
  EXPECT_THAT(Start(), IsOk());
}

TEST_F(Pkcs11SealTest, TokenThatIsAwayOpensWhenItIsBack) {
  ASSERT_THAT(Start(), IsOk());
  soft_.TakeOut();
  const auto seal = Make();
  EXPECT_THAT(seal->OpenRoot(),
              IsTrouble(SealTrouble::kTokenAbsent, "see that the token is there"));
  soft_.PutBack();
  EXPECT_THAT(Unseal(*seal), IsOk());
}

TEST_F(Pkcs11SealTest, ShareIsRefused) {
  ASSERT_THAT(Start(), IsOk());
  EXPECT_THAT(Make()->Enter("ops-evans", RandomSecret(50), 0), RefusedWith(Reason::kShareInvalid));
}

TEST_F(Pkcs11SealTest, StoreThatFailsIsNoFirstStart) {
  records_.FailNextCommit(FakeRecordStore::Fate::kNotApplied);
  EXPECT_THAT(Start(), RefusedWith(Reason::kStoreUnavailable));
  const std::string record = ReadRecord();
  ASSERT_FALSE(record.empty()) << "the root is there, and is kept";
  EXPECT_THAT(Start(), IsOk());
  EXPECT_EQ(ReadRecord(), record);
}

// The same under a whole custody.
class TokenCustodyTest : public testing::Test {
 protected:
  TokenCustodyTest()
      : wrapped_(world_.Generate(world_.us, world_.account)),
        seal_(&world_, &world_.us, RotatableSeal::Kind::kToken,
              SecretBytes::CopyOf(std::string(kRootKeySize, 'u'))) {}

  bool Opens() { return world_.Opens(world_.us, world_.account, wrapped_); }
  size_t Leaves(std::string_view type) { return world_.us.log().Count(std::string(type)); }

  CustodyWorld world_;
  const std::string wrapped_;
  RotatableSeal seal_;
};

TEST_F(TokenCustodyTest, OpensAtAStartAndAfterASealingWhenOnePersonSaysSo) {
  EXPECT_TRUE(Opens());
  EXPECT_EQ(seal_.state().description, "pkcs11 token custody-us");
  ASSERT_THAT(seal_.vault().Close(Person("ops-fox")), IsOk());
  EXPECT_FALSE(Opens());
  world_.us.Tick();
  EXPECT_EQ(Leaves(kLeafSealed), 1u);
  EXPECT_TRUE(seal_.state().sealed);
  ASSERT_OK_AND_ASSIGN(const SealState state,
                       seal_.vault().Enter(Person("ops-evans"), SecretBytes()));
  EXPECT_FALSE(state.sealed);
  EXPECT_EQ(Leaves(kLeafUnsealed), 1u);
  EXPECT_TRUE(Opens());
  world_.us.Start();
  EXPECT_TRUE(Opens());
}

TEST_F(TokenCustodyTest, StartsSealedWithoutItsTokenAndSaysWhy) {
  seal_.token().TakeOut();
  EXPECT_TRUE(Opens()) << "an open custody does not need it";
  world_.us.Start();
  EXPECT_TRUE(seal_.state().sealed);
  EXPECT_EQ(seal_.state().trouble, SealTrouble::kTokenAbsent);
  EXPECT_FALSE(Opens());
  EXPECT_THAT(seal_.vault().Enter(Person("ops-evans"), SecretBytes()),
              RefusedWith(Reason::kSealed));
  seal_.token().PutBack();
  ASSERT_THAT(seal_.vault().Enter(Person("ops-evans"), SecretBytes()), IsOk());
  EXPECT_EQ(seal_.state().trouble, SealTrouble::kNone);
  EXPECT_TRUE(Opens());
}

TEST_F(TokenCustodyTest, RotationThatTheTokenRefusesLeavesNothingBehind) {
  seal_.token().TakeOut();
  EXPECT_THAT(seal_.Begin(), RefusedWith(Reason::kSealed));
  EXPECT_EQ(Leaves(kLeafRotationBegun), 0u);
  EXPECT_EQ(seal_.state().generation, 1u);
  EXPECT_TRUE(Opens());
  seal_.token().PutBack();
  EXPECT_THAT(seal_.Begin(), IsOk());
  EXPECT_EQ(seal_.state().generation, 2u);
}

}  // namespace
}  // namespace comity::custody
