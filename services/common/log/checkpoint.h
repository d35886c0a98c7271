#ifndef COMITY_COMMON_LOG_CHECKPOINT_H_
#define COMITY_COMMON_LOG_CHECKPOINT_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "services/common/crypto/signing.h"
#include "services/common/ids/ids.h"

// C2SP signed-note and tlog-checkpoint, strictly as in docs/formats.md.
namespace comity {

struct Checkpoint {
  std::string origin;  // "<deployment>/<region>/<service>"
  uint64_t size = 0;
  Digest root;
};

struct NoteSignature {
  std::string name;
  std::string key_id;     // 4 bytes
  std::string signature;  // without the key id
};

struct SignedNote {
  std::string body;  // with its final LF
  std::vector<NoteSignature> signatures;
};

// First four bytes of SHA-256(name || LF || 0x01 || raw Ed25519 key).
std::string NoteKeyId(std::string_view name, std::string_view ed25519_raw);
// "<name>+<hex key id>+<base64(0x01 || raw key)>", the C2SP verifier key.
std::string NoteVerifierKey(std::string_view name, std::string_view ed25519_raw);

std::string FormatCheckpointBody(const Checkpoint& checkpoint);
absl::StatusOr<Checkpoint> ParseCheckpointBody(std::string_view body);

std::string FormatNote(const SignedNote& note);
// STATEMENT_MALFORMED for anything not strictly well-formed (<= 64 KiB, <= 64 signatures).
absl::StatusOr<SignedNote> ParseNote(std::string_view text);

// Signs with the log's own key as `origin`.
std::string SignCheckpoint(const Checkpoint& checkpoint, const PrivateKey& log_key);
// Parses, requires a valid signature of `log_key` under the name `origin`, ignores unknown signers,
// refuses two signatures of one key. STATEMENT_MALFORMED when the text is no note or no checkpoint,
// SIGNATURE_INVALID otherwise.
absl::StatusOr<Checkpoint> VerifyCheckpoint(std::string_view text, std::string_view origin,
                                            const PublicKey& log_key);

}  // namespace comity

#endif  // COMITY_COMMON_LOG_CHECKPOINT_H_
