#include "services/common/seal/seal_record.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/crypto/random.h"
#include "services/common/seal/shamir.h"
#include "tests/testing/golden.h"
#include "tests/testing/matchers.h"

namespace comity {
namespace {

const std::vector<std::string> kPersons = {"ops-evans", "ops-fox", "ops-grant"};

class SealRecordTest : public testing::Test {
 protected:
  SealRecordTest()
      : seal_(SplitRoot(root_, "x.test", *RegionId::Create("us"), 2, kPersons).value()) {}

  absl::Status Check(std::string_view person, const SealShare& share) const {
    return CheckSealShare(seal_.record, person, share);
  }
  SealShare Copy(size_t i) const {
    return {seal_.shares[i].set, seal_.shares[i].index, seal_.shares[i].value.Clone()};
  }

  const SecretBytes root_ = RandomSecret(kSealedRootSize);
  NewSeal seal_;
};

TEST_F(SealRecordTest, EveryPersonsShareIsRecognised) {
  for (size_t i = 0; i < kPersons.size(); ++i) {
    EXPECT_THAT(Check(kPersons[i], seal_.shares[i]), IsOk());
  }
}

TEST_F(SealRecordTest, ShareOfAnotherPersonIsRefused) {
  EXPECT_THAT(Check("ops-fox", seal_.shares[0]), RefusedWith(Reason::kShareInvalid));
  EXPECT_THAT(Check("ops-huang", seal_.shares[0]), RefusedWith(Reason::kShareInvalid));
}

TEST_F(SealRecordTest, ShareWithOneBitChangedIsRefused) {
  SealShare share = Copy(1);
  share.value.RevealMutable(RevealKey::ForTest())[31] ^= 1;
  EXPECT_THAT(Check("ops-fox", share), RefusedWith(Reason::kShareInvalid));
}

TEST_F(SealRecordTest, ShareUnderAnotherIndexIsRefused) {
  SealShare share = Copy(0);
  share.index = 2;
  EXPECT_THAT(Check("ops-fox", share), RefusedWith(Reason::kShareInvalid));
}

TEST_F(SealRecordTest, ShareOfAnotherSplitIsRefused) {
  const NewSeal other = SplitRoot(root_, "x.test", *RegionId::Create("us"), 2, kPersons).value();
  EXPECT_THAT(Check("ops-fox", other.shares[1]), RefusedWith(Reason::kShareInvalid));
}

TEST_F(SealRecordTest, ShareCarriedToAnotherRegionIsRefused) {
  SealRecord elsewhere = seal_.record;
  elsewhere.region = *RegionId::Create("eu");
  EXPECT_THAT(CheckSealShare(elsewhere, "ops-fox", seal_.shares[1]),
              RefusedWith(Reason::kShareInvalid));
}

TEST_F(SealRecordTest, AnyTwoOfThreeGiveTheRoot) {
  for (size_t i = 0; i < 3; ++i) {
    ASSERT_OK_AND_ASSIGN(const SecretBytes root,
                         JoinRoot(seal_.record, {&seal_.shares[i], &seal_.shares[(i + 1) % 3]}));
    EXPECT_TRUE(root.ConstantTimeEquals(root_));
  }
  ASSERT_OK_AND_ASSIGN(
      const SecretBytes root,
      JoinRoot(seal_.record, {&seal_.shares[0], &seal_.shares[1], &seal_.shares[2]}));
  EXPECT_TRUE(root.ConstantTimeEquals(root_));
}

TEST_F(SealRecordTest, OneOfThreeIsNotEnough) {
  EXPECT_THAT(JoinRoot(seal_.record, {&seal_.shares[0]}), RefusedWith(Reason::kSealed));
}

TEST_F(SealRecordTest, WrongRootIsNoticedEvenIfEveryShareWasAccepted) {
  SealRecord changed = seal_.record;
  changed.root_check = Digest();
  EXPECT_THAT(JoinRoot(changed, {&seal_.shares[0], &seal_.shares[1]}),
              RefusedWith(Reason::kDataCorrupt));
}

TEST_F(SealRecordTest, RecordSurvivesItsEncoding) {
  const std::string bytes = EncodeSealRecord(seal_.record);
  ASSERT_OK_AND_ASSIGN(const SealRecord decoded, DecodeSealRecord(bytes));
  EXPECT_EQ(EncodeSealRecord(decoded), bytes);
  for (size_t i = 0; i < kPersons.size(); ++i) {
    EXPECT_THAT(CheckSealShare(decoded, kPersons[i], seal_.shares[i]), IsOk());
  }
}

TEST_F(SealRecordTest, ImpossibleRecordsAreRefused) {
  EXPECT_THAT(DecodeSealRecord("seal"), RefusedWith(Reason::kStatementMalformed));
  SealRecord record = seal_.record;
  record.threshold = 4;
  EXPECT_THAT(DecodeSealRecord(EncodeSealRecord(record)), RefusedWith(Reason::kFieldInvalid));
  record.threshold = 1;
  EXPECT_THAT(DecodeSealRecord(EncodeSealRecord(record)), RefusedWith(Reason::kFieldInvalid));
  record = seal_.record;
  record.holders[2].person = "ops-fox";
  EXPECT_THAT(DecodeSealRecord(EncodeSealRecord(record)), RefusedWith(Reason::kFieldInvalid));
  record = seal_.record;
  record.holders[2].index = 4;
  EXPECT_THAT(DecodeSealRecord(EncodeSealRecord(record)), RefusedWith(Reason::kFieldInvalid));
}

TEST_F(SealRecordTest, GoldenShareIsRecognisedAndTheGoldenRootToo) {
  const GoldenVectors golden = GoldenVectors::Load("seal.txt");
  SealRecord record;
  record.deployment = "x.test";
  record.region = *RegionId::Create("us");
  record.set = *SealSetId::FromBytes(std::string(16, 's'));
  record.threshold = 3;
  record.root_check = *Digest::FromBytes(golden.at("root_check"));
  record.holders = {{"ops-evans", 1, Digest()},
                    {"ops-fox", 2, *Digest::FromBytes(golden.at("commitment_2"))},
                    {"ops-grant", 3, Digest()}};
  std::vector<SealShare> shares;
  std::vector<const SealShare*> pointers;
  shares.reserve(3);
  for (uint8_t i = 1; i <= 3; ++i) {
    shares.push_back({record.set, i, SecretBytes::CopyOf(golden.at("share_" + std::to_string(i)))});
    pointers.push_back(&shares.back());
  }
  EXPECT_THAT(CheckSealShare(record, "ops-fox", shares[1]), IsOk());
  ASSERT_OK_AND_ASSIGN(const SecretBytes root, JoinRoot(record, pointers));
  EXPECT_EQ(root.RevealView(RevealKey::ForTest()), golden.at("secret"));
}

TEST_F(SealRecordTest, ImpossibleSplitsAreRefused) {
  const RegionId us = *RegionId::Create("us");
  EXPECT_THAT(SplitRoot(RandomSecret(31), "x.test", us, 2, kPersons),
              RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(SplitRoot(root_, "x.test", us, 1, kPersons), RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(SplitRoot(root_, "x.test", us, 2, {"ops-fox", "ops-fox"}),
              RefusedWith(Reason::kFieldInvalid));
}

}  // namespace
}  // namespace comity
