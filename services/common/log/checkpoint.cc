#include "services/common/log/checkpoint.h"

#include <optional>
#include <set>
#include <utility>

#include "services/common/crypto/digest.h"
#include "services/common/log/base64.h"
#include "services/common/log/note_text.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity {
namespace {

constexpr char kEd25519NoteType = '\x01';
constexpr size_t kKeyIdBytes = 4;
constexpr size_t kMaxNoteBytes = 64 << 10;
constexpr size_t kMaxNoteSignatures = 64;
constexpr std::string_view kSignaturePrefix = "\xe2\x80\x94 ";  // U+2014, space

absl::Status Malformed(std::string_view cause) {
  return Refuse(Reason::kStatementMalformed, cause);
}

std::string TypedKey(std::string_view ed25519_raw) {
  return std::string(1, kEd25519NoteType).append(ed25519_raw);
}

std::string Hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    const auto value = static_cast<uint8_t>(c);
    out.push_back(kDigits[value >> 4]);
    out.push_back(kDigits[value & 15]);
  }
  return out;
}

absl::StatusOr<NoteSignature> ParseSignatureLine(std::string_view line) {
  if (line.substr(0, kSignaturePrefix.size()) != kSignaturePrefix) {
    return Malformed("a signature line does not start with an em dash and a space");
  }
  line.remove_prefix(kSignaturePrefix.size());
  const size_t space = line.find(' ');
  if (space == std::string_view::npos) {
    return Malformed("a signature line has no space after the key name");
  }
  NoteSignature signature;
  signature.name = std::string(line.substr(0, space));
  if (!IsNoteKeyName(signature.name)) {
    return Malformed("a signature's key name is empty or holds white space or '+'");
  }
  const std::optional<std::string> bytes = Base64Decode(line.substr(space + 1));
  if (!bytes.has_value()) {
    return Malformed("a signature is not standard padded base64");
  }
  if (bytes->size() <= kKeyIdBytes) {
    return Malformed("a signature is shorter than its key id");
  }
  signature.key_id = bytes->substr(0, kKeyIdBytes);
  signature.signature = bytes->substr(kKeyIdBytes);
  return signature;
}

}  // namespace

std::string NoteKeyId(std::string_view name, std::string_view ed25519_raw) {
  std::string input(name);
  input.push_back('\n');
  input.append(TypedKey(ed25519_raw));
  return Sha256(input).substr(0, kKeyIdBytes);
}

std::string NoteVerifierKey(std::string_view name, std::string_view ed25519_raw) {
  std::string out(name);
  out.push_back('+');
  out.append(Hex(NoteKeyId(name, ed25519_raw)));
  out.push_back('+');
  out.append(Base64Encode(TypedKey(ed25519_raw)));
  return out;
}

std::string FormatCheckpointBody(const Checkpoint& checkpoint) {
  return checkpoint.origin + "\n" + std::to_string(checkpoint.size) + "\n" +
         Base64Encode(checkpoint.root.bytes()) + "\n";
}

absl::StatusOr<Checkpoint> ParseCheckpointBody(std::string_view body) {
  const std::optional<std::string_view> origin = TakeLine(body);
  const std::optional<std::string_view> size = TakeLine(body);
  const std::optional<std::string_view> root = TakeLine(body);
  if (!origin.has_value() || !size.has_value() || !root.has_value()) {
    return Malformed("a checkpoint has fewer than three lines");
  }
  if (!body.empty()) {
    return Malformed("a checkpoint has more than three lines");
  }
  if (!IsNoteKeyName(*origin)) {
    return Malformed("a checkpoint's origin is empty or holds white space or '+'");
  }
  const std::optional<uint64_t> size_value = ParseNoteDecimal(*size);
  if (!size_value.has_value()) {
    return Malformed("a checkpoint's size is not a plain decimal below 2^63");
  }
  const std::optional<Digest> root_value = ParseNoteDigest(*root);
  if (!root_value.has_value()) {
    return Malformed("a checkpoint's root is not 32 bytes in standard padded base64");
  }
  return Checkpoint{std::string(*origin), *size_value, *root_value};
}

