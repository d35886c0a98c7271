#ifndef COMITY_COMMON_STATEMENT_PROTO_CODEC_H_
#define COMITY_COMMON_STATEMENT_PROTO_CODEC_H_

#include <vector>

#include "absl/status/statusor.h"

#include "comity/common/v1/common.pb.h"
#include "services/common/statement/legal.h"
#include "services/common/statement/statement.h"

// Statements between the wire and the domain. Decoding checks sizes, counts, algorithms and that no
// key signs twice (FIELD_INVALID, STATEMENT_MALFORMED); it verifies nothing.
namespace comity {

comity::common::v1::Statement ToProto(const Statement& statement);
absl::StatusOr<Statement> FromProto(const comity::common::v1::Statement& message);
absl::StatusOr<std::vector<Statement>> FromProto(
    const google::protobuf::RepeatedPtrField<comity::common::v1::Statement>& messages, size_t max);

comity::common::v1::Authorisation ToProto(const Authorisation& authorisation);
absl::StatusOr<Authorisation> FromProto(const comity::common::v1::Authorisation& message);

}  // namespace comity

#endif  // COMITY_COMMON_STATEMENT_PROTO_CODEC_H_
