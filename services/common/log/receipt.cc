#include <optional>
#include <utility>

#include "services/common/log/base64.h"
#include "services/common/log/merkle.h"
#include "services/common/log/note_text.h"
#include "services/common/log/transparency_log.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

// Receipts as C2SP tlog-proof@v1 text.
namespace comity {
namespace {

constexpr std::string_view kProofHeader = "c2sp.org/tlog-proof@v1";
constexpr std::string_view kIndexPrefix = "index ";
constexpr size_t kMaxProofHashes = 63;  // a tree below 2^63 leaves is at most 63 levels high

absl::Status Malformed(std::string_view cause) {
  return Refuse(Reason::kStatementMalformed, cause);
}

}  // namespace

std::string FormatReceipt(const LogReceipt& receipt) {
  std::string out(kProofHeader);
  out.append("\n").append(kIndexPrefix).append(std::to_string(receipt.index)).append("\n");
  for (const Digest& hash : receipt.proof) {
    out.append(Base64Encode(hash.bytes())).append("\n");
  }
  return out.append("\n").append(receipt.checkpoint);
}

absl::StatusOr<LogReceipt> ParseReceipt(std::string_view text) {
  if (TakeLine(text) != kProofHeader) {
    return Malformed("a receipt does not start with the line " + std::string(kProofHeader));
  }
  // An "extra" line, which the format allows, is authenticated by nothing: refused like any other.
  const std::optional<std::string_view> index_line = TakeLine(text);
  if (!index_line.has_value() || index_line->substr(0, kIndexPrefix.size()) != kIndexPrefix) {
    return Malformed("a receipt's second line is not its index");
  }
  const std::optional<uint64_t> index = ParseNoteDecimal(index_line->substr(kIndexPrefix.size()));
  if (!index.has_value()) {
    return Malformed("a receipt's index is not a plain decimal below 2^63");
  }
  LogReceipt receipt;
  receipt.index = *index;
  while (true) {
    const std::optional<std::string_view> line = TakeLine(text);
    if (!line.has_value()) {
      return Malformed("a receipt has no empty line before its checkpoint");
    }
    if (line->empty()) {
      break;
    }
    if (receipt.proof.size() == kMaxProofHashes) {
      return Malformed("a receipt has more than 63 proof lines");
    }
    const std::optional<Digest> hash = ParseNoteDigest(*line);
    if (!hash.has_value()) {
      return Malformed("a receipt's proof line is not 32 bytes in standard padded base64");
    }
    receipt.proof.push_back(*hash);
  }
  ASSIGN_OR_RETURN(const SignedNote note, ParseNote(text));
  ASSIGN_OR_RETURN(const Checkpoint checkpoint, ParseCheckpointBody(note.body));
  if (receipt.index >= checkpoint.size) {
    return Malformed("a receipt's index lies outside its checkpoint's tree");
  }
  receipt.checkpoint = std::string(text);
  return receipt;
}

absl::Status VerifyReceipt(const LogReceipt& receipt, std::string_view leaf,
                           std::string_view origin, const PublicKey& key) {
  ASSIGN_OR_RETURN(const Checkpoint checkpoint, VerifyCheckpoint(receipt.checkpoint, origin, key));
  ASSIGN_OR_RETURN(const Digest root,
                   merkle::RootFromInclusion(merkle::LeafHash(leaf), receipt.index, checkpoint.size,
                                             receipt.proof));
  if (root != checkpoint.root) {
    return Refuse(Reason::kSignatureInvalid, "the leaf is not in the checkpoint's tree");
  }
  return absl::OkStatus();
}

}  // namespace comity
