#include <nlohmann/json.hpp>

#include "services/storage/account_check.h"
#include "services/storage/stored_legal_store.h"

// The facts of one account, as `comity check` compares them (docs/check.md).
namespace comity::storage {
namespace {

using nlohmann::json;

std::string_view NameOf(AccountState state) {
  switch (state) {
    case AccountState::kActive:
      return "active";
    case AccountState::kIncoming:
      return "incoming";
    case AccountState::kMoved:
      return "moved";
    case AccountState::kClosed:
      return "closed";
  }
  return "";
}

json MoveFact(const MoveRecord& move) {
  return {{"epoch", move.epoch},
          {"destination", move.destination.name()},
          {"consent", move.consent.ToString()},
          {"step", static_cast<int>(move.step)},
          {"aborted", move.step == MoveStep::kAborted},
          {"told", move.destination_told},
          {"finished", move.finished}};
}

json ObjectFact(const ObjectRecord& record) {
  return {{"object", record.object.ToString()},
          {"version", record.version},
          {"content", record.content.ToString()},
          {"size", record.size},
          {"digest", record.digest.ToString()}};
}

// How many objects were given, unless the answer went with the account's data.
json UseFact(const StoreCheck& check, const AccountSnapshot& account, const StoredUse& use) {
  json fact = {{"authorisation", use.authorisation}};
  const absl::StatusOr<Digest> digest = Digest::Parse(use.authorisation);
  if (!digest.ok()) return fact;
  const auto found = StoredLegalStore(&check.records, &check.blobs).Find(account.account, *digest);
  if (found.ok() && found->has_value()) fact["objects"] = (*found)->answer.objects.size();
  return fact;
}

}  // namespace

void TellAccount(const StoreCheck& check, const AccountSnapshot& account,
                 const StoredEvidence& evidence, const CheckedObjects& objects) {
  const AccountInfo& info = account.info;
  json fact = {{"account", account.account.ToString()},
               {"state", NameOf(info.state)},
               {"epoch", info.epoch},
               {"serving", info.serving.name()},
               {"data_here", info.data_here},
               {"erasing", info.erasing.has_value()},
               {"fenced", account.fence.has_value()},
               {"aborted_epoch", info.aborted_epoch},
               {"root", objects.root.ToString()},
               {"statements", json::array()},
               {"uses", json::array()},
               {"objects", json::array()}};
  for (const Statement& statement : account.history) {
    fact["statements"].push_back(statement.digest().ToString());
  }
  for (const StoredUse& use : evidence.uses) fact["uses"].push_back(UseFact(check, account, use));
  for (const ObjectRecord& record : objects.records) {
    fact["objects"].push_back(ObjectFact(record));
  }
  if (account.move.has_value()) fact["move"] = MoveFact(*account.move);
  if (account.incoming.has_value()) {
    fact["incoming"] = {{"epoch", account.incoming->epoch},
                        {"source", account.incoming->source.name()},
                        {"consent", account.incoming->consent.ToString()},
                        {"confirmed", account.incoming->confirmed_root.has_value()},
                        {"void", account.incoming->void_consent}};
  }
  check.report.Fact("storage-account", std::move(fact));
}

}  // namespace comity::storage
