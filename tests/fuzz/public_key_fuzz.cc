#include <cstdint>
#include <string>
#include <string_view>

#include "services/common/crypto/digest.h"
#include "services/common/crypto/signing.h"
#include "services/common/status/check.h"

// The input is a SubjectPublicKeyInfo, and then a signature. A key that is accepted has its one
// encoding, and no signature that nobody made verifies under it.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  for (const size_t spki_size : {size_t{44}, size_t{91}, size}) {
    const std::string_view spki = input.substr(0, spki_size);
    const auto key = comity::PublicKey::FromSpki(spki);
    if (key.ok()) {
      COMITY_CHECK(key->spki() == spki);
      COMITY_CHECK(key->id() == *comity::SigningKeyId::FromBytes(comity::Sha256(spki)));
      const std::string_view signature = input.substr(spki.size());
      COMITY_CHECK(!key->Verify("a message that nobody signed", signature));
    }
  }
  const auto from_raw = comity::Ed25519SpkiFromRaw(input);
  if (from_raw.ok()) {
    COMITY_CHECK(*comity::Ed25519RawFromSpki(*from_raw) == input);
  }
  COMITY_CHECK(!comity::PrivateKey::FromPem(comity::SecretBytes::CopyOf(input)).ok() ||
               input.find("PRIVATE KEY") != std::string_view::npos);
  return 0;
}
