#include <vector>

#include "client/scenario/scenario.h"

namespace comity::scenario {

std::span<const VerbSpec> Verbs() {
  using enum FieldKind;
  static const std::vector<VerbSpec>* const kVerbs = new std::vector<VerbSpec>{
      {"say", {{"text"}}},
      {"clock-to", {{"date"}}},
      {"clock-advance", {{"days", kNumber}}},
      // Accounts and files.
      {"create-accounts", {{"people", kTextMap}, {"terms", kText, false}}},
      {"store-files", {{"who", kTexts}}},
      {"read-back", {{"who", kTexts}, {"region"}}},
      {"expect-counts", {{"region"}, {"storage", kNumber}, {"custody", kNumber}}},
      {"expect-account",
       {{"who", kTexts},
        {"region", kText, false},
        {"state", kText, false},
        {"standing", kText, false},
        {"territory", kText, false},
        {"notified", kFlag, false}}},
      {"expect-key",
       {{"who", kTexts},
        {"region"},
        {"operator"},
        {"can-compel", kTexts},
        {"data", kText, false},
        {"data-can-compel", kTexts, false},
        {"version", kNumber, false},
        {"scheduled", kText, false},
        {"show", kFlag, false}}},
      {"accept-terms", {{"who", kTexts}}},
      {"withdraw-consent", {{"who", kTexts}}},
      {"opt-out", {{"who", kTexts}}},
      {"set-territory", {{"who"}, {"territory"}}},
      {"rotate-key", {{"who", kTexts}, {"version", kNumber}}},
      // The seal of a custody.
      {"seal-custody", {{"as"}}},
      {"enter-share",
       {{"as"}, {"share-of", kText, false}, {"entered", kNumber}, {"sealed", kFlag}}},
      // The move.
      {"migrate", {{"as"}, {"moved", kTexts}, {"kill", kTexts, false}}},
      {"confirm-move", {{"who", kTexts}}},
      {"expect-statements", {{"who", kTexts}, {"region"}, {"service"}, {"types", kTexts}}},
      // Legal requests.
      {"submit",
       {{"as"},
        {"case"},
        {"targets", kTexts},
        {"classes", kTexts},
        {"instrument"},
        {"basis"},
        {"ground"},
        {"from", kText, false},
        {"to", kText, false},
        {"state"},
        {"outcome", kText, false},
        {"rejections", kTexts, false}}},
      {"decide", {{"as"}, {"case"}, {"decision"}, {"reasons", kTexts, false}, {"state"}}},
      {"approve", {{"as"}, {"case"}, {"state", kText, false}}},
      {"expect-case", {{"as"}, {"case"}, {"state"}, {"outcome", kText, false}}},
      {"expect-notice", {{"who"}, {"region"}, {"case"}}},
      {"execute", {{"as"}, {"case"}, {"outcome"}}},
      {"open-package", {{"as"}, {"case"}, {"who"}}},
      // What anybody can check.
      {"report", {{"region"}, {"period"}, {"counts", kNumberMap}, {"refusals", kNumberMap, false}}},
      {"verify-logs", {}},
      // Faults.
      {"kill", {{"services", kTexts}}},
      {"restart", {{"sealed", kFlag, false}}},
      {"check-stores", {{"settled", kFlag, false}}},
      {"border", {{"regions", kTexts}, {"state"}}},
  };
  return *kVerbs;
}

}  // namespace comity::scenario
