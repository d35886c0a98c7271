#include "client/check/facts.h"

#include <sstream>
#include <utility>

#include <nlohmann/json.hpp>

#include "services/common/status/reason.h"

namespace comity {
namespace {

using nlohmann::json;

template <typename T>
void Take(const json& fields, const char* name, T& out) {
  if (const auto it = fields.find(name); it != fields.end()) out = it->get<T>();
}

CustodyFact CustodyOf(const json& line) {
  CustodyFact fact;
  Take(line, "presence", fact.presence);
  Take(line, "epoch", fact.epoch);
  Take(line, "untold_aborts", fact.untold_aborts);
  Take(line, "statements", fact.statements);
  Take(line, "uses", fact.uses);
  for (const json& key : line.at("keys")) {
    fact.keys.push_back({key.at("epoch").get<AccountEpoch>(), key.at("state").get<std::string>()});
  }
  for (const auto& [epoch, kind] : line.at("decisions").items()) {
    fact.decisions[static_cast<AccountEpoch>(std::stoul(epoch))] = kind.get<std::string>();
  }
  if (const auto move = line.find("move"); move != line.end()) {
    fact.move.emplace();
    Take(*move, "epoch", fact.move->epoch);
    Take(*move, "destination", fact.move->destination);
    Take(*move, "consent", fact.move->consent);
    Take(*move, "decision", fact.move->decision);
    Take(*move, "activated", fact.move->activated);
  }
  if (const auto incoming = line.find("incoming"); incoming != line.end()) {
    fact.incoming.emplace();
    Take(*incoming, "epoch", fact.incoming->epoch);
    Take(*incoming, "source", fact.incoming->source);
    Take(*incoming, "consent", fact.incoming->consent);
  }
  return fact;
}

StorageFact StorageOf(const json& line) {
  StorageFact fact;
  Take(line, "state", fact.state);
  Take(line, "epoch", fact.epoch);
  Take(line, "serving", fact.serving);
  Take(line, "data_here", fact.data_here);
  Take(line, "erasing", fact.erasing);
  Take(line, "fenced", fact.fenced);
  Take(line, "aborted_epoch", fact.aborted_epoch);
  Take(line, "statements", fact.statements);
  for (const json& use : line.at("uses")) {
    std::optional<uint64_t>& objects = fact.uses[use.at("authorisation").get<std::string>()];
    if (use.contains("objects")) objects = use["objects"].get<uint64_t>();
  }
  for (const json& object : line.at("objects")) {
    ObjectFact& held = fact.objects[object.at("object").get<std::string>()];
    Take(object, "version", held.version);
    Take(object, "content", held.content);
    Take(object, "digest", held.digest);
  }
  if (const auto move = line.find("move"); move != line.end()) {
    fact.move.emplace();
    Take(*move, "epoch", fact.move->epoch);
    Take(*move, "step", fact.move->step);
    Take(*move, "aborted", fact.move->aborted);
    Take(*move, "told", fact.move->told);
    Take(*move, "finished", fact.move->finished);
  }
  if (const auto incoming = line.find("incoming"); incoming != line.end()) {
    fact.incoming.emplace();
    Take(*incoming, "epoch", fact.incoming->epoch);
    Take(*incoming, "source", fact.incoming->source);
  }
  return fact;
}

// False at the summary.
bool TakeLine(const json& line, ServiceFacts& facts) {
  const std::string type = line.at("type").get<std::string>();
  if (type == "summary") return false;
  if (type != "fact") {
    facts.findings.push_back({type == "violation", "", line.at("rule").get<std::string>(),
                              line.at("where").get<std::string>(),
                              line.at("what").get<std::string>()});
    return true;
  }
  const std::string kind = line.at("kind").get<std::string>();
  if (kind == "store") {
    Take(line, "region", facts.region);
    Take(line, "service", facts.service);
    if (line.contains("log")) Take(line["log"], "size", facts.log_entries);
  } else if (kind == "custody-account") {
    facts.custody[line.at("account").get<std::string>()] = CustodyOf(line);
  } else if (kind == "storage-account") {
    facts.storage[line.at("account").get<std::string>()] = StorageOf(line);
  } else if (kind == "review-case") {
    Take(line, "results", facts.cases[line.at("case").get<std::string>()].results);
  } else if (kind == "review-log") {
    Take(line, "grants", facts.grants);
  }
  return true;
}

}  // namespace

absl::StatusOr<ServiceFacts> ParseFacts(const std::string& lines) {
  ServiceFacts facts;
  std::istringstream in(lines);
  bool complete = false;
  // The library throws on fields that are missing or of another type.
  try {
    for (std::string text; !complete && std::getline(in, text);) {
      const json line = json::parse(text);
      if (!TakeLine(line, facts)) {
        complete = true;
        Take(line, "region", facts.region);
        Take(line, "service", facts.service);
      }
    }
  } catch (const std::exception& error) {
    return Refuse(Reason::kDataCorrupt, std::string("what a check printed: ") + error.what());
  }
  if (!complete) return Refuse(Reason::kDataCorrupt, "a check ended before its summary");
  for (Finding& finding : facts.findings) finding.service = facts.Title();
  return facts;
}

}  // namespace comity
