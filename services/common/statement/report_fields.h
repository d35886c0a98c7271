#ifndef COMITY_COMMON_STATEMENT_REPORT_FIELDS_H_
#define COMITY_COMMON_STATEMENT_REPORT_FIELDS_H_

#include <string_view>

// The clear fields of review's leaves from which anybody recomputes the transparency report
// (docs/review.md): review writes them, the client reads them. ASCII; numbers are decimal without
// leading zeros. `case_tag` links the leaves of one case without naming it: base32 of
// Commit(case salt, "case", case id).
namespace comity::report_fields {

// A request was received. Every request has exactly one such leaf.
inline constexpr std::string_view kReceived = "legal.received";
inline constexpr std::string_view kCaseTag = "case_tag";
inline constexpr std::string_view kCountry = "country";  // jurisdiction of the authority
inline constexpr std::string_view kInstrument =
    "instrument";                                        // "SUBPOENA", "COURT_ORDER", "WARRANT"
inline constexpr std::string_view kClasses = "classes";  // "C4,C5"
inline constexpr std::string_view kIdentifiers = "identifiers";  // number of targets

// A request has its outcome (case_tag, outcome, reasons, accounts). The last one of a case counts.
inline constexpr std::string_view kOutcome = "legal.outcome";
inline constexpr std::string_view kOutcomeField = "outcome";  // "FULL", "REJECTED", …
inline constexpr std::string_view kReasons = "reasons";       // "BULK,INCOMPLETE"; empty if none
inline constexpr std::string_view kAccounts = "accounts";     // accounts of which data was provided

// A user was told (case_tag, kind).
inline constexpr std::string_view kNotice = "legal.notice";
inline constexpr std::string_view kKind = "kind";  // "given" before production, "after", "barred"

// Every other change of a case's state (case_tag, state).
inline constexpr std::string_view kState = "legal.state";
inline constexpr std::string_view kStateField = "state";

}  // namespace comity::report_fields

#endif  // COMITY_COMMON_STATEMENT_REPORT_FIELDS_H_
