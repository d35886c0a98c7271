#include "client/objects/attributes.h"

#include "services/common/crypto/aead.h"
#include "services/common/crypto/random.h"
#include "services/common/statement/fields.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity {
namespace {

std::string AttributesAssociatedData(const ContentId& content) {
  return "comity attributes v1" + std::string(content.bytes());
}

}  // namespace

std::string SealAttributes(const ObjectAttributes& attributes, const ContentId& content,
                           const SecretBytes& key) {
  const std::string nonce = RandomBytes(kAeadNonceSize);
  return nonce + GcmSeal(key, nonce, EncodeRecord(attributes), AttributesAssociatedData(content));
}

absl::StatusOr<ObjectAttributes> OpenAttributes(std::string_view sealed, const ContentId& content,
                                                const SecretBytes& key) {
  if (sealed.size() < kAeadNonceSize + kAeadTagSize) {
    return Refuse(Reason::kDataCorrupt, "sealed attributes are too short");
  }
  ASSIGN_OR_RETURN(const SecretBytes plain,
                   GcmOpen(key, sealed.substr(0, kAeadNonceSize), sealed.substr(kAeadNonceSize),
                           AttributesAssociatedData(content)));
  absl::StatusOr<ObjectAttributes> attributes =
      DecodeRecord<ObjectAttributes>(plain.RevealView(RevealKey::ForOwner()));
  if (!attributes.ok()) return Refuse(Reason::kDataCorrupt, "attributes do not decode");
  return attributes;
}

std::string ContentAssociatedData(const ContentId& content) {
  return "comity object v1" + std::string(content.bytes());
}

}  // namespace comity
