#ifndef COMITY_COMMON_STATEMENT_OBJECT_RECORD_H_
#define COMITY_COMMON_STATEMENT_OBJECT_RECORD_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

#include "services/common/clock/clock.h"
#include "services/common/crypto/digest.h"
#include "services/common/ids/ids.h"
#include "services/common/log/merkle.h"
#include "services/common/statement/fields.h"

namespace comity {

// One stored version of an object, without its bytes: what manifests hash (docs/formats.md). The
// source and the destination of a move, the owner and an authority all compute the same bytes.
struct ObjectRecord {
  ObjectId object;
  uint64_t version = 0;  // from 1
  ContentId content;
  uint64_t size = 0;  // of the ciphertext
  Digest digest;      // SHA-256 of the ciphertext
  std::string wrapped_content_key;
  std::string wrapped_attributes_key;
  std::string sealed_attributes;
  UnixMillis create_time = 0;
  template <class Io, class Self>
  static void Fields(Io& io, Self& b) {
    io(16, b.object), io(17, b.version), io(18, b.content), io(19, b.size), io(20, b.digest);
    io(21, b.wrapped_content_key), io(22, b.wrapped_attributes_key), io(23, b.sealed_attributes);
    io(24, b.create_time);
  }
  friend bool operator==(const ObjectRecord&, const ObjectRecord&) = default;
};

inline std::string EncodeObjectRecord(const ObjectRecord& record) { return EncodeRecord(record); }
inline absl::StatusOr<ObjectRecord> DecodeObjectRecord(std::string_view bytes) {
  return DecodeRecord<ObjectRecord>(bytes);
}

// What legal.manifest lists.
inline Digest ObjectRecordDigest(const ObjectRecord& record) {
  return Sha256Digest(EncodeObjectRecord(record));
}

// The leaf of data.manifest: its root is the RFC 6962 root over these, in order of object id.
inline Digest ObjectRecordLeafHash(const ObjectRecord& record) {
  return merkle::LeafHash(EncodeObjectRecord(record));
}

}  // namespace comity

#endif  // COMITY_COMMON_STATEMENT_OBJECT_RECORD_H_
