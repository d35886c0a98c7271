#ifndef COMITY_CLIENT_OBJECTS_ATTRIBUTES_H_
#define COMITY_CLIENT_OBJECTS_ATTRIBUTES_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

#include "services/common/ids/ids.h"
#include "services/common/secret/secret.h"

namespace comity {

// What only the owner (and an authority entitled to class C4) can read about an object.
struct ObjectAttributes {
  std::string name;          // object_name.h; as read: any bytes
  std::string content_type;  // MIME type; may be empty
  int64_t modified_ms = 0;   // of the source file
  uint64_t size = 0;         // exact plaintext size
  uint64_t version = 0;      // as put; a difference from the stored one shows a rollback
  template <class Io, class Self>
  static void Fields(Io& io, Self& b) {
    io(16, b.name), io(17, b.content_type), io(18, b.modified_ms), io(19, b.size);
    io(20, b.version);
  }
};

// Sealed with the object's attributes key: nonce (12, random) || AES-256-GCM; associated data =
// "comity attributes v1" || content id.
std::string SealAttributes(const ObjectAttributes& attributes, const ContentId& content,
                           const SecretBytes& key);
// DATA_CORRUPT for any failure.
absl::StatusOr<ObjectAttributes> OpenAttributes(std::string_view sealed, const ContentId& content,
                                                const SecretBytes& key);

// Associated data of the content stream: "comity object v1" || content id.
std::string ContentAssociatedData(const ContentId& content);

}  // namespace comity

#endif  // COMITY_CLIENT_OBJECTS_ATTRIBUTES_H_