std::string FormatNote(const SignedNote& note) {
  std::string out = note.body + "\n";
  for (const NoteSignature& signature : note.signatures) {
    out.append(kSignaturePrefix);
    out.append(signature.name);
    out.push_back(' ');
    out.append(Base64Encode(signature.key_id + signature.signature));
    out.push_back('\n');
  }
  return out;
}

absl::StatusOr<SignedNote> ParseNote(std::string_view text) {
  if (text.size() > kMaxNoteBytes) {
    return Malformed("a note is larger than 64 KiB");
  }
  if (!IsNoteText(text)) {
    return Malformed("a note holds a control character or is not UTF-8");
  }
  // The body may hold empty lines of its own: the last one separates it from the signatures.
  const size_t blank = text.rfind("\n\n");
  if (blank == std::string_view::npos) {
    return Malformed("a note has no empty line between text and signatures");
  }
  SignedNote note;
  note.body = std::string(text.substr(0, blank + 1));
  std::string_view rest = text.substr(blank + 2);
  if (note.body == "\n" || rest.empty()) {
    return Malformed("a note has no text or no signature");
  }
  while (!rest.empty()) {
    const std::optional<std::string_view> line = TakeLine(rest);
    if (!line.has_value()) {
      return Malformed("a note does not end with a line feed");
    }
    if (note.signatures.size() == kMaxNoteSignatures) {
      return Malformed("a note has more than 64 signatures");
    }
    ASSIGN_OR_RETURN(NoteSignature signature, ParseSignatureLine(*line));
    note.signatures.push_back(std::move(signature));
  }
  return note;
}

std::string SignCheckpoint(const Checkpoint& checkpoint, const PrivateKey& log_key) {
  // A log key is Ed25519: TransparencyLog::Open refuses every other key.
  const std::string raw = *Ed25519RawFromSpki(log_key.public_key().spki());
  SignedNote note;
  note.body = FormatCheckpointBody(checkpoint);
  note.signatures.push_back(
      {checkpoint.origin, NoteKeyId(checkpoint.origin, raw), log_key.Sign(note.body)});
  return FormatNote(note);
}

absl::StatusOr<Checkpoint> VerifyCheckpoint(std::string_view text, std::string_view origin,
                                            const PublicKey& log_key) {
  ASSIGN_OR_RETURN(const SignedNote note, ParseNote(text));
  ASSIGN_OR_RETURN(Checkpoint checkpoint, ParseCheckpointBody(note.body));
  const absl::StatusOr<std::string> raw = Ed25519RawFromSpki(log_key.spki());
  if (!raw.ok()) {
    return Refuse(Reason::kSignatureInvalid, "the log's key is not an Ed25519 key");
  }
  const std::string key_id = NoteKeyId(origin, *raw);
  std::set<std::pair<std::string_view, std::string_view>> seen;
  bool signed_by_log = false;
  for (const NoteSignature& signature : note.signatures) {
    if (!seen.emplace(signature.name, signature.key_id).second) {
      return Refuse(Reason::kSignatureInvalid, "two signatures of one key");
    }
    if (signature.name != origin || signature.key_id != key_id) {
      continue;
    }
    if (!log_key.Verify(note.body, signature.signature)) {
      return Refuse(Reason::kSignatureInvalid, "the log's signature does not verify");
    }
    signed_by_log = true;
  }
  if (!signed_by_log) {
    return Refuse(Reason::kSignatureInvalid, "the log's key did not sign");
  }
  // Checked after the signature: only then do we know whose statement names another log.
  if (checkpoint.origin != origin) {
    return Refuse(Reason::kSignatureInvalid, "the checkpoint is of another origin");
  }
  return checkpoint;
}

}  // namespace comity
