#include "client/objects/wire.h"

#include <string>

#include "services/common/status/reason.h"

namespace comity {

comity::common::v1::EncryptionContext ContextOf(const ObjectId& object, const ContentId& content,
                                                KeyPurpose purpose) {
  comity::common::v1::EncryptionContext context;
  context.set_object_id(std::string(object.bytes()));
  context.set_content_id(std::string(content.bytes()));
  context.set_purpose(static_cast<comity::common::v1::Purpose>(purpose));
  return context;
}

absl::StatusOr<ObjectRecord> RecordOf(const comity::storage::v1::ObjectVersion& message) {
  const absl::StatusOr<ObjectId> object = ObjectId::FromBytes(message.object_id());
  const absl::StatusOr<ContentId> content = ContentId::FromBytes(message.content_id());
  const absl::StatusOr<Digest> digest = Digest::FromBytes(message.digest());
  if (!object.ok() || !content.ok() || !digest.ok()) {
    return Refuse(Reason::kDataCorrupt, "an object record has an id of a wrong length");
  }
  ObjectRecord record;
  record.object = *object;
  record.version = message.version();
  record.content = *content;
  record.size = message.size();
  record.digest = *digest;
  record.wrapped_content_key = message.wrapped_content_key();
  record.wrapped_attributes_key = message.wrapped_attributes_key();
  record.sealed_attributes = message.sealed_attributes();
  record.create_time = message.create_time_ms();
  return record;
}

}  // namespace comity
