#include "client/check/expectations.h"

#include <algorithm>
#include <map>
#include <sstream>
#include <utility>

#include <nlohmann/json.hpp>

#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity {
namespace {

using nlohmann::json;

struct KindName {
  Act::Kind kind;
  std::string_view name;
};
constexpr KindName kKinds[] = {
    {Act::Kind::kAccount, "account"},     {Act::Kind::kObject, "object"},
    {Act::Kind::kStatement, "statement"}, {Act::Kind::kObjectDeleted, "object-deleted"},
    {Act::Kind::kServed, "served"},       {Act::Kind::kCase, "case"}};

absl::StatusOr<Act> ParseAct(const std::string& line) {
  const json fields = json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!fields.is_object()) return Refuse(Reason::kFieldInvalid, "not a JSON object");
  Act act;
  const auto kind = std::ranges::find_if(
      kKinds, [&](const KindName& known) { return fields.value("act", json()) == known.name; });
  if (kind == std::end(kKinds)) return Refuse(Reason::kFieldInvalid, "no \"act\" that is known");
  act.kind = kind->kind;
  const std::pair<const char*, std::string*> texts[] = {
      {"account", &act.account}, {"object", &act.object},       {"content", &act.content},
      {"digest", &act.digest},   {"statement", &act.statement}, {"region", &act.region},
      {"case", &act.case_id}};
  for (const auto& [name, value] : fields.items()) {
    const auto text = std::ranges::find_if(
        texts, [&name = name](const auto& known) { return name == known.first; });
    if (text != std::end(texts) && value.is_string()) {
      *text->second = value.get<std::string>();
    } else if (name == "version" && value.is_number_unsigned()) {
      act.version = value.get<uint64_t>();
    } else if (name == "executed" && value.is_boolean()) {
      act.executed = value.get<bool>();
    } else if (name != "act") {
      return Refuse(Reason::kFieldInvalid, "the field \"" + name + "\"");
    }
  }
  const bool complete = act.kind == Act::Kind::kCase ? !act.case_id.empty() : !act.account.empty();
  if (!complete) return Refuse(Reason::kFieldInvalid, "it names no account or case");
  return act;
}

class ActCheck final {
 public:
  explicit ActCheck(const std::vector<ServiceFacts>& services) : services_(services) {}

  std::vector<Finding> Run(const std::vector<Act>& acts) {
    std::map<std::string, const Act*> objects;
    for (const Act& act : acts) {
      switch (act.kind) {
        case Act::Kind::kAccount:
          ExpectAccount(act);
          break;
        case Act::Kind::kObject:
        case Act::Kind::kObjectDeleted:
          objects[act.account + "/" + act.object] = &act;
          break;
        case Act::Kind::kStatement:
          ExpectStatement(act);
          break;
        case Act::Kind::kServed:
          ExpectServed(act);
          break;
        case Act::Kind::kCase:
          ExpectCase(act);
          break;
      }
    }
    for (const auto& [name, act] : objects) ExpectObject(*act);
    return std::move(findings_);
  }

 private:
  void Lost(std::string where, std::string what) {
    findings_.push_back({true, "", "lost", std::move(where), std::move(what)});
  }

  bool HaveAll(std::string_view service) const {
    return std::ranges::any_of(services_,
                               [&](const ServiceFacts& facts) { return facts.service == service; });
  }

  // The storage that serves the account, or else the one that still has its data.
  const StorageFact* HomeOf(const std::string& account) const {
    const StorageFact* home = nullptr;
    for (const ServiceFacts& service : services_) {
      const auto it = service.storage.find(account);
      if (it == service.storage.end()) continue;
      if (it->second.state == "active" || it->second.state == "closed") {
        // Of two, the fenced one is the source of a move that is being told.
        if (home == nullptr || home->fenced || home->state == "moved") home = &it->second;
      } else if (home == nullptr && it->second.state == "moved") {
        home = &it->second;
      }
    }
    return home;
  }

