#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "services/common/crypto/aead.h"
#include "services/common/crypto/hpke.h"
#include "services/common/crypto/random.h"
#include "services/common/crypto/streaming.h"
#include "services/common/status/check.h"

// Nothing that was not sealed under these keys opens, whole or in pieces, and a stream releases
// not one byte of it.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto* const key = new comity::SecretBytes(comity::RandomSecret(32));
  static const auto* const siv_key =
      new std::unique_ptr<comity::GcmSivKey>(*comity::GcmSivKey::Create(*key));
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  COMITY_CHECK(!(*siv_key)->Open(input, "").ok());
  COMITY_CHECK(!comity::HpkeOpen(*key, "", "", input).ok());

  const size_t cut = size == 0 ? 0 : data[0] % size;
  auto decrypter = *comity::StreamDecrypter::Create(*key, "");
  std::string out;
  bool all_ok = decrypter.Update(input.substr(0, cut), out).ok();
  all_ok = decrypter.Update(input.substr(cut), out).ok() && all_ok;
  all_ok = std::move(decrypter).Finish(out).ok() && all_ok;
  COMITY_CHECK(!all_ok && out.empty());
  return 0;
}
