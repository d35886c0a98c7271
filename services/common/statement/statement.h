#ifndef COMITY_COMMON_STATEMENT_STATEMENT_H_
#define COMITY_COMMON_STATEMENT_STATEMENT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "services/common/clock/clock.h"
#include "services/common/crypto/signing.h"
#include "services/common/ids/ids.h"
#include "services/common/statement/fields.h"

// Signed statements: the only form of an order between parties (docs/formats.md). Signed bytes are
// "comity statement v1" LF body; the body is the canonical encoding with tags 1-9 fixed and tags
// from 16 belonging to the type. Parsing never trusts: it says what the bytes claim. Verifying is a
// step of its own, with a key that the caller has reason to believe in.
namespace comity {

inline constexpr size_t kMaxStatementBody = 65'535;
inline constexpr size_t kMaxStatementSignatures = 16;
// How far the clock of a signer may be ahead of ours before its "not before" is taken literally.
inline constexpr int64_t kAllowedClockSkew = 5 * kSecondMs;

struct StatementSignature {
  SigningKeyId key_id;
  SignatureAlgorithm algorithm = SignatureAlgorithm::kEd25519;
  std::string signature;  // 64 bytes
  friend bool operator==(const StatementSignature&, const StatementSignature&) = default;
};

// As on the wire and on disk. Copyable value.
struct Statement {
  std::string body;
  std::vector<StatementSignature> signatures;

  Digest digest() const;  // SHA-256(body): how statements refer to each other
  friend bool operator==(const Statement&, const Statement&) = default;
};

// Fields 1-9 of every body.
struct Envelope {
  std::string type;        // "account.consent"
  std::string deployment;  // domain
  std::string region;      // of the issuer; empty for devices
  std::string subject;     // account id bytes, case id, or service name
  SigningKeyId issuer;     // the first signer; zero when several sign as equals
  uint64_t number = 0;
  UnixMillis time = 0;
  UnixMillis expiry = 0;  // 0 = none
};

// What a body claims. Nothing is verified.
template <typename Body>
struct Parsed {
  Envelope envelope;
  Body body;
};

// Type of a statement without decoding the rest. STATEMENT_MALFORMED.
absl::StatusOr<Envelope> PeekEnvelope(const Statement& statement);

// Does the statement carry a valid signature of this key? SIGNATURE_INVALID otherwise.
absl::Status VerifySignedBy(const Statement& statement, const PublicKey& key);

// Adds a signature over the same body.
void AddSignature(Statement& statement, const PrivateKey& key);

// One file form for statements: canonical list of (body, signatures); also what is kept in stores.
std::string EncodeStatement(const Statement& statement);
absl::StatusOr<Statement> DecodeStatement(std::string_view bytes);

namespace internal {
void WriteEnvelope(CanonicalWriter& writer, const Envelope& envelope);
absl::StatusOr<Envelope> ReadEnvelope(CanonicalReader& reader);
}  // namespace internal

// Encodes and signs. `envelope.type` and `.issuer` are set from Body and key.
template <typename Body>
Statement SignStatement(Envelope envelope, const Body& body, const PrivateKey& key) {
  envelope.type = std::string(Body::kType);
  envelope.issuer = key.public_key().id();
  CanonicalWriter writer(1);
  internal::WriteEnvelope(writer, envelope);
  FieldWriter fields(writer);
  Body::Fields(fields, body);
  Statement statement{std::move(writer).Finish(), {}};
  AddSignature(statement, key);
  return statement;
}

// Decodes exactly this type. STATEMENT_MALFORMED for another type, version or an unknown tag.
template <typename Body>
absl::StatusOr<Parsed<Body>> ParseStatement(const Statement& statement) {
  if (statement.body.size() > kMaxStatementBody) {
    return Refuse(Reason::kStatementMalformed, "body too long");
  }
  absl::StatusOr<CanonicalReader> reader = CanonicalReader::Open(statement.body, 1);
  if (!reader.ok()) return reader.status();
  absl::StatusOr<Envelope> envelope = internal::ReadEnvelope(*reader);
  if (!envelope.ok()) return envelope.status();
  if (envelope->type != Body::kType) {
    return Refuse(Reason::kStatementMalformed, "type is not " + std::string(Body::kType));
  }
  Parsed<Body> parsed{*std::move(envelope), Body{}};
  FieldReader fields(*reader);
  Body::Fields(fields, parsed.body);
  if (!fields.status().ok()) return fields.status();
  if (absl::Status s = reader->Finish(); !s.ok()) return s;
  return parsed;
}

// Parses and requires a signature of `key`.
template <typename Body>
absl::StatusOr<Parsed<Body>> VerifyStatement(const Statement& statement, const PublicKey& key) {
  absl::StatusOr<Parsed<Body>> parsed = ParseStatement<Body>(statement);
  if (!parsed.ok()) return parsed.status();
  if (absl::Status s = VerifySignedBy(statement, key); !s.ok()) return s;
  return parsed;
}

}  // namespace comity

#endif  // COMITY_COMMON_STATEMENT_STATEMENT_H_
