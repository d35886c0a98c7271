#include <string>

#include "services/common/crypto/pem.h"
#include "services/common/crypto/x509.h"
#include "services/common/crypto/x509_internal.h"
#include "tests/testing/hex.h"
#include "tests/testing/matchers.h"

namespace comity {
namespace {

using ::testing::HasSubstr;

constexpr RevealKey kReveal = RevealKey::ForTest();
constexpr UnixMillis kFrom = 1'483'228'800'000;  // 2017-01-01
constexpr UnixMillis kTo = 2'114'380'800'000;    // 2037-01-01
constexpr UnixMillis kNow = 1'519'819'200'000;   // 2018-02-28

PrivateKey NewKey() { return PrivateKey::Generate(SignatureAlgorithm::kEcdsaP256); }

CertificateSpec RootSpec(const std::string& host = "cn.example.comity") {
  return {.common_name = "root", .not_before = kFrom, .not_after = kTo, .permitted_uri_host = host};
}

class VerifyIssuedByTest : public ::testing::Test {
 protected:
  static CertificateSpec LeafSpec() {
    return {.common_name = "custody",
            .uris = {"spiffe://cn.example.comity/operator/gcbd/custody/0"},
            .dns = {"localhost"},
            .not_before = kFrom + kDayMs,
            .not_after = kTo - kDayMs};
  }

  std::string Issue(const CertificateSpec& spec) const {
    absl::StatusOr<std::string> pem = IssueCertificate(root_key_, root_, key_.public_key(), spec);
    EXPECT_THAT(pem.status(), IsOk());
    return *std::move(pem);
  }

  std::string IssueFor(const std::string& uri) const {
    CertificateSpec spec = LeafSpec();
    spec.uris = {uri};
    return Issue(spec);
  }

  static std::string Changed(const std::string& pem, std::string_view from, std::string_view to) {
    const std::optional<SecretBytes> read = DecodePem(kCertificateLabel, pem);
    std::string der(read->RevealView(kReveal));
    const size_t at = der.find(from);
    EXPECT_NE(at, std::string::npos);
    der.replace(at, from.size(), to);
    const SecretBytes secret = SecretBytes::CopyOf(der);
    return std::string(EncodePem(kCertificateLabel, secret.Reveal(kReveal)).RevealView(kReveal));
  }

  static void ExpectInvalid(const absl::Status& status, const std::string& cause) {
    EXPECT_THAT(status, RefusedWith(Reason::kCertificateInvalid));
    EXPECT_THAT(CauseOf(status), HasSubstr(cause));
  }

