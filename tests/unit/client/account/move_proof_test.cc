#include "client/account/move_proof.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "tests/testing/deployment.h"
#include "tests/testing/matchers.h"

namespace comity {
namespace {

using testing::HasSubstr;

constexpr UnixMillis kConsented = TestDeployment::kAnnounced + kDayMs;
constexpr UnixMillis kNow = TestDeployment::kHandover + kDayMs;

const TestDeployment& Shared() {
  static const TestDeployment deployment;
  return deployment;
}

// A move of one account from `us` to `cn`, and every statement that proves it. A test changes one
// piece and asks again.
class MoveProofTest : public testing::Test {
 protected:
  MoveProofTest() {
    release_.epoch = 2;
    release_.destination = TestDeployment::Region("cn");
    release_.consent = consent_.digest();
    activation_.epoch = 2;
  }

  template <typename Body>
  Statement SignAs(std::string_view region, ServiceKind kind, const Body& body) const {
    Envelope envelope = Envelope{.deployment = deployment_.topology().deployment(),
                                 .region = std::string(region),
                                 .subject = std::string(account_.id().bytes()),
                                 .number = 1,
                                 .time = kNow};
    return SignStatement(envelope, body, deployment_.service(region, kind).statement_key);
  }

  Statement SignedRelease() const { return SignAs("us", ServiceKind::kCustody, release_); }
  Statement SignedActivation() const {
    Activation body = activation_;
    if (body.release.IsZero()) body.release = SignedRelease().digest();
    return SignAs("cn", ServiceKind::kCustody, body);
  }
  const Statement& EndorsementOf(std::string_view region,
                                 ServiceKind kind = ServiceKind::kCustody) const {
    return deployment_.service(region, kind).endorsement;
  }
  std::vector<Statement> Evidence() const {
    return {SignedRelease(), SignedActivation(), EndorsementOf("us"), EndorsementOf("cn")};
  }
  absl::StatusOr<VerifiedMove> Verify(const std::vector<Statement>& evidence) const {
    return VerifyMove(deployment_.topology(), account_.id(), consent_, evidence, kNow);
  }

