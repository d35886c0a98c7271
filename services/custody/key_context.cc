#include "services/custody/key_context.h"

#include <utility>

#include "services/common/encoding/canonical.h"
#include "services/common/status/reason.h"

namespace comity::custody {

absl::StatusOr<KeyContext> KeyContext::Create(const ObjectId& object, const ContentId& content,
                                              KeyPurpose purpose,
                                              std::map<std::string, std::string> pairs) {
  if (!IsValid(purpose)) {
    return Refuse(Reason::kContextInvalid, "no such purpose");
  }
  if (pairs.size() > kMaxContextPairs) {
    return Refuse(Reason::kContextInvalid, "more than 64 pairs");
  }
  size_t bytes = 0;
  for (const auto& [key, value] : pairs) {
    if (key.empty() || key.size() > kMaxContextKeyBytes) {
      return Refuse(Reason::kContextInvalid, "a key must have 1 to 128 bytes");
    }
    if (key.starts_with(kReservedContextPrefix)) {
      return Refuse(Reason::kContextInvalid, "keys that start with \"comity\" are reserved");
    }
    bytes += key.size() + value.size();
  }
  if (bytes > kMaxContextBytes) {
    return Refuse(Reason::kContextInvalid, "more than 8 KiB of pairs");
  }
  KeyContext context;
  context.object_ = object;
  context.content_ = content;
  context.purpose_ = purpose;
  context.pairs_ = std::move(pairs);
  return context;
}

std::string KeyContext::Encode(const AccountId& account) const {
  CanonicalWriter writer(1);
  writer.Bytes(16, account.bytes())
      .Bytes(17, object_.bytes())
      .Bytes(18, content_.bytes())
      .U8(19, static_cast<uint8_t>(purpose_))
      .Map(20, pairs_);
  return std::move(writer).Finish();
}

}  // namespace comity::custody
