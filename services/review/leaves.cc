#include "services/review/leaves.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "services/common/crypto/digest.h"
#include "services/common/statement/leaf.h"
#include "services/common/statement/legal.h"
#include "services/common/statement/report_fields.h"

namespace comity::review {
namespace {

namespace rf = report_fields;

Leaf Begin(const Site& site, const Case& c, std::string_view type) {
  const UnixMillis now = site.Now();
  Leaf leaf;
  leaf.type = std::string(type);
  leaf.day = now - now % kDayMs;
  leaf.region = site.region;
  leaf.clear[std::string(rf::kCaseTag)] = CaseTag(c);
  return leaf;
}

std::string ClassesText(const std::vector<DataClass>& classes) {
  std::string text;
  for (const DataClass data_class : classes) {
    if (!text.empty()) text += ',';
    text += ClassName(data_class);
  }
  return text;
}

// What the commitment "event" hides: enough to tell a rewritten history from the true one.
struct LoggedEvent {
  std::string case_id;
  uint64_t generation = 0;
  uint64_t number = 0;  // in the history
  CaseState state = CaseState::kReceived;
  std::string text;
  std::vector<Digest> authorisations;
  template <class Io, class Self>
  static void Fields(Io& io, Self& b) {
    io(16, b.case_id), io(17, b.generation), io(18, b.number), io(19, b.state), io(20, b.text);
    io(21, b.authorisations);
  }
};

// Opening one leaf must not open the others: each has a salt of its own.
std::string SaltOf(const Case& c, uint64_t number) {
  return Sha256(c.salt + "event" + std::to_string(number));
}

}  // namespace

std::string CaseTag(const Case& c) { return Base32Encode(Commit(c.salt, "case", c.id)); }

std::string_view InstrumentName(InstrumentType instrument) {
  switch (instrument) {
    case InstrumentType::kSubpoena:
      return "SUBPOENA";
    case InstrumentType::kCourtOrder:
      return "COURT_ORDER";
    case InstrumentType::kWarrant:
      return "WARRANT";
  }
  return "UNSPECIFIED";
}

std::string ClassName(DataClass data_class) {
  return "C" + std::to_string(static_cast<int>(data_class) - static_cast<int>(DataClass::kC0));
}

std::string ReasonsText(const Case& c, std::string_view separator) {
  std::vector<Rejection> all = c.rejections;
  for (const CaseTarget& target : c.targets) {
    for (const Rejection rejection : target.rejections) {
      if (std::ranges::find(all, rejection) == all.end()) all.push_back(rejection);
    }
  }
  std::string text;
  for (const Rejection rejection : all) {
    if (!text.empty()) text += separator;
    text += Name(rejection);
  }
  return text;
}

std::string ReceivedLeaf(const Site& site, const Case& c) {
  Leaf leaf = Begin(site, c, rf::kReceived);
  leaf.clear[std::string(rf::kCountry)] = site.country();
  leaf.clear[std::string(rf::kInstrument)] = std::string(InstrumentName(c.request.instrument));
  leaf.clear[std::string(rf::kClasses)] = ClassesText(c.request.classes);
  leaf.clear[std::string(rf::kIdentifiers)] = std::to_string(c.request.targets.size());
  leaf.commitments["request"] =
      Commit(SaltOf(c, 0), leaf.type + "/request", c.request_statement.digest().bytes());
  return EncodeLeaf(leaf);
}

std::string ChangeLeaf(const Site& site, const Case& after, bool brought_outcome) {
  Leaf leaf = Begin(site, after, brought_outcome ? rf::kOutcome : rf::kState);
  if (brought_outcome) {
    leaf.clear[std::string(rf::kOutcomeField)] = std::string(Name(after.outcome));
    leaf.clear[std::string(rf::kReasons)] = ReasonsText(after, ",");
    leaf.clear[std::string(rf::kAccounts)] =
        std::to_string(std::ranges::count_if(after.targets, &CaseTarget::provided));
  } else {
    leaf.clear[std::string(rf::kStateField)] = std::string(Name(after.state));
  }
  LoggedEvent event{after.id,    after.generation,          after.history.size(),
                    after.state, after.history.back().text, {}};
  for (const std::string& core : after.cores) event.authorisations.push_back(Sha256Digest(core));
  leaf.commitments["event"] =
      Commit(SaltOf(after, event.number), leaf.type + "/event", EncodeRecord(event));
  return EncodeLeaf(leaf);
}

std::string NoticeLeaf(const Site& site, const Case& c, std::string_view kind) {
  Leaf leaf = Begin(site, c, rf::kNotice);
  leaf.clear[std::string(rf::kKind)] = std::string(kind);
  return EncodeLeaf(leaf);
}

std::string GrantLeaf(const Site& site, const Case& c, const Digest& core, const Statement& grant) {
  Leaf leaf = Begin(site, c, Grant::kType);
  leaf.commitments["grant"] = Commit(core.bytes(), leaf.type + "/grant", grant.digest().bytes());
  return EncodeLeaf(leaf);
}

}  // namespace comity::review
