#ifndef COMITY_CUSTODY_CALL_NOTES_H_
#define COMITY_CUSTODY_CALL_NOTES_H_

#include "services/common/crypto/digest.h"
#include "services/common/identity/call_note.h"
#include "services/custody/codec.h"

// What goes into the audit record of a call besides its caller and its outcome: what was asked for,
// whether or not it may be had.
namespace comity::custody {

// SHA-256 over content id and purpose (u8) of each key, one after another.
template <typename Item>
Digest DigestOfKeys(const std::vector<Item>& items) {
  std::string bytes;
  bytes.reserve(items.size() * (ContentId::kSize + 1));
  for (const Item& item : items) {
    const KeyContext& context = ContextOf(item);
    bytes.append(context.content().bytes()).push_back(static_cast<char>(context.purpose()));
  }
  return Sha256Digest(bytes);
}

template <typename Item>
CallNote NoteOf(const KeysCommand<Item>& command) {
  return {.account = command.account,
          .use = static_cast<uint32_t>(command.reason),
          .items = static_cast<uint32_t>(command.items.size()),
          .items_digest = DigestOfKeys(command.items),
          .grant = command.grant.value_or(GrantId())};
}
CallNote NoteOf(const CreateCommand& command);
CallNote NoteOf(const ExecuteCommand& command);
CallNote NoteOf(const GrantCommand& command);

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_CALL_NOTES_H_