  void ExpectAccount(const Act& act) {
    const std::string where = "account " + act.account;
    const bool custody = std::ranges::any_of(services_, [&](const ServiceFacts& service) {
      const auto it = service.custody.find(act.account);
      return it != service.custody.end() && it->second.presence != "none";
    });
    if (HaveAll("storage") && HomeOf(act.account) == nullptr) {
      Lost(where, "it was created, and no storage serves it");
    }
    if (HaveAll("custody") && !custody) Lost(where, "it was created, and no custody has its key");
  }

  void ExpectObject(const Act& act) {
    if (!HaveAll("storage")) return;
    const std::string where = "account " + act.account + ", object " + act.object;
    const StorageFact* const home = HomeOf(act.account);
    if (home == nullptr) return Lost(where, "it was stored, and no storage serves its account");
    if (home->state == "closed") return;
    const auto held = home->objects.find(act.object);
    if (act.kind == Act::Kind::kObjectDeleted) {
      if (held != home->objects.end()) Lost(where, "it was deleted, and is there");
      return;
    }
    if (held == home->objects.end() || held->second.version < act.version) {
      return Lost(where,
                  "version " + std::to_string(act.version) + " was stored, and is not there");
    }
    if (held->second.version > act.version) return;
    const bool same = (act.content.empty() || act.content == held->second.content) &&
                      (act.digest.empty() || act.digest == held->second.digest);
    if (!same) {
      Lost(where, "version " + std::to_string(act.version) + " is not the one that was stored");
    }
  }

  void ExpectStatement(const Act& act) {
    const std::string where = "account " + act.account + ", statement " + act.statement;
    bool storage = false;
    bool custody = false;
    for (const ServiceFacts& service : services_) {
      if (const auto it = service.storage.find(act.account); it != service.storage.end()) {
        storage |= it->second.statements.contains(act.statement);
      }
      if (const auto it = service.custody.find(act.account); it != service.custody.end()) {
        custody |= it->second.statements.contains(act.statement);
      }
    }
    if (HaveAll("storage") && !storage) Lost(where, "it was taken, and no storage has it");
    if (HaveAll("custody") && !custody) Lost(where, "it was taken, and no custody has it");
  }

  void ExpectServed(const Act& act) {
    for (const ServiceFacts& service : services_) {
      if (service.region != act.region || service.service != "storage") continue;
      const auto it = service.storage.find(act.account);
      if (it == service.storage.end() || it->second.state != "active" || it->second.fenced) {
        Lost("account " + act.account, "it is to be served in " + act.region + ", and is not");
      }
    }
  }

  void ExpectCase(const Act& act) {
    if (!HaveAll("review")) return;
    for (const ServiceFacts& service : services_) {
      const auto it = service.cases.find(act.case_id);
      if (it == service.cases.end()) continue;
      if (act.executed && it->second.results.empty()) {
        Lost("case " + act.case_id, "it was carried out, and its result is not there");
      }
      return;
    }
    Lost("case " + act.case_id, "it was decided, and no review has it");
  }

  const std::vector<ServiceFacts>& services_;
  std::vector<Finding> findings_;
};

}  // namespace

absl::StatusOr<std::vector<Act>> ParseActs(const std::string& lines) {
  std::vector<Act> acts;
  std::istringstream in(lines);
  int number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.empty()) continue;
    absl::StatusOr<Act> act = ParseAct(line);
    if (!act.ok()) {
      return Refuse(Reason::kFieldInvalid,
                    "line " + std::to_string(number) + ": " + CauseOf(act.status()));
    }
    acts.push_back(*std::move(act));
  }
  return acts;
}

std::string FormatAct(const Act& act) {
  json line;
  for (const KindName& known : kKinds) {
    if (known.kind == act.kind) line["act"] = known.name;
  }
  const std::pair<const char*, const std::string*> texts[] = {
      {"account", &act.account}, {"object", &act.object},       {"content", &act.content},
      {"digest", &act.digest},   {"statement", &act.statement}, {"region", &act.region},
      {"case", &act.case_id}};
  for (const auto& [name, text] : texts) {
    if (!text->empty()) line[name] = *text;
  }
  if (act.version != 0) line["version"] = act.version;
  if (act.executed) line["executed"] = true;
  return line.dump();
}

std::vector<Finding> CheckActs(const std::vector<Act>& acts,
                               const std::vector<ServiceFacts>& services) {
  return ActCheck(services).Run(acts);
}

}  // namespace comity
