#include "services/review/stored_case_store.h"

#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/crypto/random.h"
#include "services/review/case_id.h"
#include "services/review/stored_case_files.h"
#include "services/review/stored_case_index.h"
#include "services/review/stored_codec.h"
#include "services/review/timers.h"
#include "tests/fakes/fake_blob_store.h"
#include "tests/fakes/fake_record_store.h"
#include "tests/fakes/fake_review_peers.h"
#include "tests/fakes/manual_clock.h"
#include "tests/testing/deployment.h"
#include "tests/testing/matchers.h"
#include "tests/testing/review_world.h"

namespace comity::review {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

class StoredCaseTest : public testing::Test {
 protected:
  // Every field has something in it.
  Case FullCase() {
    TestAccount account = world_.NewAccount(2);
    LegalRequest request = world_.Draft({&account});
    Case c = *world_.Authorise(request);
    c = *world_.Execute(c.id);
    c.objections = {RandomId<Digest>()};
    c.rejections = {Rejection::kBulk, Rejection::kOverBroad};
    c.targets[0].rejections = {Rejection::kNotDecryptableHere};
    c.targets[0].truncated = true;
    c.waiting_until = 5;
    c.notice_due = 6;
    c.executing = true;
    return c;
  }

  const TestDeployment deployment_;
  ReviewWorld world_{deployment_};
  StoredWrappedKeyStore wrapped_{&world_.records};
  CaseKeys keys_{&world_.custody, &wrapped_};
  StoredCaseStore store_{TestDeployment::Region("cn"), &world_.records, &keys_};
  StoredCaseIndex index_{&world_.records, &keys_};
};

TEST_F(StoredCaseTest, EverythingOfACaseComesBack) {
  const Case c = FullCase();
  const std::string bytes = EncodeCase(c);
  ASSERT_OK_AND_ASSIGN(const Case back, DecodeCase(c.id, bytes));
  EXPECT_EQ(EncodeCase(back), bytes);
  EXPECT_EQ(back.id, c.id);
  EXPECT_EQ(back.request.ground, c.request.ground);
  EXPECT_EQ(back.grants.size(), 1U);
  EXPECT_EQ(back.memos.size(), c.memos.size());
  EXPECT_EQ(back.history.size(), c.history.size());
  EXPECT_EQ(back.history.back().leaf_index, c.history.back().leaf_index);
}

TEST_F(StoredCaseTest, CutOrForeignBytesDoNotDecode) {
  const std::string bytes = EncodeCase(FullCase());
  EXPECT_THAT(DecodeCase("id", ""), RefusedWith(Reason::kDataCorrupt));
  EXPECT_THAT(DecodeCase("id", bytes.substr(0, bytes.size() / 2)),
              RefusedWith(Reason::kDataCorrupt));
  EXPECT_THAT(DecodeClaim("x"), RefusedWith(Reason::kDataCorrupt));
  EXPECT_THAT(DecodeNotice("x"), RefusedWith(Reason::kDataCorrupt));
  EXPECT_THAT(DecodeResult("x"), RefusedWith(Reason::kDataCorrupt));
  std::string other_format = bytes;
  other_format[1] = 2;
  EXPECT_THAT(DecodeCase("id", other_format), RefusedWith(Reason::kDataCorrupt));
}

TEST_F(StoredCaseTest, WriteOverAnotherRevisionIsAConflict) {
  Case c = FullCase();
  c.id = NewCaseId(TestDeployment::Region("cn"), world_.Now());
  ASSERT_OK_AND_ASSIGN(const StoredCase first, store_.Write({c, 0}, c));
  EXPECT_THAT(store_.Write({c, 0}, c), RefusedWith(Reason::kConflict));
  ASSERT_OK_AND_ASSIGN(const StoredCase second, store_.Write(first, c));
  EXPECT_EQ(second.revision, 2U);
  EXPECT_THAT(store_.Write(first, c), RefusedWith(Reason::kConflict));
}

TEST_F(StoredCaseTest, DueTimeFollowsTheCase) {
  Case c = FullCase();
  c.id = NewCaseId(TestDeployment::Region("cn"), world_.Now());
  c.notice_due = 17;
  ASSERT_OK_AND_ASSIGN(StoredCase stored, store_.Write({c, 0}, c));
  EXPECT_THAT(store_.ListDue(), IsOkAndHolds(testing::Contains(Pair(17, c.id))));
  c.notice_due = 0;
  c.state = CaseState::kClosed;
  ASSERT_THAT(store_.Write(stored, c), IsOk());
  ASSERT_OK_AND_ASSIGN(const auto due, store_.ListDue());
  for (const auto& [time, id] : due) EXPECT_NE(id, c.id);
}

TEST_F(StoredCaseTest, CaseThatWasPutInAnothersPlaceDoesNotOpen) {
  Case c = FullCase();
  const std::string own = NewCaseId(TestDeployment::Region("cn"), world_.Now());
  std::string other = own;
  other.back() = other.back() == 'a' ? 'i' : 'a';  // same partition; low bits stay zero
  ASSERT_TRUE(ParseCaseId(TestDeployment::Region("cn"), other).has_value()) << other;
  c.id = own;
  ASSERT_THAT(store_.Write({c, 0}, c), IsOk());
  const CasePlace place = *ParseCaseId(TestDeployment::Region("cn"), own);
  const std::string partition = "review/" + place.month + "/" + place.bucket;
  ASSERT_OK_AND_ASSIGN(const Snapshot snapshot,
                       world_.records.Get(partition, {"case/" + own, "rev/" + own}));
  ASSERT_THAT(world_.records.Commit(partition, RandomId<RequestId>(), {},
                                    {Mutation::Put("case/" + other, *snapshot.Find("case/" + own)),
                                     Mutation::Put("rev/" + other, *snapshot.Find("rev/" + own))}),
              IsOk());
  EXPECT_THAT(store_.Find(own), IsOk());
  EXPECT_THAT(store_.Find(other), RefusedWith(Reason::kDataCorrupt));
}

TEST_F(StoredCaseTest, CaseWithoutItsRevisionIsCorrupt) {
  Case c = FullCase();
  c.id = NewCaseId(TestDeployment::Region("cn"), world_.Now());
  ASSERT_THAT(store_.Write({c, 0}, c), IsOk());
  const CasePlace place = *ParseCaseId(TestDeployment::Region("cn"), c.id);
  ASSERT_THAT(world_.records.Commit("review/" + place.month + "/" + place.bucket,
                                    RandomId<RequestId>(), {}, {Mutation::Delete("rev/" + c.id)}),
              IsOk());
  EXPECT_THAT(store_.Find(c.id), RefusedWith(Reason::kDataCorrupt));
}

TEST_F(StoredCaseTest, FirstClaimOfARequestStays) {
  const auto request = RandomId<Digest>();
  EXPECT_THAT(index_.MakeClaim(request, {"case 1", "salt"}), IsOk());
  ASSERT_OK_AND_ASSIGN(const Claim claim, index_.MakeClaim(request, {"case 2", "other"}));
  EXPECT_EQ(claim.case_id, "case 1");
  EXPECT_EQ(claim.salt, "salt");
}

TEST_F(StoredCaseTest, SharedTraitsAreFoundByKindValueAndTime) {
  ASSERT_THAT(index_.AddShared(SharedTrait::kGround, "text", 100, "case 1"), IsOk());
  ASSERT_THAT(index_.AddShared(SharedTrait::kGround, "text", 200, "case 2"), IsOk());
  ASSERT_THAT(index_.AddShared(SharedTrait::kGround, "text", 200, "case 2"), IsOk());
  EXPECT_THAT(index_.FindShared(SharedTrait::kGround, "text", 0),
              IsOkAndHolds(ElementsAre("case 1", "case 2")));
  EXPECT_THAT(index_.FindShared(SharedTrait::kGround, "text", 200),
              IsOkAndHolds(ElementsAre("case 2")));
  EXPECT_THAT(index_.FindShared(SharedTrait::kGround, "texts", 0), IsOkAndHolds(IsEmpty()));
  EXPECT_THAT(index_.FindShared(SharedTrait::kReference, "text", 0), IsOkAndHolds(IsEmpty()));
}

TEST_F(StoredCaseTest, FirstResultOfAnAuthorisationStays) {
  StoredResultStore results(&world_.blobs, &keys_);
  const auto digest = RandomId<Digest>();
  EXPECT_THAT(results.Find("case", digest),
              IsOkAndHolds(testing::Not(testing::Optional(testing::_))));
  const TestService& storage = deployment_.service("cn", ServiceKind::kStorage);
  AccountResult result;
  result.storage.manifest =
      SignStatement(world_.EnvelopeFor("x"), LegalManifest{}, storage.statement_key);
  result.storage.endorsement = storage.endorsement;
  result.custody.sealed_answer = "first";
  ASSERT_THAT(results.Keep("case", digest, result), IsOk());
  result.custody.sealed_answer = "second";
  ASSERT_THAT(results.Keep("case", digest, result), IsOk());
  ASSERT_OK_AND_ASSIGN(const auto kept, results.Find("case", digest));
  ASSERT_TRUE(kept.has_value());
  EXPECT_EQ(kept->custody.sealed_answer, "first");
  EXPECT_EQ(kept->storage.manifest, result.storage.manifest);
  result.custody.sealed_answer = std::string(kMaxBlobBytes, 'x');
  EXPECT_THAT(results.Keep("case", RandomId<Digest>(), result),
              RefusedWith(Reason::kMessageTooLarge));
}

}  // namespace
}  // namespace comity::review
