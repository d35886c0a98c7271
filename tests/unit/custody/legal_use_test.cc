#include "services/custody/legal_use.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/crypto/digest.h"
#include "services/common/crypto/hpke.h"
#include "services/common/crypto/random.h"
#include "services/common/statement/leaf.h"
#include "services/common/status/retry_after.h"
#include "services/custody/leaves.h"
#include "services/custody/record_key.h"
#include "tests/testing/authorisation.h"
#include "tests/testing/custody.h"
#include "tests/testing/matchers.h"
#include "tests/testing/numbered_request.h"

namespace comity::custody {
namespace {

using testing::Contains;
using testing::Not;

class LegalUseTest : public testing::Test {
 protected:
  // An account that lives at "cn" from the start.
  LegalUseTest() : owner_(world_.deployment().NewAccount()) {
    world_.CreateAccountAt(world_.cn, owner_, "CN");
    for (const char* name : {"one", "two"}) {
      const KeyContext context = CustodyWorld::Context(name);
      auto keys = world_.cn.custody().data_keys().Generate(
          CustodyNode::Device(owner_.device()), owner_.id(), UseReason::kAccess, {context});
      plaintexts_.push_back(keys->front().plaintext.Clone());
      wraps_.push_back({context, keys->front().wrapped});
    }
  }
  TestAuthorisation Case() {
    return TestAuthorisation(world_.deployment(), owner_.id(),
                             {wraps_[0].context.content(), wraps_[1].context.content()},
                             world_.now());
  }
  absl::StatusOr<LegalUse> Execute(const Authorisation& legal) { return Execute(legal, wraps_); }
  absl::StatusOr<LegalUse> Execute(const Authorisation& legal,
                                   const std::vector<WrappedKey>& wraps) {
    return world_.cn.custody().legal_uses().Execute(world_.cn.Review(), legal, wraps);
  }
  size_t Uses() { return world_.cn.log().Count(std::string(kLeafLegalUse)); }

