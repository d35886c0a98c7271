#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "services/common/statement/leaf.h"
#include "services/storage/stored_account_store.h"
#include "services/storage/stored_legal_store.h"
#include "services/storage/stored_object_store.h"
#include "services/storage/sweeper.h"
#include "tests/testing/authorisation.h"
#include "tests/testing/matchers.h"
#include "tests/testing/storage_world.h"
#include "tests/testing/unsafe_authorization.h"

namespace comity::storage {
namespace {

const TestDeployment& Deployment() {
  static const TestDeployment deployment;
  return deployment;
}

// Mainland accounts opened in `us`, so that the authorisations are those of the review of `us`.
class LegalUseTest : public ::testing::Test {
 protected:
  LegalUseTest() {
    first_ = world_.Put(world_.us, account_, ObjectInBucket(1), "first");
    world_.clock.Advance(1000);
    second_ = world_.Put(world_.us, account_, ObjectInBucket(2), "second");
  }
  // Valid, for these contents, as the deployment's people sign it.
  TestAuthorisation Make(const AccountId& account, std::vector<ContentId> contents) {
    TestAuthorisation authorisation(Deployment(), account, std::move(contents), world_.clock.Now(),
                                    "us");
    return authorisation;
  }
  absl::StatusOr<StoredAnswer> Execute(const Authorisation& authorisation) {
    return world_.us.node->legal_uses().Execute(review_, authorisation);
  }
  absl::StatusOr<std::string> Read(const Authorisation& authorisation, const ContentId& content) {
    auto download =
        world_.us.node->legal_uses().Open(review_, authorisation.digest(), account_.id(), content);
    if (!download.ok()) return download.status();
    std::string bytes;
    for (;;) {
      auto next = (*download)->Next();
      if (!next.ok()) return next.status();
      if (next->empty()) return bytes;
      bytes += *next;
    }
  }
  absl::StatusOr<Scope> GetScope(const AccountId& account, UnixMillis begin = 0,
                                 UnixMillis end = INT64_MAX) {
    return world_.us.node->legal_uses().GetScope(review_, account, begin, end);
  }
  absl::Status DeleteFirst() {
    const auto access = world_.us.node->accounts().Owner(StorageWorld::DeviceOf(account_),
                                                         account_.id(), Access::kWrite);
    return world_.us.node->objects().Delete(*access, *RequestId::FromBytes(std::string(16, 'd')),
                                            first_.object, 0);
  }

