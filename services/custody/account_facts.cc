#include <nlohmann/json.hpp>

#include "services/custody/account_check.h"

// The facts of one account, as `comity check` compares them (docs/check.md).
namespace comity::custody {
namespace {

using nlohmann::json;

std::string_view NameOf(Presence presence) {
  switch (presence) {
    case Presence::kNone:
      return "none";
    case Presence::kActive:
      return "active";
    case Presence::kReleased:
      return "released";
    case Presence::kClosed:
      return "closed";
  }
  return "";
}

std::string_view NameOf(KeyState state) {
  switch (state) {
    case KeyState::kActive:
      return "active";
    case KeyState::kReleased:
      return "released";
    case KeyState::kInactive:
      return "inactive";
    case KeyState::kDestroyed:
      return "destroyed";
  }
  return "";
}

std::string_view NameOf(DecisionKind kind) {
  switch (kind) {
    case DecisionKind::kReleased:
      return "released";
    case DecisionKind::kAborted:
      return "aborted";
  }
  return "";
}

json MoveFact(const Outgoing& move) {
  json fact = {{"epoch", move.epoch},
               {"destination", move.destination.name()},
               {"consent", move.consent.ToString()},
               {"activated", move.activation.has_value()}};
  fact["decision"] = move.decision.has_value() ? NameOf(move.decision->kind) : "";
  return fact;
}

}  // namespace

void TellAccount(const StoreCheck& check, const Account& account, const StoredEvidence& evidence) {
  json fact = {{"account", account.id.ToString()},
               {"presence", NameOf(account.presence)},
               {"epoch", account.epoch},
               {"last_decided", account.last_decided},
               {"untold_aborts", account.untold_aborts.size()},
               {"closing", account.closing.has_value()},
               {"keys", json::array()},
               {"decisions", json::object()},
               {"statements", json::array()},
               {"uses", json::array()}};
  for (const KeyRecord& key : account.keys) {
    fact["keys"].push_back(
        {{"epoch", key.epoch}, {"version", key.version}, {"state", NameOf(key.state)}});
  }
  for (const auto& [epoch, decision] : evidence.decisions) {
    fact["decisions"][std::to_string(epoch)] = NameOf(decision.kind);
  }
  for (const auto& [number, statement] : account.statements) {
    fact["statements"].push_back(statement.digest().ToString());
  }
  for (const LegalUse& use : evidence.uses) fact["uses"].push_back(use.authorisation.ToString());
  if (account.outgoing.has_value()) fact["move"] = MoveFact(*account.outgoing);
  if (account.incoming.has_value()) {
    fact["incoming"] = {{"epoch", account.incoming->epoch},
                        {"source", account.incoming->source.name()},
                        {"consent", account.incoming->consent.ToString()}};
  }
  check.report.Fact("custody-account", std::move(fact));
}

}  // namespace comity::custody
