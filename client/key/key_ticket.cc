#include "client/key/key_ticket.h"

#include <nlohmann/json.hpp>

#include "services/common/statement/wrapped_key_name.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity {
namespace {

using nlohmann::json;

absl::StatusOr<std::string> TextIn(const json& value, const char* field) {
  const auto found = value.find(field);
  if (found == value.end() || !found->is_string()) {
    return Refuse(Reason::kFieldInvalid, std::string("the ticket has no \"") + field + "\"");
  }
  return found->get<std::string>();
}

template <typename Id>
absl::StatusOr<Id> IdIn(const json& value, const char* field) {
  ASSIGN_OR_RETURN(const std::string text, TextIn(value, field));
  return Id::Parse(text);
}

// In base32, since a name may be any bytes.
absl::StatusOr<std::map<std::string, std::string>> PairsIn(const json& value) {
  std::map<std::string, std::string> pairs;
  const auto found = value.find("pairs");
  if (found == value.end()) return pairs;
  if (!found->is_object()) return Refuse(Reason::kFieldInvalid, "\"pairs\" is no object");
  for (const auto& [name, text] : found->items()) {
    if (!text.is_string()) return Refuse(Reason::kFieldInvalid, "a pair without a text");
    ASSIGN_OR_RETURN(std::string key, Base32Decode(name));
    ASSIGN_OR_RETURN(pairs[std::move(key)], Base32Decode(text.get<std::string>()));
  }
  return pairs;
}

}  // namespace

std::string FormatKeyTicket(const KeyTicket& ticket) {
  json value = {{"owner", ticket.owner.ToString()},
                {"region", ticket.region.name()},
                {"grant", ticket.grant.ToString()},
                {"object", ticket.context.object.ToString()},
                {"content", ticket.context.content.ToString()},
                {"purpose", Name(ticket.context.purpose)},
                {"wrapped", Base32Encode(ticket.wrapped)}};
  for (const auto& [name, text] : ticket.context.pairs) {
    value["pairs"][Base32Encode(name)] = Base32Encode(text);
  }
  return value.dump();
}

absl::StatusOr<KeyTicket> ParseKeyTicket(std::string_view text) {
  const json value = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!value.is_object()) {
    return Refuse(Reason::kFieldInvalid, "this is not what `key ticket` printed");
  }
  KeyTicket ticket;
  ASSIGN_OR_RETURN(ticket.owner, IdIn<AccountId>(value, "owner"));
  ASSIGN_OR_RETURN(const std::string region, TextIn(value, "region"));
  ASSIGN_OR_RETURN(ticket.region, RegionId::Create(region));
  ASSIGN_OR_RETURN(ticket.grant, IdIn<GrantId>(value, "grant"));
  ASSIGN_OR_RETURN(ticket.context.object, IdIn<ObjectId>(value, "object"));
  ASSIGN_OR_RETURN(ticket.context.content, IdIn<ContentId>(value, "content"));
  ASSIGN_OR_RETURN(const std::string purpose, TextIn(value, "purpose"));
  ASSIGN_OR_RETURN(ticket.context.purpose, ParseKeyPurpose(purpose));
  ASSIGN_OR_RETURN(ticket.context.pairs, PairsIn(value));
  ASSIGN_OR_RETURN(const std::string wrapped, TextIn(value, "wrapped"));
  ASSIGN_OR_RETURN(ticket.wrapped, Base32Decode(wrapped));
  // Whose key it is under is written on it.
  const absl::StatusOr<WrappedKeyName> name = ParseWrappedKey(ticket.wrapped);
  if (!name.ok() || name->account != ticket.owner) {
    return Refuse(Reason::kFieldInvalid, "\"wrapped\" is no data key of this owner");
  }
  return ticket;
}

}  // namespace comity
