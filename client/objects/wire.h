#ifndef COMITY_CLIENT_OBJECTS_WIRE_H_
#define COMITY_CLIENT_OBJECTS_WIRE_H_

#include "absl/status/statusor.h"

#include "comity/common/v1/common.pb.h"
#include "comity/storage/v1/storage.pb.h"
#include "services/common/ids/ids.h"
#include "services/common/statement/legal.h"
#include "services/common/statement/object_record.h"

// Objects between the wire and the client library.
namespace comity {

// The context that the client binds its data keys to: no pairs of its own.
comity::common::v1::EncryptionContext ContextOf(const ObjectId& object, const ContentId& content,
                                                KeyPurpose purpose);

// DATA_CORRUPT when an id or digest has a wrong length.
absl::StatusOr<ObjectRecord> RecordOf(const comity::storage::v1::ObjectVersion& message);

}  // namespace comity

#endif  // COMITY_CLIENT_OBJECTS_WIRE_H_