  const TestDeployment& deployment_ = Shared();
  TestAccount account_ = deployment_.NewAccount();
  Statement consent_ = account_.SignConsent(deployment_.topology(), "CN",
                                            TestDeployment::Region("us"), 1, kConsented);
  Release release_;
  Activation activation_;
};

TEST_F(MoveProofTest, WholeEvidenceProvesTheMove) {
  ASSERT_OK_AND_ASSIGN(const VerifiedMove move, Verify(Evidence()));
  EXPECT_EQ(move.source.name(), "us");
  EXPECT_EQ(move.destination.name(), "cn");
  EXPECT_EQ(move.epoch, 2u);
  EXPECT_EQ(move.release, SignedRelease());
  EXPECT_EQ(move.activation.body, SignedActivation().body);
}

TEST_F(MoveProofTest, OrderAndStrangeStatementsDoNotMatter) {
  std::vector<Statement> evidence = Evidence();
  std::reverse(evidence.begin(), evidence.end());
  evidence.insert(evidence.begin() + 1, consent_);
  evidence.push_back(Statement{"nonsense", {}});
  evidence.push_back(EndorsementOf("us", ServiceKind::kStorage));
  EXPECT_THAT(Verify(evidence), IsOk());
}

TEST_F(MoveProofTest, IsRefusedWithoutTheRelease) {
  std::vector<Statement> evidence = Evidence();
  evidence.erase(evidence.begin());
  const absl::Status status = Verify(evidence).status();
  EXPECT_THAT(status, RefusedWith(Reason::kSignatureInvalid));
  EXPECT_THAT(CauseOf(status), HasSubstr("there is no key.release of custody in us"));
}

TEST_F(MoveProofTest, IsRefusedWithoutTheActivation) {
  std::vector<Statement> evidence = Evidence();
  evidence.erase(evidence.begin() + 1);
  const absl::Status status = Verify(evidence).status();
  EXPECT_THAT(status, RefusedWith(Reason::kSignatureInvalid));
  EXPECT_THAT(CauseOf(status), HasSubstr("there is no key.activation of custody in cn"));
}

TEST_F(MoveProofTest, IsRefusedWithoutTheSourcesEndorsement) {
  std::vector<Statement> evidence = Evidence();
  evidence.erase(evidence.begin() + 2);
  const absl::Status status = Verify(evidence).status();
  EXPECT_THAT(status, RefusedWith(Reason::kEndorsementMissing));
  EXPECT_THAT(CauseOf(status), HasSubstr("custody in us"));
}

TEST_F(MoveProofTest, IsRefusedWithoutTheDestinationsEndorsement) {
  std::vector<Statement> evidence = Evidence();
  evidence.erase(evidence.begin() + 3);
  const absl::Status status = Verify(evidence).status();
  EXPECT_THAT(status, RefusedWith(Reason::kEndorsementMissing));
  EXPECT_THAT(CauseOf(status), HasSubstr("custody in cn"));
}

TEST_F(MoveProofTest, IsRefusedWhenTheEndorsementIsSignedByTheOtherOperator) {
  std::vector<Statement> evidence = Evidence();
  evidence[3] = deployment_.Endorse(
      "cn", ServiceKind::kCustody,
      deployment_.service("cn", ServiceKind::kCustody).statement_key.public_key(), "gcbd");
  EXPECT_THAT(Verify(evidence), RefusedWith(Reason::kEndorsementMissing));
}

TEST_F(MoveProofTest, IsRefusedWhenTheEndorsementHasExpired) {
  std::vector<Statement> evidence = Evidence();
  evidence[2] = deployment_.Endorse(
      "us", ServiceKind::kCustody,
      deployment_.service("us", ServiceKind::kCustody).statement_key.public_key(), "apple",
      TestDeployment::kStart, kNow - 1);
  EXPECT_THAT(Verify(evidence), RefusedWith(Reason::kEndorsementMissing));
}

TEST_F(MoveProofTest, IsRefusedWhenStorageSignedTheRelease) {
  std::vector<Statement> evidence = Evidence();
  evidence[0] = SignAs("us", ServiceKind::kStorage, release_);
  evidence.push_back(EndorsementOf("us", ServiceKind::kStorage));
  EXPECT_THAT(Verify(evidence), RefusedWith(Reason::kSignatureInvalid));
}

TEST_F(MoveProofTest, IsRefusedWhenTheDestinationSignedTheRelease) {
  std::vector<Statement> evidence = Evidence();
  evidence[0] = SignAs("cn", ServiceKind::kCustody, release_);
  EXPECT_THAT(Verify(evidence), RefusedWith(Reason::kSignatureInvalid));
}

TEST_F(MoveProofTest, IsRefusedWhenTheSourceSignedTheActivation) {
  std::vector<Statement> evidence = Evidence();
  Activation body = activation_;
  body.release = SignedRelease().digest();
  evidence[1] = SignAs("us", ServiceKind::kCustody, body);
  EXPECT_THAT(Verify(evidence), RefusedWith(Reason::kSignatureInvalid));
}

TEST_F(MoveProofTest, IsRefusedWhenAByteOfTheReleaseIsFlipped) {
  std::vector<Statement> evidence = Evidence();
  evidence[0].body.back() = static_cast<char>(evidence[0].body.back() ^ 1);
  EXPECT_THAT(Verify(evidence), RefusedWith(Reason::kSignatureInvalid));
}

TEST_F(MoveProofTest, IsRefusedWhenTheReleaseIsForAnotherConsent) {
  const Statement other = account_.SignConsent(deployment_.topology(), "CN",
                                               TestDeployment::Region("us"), 1, kConsented + 1);
  release_.consent = other.digest();
  EXPECT_THAT(Verify(Evidence()), RefusedWith(Reason::kConsentVoid));
}

TEST_F(MoveProofTest, IsRefusedWhenTheReleaseNamesAnotherRegion) {
  release_.destination = TestDeployment::Region("us");
  EXPECT_THAT(Verify(Evidence()), RefusedWith(Reason::kConsentVoid));
}

TEST_F(MoveProofTest, MoveAfterAttemptsThatWereCalledOffIsProven) {
  release_.epoch = 4;
  activation_.epoch = 4;
  ASSERT_OK_AND_ASSIGN(const VerifiedMove move, Verify(Evidence()));
  EXPECT_EQ(move.epoch, 4u);
}

TEST_F(MoveProofTest, IsRefusedWhenTheReleaseIsOfNoLaterEpochThanTheConsent) {
  release_.epoch = 1;
  activation_.epoch = 1;
  EXPECT_THAT(Verify(Evidence()), RefusedWith(Reason::kConsentVoid));
}

TEST_F(MoveProofTest, IsRefusedWhenTheActivationIsForAnotherRelease) {
  activation_.release = consent_.digest();
  EXPECT_THAT(Verify(Evidence()), RefusedWith(Reason::kSignatureInvalid));
}

TEST_F(MoveProofTest, IsRefusedWhenTheActivationIsOfAnotherEpochThanTheRelease) {
  activation_.epoch = 3;
  EXPECT_THAT(Verify(Evidence()), RefusedWith(Reason::kSignatureInvalid));
}

TEST_F(MoveProofTest, IsRefusedForAnotherAccount) {
  const TestAccount other = deployment_.NewAccount();
  EXPECT_THAT(VerifyMove(deployment_.topology(), other.id(), consent_, Evidence(), kNow),
              RefusedWith(Reason::kSignatureInvalid));
}

TEST_F(MoveProofTest, IsRefusedInAnotherDeployment) {
  const TestDeployment other;
  EXPECT_THAT(VerifyMove(other.topology(), account_.id(), consent_, Evidence(), kNow),
              RefusedWith(Reason::kEndorsementMissing));
}

TEST_F(MoveProofTest, IsRefusedWhenTheConsentIsNone) {
  EXPECT_THAT(VerifyMove(deployment_.topology(), account_.id(), SignedRelease(), Evidence(), kNow),
              RefusedWith(Reason::kStatementMalformed));
}

TEST_F(MoveProofTest, ReadBackOfAnEarlierMoveIsNotThatOfTheNext) {
  const Statement earlier =
      account_.Sign(ReadBack{.epoch = 2, .region = TestDeployment::Region("cn")}, kNow);
  EXPECT_TRUE(IsReadBackOf(earlier, 2));
  EXPECT_FALSE(IsReadBackOf(earlier, 3));
  EXPECT_FALSE(IsReadBackOf(SignedRelease(), 2));
}

}  // namespace
}  // namespace comity