  const PrivateKey root_key_ = NewKey();
  const std::string root_ = SelfSignedAuthority(root_key_, RootSpec());
  const PrivateKey key_ = NewKey();
};

TEST_F(VerifyIssuedByTest, IssuedCertificateIsAccepted) {
  EXPECT_THAT(VerifyIssuedBy(Issue(LeafSpec()), root_, kNow), IsOk());
}

TEST_F(VerifyIssuedByTest, CertificateWithoutUriIsAccepted) {
  CertificateSpec spec = LeafSpec();
  spec.uris.clear();
  EXPECT_THAT(VerifyIssuedBy(Issue(spec), root_, kNow), IsOk());
}

TEST_F(VerifyIssuedByTest, TimeOutsideTheValidityIsRefused) {
  const std::string pem = Issue(LeafSpec());
  EXPECT_THAT(VerifyIssuedBy(pem, root_, kFrom + kDayMs + kMinuteMs), IsOk());
  EXPECT_THAT(VerifyIssuedBy(pem, root_, kTo - kDayMs - kMinuteMs), IsOk());
  ExpectInvalid(VerifyIssuedBy(pem, root_, kFrom + kDayMs - kMinuteMs), "not yet valid");
  ExpectInvalid(VerifyIssuedBy(pem, root_, kTo - kDayMs + kMinuteMs), "expired");
}

TEST_F(VerifyIssuedByTest, ExpiredRootIsRefused) {
  CertificateSpec spec = LeafSpec();
  spec.not_after = kTo + kDayMs;
  ExpectInvalid(VerifyIssuedBy(Issue(spec), root_, kTo + kHourMs), "expired");
}

TEST_F(VerifyIssuedByTest, AnotherRootIsRefused) {
  const std::string other = SelfSignedAuthority(NewKey(), RootSpec());
  ExpectInvalid(VerifyIssuedBy(Issue(LeafSpec()), other, kNow), "");
}

TEST_F(VerifyIssuedByTest, ForgedSignatureIsRefused) {
  const std::string forged = Changed(Issue(LeafSpec()), "gcbd", "abcd");
  ExpectInvalid(VerifyIssuedBy(forged, root_, kNow), "signature");
}

TEST_F(VerifyIssuedByTest, NameOfAnotherTrustDomainIsRefused) {
  for (const char* uri :
       {"spiffe://us.example.comity/operator/gcbd/custody/0", "spiffe://example.comity/x",
        "spiffe://x.cn.example.comity/x", "spiffe://cn.example.comity.evil/x"}) {
    ExpectInvalid(VerifyIssuedBy(IssueFor(uri), root_, kNow), "");
  }
}

TEST_F(VerifyIssuedByTest, SecondNameOfAnotherTrustDomainIsRefused) {
  CertificateSpec spec = LeafSpec();
  spec.uris.push_back("spiffe://us.example.comity/x");
  ExpectInvalid(VerifyIssuedBy(Issue(spec), root_, kNow), "");
}

TEST_F(VerifyIssuedByTest, RootWithoutTrustDomainIsRefused) {
  const std::string open_root = SelfSignedAuthority(root_key_, RootSpec(""));
  ASSERT_OK_AND_ASSIGN(const std::string pem,
                       IssueCertificate(root_key_, open_root, key_.public_key(), LeafSpec()));
  ExpectInvalid(VerifyIssuedBy(pem, open_root, kNow), "one trust domain");
}

TEST_F(VerifyIssuedByTest, SelfSignedLeafIsRefused) {
  ExpectInvalid(VerifyIssuedBy(SelfSignedCertificate(key_, LeafSpec()), root_, kNow), "");
}

TEST_F(VerifyIssuedByTest, RootAsItsOwnLeafIsRefused) {
  ExpectInvalid(VerifyIssuedBy(root_, root_, kNow), "that of an authority");
}

TEST_F(VerifyIssuedByTest, RootThatIsNoAuthorityIsRefused) {
  const std::string leaf = SelfSignedCertificate(key_, LeafSpec());
  ExpectInvalid(VerifyIssuedBy(leaf, leaf, kNow), "not a self-signed authority");
}

TEST_F(VerifyIssuedByTest, ChangedRootIsRefused) {
  const std::string changed = Changed(root_, "cn.example.comity", "us.example.comity");
  ExpectInvalid(VerifyIssuedBy(Issue(LeafSpec()), changed, kNow), "not a self-signed authority");
}

TEST_F(VerifyIssuedByTest, TextThatIsNoCertificateIsRefused) {
  ExpectInvalid(VerifyIssuedBy("x", root_, kNow), "exactly one");
  ExpectInvalid(VerifyIssuedBy(Issue(LeafSpec()), "x", kNow), "exactly one");
  ExpectInvalid(VerifyIssuedBy(Issue(LeafSpec()) + root_, root_, kNow), "exactly one");
}

TEST_F(VerifyIssuedByTest, LeafWithoutSignatureUsageIsRefused) {
  // keyUsage digitalSignature (0x80) becomes keyEncipherment (0x20, five unused bits).
  const std::string changed = Changed(Issue(LeafSpec()), FromHex("0603551d0f0101ff040403020780"),
                                      FromHex("0603551d0f0101ff040403020520"));
  ExpectInvalid(VerifyIssuedBy(changed, root_, kNow), "does not include signatures");
}

TEST_F(VerifyIssuedByTest, LeafForOneEndOfTlsIsRefused) {
  // clientAuth becomes codeSigning.
  const std::string changed =
      Changed(Issue(LeafSpec()), FromHex("06082b06010505070302"), FromHex("06082b06010505070303"));
  ExpectInvalid(VerifyIssuedBy(changed, root_, kNow), "both ends of TLS");
}

TEST_F(VerifyIssuedByTest, OtherSignatureAlgorithmIsRefused) {
  // ecdsa-with-SHA256 becomes ecdsa-with-SHA384 in both places where it stands.
  const std::string once =
      Changed(Issue(LeafSpec()), FromHex("06082a8648ce3d040302"), FromHex("06082a8648ce3d040303"));
  const std::string twice =
      Changed(once, FromHex("06082a8648ce3d040302"), FromHex("06082a8648ce3d040303"));
  ExpectInvalid(VerifyIssuedBy(twice, root_, kNow), "ECDSA and SHA-256");
}

TEST_F(VerifyIssuedByTest, RefusalTellsTheCallerNoCause) {
  const absl::Status status = VerifyIssuedBy("x", root_, kNow);
  EXPECT_EQ(std::string(status.message()),
            std::string(Refuse(Reason::kCertificateInvalid).message()));
}

}  // namespace
}  // namespace comity