  StorageWorld world_{Deployment()};
  TestAccount& account_ = world_.Open("HK");
  const Authorization review_ =
      UnsafeAuthorizationForTest::Service("us", ServiceKind::kReview, "apple");
  ObjectRecord first_;
  ObjectRecord second_;
};

TEST_F(LegalUseTest, ScopeListsVersionsByTimeWithPaddedSizes) {
  ASSERT_OK_AND_ASSIGN(const Scope scope, GetScope(account_.id()));
  EXPECT_TRUE(scope.held);
  ASSERT_EQ(scope.items.size(), 2u);
  EXPECT_EQ(scope.items[0].content, first_.content);
  EXPECT_EQ(scope.items[1].content, second_.content);
  EXPECT_EQ(scope.items[0].padded_size, 8u);
  EXPECT_FALSE(scope.truncated);
  EXPECT_EQ(scope.chain, account_.entries());
}

TEST_F(LegalUseTest, ScopeHoldsOnlyTheTimeRange) {
  ASSERT_OK_AND_ASSIGN(Scope scope, GetScope(account_.id(), second_.create_time, INT64_MAX));
  ASSERT_EQ(scope.items.size(), 1u);
  EXPECT_EQ(scope.items[0].content, second_.content);
  ASSERT_OK_AND_ASSIGN(scope, GetScope(account_.id(), 0, second_.create_time));
  ASSERT_EQ(scope.items.size(), 1u);
  EXPECT_EQ(scope.items[0].content, first_.content);
}

TEST_F(LegalUseTest, AccountsThatAreNotServedHereAllLookTheSame) {
  // One never here, one arriving at `cn`: nothing tells them apart.
  ASSERT_OK_AND_ASSIGN(const Scope unknown, GetScope(Deployment().NewAccount().id()));
  EXPECT_FALSE(unknown.held);
  EXPECT_TRUE(unknown.items.empty());
  EXPECT_TRUE(unknown.chain.empty());
}

TEST_F(LegalUseTest, ExecutionAnswersWithTheSignedManifest) {
  const Authorisation authorisation =
      Make(account_.id(), {second_.content, first_.content}).Build();
  ASSERT_OK_AND_ASSIGN(const StoredAnswer answer, Execute(authorisation));
  ASSERT_EQ(answer.objects.size(), 2u);
  EXPECT_EQ(answer.objects[0].record, second_) << "in the order of the scope";
  EXPECT_EQ(answer.objects[1].record, first_);
  ASSERT_OK_AND_ASSIGN(
      const auto manifest,
      VerifyStatement<LegalManifest>(
          answer.manifest,
          Deployment().service("us", ServiceKind::kStorage).statement_key.public_key()));
  EXPECT_EQ(manifest.body.authorisation, authorisation.digest());
  EXPECT_EQ(manifest.body.objects,
            (std::vector<Digest>{ObjectRecordDigest(second_), ObjectRecordDigest(first_)}));
  EXPECT_EQ(world_.us.log.Count("legal.use"), 1u);
  ASSERT_OK_AND_ASSIGN(const Leaf leaf, DecodeLeaf(answer.leaf));
  EXPECT_TRUE(leaf.clear.empty()) << "a leaf tells nothing of an account or a case";
}

TEST_F(LegalUseTest, RepeatGivesTheStoredAnswerAlsoWhenTheAuthorisationHasExpired) {
  const Authorisation authorisation = Make(account_.id(), {first_.content}).Build();
  ASSERT_OK_AND_ASSIGN(const StoredAnswer first, Execute(authorisation));
  ASSERT_THAT(DeleteFirst(), IsOk());
  world_.clock.Advance(20 * kDayMs);
  ASSERT_OK_AND_ASSIGN(const StoredAnswer second, Execute(authorisation));
  EXPECT_EQ(first.manifest, second.manifest);
  EXPECT_EQ(first.receipt, second.receipt);
  EXPECT_EQ(world_.us.log.Count("legal.use"), 1u);
}

TEST_F(LegalUseTest, StoredAnswerSurvivesARestart) {
  const Authorisation authorisation = Make(account_.id(), {first_.content}).Build();
  ASSERT_OK_AND_ASSIGN(const StoredAnswer first, Execute(authorisation));
  world_.Restart(world_.us);
  ASSERT_OK_AND_ASSIGN(const StoredAnswer second, Execute(authorisation));
  EXPECT_EQ(first.manifest, second.manifest);
}

TEST_F(LegalUseTest, ExpiredAuthorisationIsRefusedBeforeItsFirstUse) {
  const Authorisation authorisation = Make(account_.id(), {first_.content}).Build();
  world_.clock.Advance(20 * kDayMs);
  EXPECT_THAT(Execute(authorisation).status(), RefusedWith(Reason::kAuthorisationInvalid));
  EXPECT_EQ(world_.us.log.Count("legal.use"), 0u);
}

TEST_F(LegalUseTest, OneApprovalIsNotEnough) {
  Authorisation authorisation = Make(account_.id(), {first_.content}).Build();
  authorisation.approvals.pop_back();
  EXPECT_FALSE(Execute(authorisation).ok());
  EXPECT_EQ(world_.us.log.Count("legal.use"), 0u);
}

TEST_F(LegalUseTest, ForeignBytesAreNoAuthorisation) {
  Authorisation authorisation = Make(account_.id(), {first_.content}).Build();
  authorisation.core = "no core";
  EXPECT_THAT(Execute(authorisation).status(), RefusedWith(Reason::kAuthorisationInvalid));
}

TEST_F(LegalUseTest, AuthorisationOfAnotherEpochIsRefused) {
  TestAuthorisation made = Make(account_.id(), {first_.content});
  made.core.account_epoch = 2;
  EXPECT_THAT(Execute(made.Build()).status(), RefusedWith(Reason::kAuthorisationInvalid));
}

TEST_F(LegalUseTest, AccountThatIsNotHereIsRefused) {
  const TestAccount other = Deployment().NewAccount();
  EXPECT_THAT(Execute(Make(other.id(), {first_.content}).Build()).status(),
              RefusedWith(Reason::kAccountNotHere));
}

TEST_F(LegalUseTest, NothingIsAnsweredWhenTheLogTakesNoLeaf) {
  const Authorisation authorisation = Make(account_.id(), {first_.content}).Build();
  world_.us.log.SetUnavailable(true);
  EXPECT_THAT(Execute(authorisation).status(), RefusedWith(Reason::kLogUnavailable));
  EXPECT_THAT(Read(authorisation, first_.content).status(),
              RefusedWith(Reason::kAuthorisationInvalid));
}

TEST_F(LegalUseTest, ContentIsReadOnlyUnderAnExecutedAuthorisation) {
  const Authorisation authorisation = Make(account_.id(), {first_.content}).Build();
  EXPECT_THAT(Read(authorisation, first_.content).status(),
              RefusedWith(Reason::kAuthorisationInvalid));
  ASSERT_THAT(Execute(authorisation).status(), IsOk());
  EXPECT_THAT(Read(authorisation, first_.content), IsOkAndHolds(std::string("first")));
  EXPECT_THAT(Read(authorisation, second_.content).status(),
              RefusedWith(Reason::kAuthorisationInvalid))
      << "out of scope";
}

TEST_F(LegalUseTest, AttributesAloneGiveNoContent) {
  TestAuthorisation made = Make(account_.id(), {first_.content});
  made.request.classes = {DataClass::kC4};
  made.core.classes = {DataClass::kC4};
  made.core.purposes = {KeyPurpose::kAttributes};
  const Authorisation authorisation = made.Build();
  ASSERT_THAT(Execute(authorisation).status(), IsOk());
  EXPECT_THAT(Read(authorisation, first_.content).status(),
              RefusedWith(Reason::kAuthorisationInvalid));
}

TEST_F(LegalUseTest, PinnedContentOutlivesItsDeletionUntilThePinEnds) {
  StoredAccountStore accounts(&world_.us.records);
  StoredObjectStore objects(&world_.us.records);
  StoredLegalStore legal(&world_.us.records, &world_.us.blobs);
  Site site;
  site.topology = &Deployment().topology();
  site.region = TestDeployment::Region("us");
  site.clock = &world_.clock;
  Sweeper sweeper(site, &accounts, &objects, &legal, &world_.us.blobs, &world_.clock);

  const Authorisation authorisation = Make(account_.id(), {first_.content}).Build();
  ASSERT_THAT(Execute(authorisation).status(), IsOk());
  ASSERT_THAT(DeleteFirst(), IsOk());
  world_.clock.Advance(29 * kDayMs);
  ASSERT_THAT(sweeper.Sweep(account_.id()), IsOk());
  ASSERT_THAT(sweeper.SweepOrphans(account_.id()), IsOk());
  EXPECT_THAT(Read(authorisation, first_.content), IsOkAndHolds(std::string("first")));
  world_.clock.Advance(2 * kDayMs);
  EXPECT_THAT(Read(authorisation, first_.content).status(),
              RefusedWith(Reason::kAuthorisationInvalid));
  const size_t before = world_.us.blobs.List(BlobFolder(account_.id()), "", 100).value().size();
  ASSERT_THAT(sweeper.Sweep(account_.id()), IsOk());
  EXPECT_EQ(world_.us.blobs.List(BlobFolder(account_.id()), "", 100).value().size(), before - 1);
}

TEST_F(LegalUseTest, MovedAccountEndsEveryUseAtTheSource) {
  TestAccount& mainland = world_.Open("CN");
  const ObjectRecord record = world_.Put(world_.us, mainland, ObjectInBucket(5), "mainland");
  world_.clock.Advance(TestDeployment::kHandover + kHourMs - world_.clock.Now());
  const Authorisation authorisation = Make(mainland.id(), {record.content}).Build();
  ASSERT_THAT(Execute(authorisation).status(), IsOk());
  world_.Consent(mainland);
  world_.StartMigration();
  world_.custody.SetMood(FakeMoveCustody::Mood::kWaits);
  world_.Advance(mainland, 3);
  EXPECT_THAT(Execute(authorisation).status(), RefusedWith(Reason::kAccountFenced));
  EXPECT_THAT(GetScope(mainland.id()).status(), RefusedWith(Reason::kAccountFenced));
  world_.custody.SetMood(FakeMoveCustody::Mood::kDecides);
  world_.Advance(mainland);
  EXPECT_THAT(Execute(authorisation).status(), RefusedWith(Reason::kAccountNotHere));
  EXPECT_THAT(world_.us.node->legal_uses()
                  .Open(review_, authorisation.digest(), mainland.id(), record.content)
                  .status(),
              RefusedWith(Reason::kAccountNotHere));
  ASSERT_OK_AND_ASSIGN(const Scope scope, GetScope(mainland.id()));
  EXPECT_FALSE(scope.held);
}

TEST_F(LegalUseTest, ReplacedVersionGoesAfterAnHour) {
  StoredAccountStore accounts(&world_.us.records);
  StoredObjectStore objects(&world_.us.records);
  StoredLegalStore legal(&world_.us.records, &world_.us.blobs);
  Site site;
  site.topology = &Deployment().topology();
  site.region = TestDeployment::Region("us");
  site.clock = &world_.clock;
  Sweeper sweeper(site, &accounts, &objects, &legal, &world_.us.blobs, &world_.clock);
  const auto blobs = [&] {
    return world_.us.blobs.List(BlobFolder(account_.id()), "", 100).value().size();
  };
  world_.Put(world_.us, account_, first_.object, "first, again", 1);
  ASSERT_EQ(blobs(), 3u);
  ASSERT_THAT(sweeper.Sweep(account_.id()), IsOk());
  EXPECT_EQ(blobs(), 3u) << "a read may be under way";
  world_.clock.Advance(2 * kHourMs);
  ASSERT_THAT(sweeper.Sweep(account_.id()), IsOk());
  EXPECT_EQ(blobs(), 2u);
  EXPECT_THAT(world_.Get(world_.us, account_, first_.object),
              IsOkAndHolds(std::string("first, again")));
}

TEST_F(LegalUseTest, OrphansGoByAgeAndNothingElse) {
  StoredAccountStore accounts(&world_.us.records);
  StoredObjectStore objects(&world_.us.records);
  StoredLegalStore legal(&world_.us.records, &world_.us.blobs);
  Site site;
  site.topology = &Deployment().topology();
  site.region = TestDeployment::Region("us");
  site.clock = &world_.clock;
  Sweeper sweeper(site, &accounts, &objects, &legal, &world_.us.blobs, &world_.clock);
  const std::string orphan = BlobName(account_.id(), UploadId::Random(), 0, 0);
  ASSERT_THAT(world_.us.blobs.PutIfAbsentOrEqual(orphan, "left by a crash"), IsOk());
  world_.clock.Advance(kDayMs);
  ASSERT_THAT(sweeper.SweepOrphans(account_.id()), IsOk());
  EXPECT_THAT(world_.us.blobs.Get(orphan).status(), IsOk()) << "an upload may be under way";
  world_.clock.Advance(4 * kDayMs);
  ASSERT_THAT(sweeper.SweepOrphans(account_.id()), IsOk());
  EXPECT_THAT(world_.us.blobs.Get(orphan).status(), RefusedWith(Reason::kObjectNotFound));
  EXPECT_THAT(world_.Get(world_.us, account_, first_.object), IsOkAndHolds(std::string("first")));
  EXPECT_THAT(world_.Get(world_.us, account_, second_.object), IsOkAndHolds(std::string("second")));
}

}  // namespace
}  // namespace comity::storage
