#include "services/custody/call_notes.h"

#include "services/common/statement/account.h"
#include "services/common/statement/device_chain.h"

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

}  // namespace comity::custody
