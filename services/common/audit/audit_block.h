#ifndef COMITY_COMMON_AUDIT_AUDIT_BLOCK_H_
#define COMITY_COMMON_AUDIT_AUDIT_BLOCK_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "services/common/clock/clock.h"
#include "services/common/ids/ids.h"

// What an audit log consists of (docs/formats-store.md): records, and blocks that chain them.
namespace comity {

enum class AuditEvent : uint8_t {
  kCall = 1,   // a call was answered
  kStart = 2,  // the process began; what it had not written when it last ended is missing before
  kStop = 3,   // it ended in good order: nothing is missing after
};
bool IsValid(AuditEvent event);

// One event. Times and ids in the clear, no addresses, no names of objects.
struct AuditRecord {
  UnixMillis time = 0;  // when it was answered
  AuditEvent event = AuditEvent::kCall;
  // The rest is about calls.
  std::string method;  // "UnwrapDataKey"
  std::string caller;  // "device", or the name in its certificate; empty: nobody was identified
  SigningKeyId caller_key;  // of its certificate; zeros: nobody was identified
  std::optional<AccountId> account;
  uint32_t use = 0;    // reason of a use of keys, a number of the service's list; 0: none
  uint32_t items = 0;  // keys asked for
  std::optional<Digest> items_digest;   // over their contexts
  std::optional<Digest> authorisation;  // of a legal use
  uint16_t outcome = 0;                 // 0: done; else the number of a Reason
  uint32_t calls = 1;                   // how many calls like this it stands for
  std::optional<GrantId> grant;         // that the caller named
  template <class Io, class Self>
  static void Fields(Io& io, Self& b) {
    io(16, b.time), io(17, b.event), io(18, b.method), io(19, b.caller), io(20, b.caller_key);
    io(21, b.account), io(22, b.use), io(23, b.items), io(24, b.items_digest);
    io(25, b.authorisation), io(26, b.outcome), io(27, b.calls);
    io(28, b.grant);
  }
};

// Records that were written together.
struct AuditBlock {
  uint64_t first = 1;   // number of its first record; they are numbered from 1 without a gap
  Digest previous;      // hash of the block before; zeros for the first one
  UnixMillis time = 0;  // when it was written; never before that of the block before
  std::vector<AuditRecord> records;  // at least one
  uint64_t end() const { return first + records.size(); }
  template <class Io, class Self>
  static void Fields(Io& io, Self& b) {
    io(16, b.first), io(17, b.previous), io(18, b.time), io(19, b.records);
  }
};

inline constexpr size_t kMaxAuditBlock = 1 << 20;  // bytes of a block's body
inline constexpr size_t kAuditFrame = 4 + Digest::kSize;

// As it stands in a file: u32 length of the body, body (canonical record), SHA-256 of the body,
// which is the block's hash. COMITY_CHECK: at most kMaxAuditBlock.
struct FramedAuditBlock {
  std::string bytes;
  Digest hash;
};
FramedAuditBlock FrameAuditBlock(const AuditBlock& block);

struct ReadAuditBlock {
  AuditBlock block;
  Digest hash;
  size_t size = 0;  // of the frame
};
// The block at the start of `bytes`, which may go on after it. DATA_CORRUPT when there is none.
absl::StatusOr<ReadAuditBlock> ParseAuditBlock(std::string_view bytes);

}  // namespace comity

#endif  // COMITY_COMMON_AUDIT_AUDIT_BLOCK_H_
