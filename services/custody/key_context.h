#ifndef COMITY_CUSTODY_KEY_CONTEXT_H_
#define COMITY_CUSTODY_KEY_CONTEXT_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

#include "services/common/ids/ids.h"
#include "services/common/statement/legal.h"

namespace comity::custody {

inline constexpr size_t kMaxContextPairs = 64;
inline constexpr size_t kMaxContextBytes = 8 << 10;  // keys and values
inline constexpr size_t kMaxContextKeyBytes = 128;
// Names that the format may give a meaning of its own one day.
inline constexpr std::string_view kReservedContextPrefix = "comity";

// Why a data key is used: comity.custody.v1.UseReason, by number. A use without a reason does
// not get here.
enum class UseReason : uint8_t { kAccess = 1, kExport = 2, kVerify = 3, kRewrap = 4, kGrant = 5 };
inline constexpr size_t kUseReasons = 5;

// What a data key is for. Bound into its wrap byte for byte, together with the account; binds no
// place, so that a wrap stays valid when the account moves. Copyable value.
class KeyContext final {
 public:
  // CONTEXT_INVALID over a limit above, for an empty or reserved key, or a purpose out of range.
  static absl::StatusOr<KeyContext> Create(const ObjectId& object, const ContentId& content,
                                           KeyPurpose purpose,
                                           std::map<std::string, std::string> pairs);

  const ObjectId& object() const { return object_; }
  const ContentId& content() const { return content_; }
  KeyPurpose purpose() const { return purpose_; }
  const std::map<std::string, std::string>& pairs() const { return pairs_; }

  // The canonical record v1 {16 account, 17 object, 18 content, 19 purpose, 20 pairs}.
  std::string Encode(const AccountId& account) const;

 private:
  KeyContext() = default;
  ObjectId object_;
  ContentId content_;
  KeyPurpose purpose_ = KeyPurpose::kContent;
  std::map<std::string, std::string> pairs_;
};

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_KEY_CONTEXT_H_
