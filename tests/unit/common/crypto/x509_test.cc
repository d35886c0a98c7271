#include "services/common/crypto/x509.h"

#include <set>
#include <string>

#include "services/common/crypto/pem.h"
#include "services/common/crypto/x509_internal.h"
#include "tests/testing/matchers.h"

namespace comity {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::StartsWith;

constexpr RevealKey kReveal = RevealKey::ForTest();
constexpr UnixMillis kFrom = 1'483'228'800'000;  // 2017-01-01
constexpr UnixMillis kTo = 2'114'380'800'000;    // 2037-01-01

PrivateKey NewKey() { return PrivateKey::Generate(SignatureAlgorithm::kEcdsaP256); }

CertificateSpec LeafSpec() {
  return {.common_name = "custody",
          .uris = {"spiffe://cn.example.comity/operator/gcbd/custody/0"},
          .dns = {"localhost"},
          .not_before = kFrom,
          .not_after = kTo};
}

CertificateSpec RootSpec() {
  return {.common_name = "cn root",
          .not_before = kFrom,
          .not_after = kTo,
          .permitted_uri_host = "cn.example.comity"};
}

std::string DerOf(const std::string& pem) {
  const std::optional<SecretBytes> der = DecodePem(kCertificateLabel, pem);
  return der.has_value() ? std::string(der->RevealView(kReveal)) : "";
}

// The certificate with one byte changed from `from`, the first place it stands, to `to`.
std::string Patched(const std::string& pem, std::string_view from, std::string_view to) {
  std::string der = DerOf(pem);
  const size_t at = der.find(from);
  EXPECT_NE(at, std::string::npos);
  der.replace(at, from.size(), to);
  const SecretBytes secret = SecretBytes::CopyOf(der);
  return std::string(EncodePem(kCertificateLabel, secret.Reveal(kReveal)).RevealView(kReveal));
}

TEST(SelfSignedCertificateTest, ParsesToWhatWasAskedFor) {
  const PrivateKey key = NewKey();
  ASSERT_OK_AND_ASSIGN(const ParsedCertificate parsed,
                       ParseCertificate(SelfSignedCertificate(key, LeafSpec())));
  EXPECT_EQ(parsed.spki, key.public_key().spki());
  EXPECT_EQ(parsed.common_name, "custody");
  EXPECT_THAT(parsed.uris, ElementsAre("spiffe://cn.example.comity/operator/gcbd/custody/0"));
  EXPECT_EQ(parsed.not_before, kFrom);
  EXPECT_EQ(parsed.not_after, kTo);
  EXPECT_FALSE(parsed.is_ca);
  EXPECT_TRUE(parsed.self_signed);
}

TEST(SelfSignedCertificateTest, NamesMayBeAbsentOrMany) {
  CertificateSpec spec = LeafSpec();
  spec.uris.clear();
  spec.dns.clear();
  ASSERT_OK_AND_ASSIGN(const ParsedCertificate bare,
                       ParseCertificate(SelfSignedCertificate(NewKey(), spec)));
  EXPECT_THAT(bare.uris, IsEmpty());
  spec.uris = {"spiffe://a.example/x", "spiffe://b.example/y"};
  ASSERT_OK_AND_ASSIGN(const ParsedCertificate two,
                       ParseCertificate(SelfSignedCertificate(NewKey(), spec)));
  EXPECT_THAT(two.uris, ElementsAre("spiffe://a.example/x", "spiffe://b.example/y"));
}

TEST(SelfSignedCertificateTest, DatesAfter2049AreKept) {
  CertificateSpec spec = LeafSpec();
  spec.not_after = 253'402'300'799'000;
  ASSERT_OK_AND_ASSIGN(const ParsedCertificate parsed,
                       ParseCertificate(SelfSignedCertificate(NewKey(), spec)));
  EXPECT_EQ(parsed.not_after, spec.not_after);
}

TEST(SelfSignedCertificateTest, EachCertificateHasItsOwnSerialNumber) {
  const PrivateKey key = NewKey();
  const std::string first = DerOf(SelfSignedCertificate(key, LeafSpec()));
  const std::string second = DerOf(SelfSignedCertificate(key, LeafSpec()));
  // The serial number stands within the first 40 bytes.
  EXPECT_NE(first.substr(0, 40), second.substr(0, 40));
}

TEST(SelfSignedCertificateDeathTest, SpecThatIsNotValidEndsTheProcess) {
  CertificateSpec spec = LeafSpec();
  spec.common_name.clear();
  EXPECT_DEATH(SelfSignedCertificate(NewKey(), spec), "check failed");
  EXPECT_DEATH(
      SelfSignedCertificate(PrivateKey::Generate(SignatureAlgorithm::kEd25519), LeafSpec()),
      "check failed");
  spec = RootSpec();
  spec.uris = {"spiffe://cn.example.comity/x"};
  EXPECT_DEATH(SelfSignedAuthority(NewKey(), spec), "check failed");
}

TEST(SelfSignedAuthorityTest, ParsesAsAuthority) {
  ASSERT_OK_AND_ASSIGN(const ParsedCertificate parsed,
                       ParseCertificate(SelfSignedAuthority(NewKey(), RootSpec())));
  EXPECT_TRUE(parsed.is_ca);
  EXPECT_TRUE(parsed.self_signed);
  EXPECT_EQ(parsed.common_name, "cn root");
  EXPECT_EQ(parsed.permitted_uri_host, "cn.example.comity");
}

TEST(SelfSignedAuthorityTest, WithoutTrustDomainPermitsNone) {
  CertificateSpec spec = RootSpec();
  spec.permitted_uri_host.clear();
  ASSERT_OK_AND_ASSIGN(const ParsedCertificate parsed,
                       ParseCertificate(SelfSignedAuthority(NewKey(), spec)));
  EXPECT_EQ(parsed.permitted_uri_host, "");
}

class IssueCertificateTest : public ::testing::Test {
 protected:
  const PrivateKey root_key_ = NewKey();
  const std::string root_ = SelfSignedAuthority(root_key_, RootSpec());
  const PrivateKey key_ = NewKey();
};

TEST_F(IssueCertificateTest, ParsesToWhatWasAskedFor) {
  ASSERT_OK_AND_ASSIGN(const std::string pem,
                       IssueCertificate(root_key_, root_, key_.public_key(), LeafSpec()));
  EXPECT_THAT(pem, StartsWith("-----BEGIN CERTIFICATE-----\n"));
  ASSERT_OK_AND_ASSIGN(const ParsedCertificate parsed, ParseCertificate(pem));
  EXPECT_EQ(parsed.spki, key_.public_key().spki());
  EXPECT_FALSE(parsed.is_ca);
  EXPECT_FALSE(parsed.self_signed);
}

TEST_F(IssueCertificateTest, FailsForAKeyThatIsNotTheIssuers) {
  EXPECT_THAT(IssueCertificate(key_, root_, key_.public_key(), LeafSpec()),
              RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(IssueCertificate(PrivateKey::Generate(SignatureAlgorithm::kEd25519), root_,
                               key_.public_key(), LeafSpec()),
              RefusedWith(Reason::kFieldInvalid));
}

TEST_F(IssueCertificateTest, FailsForAnIssuerThatIsNoAuthority) {
  EXPECT_THAT(IssueCertificate(key_, SelfSignedCertificate(key_, LeafSpec()), key_.public_key(),
                               LeafSpec()),
              RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(IssueCertificate(root_key_, "no certificate", key_.public_key(), LeafSpec()),
              RefusedWith(Reason::kFieldInvalid));
}

TEST_F(IssueCertificateTest, FailsForASpecThatIsNotValid) {
  std::vector<CertificateSpec> specs(10, LeafSpec());
  specs[0].common_name.clear();
  specs[1].common_name = std::string(65, 'x');
  specs[2].common_name = std::string("a\0b", 3);
  specs[3].common_name = "\xff\xfe";  // not UTF-8
  specs[4].not_after = specs[4].not_before;
  specs[5].not_before = -1;
  specs[6].not_after = 253'402'300'800'000;
  specs[7].uris = {"not a uri"};
  specs[8].uris = {"spiffe://user@cn.example.comity/x"};
  specs[9].dns = {""};
  for (size_t i = 0; i < specs.size(); ++i) {
    EXPECT_THAT(IssueCertificate(root_key_, root_, key_.public_key(), specs[i]),
                RefusedWith(Reason::kFieldInvalid))
        << i;
  }
}

TEST(ParseCertificateTest, OtherTextsAreRefused) {
  const std::string pem = SelfSignedCertificate(NewKey(), LeafSpec());
  const SecretBytes trailing = SecretBytes::CopyOf(DerOf(pem) + '\0');
  const SecretBytes cut = SecretBytes::CopyOf(DerOf(pem).substr(0, 100));
  for (const std::string& text :
       {std::string(), std::string("certificate"), pem + pem, pem + "x",
        std::string(EncodePem(kCertificateLabel, trailing.Reveal(kReveal)).RevealView(kReveal)),
        std::string(EncodePem(kCertificateLabel, cut.Reveal(kReveal)).RevealView(kReveal))}) {
    EXPECT_THAT(ParseCertificate(text).status(), RefusedWith(Reason::kFieldInvalid)) << text;
  }
}

TEST(ParseCertificateTest, ChangedCertificateIsNotSelfSigned) {
  const std::string pem = SelfSignedCertificate(NewKey(), LeafSpec());
  ASSERT_OK_AND_ASSIGN(const ParsedCertificate parsed,
                       ParseCertificate(Patched(pem, "gcbd", "gcbe")));
  EXPECT_FALSE(parsed.self_signed);
}

TEST(ParseCertificateTest, UriWithAControlCharacterIsRefused) {
  const std::string pem = SelfSignedCertificate(NewKey(), LeafSpec());
  EXPECT_THAT(ParseCertificate(Patched(pem, "gcbd", std::string("gc\0d", 4))).status(),
              RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(ParseCertificate(Patched(pem, "gcbd", "gc d")).status(),
              RefusedWith(Reason::kFieldInvalid));
}

TEST(ParseCertificateTest, CommonNameWithAZeroByteIsRefused) {
  const std::string pem = SelfSignedCertificate(NewKey(), LeafSpec());
  // Subject and issuer hold it; the subject is the second one.
  std::string der = DerOf(pem);
  const size_t second = der.find(
      "\x0c\x07"
      "custody",
      der.find("\x0c\x07"
               "custody") +
          1);
  ASSERT_NE(second, std::string::npos);
  der[second + 4] = '\0';
  const SecretBytes secret = SecretBytes::CopyOf(der);
  EXPECT_THAT(
      ParseCertificate(EncodePem(kCertificateLabel, secret.Reveal(kReveal)).RevealView(kReveal))
          .status(),
      RefusedWith(Reason::kFieldInvalid));
}

TEST(ParseCertificateTest, ImpossibleDateIsRefused) {
  const std::string pem = SelfSignedCertificate(NewKey(), LeafSpec());
  EXPECT_THAT(ParseCertificate(Patched(pem, "170101000000Z", "171301000000Z")).status(),
              RefusedWith(Reason::kFieldInvalid));
}

TEST(UriHostTest, HostIsWhatStandsBetweenSchemeAndPath) {
  EXPECT_EQ(UriHost("spiffe://cn.example/operator/x"), "cn.example");
  EXPECT_EQ(UriHost("spiffe://cn.example"), "cn.example");
}

TEST(UriHostTest, AmbiguousUrisHaveNoHost) {
  for (const char* uri :
       {"", "spiffe:", "spiffe:/x", "://cn.example/x", "spiffe:///x", "spiffe://user@cn.example/x",
        "spiffe://cn.example:1/x", "spiffe://CN.example/x", "spiffe://cn%2eexample/x",
        "spiffe://cn.example?x", "spiffe://cn.example#x", "spiffe://[::1]/x"}) {
    EXPECT_EQ(UriHost(uri), std::nullopt) << uri;
  }
}

}  // namespace
}  // namespace comity
