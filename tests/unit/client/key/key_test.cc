#include "client/key/key.h"

#include <functional>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "tests/testing/deployment.h"
#include "tests/testing/matchers.h"
#include "tests/testing/numbered_request.h"

namespace comity {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr UnixMillis kNow = TestDeployment::kHandover + kDayMs;

const TestDeployment& Shared() {
  static const TestDeployment deployment;
  return deployment;
}

// What custody in `cn` says of one account; a test changes one thing.
class KeyLocationTest : public testing::Test {
 protected:
  KeyLocationTest() {
    envelope_ = Envelope{.deployment = deployment_.topology().deployment(),
                         .region = "cn",
                         .subject = std::string(account_.id().bytes()),
                         .number = 1,
                         .time = kNow,
                         .expiry = kNow + kHourMs};
    location_.epoch = 2;
    location_.operator_name = "apple";
    location_.seal = "keyfile (development seal)";
    location_.development_flag = 1;
    location_.newest_version = 3;
    location_.can_compel = {"CN", "US"};
    location_.nonce = std::string(32, 'n');
    location_.active = 1;
  }
  // Data in us, keys in cn.
  void SayExclave() {
    location_.mode = CustodyMode::kExclave;
    location_.data_region = TestDeployment::Region("us");
    location_.data_operator = "apple";
    location_.data_can_compel = {"US"};
  }
  Statement Attestation() const {
    return SignStatement(envelope_, location_,
                         deployment_.service("cn", ServiceKind::kCustody).statement_key);
  }
  absl::StatusOr<KeyWhere> Verify(UnixMillis now = kNow) const {
    return VerifyKeyLocation(deployment_.topology(), account_.id(), Attestation(), endorsement_,
                             now);
  }

