#include "services/common/identity/caller.h"

#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/crypto/x509.h"
#include "services/common/identity/spiffe.h"
#include "tests/testing/deployment.h"
#include "tests/testing/matchers.h"

namespace comity {
namespace {

constexpr UnixMillis kNow = TestDeployment::kStart;

class CallerTest : public testing::Test {
 protected:
  absl::StatusOr<Caller> Identify(const std::string& pem, UnixMillis now = kNow) const {
    return IdentifyCaller(pem, deployment_.topology(), now);
  }
  CertificateSpec Spec(std::vector<std::string> uris = {}) const {
    return {.common_name = "somebody",
            .uris = std::move(uris),
            .not_before = TestDeployment::kNotBefore,
            .not_after = TestDeployment::kNotAfter};
  }
  std::string Uri(const std::string& path) const {
    return "spiffe://cn." + deployment_.topology().deployment() + path;
  }

  const TestDeployment deployment_;
  const PrivateKey key_ = PrivateKey::Generate(SignatureAlgorithm::kEcdsaP256);
};

TEST_F(CallerTest, SelfSignedCertificateWithoutNamesIsADeviceOfNoRegion) {
  const TestDevice device = MakeTestDevice();
  ASSERT_OK_AND_ASSIGN(const Caller caller, Identify(device.certificate));
  EXPECT_EQ(caller.kind, Caller::Kind::kDevice);
  EXPECT_TRUE(caller.region.empty());
  EXPECT_EQ(caller.key.id(), device.key.public_key().id());
  EXPECT_EQ(caller.operator_name, "");
  EXPECT_EQ(caller.name, "");
}

TEST_F(CallerTest, ServiceCertificateIsTheServiceItNames) {
  ASSERT_OK_AND_ASSIGN(const Caller caller,
                       Identify(deployment_.service("cn", ServiceKind::kStorage).certificate));
  EXPECT_EQ(caller.kind, Caller::Kind::kService);
  EXPECT_EQ(caller.region.name(), "cn");
  EXPECT_EQ(caller.service, ServiceKind::kStorage);
  EXPECT_EQ(caller.operator_name, "gcbd");
}

TEST_F(CallerTest, AgentCertificateIsTheAgentOfItsAuthority) {
  ASSERT_OK_AND_ASSIGN(const Caller caller,
                       Identify(deployment_.person("cn", "agent-lin").certificate));
  EXPECT_EQ(caller.kind, Caller::Kind::kAgent);
  EXPECT_EQ(caller.authority, "guiyang-police");
  EXPECT_EQ(caller.name, "agent-lin");
}

TEST_F(CallerTest, ApproverCertificateIsAReviewer) {
  ASSERT_OK_AND_ASSIGN(const Caller caller,
                       Identify(deployment_.person("us", "approver-baker").certificate));
  EXPECT_EQ(caller.kind, Caller::Kind::kReviewer);
  EXPECT_EQ(caller.region.name(), "us");
  EXPECT_EQ(caller.name, "approver-baker");
}

TEST_F(CallerTest, OperatorPersonCertificateIsAPersonOfTheOperator) {
  ASSERT_OK_AND_ASSIGN(const Caller caller,
                       Identify(deployment_.person("cn", "ops-kelly").certificate));
  EXPECT_EQ(caller.kind, Caller::Kind::kOperatorPerson);
  EXPECT_EQ(caller.operator_name, "apple");
  EXPECT_EQ(caller.name, "ops-kelly");
}

TEST_F(CallerTest, NameOfOneRegionUnderAnothersRootIsRefused) {
  const std::string us_name =
      "spiffe://us." + deployment_.topology().deployment() + "/operator/apple/storage/0";
  EXPECT_THAT(Identify(deployment_.Certify("cn", key_.public_key(), us_name)),
              RefusedWith(Reason::kCertificateInvalid));
}

TEST_F(CallerTest, DeviceMadeByARegionsRootIsRefused) {
  const TestDevice device = MakeTestDevice();
  const TestRoot& root = deployment_.root("cn");
  ASSERT_OK_AND_ASSIGN(const std::string issued, IssueCertificate(root.key, root.certificate,
                                                                  device.key.public_key(), Spec()));
  EXPECT_THAT(Identify(issued), RefusedWith(Reason::kCertificateInvalid));
}

TEST_F(CallerTest, RootItselfIsNoDevice) {
  EXPECT_THAT(Identify(deployment_.root("cn").certificate),
              RefusedWith(Reason::kCertificateInvalid));
}

TEST_F(CallerTest, SelfSignedAuthorityIsNoDevice) {
  EXPECT_THAT(Identify(SelfSignedAuthority(key_, Spec())),
              RefusedWith(Reason::kCertificateInvalid));
}

TEST_F(CallerTest, SelfSignedCertificateWithAServicesNameIsRefused) {
  EXPECT_THAT(Identify(SelfSignedCertificate(key_, Spec({Uri("/operator/gcbd/storage/0")}))),
              RefusedWith(Reason::kCertificateInvalid));
}

TEST_F(CallerTest, CertificateOfAnUnknownRootIsRefused) {
  const PrivateKey other = PrivateKey::Generate(SignatureAlgorithm::kEcdsaP256);
  CertificateSpec spec = Spec();
  spec.permitted_uri_host = "cn." + deployment_.topology().deployment();
  const std::string other_root = SelfSignedAuthority(other, spec);
  ASSERT_OK_AND_ASSIGN(const std::string issued,
                       IssueCertificate(other, other_root, key_.public_key(),
                                        Spec({Uri("/operator/gcbd/storage/0")})));
  EXPECT_THAT(Identify(issued), RefusedWith(Reason::kCertificateInvalid));
}

TEST_F(CallerTest, ServiceOfAnotherOperatorThanTheTopologysIsRefused) {
  EXPECT_THAT(
      Identify(deployment_.Certify("cn", key_.public_key(), Uri("/operator/apple/storage/0"))),
      RefusedWith(Reason::kCertificateInvalid));
}

TEST_F(CallerTest, UnknownRegionIsRefused) {
  const std::string uri =
      "spiffe://eu." + deployment_.topology().deployment() + "/operator/apple/storage/0";
  EXPECT_THAT(Identify(SelfSignedCertificate(key_, Spec({uri}))),
              RefusedWith(Reason::kCertificateInvalid));
}

TEST_F(CallerTest, OtherDeploymentIsRefused) {
  EXPECT_THAT(Identify(SelfSignedCertificate(
                  key_, Spec({"spiffe://cn.other.test/operator/gcbd/storage/0"}))),
              RefusedWith(Reason::kCertificateInvalid));
}

TEST_F(CallerTest, TwoNamesAreRefused) {
  const TestRoot& root = deployment_.root("cn");
  ASSERT_OK_AND_ASSIGN(
      const std::string issued,
      IssueCertificate(root.key, root.certificate, key_.public_key(),
                       Spec({Uri("/operator/gcbd/storage/0"), Uri("/reviewer/reviewer-chen")})));
  EXPECT_THAT(Identify(issued), RefusedWith(Reason::kCertificateInvalid));
}

TEST_F(CallerTest, NameThatIsNoSpiffeNameIsRefused) {
  EXPECT_THAT(Identify(deployment_.Certify("cn", key_.public_key(), Uri("/device/1"))),
              RefusedWith(Reason::kCertificateInvalid));
}

TEST_F(CallerTest, DeviceKeyOfAnotherTypeIsRefused) {
  const PrivateKey ed25519 = PrivateKey::Generate(SignatureAlgorithm::kEd25519);
  const TestRoot& root = deployment_.root("cn");
  ASSERT_OK_AND_ASSIGN(const std::string issued,
                       IssueCertificate(root.key, root.certificate, ed25519.public_key(),
                                        Spec({Uri("/operator/gcbd/storage/0")})));
  EXPECT_THAT(Identify(issued), RefusedWith(Reason::kCertificateInvalid));
}

TEST_F(CallerTest, ExpiredDeviceIsRefused) {
  const TestDevice device = MakeTestDevice();
  ASSERT_OK_AND_ASSIGN(const ParsedCertificate parsed, ParseCertificate(device.certificate));
  EXPECT_THAT(Identify(device.certificate, parsed.not_after), IsOk());
  EXPECT_THAT(Identify(device.certificate, parsed.not_after + kSecondMs),
              RefusedWith(Reason::kCertificateInvalid));
}

TEST_F(CallerTest, DeviceThatIsNotYetValidIsRefused) {
  const TestDevice device = MakeTestDevice();
  ASSERT_OK_AND_ASSIGN(const ParsedCertificate parsed, ParseCertificate(device.certificate));
  EXPECT_THAT(Identify(device.certificate, parsed.not_before - kSecondMs),
              RefusedWith(Reason::kCertificateInvalid));
}

TEST_F(CallerTest, ExpiredServiceIsRefused) {
  const std::string expired =
      deployment_.Certify("cn", key_.public_key(), Uri("/operator/gcbd/storage/0"),
                          TestDeployment::kNotBefore, kNow - kSecondMs);
  EXPECT_THAT(Identify(expired), RefusedWith(Reason::kCertificateInvalid));
}

TEST_F(CallerTest, BytesThatAreNoCertificateAreRefused) {
  EXPECT_THAT(Identify(""), RefusedWith(Reason::kCertificateInvalid));
  EXPECT_THAT(Identify("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"),
              RefusedWith(Reason::kCertificateInvalid));
}

TEST_F(CallerTest, TwoCertificatesInARowAreRefused) {
  const std::string one = MakeTestDevice().certificate;
  EXPECT_THAT(Identify(one + one), RefusedWith(Reason::kCertificateInvalid));
}

TEST_F(CallerTest, OverlongCertificateIsRefused) {
  EXPECT_THAT(Identify(std::string(17 << 10, 'x')), RefusedWith(Reason::kCertificateInvalid));
}

}  // namespace
}  // namespace comity
