#ifndef COMITY_CUSTODY_PKCS11_TOKEN_H_
#define COMITY_CUSTODY_PKCS11_TOKEN_H_

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "services/common/secret/secret.h"

// The one place that speaks PKCS#11. All refusals are SEALED with their SealTrouble, and name the
// function and what it returned ("C_Login: CKR_PIN_INCORRECT").
namespace comity::custody {

inline constexpr size_t kTokenIvSize = 12;
inline constexpr size_t kTokenTagSize = 16;

// A session with the token of this label, from Open() to its end, when it is logged out and closed
// and the module finalised: nothing of it is left in between, and a token that went and came back
// is found anew. At most one of a module at a time. Not thread-safe. Calls block for as long as the
// module does.
class Pkcs11Token final {
 public:
  // Loads the module, once for this process: vendors' modules do not survive being unloaded.
  static absl::StatusOr<std::unique_ptr<Pkcs11Token>> Open(const std::string& module,
                                                           std::string_view label);
  ~Pkcs11Token();
  Pkcs11Token(const Pkcs11Token&) = delete;
  Pkcs11Token& operator=(const Pkcs11Token&) = delete;

  // Whether a wrong PIN was given to it since the last right one, as far as it tells. kLast: one
  // more locks it.
  enum class WrongPins { kNone, kSome, kLast };
  WrongPins wrong_pins() const { return wrong_pins_; }

  // As its user; one call of C_Login and no more. kPinRefused, kPinLocked.
  absl::Status LogIn(const SecretBytes& pin);

  // An AES-256 key that was found fit: it stays in the token, shows its bytes to nobody, and does
  // nothing but encrypt and decrypt.
  class Key {
   private:
    friend class Pkcs11Token;
    unsigned long handle = 0;
  };
  // kKeyMissing, kKeyAmbiguous, kKeyUnfit. After LogIn(), as all below.
  absl::StatusOr<Key> FindKey(std::string_view label);
  // Makes it. There must be none of this label: FindKey() says so.
  absl::Status MakeKey(std::string_view label);

  // AES-256-GCM: ciphertext and tag.
  absl::StatusOr<std::string> Encrypt(const Key& key, std::string_view iv, std::string_view aad,
                                      const SecretBytes& plaintext);
  // kRecord when it is not what Encrypt() gave for the same key, IV and associated data.
  absl::StatusOr<SecretBytes> Decrypt(const Key& key, std::string_view iv, std::string_view aad,
                                      std::string_view sealed);

 private:
  struct Module;
  absl::StatusOr<SecretBytes> DecryptOnce(const Key& key, std::string_view iv, std::string_view aad,
                                          std::string_view sealed);
  bool Works(const Key& key);
  Pkcs11Token(const Module* module, unsigned long session, WrongPins wrong_pins);

  const Module* const module_;
  const unsigned long session_;
  const WrongPins wrong_pins_;
};

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_PKCS11_TOKEN_H_