  const TestDeployment& deployment_ = Shared();
  const TestAccount account_ = deployment_.NewAccount();
  Statement endorsement_ = deployment_.service("cn", ServiceKind::kCustody).endorsement;
  Envelope envelope_;
  KeyLocation location_;
};

TEST_F(KeyLocationTest, AVerifiedAnswerSaysWhoOperatesAndWhoCanCompel) {
  ASSERT_OK_AND_ASSIGN(const KeyWhere where, Verify());
  EXPECT_EQ(where.region, "cn");
  EXPECT_EQ(where.region_title, "Mainland China");
  EXPECT_EQ(where.operator_title, "Apple Inc.");
  EXPECT_THAT(where.jurisdictions, ElementsAre("People's Republic of China", "United States"));
  EXPECT_EQ(where.expiry, kNow + kHourMs);
}

TEST_F(KeyLocationTest, TheTextSaysWhatTheAnswerDoesNotMean) {
  ASSERT_OK_AND_ASSIGN(const KeyWhere where, Verify());
  const std::string text = FormatKeyWhere(where);
  EXPECT_THAT(text, HasSubstr("Your key is active in region cn (Mainland China)"));
  EXPECT_THAT(text, HasSubstr("can compel it    People's Republic of China, United States"));
  EXPECT_THAT(text, HasSubstr("\"Active here\" does not mean \"only here\""));
  EXPECT_THAT(text, HasSubstr("development deployment"));
}

TEST_F(KeyLocationTest, AResidentKeyIsWhereTheDataIs) {
  ASSERT_OK_AND_ASSIGN(const KeyWhere where, Verify());
  EXPECT_EQ(where.data_region, "cn");
  EXPECT_THAT(where.data_can_compel, ElementsAre("CN"));
  EXPECT_THAT(FormatKeyWhere(where), HasSubstr("resident: the key is where the data is"));
}

TEST_F(KeyLocationTest, AnExclaveKeySaysWhereTheDataIsAndWhoCanCompelEach) {
  SayExclave();
  ASSERT_OK_AND_ASSIGN(const KeyWhere where, Verify());
  EXPECT_EQ(where.data_region, "us");
  EXPECT_THAT(where.data_can_compel, ElementsAre("US"));
  const std::string text = FormatKeyWhere(where);
  EXPECT_THAT(text, HasSubstr("exclave: your data is in region us (United States)"));
  EXPECT_THAT(text, HasSubstr("can compel key   People's Republic of China, United States"));
  EXPECT_THAT(text, HasSubstr("can compel data  United States"));
}

TEST_F(KeyLocationTest, AnAnswerThatSaysOtherThanTheTopologyOfTheDataIsRefused) {
  SayExclave();
  location_.data_can_compel = {"CN", "US"};
  EXPECT_THAT(Verify(), RefusedWith(Reason::kSignatureInvalid));
  SayExclave();
  location_.data_operator = "gcbd";
  EXPECT_THAT(Verify(), RefusedWith(Reason::kSignatureInvalid));
  SayExclave();
  location_.data_operator.reset();
  EXPECT_THAT(Verify(), RefusedWith(Reason::kSignatureInvalid));
}

TEST_F(KeyLocationTest, AnAnswerThatContradictsItselfAboutTheDataIsRefused) {
  SayExclave();
  location_.mode = CustodyMode::kResident;
  EXPECT_THAT(Verify(), RefusedWith(Reason::kSignatureInvalid));
  location_.mode = CustodyMode::kExclave;
  location_.data_region = TestDeployment::Region("cn");  // where the key is
  EXPECT_THAT(Verify(), RefusedWith(Reason::kSignatureInvalid));
  location_.data_region = RegionId::Create("nowhere").value();
  EXPECT_THAT(Verify(), RefusedWith(Reason::kSignatureInvalid));
  location_.data_region.reset();
  EXPECT_THAT(Verify(), RefusedWith(Reason::kSignatureInvalid));
}

TEST_F(KeyLocationTest, AKeyThatIsNotActiveIsSaidToBeNotActive) {
  location_.active = 0;
  ASSERT_OK_AND_ASSIGN(const KeyWhere where, Verify());
  EXPECT_THAT(FormatKeyWhere(where), HasSubstr("Your key is NOT active in region cn"));
}

TEST_F(KeyLocationTest, AnAnnouncedChangeIsToldWithItsDate) {
  ASSERT_OK_AND_ASSIGN(const KeyWhere before, Verify());
  EXPECT_THAT(FormatKeyWhere(before), Not(HasSubstr("change announced")));
  location_.scheduled_region = "us";
  location_.scheduled_time = TestDeployment::kWindowEnd;
  ASSERT_OK_AND_ASSIGN(const KeyWhere where, Verify());
  EXPECT_THAT(FormatKeyWhere(where),
              HasSubstr("change announced to region us, not before 2020-02-28"));
}

TEST_F(KeyLocationTest, AnotherAccountsAttestationIsRefused) {
  const TestAccount other = deployment_.NewAccount();
  EXPECT_THAT(
      VerifyKeyLocation(deployment_.topology(), other.id(), Attestation(), endorsement_, kNow),
      RefusedWith(Reason::kSignatureInvalid));
}

TEST_F(KeyLocationTest, AnotherDeploymentsAttestationIsRefused) {
  envelope_.deployment = "other.test";
  EXPECT_THAT(Verify(), RefusedWith(Reason::kSignatureInvalid));
}

TEST_F(KeyLocationTest, ARegionThatIsNotInTheTopologyIsRefused) {
  envelope_.region = "eu";
  EXPECT_THAT(Verify(), RefusedWith(Reason::kSignatureInvalid));
}

TEST_F(KeyLocationTest, AnOperatorThatIsNotTheTopologysIsRefused) {
  location_.operator_name = "gcbd";
  const absl::Status status = Verify().status();
  EXPECT_THAT(status, RefusedWith(Reason::kSignatureInvalid));
  EXPECT_THAT(CauseOf(status), HasSubstr("does not say what the topology computes"));
}

TEST_F(KeyLocationTest, AJurisdictionThatIsLeftOutIsRefused) {
  location_.can_compel = {"US"};
  EXPECT_THAT(Verify(), RefusedWith(Reason::kSignatureInvalid));
}

TEST_F(KeyLocationTest, AnExpiredAttestationIsRefused) {
  EXPECT_THAT(Verify(kNow + kHourMs - 1), IsOk());
  EXPECT_THAT(Verify(kNow + kHourMs), RefusedWith(Reason::kSignatureInvalid));
}

TEST_F(KeyLocationTest, AKeyWithoutEndorsementIsRefused) {
  endorsement_ = deployment_.service("us", ServiceKind::kCustody).endorsement;
  EXPECT_THAT(Verify(), RefusedWith(Reason::kEndorsementMissing));
}

TEST_F(KeyLocationTest, AnEndorsementByAnotherOperatorIsRefused) {
  endorsement_ = deployment_.Endorse(
      "cn", ServiceKind::kCustody,
      deployment_.service("cn", ServiceKind::kCustody).statement_key.public_key(), "gcbd");
  EXPECT_THAT(Verify(), RefusedWith(Reason::kEndorsementMissing));
}

TEST_F(KeyLocationTest, AnAttestationSignedByStorageIsRefused) {
  const Statement forged = SignStatement(
      envelope_, location_, deployment_.service("cn", ServiceKind::kStorage).statement_key);
  EXPECT_THAT(VerifyKeyLocation(deployment_.topology(), account_.id(), forged, endorsement_, kNow),
              RefusedWith(Reason::kSignatureInvalid));
}

TEST_F(KeyLocationTest, AChangedBodyIsRefused) {
  Statement changed = Attestation();
  location_.newest_version = 4;
  changed.body = Attestation().body;
  EXPECT_THAT(VerifyKeyLocation(deployment_.topology(), account_.id(), changed, endorsement_, kNow),
              RefusedWith(Reason::kSignatureInvalid));
}

TEST(KeyVersionsTest, TheNewestWrapsAndTheOthersOpen) {
  EXPECT_EQ(FormatKeyVersions({.versions = {{1, "enabled"}}}), "1");
  EXPECT_EQ(FormatKeyVersions({.versions = {{1, "enabled"}, {2, "enabled"}}}),
            "2 wraps; 1 opens what it wrapped");
  EXPECT_EQ(FormatKeyVersions(
                {.versions = {{1, "destroyed"}, {2, "enabled"}, {3, "enabled"}, {4, "enabled"}}}),
            "4 wraps; 2, 3 open what they wrapped; 1 destroyed");
}

TEST(KeyVersionsTest, NothingIsSaidToWrapThatDoesNot) {
  EXPECT_EQ(FormatKeyVersions({.versions = {{1, "disabled"}}}), "1 disabled");
  EXPECT_EQ(FormatKeyVersions({.versions = {{1, "enabled"}, {2, "disabled"}}}),
            "none wraps; 1 opens what it wrapped; 2 disabled");
  EXPECT_EQ(
      FormatKeyVersions({.versions = {{1, "enabled"}, {2, "enabled"}}, .min_unwrap_version = 2}),
      "2; 1 opens nothing any more");
}

// What custody in `cn` answers to one change of versions; a test changes one thing.
class KeyChangeTest : public KeyLocationTest {
 protected:
  absl::StatusOr<ChangedKey> Verify(ServiceKind signer = ServiceKind::kCustody) const {
    return VerifyKeyChange(
        deployment_.topology(), TestDeployment::Region("cn"), account_.id(), order_, request_,
        SignStatement(envelope_, change_, deployment_.service("cn", signer).statement_key),
        endorsement_, kNow);
  }
  const RequestId request_ = NumberedRequest(1);
  const KeyChangeOrder order_{KeyChangeKind::kScheduleDestruction, 1, 30};
  KeyChange change_{2, KeyChangeKind::kScheduleDestruction, 1, 30, kNow + 30 * kDayMs, request_};
};

TEST_F(KeyChangeTest, SignedChangeSaysWhatBecomesOfTheVersion) {
  ASSERT_OK_AND_ASSIGN(const ChangedKey changed, Verify());
  EXPECT_EQ(changed.region, "cn");
  EXPECT_EQ(changed.time, kNow);
  EXPECT_EQ(changed.body.destroy_time, kNow + 30 * kDayMs);
}

TEST_F(KeyChangeTest, AnotherChangeThanTheOneAskedForIsRefused) {
  const KeyChange asked = change_;
  for (const auto& spoil : std::vector<std::function<void()>>{
           [&] { change_.kind = KeyChangeKind::kDisable; }, [&] { change_.version = 2; },
           [&] { change_.days = 7; }, [&] { change_.request = NumberedRequest(2); },
           [&] { envelope_.region = "us"; }, [&] { envelope_.deployment = "other.test"; },
           [&] { envelope_.subject = std::string(deployment_.NewAccount().id().bytes()); }}) {
    const Envelope envelope = envelope_;
    spoil();
    EXPECT_THAT(Verify(), RefusedWith(Reason::kSignatureInvalid));
    change_ = asked;
    envelope_ = envelope;
  }
  EXPECT_THAT(Verify(ServiceKind::kStorage), RefusedWith(Reason::kSignatureInvalid));
  endorsement_ = deployment_.service("us", ServiceKind::kCustody).endorsement;
  EXPECT_THAT(Verify(), RefusedWith(Reason::kEndorsementMissing));
}

// What custody in `cn` answers to one rotation; a test changes one thing.
class KeyRotationTest : public KeyLocationTest {
 protected:
  KeyRotationTest() { rotation_ = KeyRotation{2, 3, request_}; }
  absl::StatusOr<RotatedKey> Verify(ServiceKind signer = ServiceKind::kCustody) const {
    return VerifyKeyRotation(
        deployment_.topology(), TestDeployment::Region("cn"), account_.id(), request_,
        SignStatement(envelope_, rotation_, deployment_.service("cn", signer).statement_key),
        endorsement_, kNow);
  }
  const RequestId request_ = NumberedRequest(1);
  KeyRotation rotation_;
};

TEST_F(KeyRotationTest, ASignedRotationNamesTheVersion) {
  ASSERT_OK_AND_ASSIGN(const RotatedKey rotated, Verify());
  EXPECT_EQ(rotated.version, 3u);
  EXPECT_EQ(rotated.region, "cn");
  EXPECT_EQ(rotated.time, kNow);
}

TEST_F(KeyRotationTest, AnAnswerToAnotherRequestIsRefused) {
  rotation_.request = NumberedRequest(2);
  EXPECT_THAT(Verify(), RefusedWith(Reason::kSignatureInvalid));
}

TEST_F(KeyRotationTest, ARotationOfAnotherAccountOrRegionIsRefused) {
  envelope_.subject = std::string(deployment_.NewAccount().id().bytes());
  EXPECT_THAT(Verify(), RefusedWith(Reason::kSignatureInvalid));
  envelope_.subject = std::string(account_.id().bytes());
  envelope_.region = "us";
  EXPECT_THAT(Verify(), RefusedWith(Reason::kSignatureInvalid));
}

TEST_F(KeyRotationTest, ARotationOfAnotherDeploymentIsRefused) {
  envelope_.deployment = "other.test";
  EXPECT_THAT(Verify(), RefusedWith(Reason::kSignatureInvalid));
}

TEST_F(KeyRotationTest, ARotationSignedByStorageIsRefused) {
  EXPECT_THAT(Verify(ServiceKind::kStorage), RefusedWith(Reason::kSignatureInvalid));
}

TEST_F(KeyRotationTest, ARotationWithoutEndorsementIsRefused) {
  endorsement_ = deployment_.service("us", ServiceKind::kCustody).endorsement;
  EXPECT_THAT(Verify(), RefusedWith(Reason::kEndorsementMissing));
}

TEST_F(KeyLocationTest, CertificatesOfDestroyedVersionsAreVerified) {
  const auto sign = [&](KeyVersion version, std::string_view region, ServiceKind kind) {
    Envelope envelope = envelope_;
    envelope.region = region;
    return SignStatement(envelope, KeyVersionDestruction{2, version, kNow, 0},
                         deployment_.service(region, kind).statement_key);
  };
  const Statement good = sign(1, "cn", ServiceKind::kCustody);
  const std::vector<Statement> statements = {endorsement_, good,
                                             sign(2, "us", ServiceKind::kCustody),
                                             sign(3, "cn", ServiceKind::kStorage)};
  KeyVersionsView view;
  view.versions = {{1, "destroyed"}, {2, "destroyed"}, {3, "destroyed"}, {4, "enabled"}};
  const RegionId cn = TestDeployment::Region("cn");
  AddCertificates(deployment_.topology(), cn, account_.id(), statements, kNow, view);
  EXPECT_EQ(view.versions[0].certificate, good);
  EXPECT_EQ(view.endorsement, endorsement_);
  EXPECT_FALSE(view.versions[1].certificate.has_value()) << "of another region";
  EXPECT_FALSE(view.versions[2].certificate.has_value()) << "signed by storage";
  view = {.versions = {{1, "destroyed"}}};
  AddCertificates(deployment_.topology(), cn, deployment_.NewAccount().id(), statements, kNow,
                  view);
  EXPECT_FALSE(view.versions[0].certificate.has_value()) << "of another account";
}

TEST_F(KeyLocationTest, AStatementOfAnotherTypeIsRefused) {
  EXPECT_THAT(
      VerifyKeyLocation(deployment_.topology(), account_.id(), endorsement_, endorsement_, kNow),
      RefusedWith(Reason::kStatementMalformed));
}

TEST(SavedKeyLocationTest, WhatWasPrintedIsReadBack) {
  const Statement attestation{
      "body", {{SigningKeyId(), SignatureAlgorithm::kEd25519, std::string(64, 's')}}};
  const std::string text = R"({"region": "cn", "attestation": ")" +
                           Base32Encode(EncodeStatement(attestation)) + R"(", "endorsement": ")" +
                           Base32Encode(EncodeStatement(attestation)) + "\"}\n";
  ASSERT_OK_AND_ASSIGN(const SavedKeyLocation saved, ParseSavedKeyLocation(text));
  EXPECT_EQ(saved.attestation.body, "body");
  EXPECT_EQ(saved.endorsement.body, "body");
}

TEST(SavedKeyLocationTest, AnythingElseIsRefused) {
  for (const char* text : {"", "null", "[1]", "{", "{}", R"({"attestation": 5})",
                           R"({"attestation": "aa", "endorsement": "!"})"}) {
    EXPECT_FALSE(ParseSavedKeyLocation(text).ok()) << text;
  }
  EXPECT_THAT(ParseSavedKeyLocation("{}"), RefusedWith(Reason::kFieldInvalid));
}

}  // namespace
}  // namespace comity
