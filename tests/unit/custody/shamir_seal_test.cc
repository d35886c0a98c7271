#include "services/custody/shamir_seal.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/crypto/random.h"
#include "services/common/files/files.h"
#include "services/common/status/retry_after.h"
#include "services/custody/root_key.h"
#include "tests/testing/deployment.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_dir.h"

namespace comity::custody {
namespace {

constexpr UnixMillis kNow = TestDeployment::kStart;
const std::vector<std::string> kPersons = {"ops-evans", "ops-fox", "ops-grant"};

class ShamirSealTest : public testing::Test {
 protected:
  ShamirSealTest()
      : split_(SplitRoot(root_, "x.test", *RegionId::Create("us"), 2, kPersons).value()),
        seal_(split_.record) {}

  SecretBytes Share(size_t i) const { return EncodeSealShare(split_.shares[i]); }
  absl::StatusOr<std::optional<SecretBytes>> Enter(std::string_view person,
                                                   const SecretBytes& share,
                                                   UnixMillis now = kNow) {
    return seal_.Enter(person, share, now);
  }
  // "yes" for each holder who has entered.
  std::vector<bool> Entered() const {
    std::vector<bool> entered;
    for (const ShareState& share : seal_.Shares()) entered.push_back(share.entered);
    return entered;
  }

  const SecretBytes root_ = RandomSecret(kRootKeySize);
  const NewSeal split_;
  ShamirSeal seal_;
};

TEST_F(ShamirSealTest, OpensByNothingButShares) {
  EXPECT_EQ(seal_.description(), "shamir 2 of 3");
  EXPECT_EQ(seal_.shares_needed(), 2u);
  EXPECT_TRUE(seal_.opened_by_people());
  EXPECT_THAT(seal_.OpenRoot(), RefusedWith(Reason::kSealed));
}

TEST_F(ShamirSealTest, SecondShareOpensIt) {
  ASSERT_OK_AND_ASSIGN(const auto one, Enter("ops-grant", Share(2)));
  EXPECT_FALSE(one.has_value());
  ASSERT_OK_AND_ASSIGN(const auto two, Enter("ops-evans", Share(0)));
  ASSERT_TRUE(two.has_value());
  EXPECT_TRUE(two->ConstantTimeEquals(root_));
}

TEST_F(ShamirSealTest, OnePersonTwiceIsOneShare) {
  for (int i = 0; i < 3; ++i) {
    ASSERT_OK_AND_ASSIGN(const auto root, Enter("ops-fox", Share(1)));
    EXPECT_FALSE(root.has_value());
  }
  EXPECT_THAT(Entered(), testing::ElementsAre(false, true, false));
}

TEST_F(ShamirSealTest, WrongShareIsNotCounted) {
  EXPECT_THAT(Enter("ops-evans", SecretBytes::CopyOf(std::string_view("no share"))),
              RefusedWith(Reason::kShareInvalid));
  SecretBytes changed = Share(0);
  changed.RevealMutable(RevealKey::ForTest()).back() ^= 1;
  EXPECT_THAT(Enter("ops-evans", changed), RefusedWith(Reason::kShareInvalid));
  EXPECT_THAT(Entered(), testing::Each(false));
}

TEST_F(ShamirSealTest, ShareOfAnotherPersonIsNotCounted) {
  ASSERT_THAT(Enter("ops-evans", Share(0)), IsOk());
  EXPECT_THAT(Enter("ops-fox", Share(2)), RefusedWith(Reason::kShareInvalid));
  EXPECT_THAT(Enter("ops-evans", Share(1)), RefusedWith(Reason::kShareInvalid));
  EXPECT_THAT(Entered(), testing::ElementsAre(true, false, false));
}

TEST_F(ShamirSealTest, PersonWithoutAShareIsRefused) {
  EXPECT_THAT(Enter("ops-huang", Share(0)), RefusedWith(Reason::kShareInvalid));
}

TEST_F(ShamirSealTest, WrongSharesMakeTheirPersonWaitAndNobodyElse) {
  for (int i = 0; i < kShareTrials; ++i) {
    EXPECT_THAT(Enter("ops-fox", Share(0)), RefusedWith(Reason::kShareInvalid));
  }
  EXPECT_THAT(Enter("ops-fox", Share(1)), RefusedWith(Reason::kRateLimited));
  EXPECT_THAT(Enter("ops-evans", Share(0)), IsOk());
  const auto late = Enter("ops-fox", Share(1), kNow + kShareTrialMs - 10);
  EXPECT_THAT(late, RefusedWith(Reason::kRateLimited));
  EXPECT_EQ(RetryAfterOf(late.status()), std::chrono::milliseconds(10));
  EXPECT_THAT(Enter("ops-fox", Share(1), kNow + kShareTrialMs - 1),
              RefusedWith(Reason::kRateLimited));
  ASSERT_OK_AND_ASSIGN(const auto root, Enter("ops-fox", Share(1), kNow + kShareTrialMs));
  EXPECT_TRUE(root.has_value());
}

TEST_F(ShamirSealTest, ForgottenSharesHaveToBeEnteredAgain) {
  ASSERT_THAT(Enter("ops-evans", Share(0)), IsOk());
  seal_.Forget();
  EXPECT_THAT(Entered(), testing::Each(false));
  ASSERT_OK_AND_ASSIGN(const auto root, Enter("ops-fox", Share(1)));
  EXPECT_FALSE(root.has_value());
}

TEST_F(ShamirSealTest, SharesOfAnotherRootAreNoticedAndForgotten) {
  SealRecord record = split_.record;
  record.root_check = Digest();
  ShamirSeal seal(record);
  ASSERT_THAT(seal.Enter("ops-evans", Share(0), kNow), IsOk());
  EXPECT_THAT(seal.Enter("ops-fox", Share(1), kNow), RefusedWith(Reason::kDataCorrupt));
  for (const ShareState& share : seal.Shares()) EXPECT_FALSE(share.entered);
}

// Against the topology: whoever may change files here may not change who holds the root.
class ShamirSealFileTest : public testing::Test {
 protected:
  absl::Status Load(const SealRecord& record) {
    const std::string path = folder_.path() + "/seal";
    EXPECT_THAT(WriteFileDurably(path, EncodeSealRecord(record), FileMode::kPublic), IsOk());
    return ShamirSeal::Load(path, topology_, us_).status();
  }
  SealRecord Record(const std::vector<std::string>& persons, size_t threshold = 2) const {
    return SplitRoot(RandomSecret(kRootKeySize), topology_.deployment(), us_, threshold, persons)
        ->record;
  }

