#include "services/review/case_keys.h"

#include <memory>
#include <optional>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/crypto/random.h"
#include "services/review/stored_case_store.h"
#include "tests/fakes/fake_record_store.h"
#include "tests/fakes/fake_review_peers.h"
#include "tests/fakes/manual_clock.h"
#include "tests/testing/deployment.h"
#include "tests/testing/matchers.h"

namespace comity::review {
namespace {

using testing::Not;

TEST(CaseKeyTest, SealedBytesOpenOnlyInTheirPlace) {
  const auto key = *CaseKey::Create(RandomSecret(32));
  const std::string sealed = key->Seal("a case file", "case 1");
  EXPECT_THAT(sealed, Not(testing::HasSubstr("case file")));
  EXPECT_THAT(key->Open(sealed, "case 1"), IsOkAndHolds("a case file"));
  EXPECT_THAT(key->Open(sealed, "case 2"), RefusedWith(Reason::kDataCorrupt));
}

TEST(CaseKeyTest, OpenFailsWhenAnyByteIsChanged) {
  const auto key = *CaseKey::Create(RandomSecret(32));
  const std::string sealed = key->Seal("a case file", "case");
  for (size_t i = 0; i < sealed.size(); ++i) {
    std::string changed = sealed;
    changed[i] ^= 1;
    EXPECT_THAT(key->Open(changed, "case"), RefusedWith(Reason::kDataCorrupt)) << i;
  }
  EXPECT_THAT(key->Open("", "case"), RefusedWith(Reason::kDataCorrupt));
}

TEST(CaseKeyTest, IndexNamesDifferByKeyKindAndValue) {
  const auto key = *CaseKey::Create(RandomSecret(32));
  const auto other = *CaseKey::Create(RandomSecret(32));
  const std::string name = key->IndexName("ground", "text");
  EXPECT_EQ(name.size(), 52U);
  EXPECT_EQ(key->IndexName("ground", "text"), name);
  EXPECT_NE(key->IndexName("reference", "text"), name);
  EXPECT_NE(key->IndexName("ground", "other"), name);
  EXPECT_NE(other->IndexName("ground", "text"), name);
}

TEST(CaseKeyTest, KeyOfAnotherLengthIsRefused) {
  EXPECT_THAT(CaseKey::Create(RandomSecret(31)), RefusedWith(Reason::kFieldInvalid));
}

class CaseKeysTest : public testing::Test {
 protected:
  const TestDeployment deployment_;
  const ManualClock clock_;
  FakeRecordStore records_;
  FakeOwnCustody custody_{&deployment_, &clock_, "cn"};
  StoredWrappedKeyStore wrapped_{&records_};
};

TEST_F(CaseKeysTest, KeyIsTheSameAfterARestart) {
  const std::string sealed = (*CaseKeys(&custody_, &wrapped_).Get())->Seal("bytes", "place");
  CaseKeys again(&custody_, &wrapped_);
  EXPECT_FALSE(again.is_open());
  EXPECT_THAT((*again.Get())->Open(sealed, "place"), IsOkAndHolds("bytes"));
  EXPECT_TRUE(again.is_open());
}

TEST_F(CaseKeysTest, KeyIsHadOnceCustodyAnswers) {
  CaseKeys keys(&custody_, &wrapped_);
  custody_.RefuseAll(Reason::kPeerUnavailable);
  EXPECT_THAT(keys.Get(), RefusedWith(Reason::kPeerUnavailable));
  custody_.RefuseAll(Reason::kUnspecified);
  EXPECT_THAT(keys.Get(), IsOk());
  custody_.RefuseAll(Reason::kPeerUnavailable);
  EXPECT_THAT(keys.Get(), IsOk());
}

TEST_F(CaseKeysTest, NothingIsSealedUnderAKeyWhoseWrapWasNotKept) {
  CaseKeys keys(&custody_, &wrapped_);
  records_.SetUnavailable(true);
  EXPECT_THAT(keys.Get(), RefusedWith(Reason::kStoreUnavailable));
  EXPECT_FALSE(keys.is_open());
}

TEST_F(CaseKeysTest, WrapIsKeptOnce) {
  EXPECT_THAT(wrapped_.Load(), IsOkAndHolds(std::optional<std::string>()));
  EXPECT_THAT(wrapped_.Keep("wrap"), IsOk());
  EXPECT_THAT(wrapped_.Keep("other"), RefusedWith(Reason::kConflict));
  EXPECT_THAT(wrapped_.Load(), IsOkAndHolds(std::optional<std::string>("wrap")));
}

}  // namespace
}  // namespace comity::review
