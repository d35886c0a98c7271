#ifndef COMITY_TESTS_TESTING_SOFT_TOKEN_H_
#define COMITY_TESTS_TESTING_SOFT_TOKEN_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "tests/testing/temp_dir.h"

namespace comity {

// A PKCS#11 token in software (SoftHSM 2), with a folder of its own. While it lives, it and those
// that were added to it are what its module shows to this process and to those that it starts. One
// at a time, and not while a session with it is open.
class SoftToken final {
 public:
  explicit SoftToken(const std::string& label = "custody-us");
  ~SoftToken();
  SoftToken(const SoftToken&) = delete;
  SoftToken& operator=(const SoftToken&) = delete;

  static std::string Module();
  // A file with the PIN of its user, of mode 0600.
  std::string pin_file() const { return directory_.path() + "/pin"; }
  // The right PIN is kPin.
  static constexpr std::string_view kPin = "the-pin-of-a-test-token";
  void WritePin(std::string_view pin) const;
  // Another token beside it.
  void AddToken(const std::string& label) const;
  // As a token that is out of its slot, until it is put back.
  void TakeOut() const;
  void PutBack() const;

  // Keys for AES with 256 bits, as custody makes them or spoilt in one respect.
  enum class Key { kFit, kExtractable, kAlsoWraps, kReadable };
  void AddKey(std::string_view label, Key key = Key::kFit) const;
  // One with these bytes.
  void ImportKey(std::string_view label, std::string_view bytes) const;
  size_t CountKeys(std::string_view label) const;
  void DeleteKeys(std::string_view label) const;

 private:
  TempDir directory_;
  const std::string label_;
};

}  // namespace comity

#endif  // COMITY_TESTS_TESTING_SOFT_TOKEN_H_
