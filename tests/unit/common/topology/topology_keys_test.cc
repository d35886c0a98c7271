#include <functional>
#include <string>

#include <google/protobuf/text_format.h>

#include "comity/topology/v1/topology.pb.h"
#include "services/common/crypto/x509.h"
#include "services/common/topology/topology.h"
#include "tests/testing/deployment.h"
#include "tests/testing/matchers.h"

// The rules about keys, certificates and addresses of a topology that is no template.
namespace comity {
namespace {

using ::testing::EndsWith;
namespace pb = comity::topology::v1;

// What Parse says about the shipped topology after one change; empty when nothing.
std::string After(const std::function<void(pb::Topology&)>& change) {
  static const auto* const text = new std::string(TestDeployment().topology_text());
  pb::Topology file;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(*text, &file));
  change(file);
  std::string changed;
  EXPECT_TRUE(google::protobuf::TextFormat::PrintToString(file, &changed));
  return CauseOf(Topology::Parse(changed).status());
}

std::string Spki(SignatureAlgorithm algorithm) {
  return PrivateKey::Generate(algorithm).public_key().spki();
}

std::string Root(const std::string& permitted_host) {
  CertificateSpec spec;
  spec.common_name = "root";
  spec.not_before = TestDeployment::kNotBefore;
  spec.not_after = TestDeployment::kNotAfter;
  spec.permitted_uri_host = permitted_host;
  return SelfSignedAuthority(PrivateKey::Generate(SignatureAlgorithm::kEcdsaP256), spec);
}

TEST(TopologyKeysTest, WholeTopologyBreaksNoRule) {
  EXPECT_EQ(After([](auto&) {}), "");
}

TEST(TopologyKeysTest, OperatorKeyIsRequired) {
  EXPECT_THAT(After([](auto& f) { f.mutable_operators(1)->clear_public_key(); }),
              EndsWith(": operator \"gcbd\": public_key is missing"));
}

TEST(TopologyKeysTest, OperatorKeyOfAnotherKindIsRefused) {
  EXPECT_THAT(After([](auto& f) {
                f.mutable_operators(1)->set_public_key(Spki(SignatureAlgorithm::kEcdsaP256));
              }),
              EndsWith(": operator \"gcbd\": public_key is not an Ed25519 key"));
}

TEST(TopologyKeysTest, OperatorsDoNotShareAKey) {
  EXPECT_THAT(
      After([](auto& f) { f.mutable_operators(1)->set_public_key(f.operators(0).public_key()); }),
      EndsWith(": operator \"gcbd\": has the key of another operator"));
}

TEST(TopologyKeysTest, AddressIsRequired) {
  EXPECT_THAT(After([](auto& f) { f.mutable_regions(1)->mutable_services(0)->clear_address(); }),
              EndsWith(": storage of \"cn\": address \"\" is not host:port"));
}

TEST(TopologyKeysTest, LogUrlIsRequired) {
  EXPECT_THAT(
      After([](auto& f) { f.mutable_regions(1)->mutable_services(0)->clear_log_url(); }),
      EndsWith(": storage of \"cn\": log_url \"\" is not http://host:port or https://host:port"));
}

TEST(TopologyKeysTest, LogKeyIsRequiredAndEd25519) {
  const auto why = EndsWith(": storage of \"cn\": log_key is not an Ed25519 key");
  EXPECT_THAT(After([](auto& f) { f.mutable_regions(1)->mutable_services(0)->clear_log_key(); }),
              why);
  EXPECT_THAT(After([](auto& f) {
                f.mutable_regions(1)->mutable_services(0)->set_log_key(
                    Spki(SignatureAlgorithm::kEcdsaP256));
              }),
              why);
}

TEST(TopologyKeysTest, ServicesDoNotShareALogKey) {
  EXPECT_THAT(
      After([](auto& f) {
        f.mutable_regions(1)->mutable_services(0)->set_log_key(f.regions(0).services(0).log_key());
      }),
      EndsWith(": storage of \"cn\": has the log key of another service"));
}

TEST(TopologyKeysTest, RootCertificateIsRequired) {
  const auto why = EndsWith(": region \"cn\": root_certificate is not one certificate");
  EXPECT_THAT(After([](auto& f) { f.mutable_regions(1)->clear_root_certificate(); }), why);
  EXPECT_THAT(After([](auto& f) { f.mutable_regions(1)->set_root_certificate("x"); }), why);
}

TEST(TopologyKeysTest, RootCertificateIsASelfSignedAuthority) {
  EXPECT_THAT(After([](auto& f) {
                f.mutable_regions(1)->set_root_certificate(MakeTestDevice().certificate);
              }),
              EndsWith(": region \"cn\": root_certificate is not a self-signed authority"));
}

TEST(TopologyKeysTest, RootCertificateIsConstrainedToItsOwnTrustDomain) {
  const auto why = EndsWith(
      ": region \"cn\": root_certificate is not constrained to cn.icloud-cn-2018.comity.test");
  EXPECT_THAT(After([](auto& f) {
                f.mutable_regions(1)->set_root_certificate(f.regions(0).root_certificate());
              }),
              why);
  for (const std::string host : {"us.icloud-cn-2018.comity.test", "icloud-cn-2018.comity.test"}) {
    EXPECT_THAT(After([&](auto& f) { f.mutable_regions(1)->set_root_certificate(Root(host)); }),
                why);
  }
}

TEST(TopologyKeysTest, RegionsDoNotShareARootKey) {
  const PrivateKey key = PrivateKey::Generate(SignatureAlgorithm::kEcdsaP256);
  EXPECT_THAT(After([&](auto& f) {
                for (pb::Region& region : *f.mutable_regions()) {
                  CertificateSpec spec;
                  spec.common_name = "root";
                  spec.not_before = TestDeployment::kNotBefore;
                  spec.not_after = TestDeployment::kNotAfter;
                  spec.permitted_uri_host = region.name() + "." + f.deployment();
                  region.set_root_certificate(SelfSignedAuthority(key, spec));
                }
              }),
              EndsWith(": region \"cn\": has the root key of another region"));
}

}  // namespace
}  // namespace comity