  CustodyWorld world_;
  TestAccount owner_;
  std::vector<WrappedKey> wraps_;
  std::vector<SecretBytes> plaintexts_;
};

TEST_F(LegalUseTest, AnswerOpensForTheRecipientAlone) {
  const TestAuthorisation legal = Case();
  const Authorisation authorisation = legal.Build();
  ASSERT_OK_AND_ASSIGN(const LegalUse use, Execute(authorisation));
  const std::string info = LegalAnswerInfo(authorisation.digest());
  ASSERT_OK_AND_ASSIGN(const SecretBytes opened,
                       HpkeOpen(legal.recipient_private_key(), info, "", use.sealed_answer));
  ASSERT_OK_AND_ASSIGN(const LegalAnswer answer,
                       DecodeRecord<LegalAnswer>(opened.RevealView(RevealKey::ForTest())));
  ASSERT_EQ(answer.keys.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(answer.keys[i].content, wraps_[i].context.content());
    EXPECT_EQ(answer.keys[i].purpose, KeyPurpose::kContent);
    EXPECT_EQ(answer.keys[i].data_key, plaintexts_[i].RevealView(RevealKey::ForTest()));
  }
  EXPECT_THAT(HpkeOpen(GenerateX25519().private_key, info, "", use.sealed_answer),
              RefusedWith(Reason::kDataCorrupt));
}

TEST_F(LegalUseTest, InfoIsAsDocumented) {
  const Digest digest = Sha256Digest("x");
  EXPECT_EQ(LegalAnswerInfo(digest),
            "comity answer v1" + std::string(digest.bytes()) + "custody" + std::string(4, '\0'));
}

TEST_F(LegalUseTest, AnswerIsTheCanonicalEncoding) {
  std::vector<OpenedKey> keys;
  LegalAnswer same;
  for (int i = 0; i < 3; ++i) {
    OpenedKey key{RandomId<ContentId>(), KeyPurpose::kAttributes, RandomSecret(32)};
    same.keys.push_back(
        {key.content, key.purpose, std::string(key.data_key.RevealView(RevealKey::ForTest()))});
    keys.push_back(std::move(key));
  }
  EXPECT_EQ(EncodeLegalAnswer(keys).RevealView(RevealKey::ForTest()), EncodeRecord(same));
  EXPECT_EQ(EncodeLegalAnswer({}).RevealView(RevealKey::ForTest()), EncodeRecord(LegalAnswer{}));
}

TEST_F(LegalUseTest, LeafCommitsToTheAuthorisationAndNamesNobody) {
  const Authorisation authorisation = Case().Build();
  ASSERT_OK_AND_ASSIGN(const LegalUse use, Execute(authorisation));
  ASSERT_OK_AND_ASSIGN(const Leaf leaf, DecodeLeaf(use.leaf));
  EXPECT_EQ(leaf.type, "legal.use");
  EXPECT_TRUE(leaf.clear.empty());
  EXPECT_EQ(leaf.commitments.at("authorisation"),
            Commit(use.salts.at("authorisation"), "legal.use/authorisation",
                   authorisation.digest().bytes()));
  EXPECT_EQ(leaf.commitments.at("account"),
            Commit(use.salts.at("account"), "legal.use/account", owner_.id().bytes()));
  EXPECT_THAT(world_.cn.log().leaves(), Contains(use.leaf));
}

// Out of use is out of use for everybody; nothing is logged that could not happen.
TEST_F(LegalUseTest, VersionThatItsOwnerHasDisabledOpensForNoAuthority) {
  KeyVersions& versions = world_.cn.custody().key_versions();
  const Authorization device = CustodyNode::Device(owner_.device());
  ASSERT_THAT(
      versions.Change(device, {owner_.id(), NumberedRequest(1), KeyChangeKind::kDisable, 1}),
      IsOk());
  const Authorisation authorisation = Case().Build();
  EXPECT_THAT(Execute(authorisation), RefusedWith(Reason::kKeyDisabled));
  EXPECT_EQ(Uses(), 0u);
  ASSERT_THAT(versions.Change(device, {owner_.id(), NumberedRequest(2), KeyChangeKind::kEnable, 1}),
              IsOk());
  EXPECT_THAT(Execute(authorisation), IsOk());
  EXPECT_EQ(Uses(), 1u);
}

TEST_F(LegalUseTest, RepeatGetsTheStoredAnswerAndNoNewLeaf) {
  const Authorisation authorisation = Case().Build();
  ASSERT_OK_AND_ASSIGN(const LegalUse first, Execute(authorisation));
  world_.clock.Advance(300 * kDayMs);  // long expired
  world_.cn.Start();
  ASSERT_OK_AND_ASSIGN(const LegalUse second, Execute(authorisation));
  EXPECT_EQ(first.sealed_answer, second.sealed_answer);
  EXPECT_EQ(first.leaf, second.leaf);
  EXPECT_EQ(first.receipt, second.receipt);
  EXPECT_EQ(Uses(), 1u);
}

TEST_F(LegalUseTest, KeysOfFirstAnswersAreHeldToARate) {
  RateLimiter::Time now{};
  Rates rates{};
  ASSERT_THAT(SetRate("use-legal=1/2", rates), IsOk());
  RateLimits limits(rates, [&] { return now; });
  world_.cn.UseLimits(&limits);
  const Authorisation first = Case().Build();
  std::vector<WrappedKey> broken = wraps_;
  broken[1].wrapped.back() ^= 1;
  EXPECT_THAT(Execute(first, broken), RefusedWith(Reason::kDataCorrupt));
  EXPECT_THAT(Execute(first), IsOk()) << "what came to nothing was given back";
  const Authorisation second = Case().Build();
  const absl::Status refused = Execute(second).status();
  EXPECT_THAT(refused, RefusedWith(Reason::kRateLimited));
  EXPECT_EQ(RetryAfterOf(refused), std::chrono::seconds(2));
  EXPECT_THAT(Execute(first), IsOk()) << "a repeat opens nothing";
  EXPECT_EQ(Uses(), 2u) << "no leaf of what is refused";
  now += RetryAfterOf(refused);
  EXPECT_THAT(Execute(second), IsOk());
  world_.cn.UseLimits(nullptr);
}

TEST_F(LegalUseTest, OnlyTheRegionsReviewMayAsk) {
  const Authorisation authorisation = Case().Build();
  for (const Authorization& who :
       {world_.cn.Storage(), world_.us.Review(), CustodyNode::Device(owner_.device())}) {
    EXPECT_THAT(world_.cn.custody().legal_uses().Execute(who, authorisation, wraps_),
                RefusedWith(Reason::kCallerNotAllowed));
  }
  EXPECT_EQ(Uses(), 0u);
}

TEST_F(LegalUseTest, WrapOutsideTheScopeIsRefused) {
  TestAuthorisation narrow = Case();
  narrow.core.contents = {wraps_[0].context.content()};
  EXPECT_THAT(Execute(narrow.Build()), RefusedWith(Reason::kAuthorisationInvalid));
  TestAuthorisation names_only = Case();
  names_only.core.purposes = {KeyPurpose::kAttributes};
  names_only.core.classes = {DataClass::kC4};
  EXPECT_THAT(Execute(names_only.Build()), RefusedWith(Reason::kAuthorisationInvalid));
  EXPECT_EQ(Uses(), 0u);
}

TEST_F(LegalUseTest, WrapOfAnotherAccountIsRefused) {
  const std::string foreign = world_.Generate(world_.us, world_.account);
  EXPECT_THAT(Execute(Case().Build(), {{wraps_[0].context, foreign}}),
              RefusedWith(Reason::kAuthorisationInvalid));
}

TEST_F(LegalUseTest, SameKeyTwiceAndNoKeyAtAllAreRefused) {
  EXPECT_THAT(Execute(Case().Build(), {wraps_[0], wraps_[0]}), RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(Execute(Case().Build(), {}), RefusedWith(Reason::kFieldInvalid));
}

TEST_F(LegalUseTest, WrapThatDoesNotOpenAnswersNothing) {
  std::vector<WrappedKey> wraps = wraps_;
  wraps[1].wrapped.back() ^= 1;
  const Authorisation authorisation = Case().Build();
  EXPECT_THAT(Execute(authorisation, wraps), RefusedWith(Reason::kDataCorrupt));
  ASSERT_OK_AND_ASSIGN(const auto stored,
                       world_.cn.store().FindUse(owner_.id(), authorisation.digest()));
  EXPECT_FALSE(stored.has_value());
}

TEST_F(LegalUseTest, ForgedAuthorisationsAreRefused) {
  Authorisation authorisation = Case().Build();
  authorisation.approvals.pop_back();
  EXPECT_THAT(Execute(authorisation), RefusedWith(Reason::kFourEyes));
  TestAuthorisation expired = Case();
  expired.grant_expiry = world_.now() - 1;
  EXPECT_THAT(Execute(expired.Build()), RefusedWith(Reason::kAuthorisationInvalid));
  TestAuthorisation storage_only = Case();
  storage_only.core.audiences = {"storage"};
  EXPECT_THAT(Execute(storage_only.Build()), Not(IsOk()));
  authorisation = Case().Build();
  authorisation.core = "garbage";
  EXPECT_THAT(Execute(authorisation), RefusedWith(Reason::kStatementMalformed));
  EXPECT_EQ(Uses(), 0u);
}

TEST_F(LegalUseTest, OtherAccountEpochIsRefused) {
  TestAuthorisation legal = Case();
  legal.core.account_epoch = 2;
  EXPECT_THAT(Execute(legal.Build()), RefusedWith(Reason::kAuthorisationInvalid));
  legal.core.account_epoch = 1;
  EXPECT_THAT(Execute(legal.Build()), IsOk());
}

TEST_F(LegalUseTest, AccountThatIsNotHereIsRefusedWithoutLeaf) {
  // Lives at "us": no key of it ever was here.
  TestAuthorisation legal(world_.deployment(), world_.account.id(),
                          {CustodyWorld::Context().content()}, world_.now());
  const std::string wrapped = world_.Generate(world_.us, world_.account);
  EXPECT_THAT(Execute(legal.Build(), {{CustodyWorld::Context(), wrapped}}),
              RefusedWith(Reason::kAccountNotHere));
  EXPECT_EQ(Uses(), 0u);
}

TEST_F(LegalUseTest, ReleaseEndsLegalUsesAtTheSource) {
  const std::string wrapped = world_.Generate(world_.us, world_.account);
  const Statement consent = world_.SignConsent();
  ASSERT_THAT(world_.DeliverAsDevice(world_.us, {consent}), IsOk());
  ASSERT_THAT(
      world_.DeliverAsStorage(world_.us, SignMoveEvidence(world_.deployment(), world_.account.id(),
                                                          2, consent.digest(), world_.now())
                                             .All()),
      IsOk());
  TestAuthorisation legal(world_.deployment(), world_.account.id(),
                          {CustodyWorld::Context().content()}, world_.now(), "us");
  EXPECT_THAT(world_.us.custody().legal_uses().Execute(world_.us.Review(), legal.Build(),
                                                       {{CustodyWorld::Context(), wrapped}}),
              RefusedWith(Reason::kAccountNotHere));
  TestAuthorisation there(world_.deployment(), world_.account.id(),
                          {CustodyWorld::Context().content()}, world_.now());
  EXPECT_THAT(Execute(there.Build(), {{CustodyWorld::Context(), wrapped}}), IsOk());
}

TEST_F(LegalUseTest, ClosingAccountIsAnsweredUntilItsKeysAreDestroyed) {
  ASSERT_THAT(
      world_.cn.custody().messenger().Deliver(CustodyNode::Device(owner_.device()), owner_.id(),
                                              {owner_.Sign(Close{}, world_.now())}),
      IsOk());
  EXPECT_THAT(Execute(Case().Build()), IsOk());
  world_.clock.Advance(30 * kDayMs);
  world_.cn.Tick();
  EXPECT_THAT(Execute(Case().Build()), RefusedWith(Reason::kKeyDestroyed));
}

TEST_F(LegalUseTest, NoLeafNoUse) {
  const Authorisation authorisation = Case().Build();
  world_.cn.log().FailNext(FakeLeafLog::Fate::kNotWritten);
  EXPECT_THAT(Execute(authorisation), RefusedWith(Reason::kLogUnavailable));
  ASSERT_OK_AND_ASSIGN(const auto stored,
                       world_.cn.store().FindUse(owner_.id(), authorisation.digest()));
  EXPECT_FALSE(stored.has_value());
  EXPECT_THAT(Execute(authorisation), IsOk());
}

TEST_F(LegalUseTest, LostCommitIsAnsweredFromTheStore) {
  const Authorisation authorisation = Case().Build();
  world_.cn.records().FailNextCommit(FakeRecordStore::Fate::kApplied);
  EXPECT_THAT(Execute(authorisation), RefusedWith(Reason::kStoreUnavailable));
  ASSERT_OK_AND_ASSIGN(const LegalUse use, Execute(authorisation));
  ASSERT_OK_AND_ASSIGN(const auto stored,
                       world_.cn.store().FindUse(owner_.id(), authorisation.digest()));
  EXPECT_EQ(stored->sealed_answer, use.sealed_answer);
  EXPECT_EQ(Uses(), 1u);
}

class RecordKeyTest : public testing::Test {
 protected:
  absl::StatusOr<RecordKey> Open(CustodyNode& node, std::string_view wrapped) {
    return OpenRecordKey(node.Review(), node.site(), **node.custody().vault().Open(), wrapped);
  }
  CustodyWorld world_;
};

TEST_F(RecordKeyTest, MadeOnceItOpensForEver) {
  ASSERT_OK_AND_ASSIGN(const RecordKey made, Open(world_.cn, ""));
  EXPECT_EQ(made.plaintext.size(), 32u);
  world_.cn.Start();
  ASSERT_OK_AND_ASSIGN(const RecordKey opened, Open(world_.cn, made.wrapped));
  EXPECT_TRUE(opened.plaintext.ConstantTimeEquals(made.plaintext));
  EXPECT_EQ(opened.wrapped, made.wrapped);
}

TEST_F(RecordKeyTest, OpensInItsRegionAlone) {
  ASSERT_OK_AND_ASSIGN(const RecordKey made, Open(world_.cn, ""));
  EXPECT_THAT(Open(world_.us, made.wrapped), RefusedWith(Reason::kDataCorrupt));
}

TEST_F(RecordKeyTest, OtherBytesAreCorrupt) {
  ASSERT_OK_AND_ASSIGN(RecordKey made, Open(world_.cn, ""));
  made.wrapped.back() ^= 1;
  EXPECT_THAT(Open(world_.cn, made.wrapped), RefusedWith(Reason::kDataCorrupt));
  EXPECT_THAT(Open(world_.cn, "\x02" + made.wrapped.substr(1)), RefusedWith(Reason::kDataCorrupt));
}

TEST_F(RecordKeyTest, OnlyTheRegionsReviewGetsIt) {
  EXPECT_THAT(OpenRecordKey(world_.cn.Storage(), world_.cn.site(),
                            **world_.cn.custody().vault().Open(), ""),
              RefusedWith(Reason::kCallerNotAllowed));
  EXPECT_THAT(
      OpenRecordKey(world_.us.Review(), world_.cn.site(), **world_.cn.custody().vault().Open(), ""),
      RefusedWith(Reason::kCallerNotAllowed));
}

}  // namespace
}  // namespace comity::custody
