#include "services/common/statement/statement.h"

#include <algorithm>

#include "services/common/crypto/digest.h"
#include "services/common/status/macros.h"

namespace comity {

constexpr bool IsValid(SignatureAlgorithm a) {
  return a == SignatureAlgorithm::kEd25519 || a == SignatureAlgorithm::kEcdsaP256;
}

namespace {

constexpr std::string_view kSignedPrefix = "comity statement v1\n";
constexpr size_t kSignatureSize = 64;
constexpr size_t kMaxType = 64;
constexpr size_t kMaxName = 253;  // of a DNS name, so of a deployment

std::string SignedBytes(std::string_view body) {
  std::string bytes(kSignedPrefix);
  bytes.append(body);
  return bytes;
}

absl::Status Malformed(std::string_view cause) {
  return Refuse(Reason::kStatementMalformed, cause);
}

bool IsTypeName(std::string_view type) {
  return !type.empty() && type.size() <= kMaxType && std::ranges::all_of(type, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
  });
}

// The file form of one signature and of a statement (docs/formats.md).
struct SignatureRecord {
  SigningKeyId key_id;
  SignatureAlgorithm algorithm = SignatureAlgorithm::kEd25519;
  std::string signature;
  template <class Io, class Self>
  static void Fields(Io& io, Self& b) {
    io(16, b.key_id), io(17, b.algorithm), io(18, b.signature);
  }
};
struct StatementRecord {
  std::string body;
  std::vector<SignatureRecord> signatures;
  template <class Io, class Self>
  static void Fields(Io& io, Self& b) {
    io(16, b.body), io(17, b.signatures);
  }
};

}  // namespace

Digest Statement::digest() const { return Sha256Digest(body); }

namespace internal {

void WriteEnvelope(CanonicalWriter& writer, const Envelope& envelope) {
  writer.Bytes(2, envelope.type)
      .Bytes(3, envelope.deployment)
      .Bytes(4, envelope.region)
      .Bytes(5, envelope.subject)
      .Bytes(6, envelope.issuer.bytes())
      .U64(7, envelope.number)
      .U64(8, static_cast<uint64_t>(envelope.time))
      .U64(9, static_cast<uint64_t>(envelope.expiry));
}

absl::StatusOr<Envelope> ReadEnvelope(CanonicalReader& reader) {
  Envelope envelope;
  FieldReader fields(reader);
  fields(2, envelope.type);
  fields(3, envelope.deployment);
  fields(4, envelope.region);
  fields(5, envelope.subject);
  fields(6, envelope.issuer);
  fields(7, envelope.number);
  fields(8, envelope.time);
  fields(9, envelope.expiry);
  RETURN_IF_ERROR(fields.status());
  if (!IsTypeName(envelope.type)) return Malformed("type is not a name");
  if (envelope.deployment.empty() || envelope.deployment.size() > kMaxName) {
    return Malformed("deployment is empty or too long");
  }
  if (!envelope.region.empty() && !RegionId::Create(envelope.region).ok()) {
    return Malformed("region is not a region name");
  }
  if (envelope.subject.empty() || envelope.subject.size() > kMaxName) {
    return Malformed("subject is empty or too long");
  }
  return envelope;
}

}  // namespace internal

absl::StatusOr<Envelope> PeekEnvelope(const Statement& statement) {
  if (statement.body.size() > kMaxStatementBody) return Malformed("body too long");
  ASSIGN_OR_RETURN(CanonicalReader reader, CanonicalReader::Open(statement.body, 1));
  return internal::ReadEnvelope(reader);
}

absl::Status VerifySignedBy(const Statement& statement, const PublicKey& key) {
  const SigningKeyId id = key.id();
  const auto found = std::ranges::find(statement.signatures, id, &StatementSignature::key_id);
  if (found == statement.signatures.end()) {
    return Refuse(Reason::kSignatureInvalid, "no signature of the expected key");
  }
  if (found->algorithm != key.algorithm() ||
      !key.Verify(SignedBytes(statement.body), found->signature)) {
    return Refuse(Reason::kSignatureInvalid, "the signature of the expected key does not verify");
  }
  return absl::OkStatus();
}

void AddSignature(Statement& statement, const PrivateKey& key) {
  statement.signatures.push_back(
      {key.public_key().id(), key.public_key().algorithm(), key.Sign(SignedBytes(statement.body))});
}

std::string EncodeStatement(const Statement& statement) {
  StatementRecord record{statement.body, {}};
  for (const StatementSignature& s : statement.signatures) {
    record.signatures.push_back({s.key_id, s.algorithm, s.signature});
  }
  return EncodeRecord(record);
}

absl::StatusOr<Statement> DecodeStatement(std::string_view bytes) {
  ASSIGN_OR_RETURN(StatementRecord record, DecodeRecord<StatementRecord>(bytes));
  if (record.body.empty() || record.body.size() > kMaxStatementBody) {
    return Malformed("body is empty or too long");
  }
  if (record.signatures.empty() || record.signatures.size() > kMaxStatementSignatures) {
    return Malformed("no signatures or too many");
  }
  Statement statement{std::move(record.body), {}};
  for (SignatureRecord& s : record.signatures) {
    if (s.signature.size() != kSignatureSize) return Malformed("a signature has not 64 bytes");
    if (std::ranges::find(statement.signatures, s.key_id, &StatementSignature::key_id) !=
        statement.signatures.end()) {
      return Malformed("one key signs twice");
    }
    statement.signatures.push_back({s.key_id, s.algorithm, std::move(s.signature)});
  }
  return statement;
}

}  // namespace comity
