#include "services/common/audit/audit_block.h"

#include <utility>

#include "services/common/crypto/digest.h"
#include "services/common/statement/fields.h"
#include "services/common/status/check.h"
#include "services/common/status/reason.h"

namespace comity {
namespace {

constexpr size_t kLengthSize = 4;

absl::Status Corrupt(std::string_view cause) { return Refuse(Reason::kDataCorrupt, cause); }

}  // namespace

bool IsValid(AuditEvent event) { return event >= AuditEvent::kCall && event <= AuditEvent::kStop; }

FramedAuditBlock FrameAuditBlock(const AuditBlock& block) {
  const std::string body = EncodeRecord(block);
  COMITY_CHECK(body.size() <= kMaxAuditBlock);
  FramedAuditBlock framed;
  framed.hash = Sha256Digest(body);
  framed.bytes.reserve(body.size() + kAuditFrame);
  for (int shift = 24; shift >= 0; shift -= 8) {
    framed.bytes.push_back(static_cast<char>((body.size() >> shift) & 0xff));
  }
  framed.bytes.append(body).append(framed.hash.bytes());
  return framed;
}

absl::StatusOr<ReadAuditBlock> ParseAuditBlock(std::string_view bytes) {
  if (bytes.size() < kAuditFrame) return Corrupt("too short for a block");
  size_t length = 0;
  for (size_t i = 0; i < kLengthSize; ++i) length = length << 8 | static_cast<uint8_t>(bytes[i]);
  if (length > kMaxAuditBlock || length > bytes.size() - kAuditFrame) {
    return Corrupt("a block that does not end");
  }
  const std::string_view body = bytes.substr(kLengthSize, length);
  ReadAuditBlock read;
  read.hash = Sha256Digest(body);
  read.size = length + kAuditFrame;
  if (bytes.substr(kLengthSize + length, Digest::kSize) != read.hash.bytes()) {
    return Corrupt("a block whose hash is another");
  }
  absl::StatusOr<AuditBlock> block = DecodeRecord<AuditBlock>(body);
  if (!block.ok()) return Corrupt(CauseOf(block.status()));
  if (block->first == 0 || block->records.empty()) return Corrupt("a block without records");
  read.block = *std::move(block);
  return read;
}

}  // namespace comity
