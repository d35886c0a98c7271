#include <string>
#include <string_view>
#include <vector>

#include "services/common/topology/topology.h"
#include "tests/testing/deployment.h"
#include "tests/testing/matchers.h"

// One test for each rule of the file that has to do with names, dates and references. Each breaks
// one line of a small valid topology and expects that line in the answer.
namespace comity {
namespace {

constexpr std::string_view kSmall = R"(serial: 3
deployment: "small.test"
title: "Two regions"
development: true
test_clock_start: "2017-12-01"
log_quorum: "none"
jurisdictions { code: "AA" title: "A" }
jurisdictions { code: "BB" title: "B" }
operators { name: "one" title: "One" home_jurisdictions: "AA" }
operators { name: "two" title: "Two" home_jurisdictions: "BB" overseers: "Council" }
regions {
  name: "a"
  title: "Region A"
  jurisdiction: "AA"
  services { kind: SERVICE_KIND_STORAGE operator: "one" }
  services { kind: SERVICE_KIND_CUSTODY operator: "one" }
  services { kind: SERVICE_KIND_REVIEW operator: "one" }
}
regions {
  name: "b"
  title: "Region B"
  jurisdiction: "BB"
  services { kind: SERVICE_KIND_STORAGE operator: "two" }
  services { kind: SERVICE_KIND_CUSTODY operator: "one" }
  services { kind: SERVICE_KIND_REVIEW operator: "two" }
}
borders { from: "a" to: "b" kinds: SERVICE_KIND_STORAGE kinds: SERVICE_KIND_CUSTODY }
terms { version: "v1" title: "Terms" text: "Text" }
territories {
  code: "BB"
  title: "B"
  homes { region: "a" }
  homes { region: "b" from: "2018-02-28" announced: "2018-01-10" terms: "v1" window_days: 730 }
}
territories { code: "*" title: "Others" homes { region: "a" } }
review_rules { region: "b" custody_operator_approves: true cap_content: 3 }
people { region: "b" name: "agent" roles: ROLE_AGENT organisation: "police" }
people { region: "b" name: "ops" roles: ROLE_OPERATOR_PERSON organisation: "two" }
people { region: "b" name: "eva" roles: [ROLE_REVIEWER, ROLE_LAWYER] enrolled_by: "two" }
people { region: "b" name: "ann" roles: ROLE_APPROVER enrolled_by: "one" }
people { region: "b" name: "bob" roles: ROLE_APPROVER enrolled_by: "two" }
)";

std::vector<std::string> Lines() {
  std::vector<std::string> lines;
  std::string_view rest = kSmall;
  while (!rest.empty()) {
    const size_t end = rest.find('\n');
    lines.emplace_back(rest.substr(0, end));
    rest.remove_prefix(end + 1);
  }
  return lines;
}

// What Parse says when line `number` reads `text` instead; empty when it says nothing.
std::string Changed(size_t number, const std::string& text) {
  std::string file;
  std::vector<std::string> lines = Lines();
  lines.at(number - 1) = text;
  for (const std::string& line : lines) file += line + "\n";
  const absl::StatusOr<Topology> topology = Topology::Parse(file, /*as_template=*/true);
  if (topology.ok()) return "";
  EXPECT_THAT(topology, RefusedWith(Reason::kTopologyInvalid));
  return CauseOf(topology.status());
}

// Line `number`, changed to `text`, is refused with this explanation.
void ExpectBroken(size_t number, const std::string& text, const std::string& why) {
  EXPECT_EQ(Changed(number, text), "line " + std::to_string(number) + ": " + why);
}

TEST(TopologyRulesTest, SmallTopologyBreaksNoRule) { EXPECT_EQ(Changed(1, "serial: 3"), ""); }

TEST(TopologyRulesTest, CauseIsPartOfTheTextThatACallerSees) {
  EXPECT_THAT(std::string(Topology::Parse("serial: 0", true).status().message()),
              ::testing::HasSubstr("line 1: serial: starts at 1"));
}

TEST(TopologyRulesTest, SyntaxErrorNamesLineAndColumn) {
  EXPECT_THAT(Changed(3, "title: 5"), ::testing::StartsWith("line 3, column 8: "));
  EXPECT_THAT(Changed(4, "colour: \"red\""), ::testing::HasSubstr("no field named \"colour\""));
  EXPECT_THAT(Changed(2, "serial: 4"), ::testing::HasSubstr("specified multiple times"));
}

TEST(TopologyRulesTest, FileLargerThanTheLimitIsRefused) {
  EXPECT_EQ(CauseOf(Topology::Parse(std::string((1 << 20) + 1, '\n'), true).status()),
            "the file is larger than 1 MiB");
}

TEST(TopologyRulesTest, SerialStartsAtOne) { ExpectBroken(1, "serial: 0", "serial: starts at 1"); }

TEST(TopologyRulesTest, DeploymentIsADnsName) {
  for (const std::string name : {"", "Small.test", "a..b", "-a.test", "a_b.test"}) {
    ExpectBroken(2, "deployment: \"" + name + "\"",
                 "deployment: \"" + name + "\" is not a DNS name");
  }
}

TEST(TopologyRulesTest, TitleIsNotEmpty) {
  ExpectBroken(3, "title: \"\"", "title: one sentence, not empty");
  ExpectBroken(3, "title: \"two\\nlines\"", "title: one sentence, not empty");
}

TEST(TopologyRulesTest, TestClockNeedsDevelopment) {
  EXPECT_EQ(Changed(4, "development: false"),
            "line 5: test_clock_start: only a topology marked development has a test clock");
}

TEST(TopologyRulesTest, TestClockStartIsADate) {
  ExpectBroken(5, "test_clock_start: \"2017-13-01\"",
               "test_clock_start: \"2017-13-01\" is not a date");
}

TEST(TopologyRulesTest, QuorumOtherThanNoneIsRefusedWithTheReason) {
  ExpectBroken(6, "log_quorum: \"two\"",
               "log_quorum: must be \"none\": this version has no witnesses yet, and says so in "
               "every status");
}

TEST(TopologyRulesTest, QuorumNoneNeedsDevelopment) {
  std::string text(kSmall);
  text.erase(text.find("development: true\n"), 18);
  text.erase(text.find("test_clock_start"), text.find("log_quorum") - text.find("test_clock_s"));
  EXPECT_EQ(CauseOf(Topology::Parse(text, true).status()),
            "line 4: log_quorum: \"none\" needs a topology marked development; this version has no "
            "witnesses, so it runs development topologies only");
}

TEST(TopologyRulesTest, JurisdictionsAreWellFormedAndUnique) {
  ExpectBroken(8, R"(jurisdictions { code: "bb" title: "B" })",
               "jurisdiction \"bb\": a code is 2 to 8 upper-case letters or digits");
  ExpectBroken(8, R"(jurisdictions { code: "BB" })", "jurisdiction \"BB\": needs a title");
  ExpectBroken(8, R"(jurisdictions { code: "AA" title: "B" })",
               "jurisdiction \"AA\": listed twice");
}

TEST(TopologyRulesTest, AtLeastOneJurisdiction) {
  EXPECT_EQ(CauseOf(Topology::Parse("serial: 1 deployment: \"d\" title: \"t\" development: true "
                                    "log_quorum: \"none\"",
                                    true)
                        .status()),
            "line 1: jurisdictions: at least one");
}

TEST(TopologyRulesTest, OperatorsAreWellFormedAndUnique) {
  ExpectBroken(10, R"(operators { name: "Two" title: "Two" home_jurisdictions: "BB" })",
               "operator \"Two\": a name is 1 to 32 of a-z, 0-9 and -");
  ExpectBroken(10, R"(operators { name: "two" home_jurisdictions: "BB" })",
               "operator \"two\": needs a title");
  ExpectBroken(10, R"(operators { name: "one" title: "Two" home_jurisdictions: "BB" })",
               "operator \"one\": listed twice");
  ExpectBroken(10, R"(operators { name: "two" title: "T" home_jurisdictions: "BB" overseers: "" })",
               "operator \"two\": an overseer needs a name");
}

TEST(TopologyRulesTest, OperatorsHaveHomeJurisdictionsThatExist) {
  ExpectBroken(10, R"(operators { name: "two" title: "Two" })",
               "operator \"two\": needs a home jurisdiction");
  ExpectBroken(10, R"(operators { name: "two" title: "Two" home_jurisdictions: "CC" })",
               "operator \"two\": no such jurisdiction \"CC\"");
  ExpectBroken(10, R"(operators { name: "two" title: "T" home_jurisdictions: ["BB", "BB"] })",
               "operator \"two\": names a jurisdiction twice");
}

TEST(TopologyRulesTest, OperatorKeyIsEd25519) {
  ExpectBroken(10,
               R"(operators { name: "two" title: "T" home_jurisdictions: "BB" public_key: "x" })",
               "operator \"two\": public_key is not an Ed25519 key");
}

TEST(TopologyRulesTest, RegionsAreWellFormedAndUnique) {
  ExpectBroken(20, "  name: \"B\"",
               "region \"B\": a name is 1 to 16 of a-z, 0-9 and -, first a letter");
  ExpectBroken(20, "  name: \"a\"", "region \"a\": listed twice");
  ExpectBroken(21, "  title: \"\"", "region \"b\": needs a title");
}

TEST(TopologyRulesTest, RegionsHaveAJurisdictionThatExists) {
  ExpectBroken(22, "  jurisdiction: \"CC\"", "region \"b\": no such jurisdiction \"CC\"");
}

TEST(TopologyRulesTest, EachRegionHasExactlyOneServiceOfEachKind) {
  EXPECT_EQ(Changed(23, ""), "line 20: region \"b\": has no storage");
  EXPECT_EQ(Changed(24, ""), "line 20: region \"b\": has no custody");
  EXPECT_EQ(Changed(25, ""), "line 20: region \"b\": has no review");
  ExpectBroken(24, "  services { kind: SERVICE_KIND_STORAGE operator: \"one\" }",
               "region \"b\": has two services of kind storage");
  ExpectBroken(24, "  services { operator: \"one\" }", "region \"b\": a service without a kind");
}

TEST(TopologyRulesTest, ServicesHaveAnOperatorThatExists) {
  ExpectBroken(24, "  services { kind: SERVICE_KIND_CUSTODY operator: \"three\" }",
               "custody of \"b\": no such operator \"three\"");
}

TEST(TopologyRulesTest, AddressesAreHostAndPort) {
  for (const std::string address :
       {"localhost", "localhost:0", "localhost:65536", ":1", "a b:1", "::1:80", "[::1]80"}) {
    ExpectBroken(
        24,
        "  services { kind: SERVICE_KIND_CUSTODY operator: \"one\" address: \"" + address + "\" }",
        "custody of \"b\": address \"" + address + "\" is not host:port");
  }
  for (const std::string address : {"localhost:1", "10.0.0.1:65535", "[::1]:80"}) {
    EXPECT_EQ(Changed(24, "  services { kind: SERVICE_KIND_CUSTODY operator: \"one\" address: \"" +
                              address + "\" }"),
              "");
  }
}

TEST(TopologyRulesTest, LogUrlsAreHttpAndHostAndPort) {
  for (const std::string url : {"localhost:1", "ftp://localhost:1", "http://localhost:1/x"}) {
    ExpectBroken(
        24, "  services { kind: SERVICE_KIND_CUSTODY operator: \"one\" log_url: \"" + url + "\" }",
        "custody of \"b\": log_url \"" + url + "\" is not http://host:port or https://host:port");
  }
}

TEST(TopologyRulesTest, AddressesAndLogUrlsAreNotShared) {
  EXPECT_EQ(Changed(24,
                    "  services { kind: SERVICE_KIND_CUSTODY operator: \"one\" address: \"h:1\" }\n"
                    "  services { kind: SERVICE_KIND_CUSTODY operator: \"one\" address: \"h:1\" }"),
            "line 25: custody of \"b\": has the address of another service");
  EXPECT_EQ(
      Changed(
          24,
          "  services { kind: SERVICE_KIND_CUSTODY operator: \"one\" log_url: \"http://h:1\" }\n"
          "  services { kind: SERVICE_KIND_CUSTODY operator: \"one\" log_url: \"http://h:1\" }"),
      "line 25: custody of \"b\": has the log_url of another service");
}

TEST(TopologyRulesTest, BordersLeadFromOneRegionToAnother) {
  ExpectBroken(27, R"(borders { from: "uk" to: "b" kinds: SERVICE_KIND_STORAGE })",
               "border from \"uk\": no such region \"uk\"");
  ExpectBroken(27, R"(borders { from: "a" to: "uk" kinds: SERVICE_KIND_STORAGE })",
               "border from \"a\": no such region \"uk\"");
  ExpectBroken(27, R"(borders { from: "a" to: "a" kinds: SERVICE_KIND_STORAGE })",
               "border from \"a\": leads to the same region");
}

TEST(TopologyRulesTest, BordersNameKindsOnce) {
  ExpectBroken(27, R"(borders { from: "a" to: "b" })",
               "border from \"a\": names no kind of service that may cross");
  ExpectBroken(27, R"(borders { from: "a" to: "b" kinds: SERVICE_KIND_UNSPECIFIED })",
               "border from \"a\": no such kind of service");
  ExpectBroken(27,
               R"(borders { from: "a" to: "b" kinds: [SERVICE_KIND_REVIEW, SERVICE_KIND_REVIEW] })",
               "border from \"a\": names review twice");
}

TEST(TopologyRulesTest, BordersAreListedOnce) {
  EXPECT_EQ(Changed(27,
                    "borders { from: \"a\" to: \"b\" kinds: SERVICE_KIND_STORAGE }\n"
                    "borders { from: \"a\" to: \"b\" kinds: SERVICE_KIND_CUSTODY }"),
            "line 28: border from \"a\": listed twice to \"b\"");
}

TEST(TopologyRulesTest, TermsAreWellFormedAndUnique) {
  ExpectBroken(28, R"(terms { version: "V1" title: "Terms" text: "Text" })",
               "terms \"V1\": a version is 1 to 32 of a-z, 0-9 and -");
  ExpectBroken(28, R"(terms { version: "v1" text: "Text" })", "terms \"v1\": need a title");
  ExpectBroken(28, R"(terms { version: "v1" title: "Terms" })",
               "terms \"v1\": need a text of at most 8 KiB");
  ExpectBroken(28,
               "terms { version: \"v1\" title: \"T\" text: \"" + std::string(8193, 'x') + "\" }",
               "terms \"v1\": need a text of at most 8 KiB");
  const std::string twice = "terms { version: \"v1\" title: \"T\" text: \"A\" }\n";
  EXPECT_EQ(Changed(28, twice + "terms { version: \"v1\" title: \"T\" text: \"B\" }"),
            "line 29: terms \"v1\": listed twice");
  EXPECT_EQ(Changed(28, twice + "terms { version: \"v2\" title: \"T\" text: \"A\" }"),
            "line 29: terms \"v2\": have the text of another version");
}

TEST(TopologyRulesTest, TerritoriesAreWellFormedAndUnique) {
  ExpectBroken(30, "  code: \"bb\"",
               "territory \"bb\": a code is 2 to 8 upper-case letters or digits, or \"*\"");
  ExpectBroken(31, "  title: \"\"", "territory \"BB\": needs a title");
  ExpectBroken(35, R"(territories { code: "BB" title: "Others" homes { region: "a" } })",
               "territory \"BB\": listed twice");
  ExpectBroken(35, R"(territories { code: "*" title: "Others" })", "territory \"*\": needs a home");
}

TEST(TopologyRulesTest, TerritoriesIncludeEveryOther) {
  EXPECT_EQ(Changed(35, ""), "line 29: territories: \"*\" is missing: every account needs a home");
}

TEST(TopologyRulesTest, HomesReferToRegionsAndTermsThatExist) {
  ExpectBroken(32, "  homes { region: \"uk\" }",
               "territory \"BB\", home \"uk\": no such region \"uk\"");
  ExpectBroken(33, "  homes { region: \"b\" from: \"2018-02-28\" terms: \"v2\" }",
               "territory \"BB\", home \"b\": no such terms \"v2\"");
}

TEST(TopologyRulesTest, HomesStandInOrderOfDate) {
  ExpectBroken(32, "  homes { region: \"a\" from: \"2018-01-01\" }",
               "territory \"BB\", home \"a\": the first home holds from the beginning");
  ExpectBroken(33, "  homes { region: \"b\" }",
               "territory \"BB\", home \"b\": only the first home has no date");
  ExpectBroken(33, "  homes { region: \"b\" from: \"soon\" }",
               "territory \"BB\", home \"b\": from: \"soon\" is not a date");
  EXPECT_EQ(Changed(33,
                    "  homes { region: \"b\" from: \"2018-02-28\" }\n"
                    "  homes { region: \"a\" from: \"2018-02-28\" }"),
            "line 34: territory \"BB\", home \"a\": homes stand in order of date");
}

TEST(TopologyRulesTest, FirstHomeHasNoAnnouncementAndNoWindow) {
  const std::string why =
      "territory \"BB\", home \"a\": the first home has no announcement and no window";
  ExpectBroken(32, "  homes { region: \"a\" announced: \"2018-01-01\" }", why);
  ExpectBroken(32, "  homes { region: \"a\" terms: \"v1\" window_days: 3 }", why);
}

TEST(TopologyRulesTest, ChangesAreAnnouncedBeforeTheyBegin) {
  ExpectBroken(33, "  homes { region: \"b\" from: \"2018-02-28\" announced: \"2018-03-01\" }",
               "territory \"BB\", home \"b\": announced after it begins");
  ExpectBroken(33, "  homes { region: \"b\" from: \"2018-02-28\" announced: \"x\" }",
               "territory \"BB\", home \"b\": announced: \"x\" is not a date");
}

TEST(TopologyRulesTest, WindowNeedsTerms) {
  ExpectBroken(33, "  homes { region: \"b\" from: \"2018-02-28\" window_days: 730 }",
               "territory \"BB\", home \"b\": a window is for accepting terms; it has none");
  ExpectBroken(33, "  homes { region: \"b\" from: \"2018-02-28\" terms: \"v1\" window_days: 3661 }",
               "territory \"BB\", home \"b\": a window of at most 3660 days");
}

TEST(TopologyRulesTest, ReviewRulesAreForOneRegionEach) {
  ExpectBroken(36, "review_rules { region: \"uk\" }", "review_rules of \"uk\": no such region");
  EXPECT_EQ(Changed(36, "review_rules { region: \"b\" }\nreview_rules { region: \"b\" }"),
            "line 37: review_rules of \"b\": listed twice");
}

TEST(TopologyRulesTest, ReviewRulesHaveLimits) {
  ExpectBroken(36, "review_rules { region: \"b\" authorisation_hours: 721 }",
               "review_rules of \"b\": authorisation_hours is at most 720");
  ExpectBroken(36, "review_rules { region: \"b\" cap_content: 1001 }",
               "review_rules of \"b\": cap_content is at most 1000");
}

TEST(TopologyRulesTest, PersonsAreWellFormedAndUnique) {
  ExpectBroken(39, R"(people { region: "uk" name: "eva" roles: ROLE_REVIEWER enrolled_by: "two" })",
               "person \"eva\" of \"uk\": no such region \"uk\"");
  ExpectBroken(39, R"(people { region: "b" name: "Eva" roles: ROLE_REVIEWER enrolled_by: "two" })",
               "person \"Eva\" of \"b\": a name is 1 to 32 of a-z, 0-9 and -");
  ExpectBroken(39, R"(people { region: "b" name: "ops" roles: ROLE_REVIEWER enrolled_by: "two" })",
               "person \"ops\" of \"b\": listed twice");
}

TEST(TopologyRulesTest, PersonsHaveRoles) {
  ExpectBroken(39, R"(people { region: "b" name: "eva" enrolled_by: "two" })",
               "person \"eva\" of \"b\": needs a role");
  ExpectBroken(39, R"(people { region: "b" name: "eva" roles: ROLE_UNSPECIFIED })",
               "person \"eva\" of \"b\": no such role");
  ExpectBroken(39, R"(people { region: "b" name: "eva" roles: [ROLE_LAWYER, ROLE_LAWYER] })",
               "person \"eva\" of \"b\": has a role twice");
}

TEST(TopologyRulesTest, AgentsAndOperatorPersonsHaveNoOtherRole) {
  const std::string why = "person \"x\" of \"b\": agents and operator persons have no other role";
  ExpectBroken(37, R"(people { region: "b" name: "x" roles: [ROLE_AGENT, ROLE_APPROVER] })", why);
  ExpectBroken(
      38, R"(people { region: "b" name: "x" roles: [ROLE_REVIEWER, ROLE_OPERATOR_PERSON] })", why);
}

TEST(TopologyRulesTest, OrganisationsFitTheRole) {
  ExpectBroken(37, R"(people { region: "b" name: "agent" roles: ROLE_AGENT })",
               "person \"agent\" of \"b\": an agent's organisation is its authority");
  ExpectBroken(
      38, R"(people { region: "a" name: "ops" roles: ROLE_OPERATOR_PERSON organisation: "two" })",
      "person \"ops\" of \"a\": \"two\" operates no service of the region");
  ExpectBroken(39, R"(people { region: "b" name: "eva" roles: ROLE_LAWYER organisation: "x" })",
               "person \"eva\" of \"b\": reviewers and approvers belong to no organisation");
}

TEST(TopologyRulesTest, ReviewersAreEnrolledByAnOperatorOfTheRegion) {
  ExpectBroken(39, R"(people { region: "b" name: "eva" roles: ROLE_LAWYER enrolled_by: "three" })",
               "person \"eva\" of \"b\": enrolled_by \"three\": no such operator in the region");
  ExpectBroken(
      37,
      R"(people { region: "b" name: "x" roles: ROLE_AGENT organisation: "p" enrolled_by: "xx" })",
      "person \"x\" of \"b\": enrolled_by \"xx\": no such operator");
}

TEST(TopologyRulesTest, ARegionWithPeopleHasTwoApprovers) {
  EXPECT_EQ(Changed(41, ""), "line 40: people of \"b\": two approvers at least");
}

TEST(TopologyRulesTest, CustodysOperatorHasAnApproverWhereTheRuleIsOn) {
  EXPECT_EQ(
      Changed(40, R"(people { region: "b" name: "ann" roles: ROLE_APPROVER enrolled_by: "two" })"),
      "line 41: people of \"b\": no approver is enrolled by \"one\", as "
      "custody_operator_approves asks");
}

TEST(TopologyRulesTest, TemplateIsNoTopology) {
  EXPECT_THAT(Topology::Parse(kSmall), RefusedWith(Reason::kTopologyInvalid));
  EXPECT_EQ(CauseOf(Topology::Parse(kSmall).status()),
            "line 9: operator \"one\": public_key is missing");
}

TEST(TopologyRulesTest, ShippedTemplateBreaksNoRule) {
  EXPECT_THAT(Topology::Parse(ReadTopologyTemplate("icloud-cn-2018"), true), IsOk());
}

}  // namespace
}  // namespace comity