  const TempDir folder_;
  const RegionId us_ = TestDeployment::Region("us");
  const Topology topology_ =
      Topology::Parse(SealedTopologyTemplate(), /*as_template=*/true).value();
};

TEST_F(ShamirSealFileTest, RecordOfTheTopologysHoldersLoads) {
  EXPECT_THAT(Load(Record(kPersons)), IsOk());
}

TEST_F(ShamirSealFileTest, OtherPeopleOrAnotherThresholdHoldItUntilItIsRotated) {
  const std::string path = folder_.path() + "/seal";
  for (const SealRecord& record : {Record({"ops-evans", "ops-fox", "ops-huang"}),
                                   Record({"ops-evans", "ops-fox"}), Record(kPersons, 3)}) {
    ASSERT_THAT(Load(record), IsOk());
    ASSERT_OK_AND_ASSIGN(const auto seal, ShamirSeal::Load(path, topology_, us_));
    EXPECT_TRUE(seal->committee_differs());
    EXPECT_EQ(seal->Shares().size(), record.holders.size());
    ASSERT_THAT(seal->Deal(RandomSecret(kRootKeySize), "ring"), IsOk());
    EXPECT_THAT(seal->CutOver(), RefusedWith(Reason::kStateNotReady));
    for (const std::string& person : kPersons) {
      ASSERT_OK_AND_ASSIGN(const SecretBytes share, seal->TakeShare(person));
      ASSERT_THAT(seal->Confirm(person, share, kNow), IsOk());
    }
    ASSERT_THAT(seal->CutOver(), IsOk());
    EXPECT_FALSE(seal->committee_differs());
    // It is on disk, ring and all.
    ASSERT_OK_AND_ASSIGN(const auto again, ShamirSeal::Load(path, topology_, us_));
    EXPECT_FALSE(again->committee_differs());
    EXPECT_EQ(again->ring().value_or(""), "ring");
    EXPECT_EQ(again->share_set(), seal->share_set());
    EXPECT_EQ(again->description(), "shamir 2 of 3");
  }
}

TEST_F(ShamirSealFileTest, RecordOfAnotherPlaceIsRefused) {
  SealRecord record = Record(kPersons);
  record.region = TestDeployment::Region("cn");
  EXPECT_THAT(Load(record), RefusedWith(Reason::kTopologyInvalid));
  record = Record(kPersons);
  record.deployment = "other.test";
  EXPECT_THAT(Load(record), RefusedWith(Reason::kTopologyInvalid));
}

TEST_F(ShamirSealFileTest, MissingOrDamagedFileIsRefused) {
  const std::string path = folder_.path() + "/seal";
  EXPECT_THAT(ShamirSeal::Load(path, topology_, us_), RefusedWith(Reason::kStoreUnavailable));
  ASSERT_THAT(WriteFileDurably(path, "seal", FileMode::kPublic), IsOk());
  EXPECT_THAT(ShamirSeal::Load(path, topology_, us_), RefusedWith(Reason::kStatementMalformed));
}

}  // namespace
}  // namespace comity::custody
