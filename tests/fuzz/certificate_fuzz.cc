#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "services/common/crypto/pem.h"
#include "services/common/crypto/x509.h"
#include "services/common/status/check.h"

// The input is a certificate's DER, or as it stands a PEM text. Nobody's bytes pass as issued by a
// root that they are not issued by.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using comity::RevealKey;
  static const std::string* const root = [] {
    const auto key = comity::PrivateKey::Generate(comity::SignatureAlgorithm::kEcdsaP256);
    return new std::string(
        comity::SelfSignedAuthority(key, {.common_name = "root",
                                          .not_after = comity::kDayMs,
                                          .permitted_uri_host = "cn.example.comity"}));
  }();
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const comity::SecretBytes pem = comity::EncodePem("CERTIFICATE", {data, size});
  const std::optional<comity::SecretBytes> der = comity::DecodePem("CERTIFICATE", text);
  COMITY_CHECK(!der.has_value() || text.find("-----BEGIN CERTIFICATE-----") != text.npos);
  const auto again = comity::DecodePem("CERTIFICATE", pem.RevealView(RevealKey::ForTest()));
  COMITY_CHECK(size == 0 || again->ConstantTimeEquals(comity::SecretBytes::CopyOf(text)));
  for (const std::string_view input : {text, pem.RevealView(RevealKey::ForTest())}) {
    const auto parsed = comity::ParseCertificate(input);
    if (parsed.ok()) {
      COMITY_CHECK(!parsed->spki.empty());
      for (const std::string& uri : parsed->uris) {
        COMITY_CHECK(uri.find('\0') == std::string::npos);
      }
    }
    COMITY_CHECK(!comity::VerifyIssuedBy(input, *root, comity::kHourMs).ok());
  }
  return 0;
}
