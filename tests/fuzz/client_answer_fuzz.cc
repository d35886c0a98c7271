#include <cstdint>
#include <string>
#include <string_view>

#include "client/legal/case_view.h"
#include "client/objects/attributes.h"
#include "client/objects/wire.h"
#include "services/common/crypto/aead.h"
#include "services/common/crypto/random.h"
#include "services/common/statement/object_record.h"
#include "tests/fuzz/decode_message.h"

// What services answer a client, and what another device of the owner sealed as attributes.
namespace comity {
namespace {

void TryObject(std::string_view bytes) {
  fuzz::DecodeMessage<comity::storage::v1::ObjectVersion>(
      bytes, [](const comity::storage::v1::ObjectVersion& message) {
        const absl::StatusOr<ObjectRecord> record = RecordOf(message);
        if (record.ok()) COMITY_CHECK(DecodeObjectRecord(EncodeRecord(*record)).ok());
        return record.status();
      });
}

void TryCase(std::string_view bytes) {
  fuzz::DecodeMessage<comity::review::v1::Case>(
      bytes, [](const comity::review::v1::Case& message) { return CaseViewOf(message); });
}

void TryAttributes(std::string_view bytes) {
  static const auto* const key = new SecretBytes(RandomSecret(kAeadKeySize));
  const ContentId content;
  COMITY_CHECK(!OpenAttributes(bytes, content, *key).ok());
  const std::string nonce(kAeadNonceSize, '\0');
  const std::string sealed =
      nonce + GcmSeal(*key, nonce, bytes, "comity attributes v1" + std::string(content.bytes()));
  const absl::StatusOr<ObjectAttributes> attributes = OpenAttributes(sealed, content, *key);
  if (!attributes.ok()) {
    COMITY_CHECK(ReasonOf(attributes.status()) == Reason::kDataCorrupt);
    return;
  }
  COMITY_CHECK(EncodeRecord(*attributes) == bytes);
}

void TryRecord(std::string_view bytes) {
  const absl::StatusOr<ObjectRecord> record = DecodeObjectRecord(bytes);
  if (record.ok()) COMITY_CHECK(EncodeRecord(*record) == bytes);
}

constexpr void (*kDecoders[])(std::string_view) = {TryObject, TryCase, TryAttributes, TryRecord};

}  // namespace
}  // namespace comity

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  comity::fuzz::Choose(data, size, comity::kDecoders);
  return 0;
}
