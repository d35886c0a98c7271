#include "services/common/topology/topology.h"

#include <fstream>

#include "services/common/crypto/digest.h"
#include "tests/testing/deployment.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_dir.h"

namespace comity {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class TopologyTest : public ::testing::Test {
 protected:
  static const TestDeployment& deployment() {
    static const auto* const shared = new TestDeployment();
    return *shared;
  }
  const Topology& topology_ = deployment().topology();
  const RegionId us_ = TestDeployment::Region("us");
  const RegionId cn_ = TestDeployment::Region("cn");
};

TEST_F(TopologyTest, HeadIsRead) {
  EXPECT_EQ(topology_.serial(), 1U);
  EXPECT_EQ(topology_.digest(), Sha256Digest(deployment().topology_text()));
  EXPECT_EQ(topology_.deployment(), "icloud-cn-2018.comity.test");
  EXPECT_EQ(topology_.title(), "Accounts of mainland China move to an operator in Guizhou, 2018");
  EXPECT_TRUE(topology_.development());
  EXPECT_EQ(topology_.test_clock_start(), TestDeployment::kStart);
  EXPECT_EQ(topology_.log_quorum(), "none");
  EXPECT_EQ(topology_.jurisdictions().at("CN"), "People's Republic of China");
}

TEST_F(TopologyTest, RegionsAreFoundByIdAndName) {
  EXPECT_EQ(topology_.FindRegion(cn_), topology_.FindRegion("cn"));
  EXPECT_EQ(topology_.FindRegion("uk"), nullptr);
  EXPECT_EQ(topology_.FindRegion("not a region"), nullptr);
  EXPECT_EQ(topology_.FindRegion("cn")->service(ServiceKind::kReview).operator_name, "gcbd");
}

TEST_F(TopologyTest, TrustDomainsAndLogOriginsNameTheRegion) {
  EXPECT_EQ(topology_.TrustDomain(cn_), "cn.icloud-cn-2018.comity.test");
  EXPECT_EQ(topology_.LogOrigin(us_, ServiceKind::kReview), "icloud-cn-2018.comity.test/us/review");
}

TEST_F(TopologyTest, BorderIsOpenOnlyInTheDirectionAndForTheKindsThatAreListed) {
  EXPECT_TRUE(topology_.BorderAllows(us_, cn_, ServiceKind::kStorage));
  EXPECT_TRUE(topology_.BorderAllows(us_, cn_, ServiceKind::kCustody));
  EXPECT_FALSE(topology_.BorderAllows(us_, cn_, ServiceKind::kReview));
  EXPECT_FALSE(topology_.BorderAllows(cn_, us_, ServiceKind::kStorage));
  EXPECT_FALSE(topology_.BorderAllows(us_, us_, ServiceKind::kStorage));
}

TEST_F(TopologyTest, PlaceAndHomeOfTheOperatorCanCompel) {
  EXPECT_THAT(topology_.CanCompel(us_, ServiceKind::kCustody), ElementsAre("US"));
  EXPECT_THAT(topology_.CanCompel(cn_, ServiceKind::kStorage), ElementsAre("CN"));
  EXPECT_THAT(topology_.CanCompel(cn_, ServiceKind::kCustody), ElementsAre("CN", "US"));
  EXPECT_THAT(topology_.CanCompelRegion(us_), ElementsAre("US"));
  EXPECT_THAT(topology_.CanCompelRegion(cn_), ElementsAre("CN", "US"));
}

TEST_F(TopologyTest, TermsAreFoundByHash) {
  const TermsInfo& terms = topology_.terms().at("cn-2018-02");
  EXPECT_EQ(terms.hash, Sha256Digest(terms.text));
  EXPECT_EQ(topology_.FindTerms(terms.hash), &terms);
  EXPECT_EQ(topology_.FindTerms(Sha256Digest("other")), nullptr);
}

TEST_F(TopologyTest, UnlistedTerritoryFallsBackToTheStar) {
  EXPECT_EQ(topology_.territory("FR").code, "*");
  EXPECT_EQ(topology_.territory("HK").code, "HK");
}

TEST_F(TopologyTest, DatesOfHomesAreRead) {
  const std::vector<HomeInfo>& homes = topology_.territory("CN").homes;
  ASSERT_EQ(homes.size(), 2U);
  EXPECT_EQ(homes[1].from, TestDeployment::kHandover);
  EXPECT_EQ(homes[1].announced, TestDeployment::kAnnounced);
  EXPECT_EQ(homes[1].window_end, TestDeployment::kWindowEnd);
}

TEST_F(TopologyTest, ReviewRulesTakeDefaultsWhenUnset) {
  EXPECT_FALSE(topology_.review_rules(us_).custody_operator_approves);
  EXPECT_TRUE(topology_.review_rules(cn_).custody_operator_approves);
  EXPECT_EQ(topology_.review_rules(cn_).authorisation_hours, 72U);
  EXPECT_EQ(topology_.review_rules(TestDeployment::Region("uk")).cap_content, 5U);
}

TEST_F(TopologyTest, CapIsThatOfTheStrictestClass) {
  const ReviewRulesInfo rules;
  EXPECT_EQ(rules.CapFor({DataClass::kC0, DataClass::kC2}), 250U);
  EXPECT_EQ(rules.CapFor({DataClass::kC0, DataClass::kC4}), 25U);
  EXPECT_EQ(rules.CapFor({DataClass::kC3, DataClass::kC5}), 5U);
  EXPECT_EQ(rules.CapFor({DataClass::kC1, DataClass::kC6}), 0U);
}

// ---- endorsements ----

class EndorsementTest : public TopologyTest {
 protected:
  static constexpr UnixMillis kNow = TestDeployment::kStart;
  const PrivateKey key_ = PrivateKey::Generate(SignatureAlgorithm::kEd25519);
  absl::StatusOr<PublicKey> Verify(const Statement& endorsement, UnixMillis now = kNow) const {
    return topology_.VerifyEndorsement(endorsement, cn_, ServiceKind::kStorage, now);
  }
  static auto Refused(const char* cause) {
    return ::testing::ResultOf(
        [](const absl::StatusOr<PublicKey>& result) {
          EXPECT_THAT(result, RefusedWith(Reason::kEndorsementMissing));
          return CauseOf(result.status());
        },
        HasSubstr(cause));
  }
};

TEST_F(EndorsementTest, ReturnsTheEndorsedKey) {
  ASSERT_OK_AND_ASSIGN(
      const PublicKey key,
      Verify(deployment().Endorse("cn", ServiceKind::kStorage, key_.public_key(), "gcbd")));
  EXPECT_EQ(key.spki(), key_.public_key().spki());
}

TEST_F(EndorsementTest, FailsWhenAnotherOperatorSigned) {
  EXPECT_THAT(Verify(deployment().Endorse("cn", ServiceKind::kStorage, key_.public_key(), "apple")),
              Refused("names another operator"));
}

TEST_F(EndorsementTest, FailsWhenTheOperatorsSignatureIsForged) {
  Statement endorsement =
      deployment().Endorse("cn", ServiceKind::kStorage, key_.public_key(), "gcbd");
  endorsement.signatures[0].signature[0] ^= 1;
  EXPECT_THAT(Verify(endorsement), Refused("not signed by the operator"));
  endorsement.signatures.clear();
  AddSignature(endorsement, deployment().operator_key("apple"));
  EXPECT_THAT(Verify(endorsement), Refused("not signed by the operator"));
}

TEST_F(EndorsementTest, FailsForAnotherServiceOrRegion) {
  EXPECT_THAT(Verify(deployment().Endorse("cn", ServiceKind::kReview, key_.public_key(), "gcbd")),
              Refused("another service"));
  EXPECT_THAT(Verify(deployment().Endorse("us", ServiceKind::kStorage, key_.public_key(), "apple")),
              Refused("another region"));
  EXPECT_THAT(topology_.VerifyEndorsement(
                  deployment().Endorse("cn", ServiceKind::kStorage, key_.public_key(), "gcbd"),
                  TestDeployment::Region("uk"), ServiceKind::kStorage, kNow),
              Refused("no such region"));
}

TEST_F(EndorsementTest, FailsOutsideOfItsTime) {
  const Statement endorsement = deployment().Endorse("cn", ServiceKind::kStorage, key_.public_key(),
                                                     "gcbd", kNow, kNow + kDayMs);
  EXPECT_THAT(Verify(endorsement, kNow + kDayMs - 1), IsOk());
  EXPECT_THAT(Verify(endorsement, kNow + kDayMs), Refused("expired"));
  EXPECT_THAT(Verify(endorsement, kNow - kMinuteMs), Refused("not valid yet"));
}

TEST_F(EndorsementTest, FailsForAnotherDeployment) {
  Endorsement body{ServiceKind::kStorage, "gcbd", key_.public_key().spki()};
  Envelope envelope;
  envelope.deployment = "other.test";
  envelope.region = "cn";
  envelope.subject = "storage";
  envelope.expiry = kNow + kDayMs;
  EXPECT_THAT(Verify(SignStatement(envelope, body, deployment().operator_key("gcbd"))),
              Refused("another deployment"));
}

TEST_F(EndorsementTest, FailsWhenTheEndorsedKeyIsNotEd25519) {
  const PrivateKey p256 = PrivateKey::Generate(SignatureAlgorithm::kEcdsaP256);
  EXPECT_THAT(Verify(deployment().Endorse("cn", ServiceKind::kStorage, p256.public_key(), "gcbd")),
              Refused("not an Ed25519 key"));
}

TEST_F(EndorsementTest, FailsForAnotherKindOfStatement) {
  EXPECT_THAT(Verify(deployment().roster_statement("cn")), Refused("not an endorsement"));
  EXPECT_THAT(Verify(Statement{"x", {}}), Refused("not an endorsement"));
}

TEST_F(EndorsementTest, FailsWhenTheTopologyIsATemplate) {
  ASSERT_OK_AND_ASSIGN(const Topology rules, Topology::Parse(ReadTopologyTemplate(), true));
  EXPECT_THAT(rules.VerifyEndorsement(
                  deployment().Endorse("cn", ServiceKind::kStorage, key_.public_key(), "gcbd"), cn_,
                  ServiceKind::kStorage, kNow),
              Refused("no key of the operator"));
}

// ---- files ----

class TopologyFileTest : public TopologyTest {
 protected:
  void Write(const std::string& suffix, const std::string& bytes) {
    std::ofstream(path() + suffix, std::ios::binary) << bytes;
  }
  std::string path() const { return folder_.path() + "/topology.txtpb"; }
  std::string Cause() const {
    const absl::StatusOr<Topology> topology = Topology::Load(path());
    EXPECT_THAT(topology, RefusedWith(Reason::kTopologyInvalid));
    return CauseOf(topology.status());
  }
  TempDir folder_;
};

TEST_F(TopologyFileTest, LoadsWhenAllOperatorsHaveSigned) {
  Write("", deployment().topology_text());
  Write(".sig", EncodeStatement(deployment().topology_signature()));
  ASSERT_OK_AND_ASSIGN(const Topology loaded, Topology::Load(path()));
  EXPECT_EQ(loaded.digest(), topology_.digest());
}

TEST_F(TopologyFileTest, FailsWithoutFile) {
  EXPECT_THAT(Cause(), HasSubstr("topology.txtpb: cannot be read"));
}

TEST_F(TopologyFileTest, FailsWithoutSignatureFile) {
  Write("", deployment().topology_text());
  EXPECT_THAT(Cause(), HasSubstr("topology.txtpb.sig: cannot be read"));
}

TEST_F(TopologyFileTest, FailsWhenTheSignatureFileIsNoStatement) {
  Write("", deployment().topology_text());
  Write(".sig", "signed");
  EXPECT_THAT(Cause(), HasSubstr("is not a statement"));
  Write(".sig", std::string((128 << 10) + 1, 'x'));
  EXPECT_THAT(Cause(), HasSubstr("too large"));
}

TEST_F(TopologyFileTest, FailsWhenOneByteIsChanged) {
  Write("", deployment().topology_text() + "\n");
  Write(".sig", EncodeStatement(deployment().topology_signature()));
  EXPECT_THAT(Cause(), HasSubstr("another content"));
}

TEST_F(TopologyFileTest, NamesTheOperatorWhoseSignatureIsMissing) {
  Write("", deployment().topology_text());
  Write(".sig", EncodeStatement(deployment().SignTopology(deployment().topology_text(), 1, Digest(),
                                                          {"apple"})));
  EXPECT_EQ(Cause(), "the signature is missing of operator gcbd");
}

TEST_F(TopologyFileTest, FailsWhenTheSignatureIsForAnotherSerial) {
  Write("", deployment().topology_text());
  Write(".sig", EncodeStatement(deployment().SignTopology(deployment().topology_text(), 2, Digest(),
                                                          {"apple", "gcbd"})));
  EXPECT_THAT(Cause(), HasSubstr("another deployment or serial"));
}

TEST_F(TopologyFileTest, FailsWhenTheSignatureIsAnotherKindOfStatement) {
  Write("", deployment().topology_text());
  Write(".sig", EncodeStatement(deployment().roster_statement("cn")));
  EXPECT_THAT(Cause(), HasSubstr("operator.topology"));
}

}  // namespace
}  // namespace comity
