#include "services/custody/call_notes.h"

#include "services/common/statement/account.h"
#include "services/common/statement/device_chain.h"
#include "services/common/statement/key_grant.h"

namespace comity::custody {

CallNote NoteOf(const CreateCommand& command) {
  const auto first = ParseStatement<ChainEntry>(command.chain.front());
  if (!first.ok() || !first->body.device_key.has_value()) return {};
  return {.account = AccountIdOf(*first->body.device_key)};
}

CallNote NoteOf(const ExecuteCommand& command) {
  const auto core = DecodeRecord<AuthorisationCore>(command.authorisation.core);
  return {.account = core.ok() ? core->account : AccountId(),
          .items = static_cast<uint32_t>(command.wraps.size()),
          .items_digest = DigestOfKeys(command.wraps),
          .authorisation = command.authorisation.digest()};
}

CallNote NoteOf(const GrantCommand& command) {
  CallNote note{.account = command.account};
  if (const auto grant = ParseStatement<KeyGrant>(command.statement); grant.ok()) {
    note.grant = grant->body.grant;
  } else if (const auto end = ParseStatement<KeyGrantRevocation>(command.statement); end.ok()) {
    note.grant = end->body.grant;
  }
  return note;
}

}  // namespace comity::custody
