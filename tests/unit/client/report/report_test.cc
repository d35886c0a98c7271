#include "client/report/report.h"

#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "services/common/statement/leaf.h"
#include "services/common/statement/report_fields.h"
#include "tests/testing/golden.h"
#include "tests/testing/matchers.h"

namespace comity {
namespace {

namespace rf = report_fields;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

UnixMillis Day(const std::string& text) { return ParseTime(text).value(); }

// A review's log, written the way review writes it.
class Leaves final {
 public:
  void Add(std::string_view type, const std::string& day,
           std::map<std::string, std::string> clear) {
    Leaf leaf;
    leaf.type = std::string(type);
    leaf.day = Day(day);
    leaf.region = RegionId::Create("cn").value();
    leaf.clear = std::move(clear);
    all_.push_back(EncodeLeaf(leaf));
  }
  void Received(const std::string& tag, const std::string& day,
                const std::string& identifiers = "1", const std::string& classes = "C5",
                const std::string& country = "CN", const std::string& instrument = "WARRANT") {
    Add(rf::kReceived, day,
        {{std::string(rf::kCaseTag), tag},
         {std::string(rf::kCountry), country},
         {std::string(rf::kInstrument), instrument},
         {std::string(rf::kClasses), classes},
         {std::string(rf::kIdentifiers), identifiers}});
  }
  void Outcome(const std::string& tag, const std::string& day, const std::string& outcome,
               const std::string& reasons = "", const std::string& accounts = "0") {
    Add(rf::kOutcome, day,
        {{std::string(rf::kCaseTag), tag},
         {std::string(rf::kOutcomeField), outcome},
         {std::string(rf::kReasons), reasons},
         {std::string(rf::kAccounts), accounts}});
  }
  void Notice(const std::string& tag, const std::string& day, const std::string& kind) {
    Add(rf::kNotice, day, {{std::string(rf::kCaseTag), tag}, {std::string(rf::kKind), kind}});
  }
  const std::vector<std::string>& all() const { return all_; }
  absl::StatusOr<TransparencyReport> Report(const std::string& period = "2018H1") const {
    return ComputeReport(all_, "cn", ParseReportPeriod(period).value());
  }

 private:
  std::vector<std::string> all_;
};

// The published figures of the first half of 2017.
Leaves PublishedFigures() {
  constexpr int kRequests = 1273;
  constexpr int kProvided = 1095;
  Leaves leaves;
  for (int i = 0; i < kRequests; ++i) {
    const std::string tag = "case" + std::to_string(i);
    // 10,196 identifiers in all: eight each, and twelve more in the first.
    leaves.Received(tag, "2017-03-01", i == 0 ? "20" : "8", "C0", "CN", "SUBPOENA");
    if (i < kProvided) {
      leaves.Outcome(tag, "2017-03-11", i % 2 == 0 ? "FULL" : "PARTIAL", "", "1");
    } else {
      leaves.Outcome(tag, "2017-03-04", "REJECTED", "BULK");
    }
  }
  return leaves;
}

TEST(ReportTest, ThePublishedFiguresGiveEightySixPercentAndAllButFourteen) {
  ASSERT_OK_AND_ASSIGN(const TransparencyReport report, PublishedFigures().Report("2017H1"));
  EXPECT_EQ(report.total.requests, 1273u);
  EXPECT_EQ(report.total.identifiers, 10'196u);
  EXPECT_EQ(report.total.full + report.total.partial, 1095u);
  EXPECT_EQ(report.total.PercentProvided(), 86u);
  EXPECT_THAT(FormatReport(report),
              HasSubstr("1273 requests covering 10196 identifiers: data was provided for 86 %, all "
                        "but 14 %."));
}

TEST(ReportTest, TextIsAsRecorded) {
  Leaves leaves = PublishedFigures();
  leaves.Received("other", "2017-06-30", "3", "C4,C5", "US");
  leaves.Notice("case0", "2017-03-02", "given");
  leaves.Notice("case1", "2017-03-02", "barred");
  leaves.Notice("case1", "2017-06-02", "after");
  ASSERT_OK_AND_ASSIGN(const TransparencyReport report, leaves.Report("2017H1"));
  EXPECT_EQ(FormatReport(report), ReadGoldenText("report.txt"));
}

TEST(ReportTest, JsonHoldsTheSameNumbersAsTheText) {
  Leaves leaves;
  leaves.Received("a", "2018-03-01", "2", "C4,C5");
  leaves.Outcome("a", "2018-03-12", "FULL", "", "2");
  leaves.Received("b", "2018-03-01", "60", "C4");
  leaves.Outcome("b", "2018-03-02", "REJECTED", "BULK,OVER_BROAD");
  ASSERT_OK_AND_ASSIGN(const TransparencyReport report, leaves.Report());
  const nlohmann::json json = nlohmann::json::parse(FormatReportJson(report));
  EXPECT_EQ(json["region"], "cn");
  EXPECT_EQ(json["period"], "2018H1");
  EXPECT_EQ(json["total"]["requests"], 2);
  EXPECT_EQ(json["total"]["identifiers"], 62);
  EXPECT_EQ(json["total"]["percent_provided"], 50);
  EXPECT_EQ(json["all_but_percent"], 50);
  EXPECT_EQ(json["content_requests"], 1);
  EXPECT_EQ(json["largest_request"], 60);
  EXPECT_EQ(json["refusals"]["BULK"], 1);
  EXPECT_EQ(json["refusals"]["OVER_BROAD"], 1);
  ASSERT_EQ(json["rows"].size(), 1u);
  EXPECT_EQ(json["rows"][0]["country"], "CN");
  EXPECT_EQ(json["rows"][0]["instrument"], "WARRANT");
  EXPECT_FALSE(json["total"].contains("country"));
}

TEST(ReportTest, AReportWithoutRequestsSaysSo) {
  ASSERT_OK_AND_ASSIGN(const TransparencyReport report, Leaves().Report());
  EXPECT_EQ(report.total.PercentProvided(), 0u);
  EXPECT_THAT(FormatReport(report), HasSubstr("No request was received."));
}

TEST(ReportTest, TheSameLeavesGiveTheSameBytes) {
  const Leaves leaves = PublishedFigures();
  EXPECT_EQ(FormatReport(leaves.Report("2017H1").value()),
            FormatReport(leaves.Report("2017H1").value()));
}

TEST(ReportTest, EveryOutcomeIsCountedInOneColumnAndTheyAddUp) {
  Leaves leaves;
  const std::vector<std::string> outcomes = {"FULL",     "PARTIAL",   "NO_DATA",
                                             "REJECTED", "WITHDRAWN", "EXPIRED"};
  for (const std::string& outcome : outcomes) {
    leaves.Received(outcome, "2018-03-01");
    leaves.Outcome(outcome, "2018-03-02", outcome);
  }
  leaves.Received("open", "2018-03-01");
  ASSERT_OK_AND_ASSIGN(const TransparencyReport report, leaves.Report());
  const ReportRow& total = report.total;
  EXPECT_EQ(total.requests, 7u);
  EXPECT_THAT((std::vector<uint64_t>{total.full, total.partial, total.no_data, total.rejected,
                                     total.withdrawn, total.expired, total.pending}),
              ElementsAre(1, 1, 1, 1, 1, 1, 1));
  EXPECT_EQ(total.PercentProvided(), 29u);  // 2 of 7, half up
}

TEST(ReportTest, TheLastOutcomeOfACaseCounts) {
  Leaves leaves;
  leaves.Received("a", "2018-03-01");
  leaves.Outcome("a", "2018-03-02", "REJECTED", "INCOMPLETE");
  leaves.Outcome("a", "2018-03-05", "FULL", "", "1");
  ASSERT_OK_AND_ASSIGN(const TransparencyReport report, leaves.Report());
  EXPECT_EQ(report.total.full, 1u);
  EXPECT_EQ(report.total.rejected, 0u);
  EXPECT_TRUE(report.refusals.empty());
}

TEST(ReportTest, ARequestCountsInThePeriodOfItsReceipt) {
  Leaves leaves;
  leaves.Received("before", "2017-12-31");
  leaves.Received("first", "2018-01-01");
  leaves.Received("last", "2018-06-30");
  leaves.Received("after", "2018-07-01");
  leaves.Outcome("last", "2018-07-09", "FULL", "", "1");
  ASSERT_OK_AND_ASSIGN(const TransparencyReport first, leaves.Report("2018H1"));
  EXPECT_EQ(first.total.requests, 2u);
  EXPECT_EQ(first.total.full, 1u);
  ASSERT_OK_AND_ASSIGN(const TransparencyReport second, leaves.Report("2018H2"));
  EXPECT_EQ(second.total.requests, 1u);
  EXPECT_EQ(second.total.full, 0u);
  ASSERT_OK_AND_ASSIGN(const TransparencyReport earlier, leaves.Report("2017H2"));
  EXPECT_EQ(earlier.total.requests, 1u);
}

TEST(ReportTest, RowsAreByCountryAndThenInstrument) {
  Leaves leaves;
  leaves.Received("1", "2018-03-01", "1", "C0", "US", "SUBPOENA");
  leaves.Received("2", "2018-03-01", "1", "C5", "CN", "WARRANT");
  leaves.Received("3", "2018-03-01", "1", "C0", "CN", "SUBPOENA");
  leaves.Received("4", "2018-03-01", "4", "C0", "CN", "SUBPOENA");
  ASSERT_OK_AND_ASSIGN(const TransparencyReport report, leaves.Report());
  std::vector<std::string> rows;
  for (const ReportRow& row : report.rows) {
    rows.push_back(row.country + " " + row.instrument + " " + std::to_string(row.identifiers));
  }
  EXPECT_THAT(rows, ElementsAre("CN SUBPOENA 5", "CN WARRANT 1", "US SUBPOENA 1"));
}

TEST(ReportTest, MedianOfAnEvenNumberIsTheLowerOfTheTwoInTheMiddle) {
  Leaves leaves;
  const std::vector<std::string> ends = {"2018-03-02", "2018-03-04", "2018-03-11", "2018-03-31"};
  for (const std::string& end : ends) {
    leaves.Received(end, "2018-03-01");
    leaves.Outcome(end, end, "NO_DATA");
  }
  leaves.Received("open", "2018-03-01");  // has no outcome and so no days
  EXPECT_EQ(leaves.Report().value().median_days, 3u);
  leaves.Received("sixth", "2018-03-01");
  leaves.Outcome("sixth", "2018-03-21", "NO_DATA");
  EXPECT_EQ(leaves.Report().value().median_days, 10u);
}

TEST(ReportTest, NoticesAreCountedByKind) {
  Leaves leaves;
  leaves.Received("a", "2018-03-01");
  leaves.Notice("a", "2018-03-01", "barred");
  leaves.Notice("a", "2018-05-01", "after");
  leaves.Received("b", "2018-03-01");
  leaves.Notice("b", "2018-03-02", "given");
  leaves.Received("c", "2018-03-01");
  leaves.Notice("c", "2018-03-02", "given");
  ASSERT_OK_AND_ASSIGN(const TransparencyReport report, leaves.Report());
  EXPECT_EQ(report.notices_given, 2u);
  EXPECT_EQ(report.notices_after, 1u);
  EXPECT_EQ(report.notices_barred, 1u);
}

TEST(ReportTest, ReasonsOfOneRequestAreCountedEach) {
  Leaves leaves;
  leaves.Received("a", "2018-03-01");
  leaves.Outcome("a", "2018-03-02", "REJECTED", "BULK,OVER_BROAD");
  leaves.Received("b", "2018-03-01");
  leaves.Outcome("b", "2018-03-02", "REJECTED", "BULK");
  ASSERT_OK_AND_ASSIGN(const TransparencyReport report, leaves.Report());
  EXPECT_THAT(report.refusals, ElementsAre(Pair("BULK", 2), Pair("OVER_BROAD", 1)));
}

TEST(ReportTest, LeavesOfOtherTypesArePassedOver) {
  Leaves leaves;
  leaves.Received("a", "2018-03-01");
  leaves.Add("legal.grant", "2018-03-02", {});
  leaves.Add(rf::kState, "2018-03-02", {{std::string(rf::kCaseTag), "a"}});
  EXPECT_EQ(leaves.Report().value().total.requests, 1u);
}

// Every field that a review leaf must have, and what is wrong with it.
struct BadLeaf {
  const char* name;
  std::string_view type;
  std::string field;
  std::optional<std::string> value;  // none: the field is missing
};

class ReportOfBadLeafTest : public testing::TestWithParam<BadLeaf> {};

TEST_P(ReportOfBadLeafTest, IsRefusedAndNamesTheLeafAndTheField) {
  const BadLeaf& bad = GetParam();
  std::map<std::string, std::string> clear = {
      {"case_tag", "a"}, {"country", "CN"},   {"instrument", "WARRANT"},
      {"classes", "C5"}, {"outcome", "FULL"}, {"reasons", ""},
      {"accounts", "1"}, {"kind", "given"},   {"identifiers", "1"}};
  Leaves leaves;
  leaves.Add("legal.grant", "2018-03-01", {});
  if (bad.value.has_value()) {
    clear[bad.field] = *bad.value;
  } else {
    clear.erase(bad.field);
  }
  leaves.Add(bad.type, "2018-03-01", clear);
  const absl::Status status = leaves.Report().status();
  EXPECT_THAT(status, RefusedWith(Reason::kDataCorrupt));
  EXPECT_EQ(CauseOf(status), "leaf 1 (" + std::string(bad.type) + "): field " + bad.field);
}

INSTANTIATE_TEST_SUITE_P(
    EveryField, ReportOfBadLeafTest,
    testing::Values(BadLeaf{"ReceivedTag", rf::kReceived, "case_tag", {}},
                    BadLeaf{"ReceivedCountry", rf::kReceived, "country", {}},
                    BadLeaf{"ReceivedInstrument", rf::kReceived, "instrument", {}},
                    BadLeaf{"ReceivedClasses", rf::kReceived, "classes", {}},
                    BadLeaf{"ReceivedIdentifiers", rf::kReceived, "identifiers", {}},
                    BadLeaf{"IdentifiersWithText", rf::kReceived, "identifiers", "3x"},
                    BadLeaf{"IdentifiersEmpty", rf::kReceived, "identifiers", ""},
                    BadLeaf{"IdentifiersNegative", rf::kReceived, "identifiers", "-1"},
                    BadLeaf{"OutcomeTag", rf::kOutcome, "case_tag", {}},
                    BadLeaf{"OutcomeName", rf::kOutcome, "outcome", {}},
                    BadLeaf{"OutcomeUnknown", rf::kOutcome, "outcome", "LOST"},
                    BadLeaf{"OutcomeReasons", rf::kOutcome, "reasons", {}},
                    BadLeaf{"OutcomeAccounts", rf::kOutcome, "accounts", {}},
                    BadLeaf{"NoticeTag", rf::kNotice, "case_tag", {}},
                    BadLeaf{"NoticeKind", rf::kNotice, "kind", {}}),
    [](const testing::TestParamInfo<BadLeaf>& test) { return test.param.name; });

TEST(ReportTest, ALeafThatDoesNotDecodeIsRefused) {
  EXPECT_FALSE(ComputeReport({"nonsense"}, "cn", ParseReportPeriod("2018H1").value()).ok());
}

TEST(ReportPeriodTest, HalfYearsMeetWithoutGapOrOverlap) {
  ASSERT_OK_AND_ASSIGN(const ReportPeriod first, ParseReportPeriod("2018H1"));
  ASSERT_OK_AND_ASSIGN(const ReportPeriod second, ParseReportPeriod("2018H2"));
  ASSERT_OK_AND_ASSIGN(const ReportPeriod next, ParseReportPeriod("2019H1"));
  EXPECT_EQ(first.begin, Day("2018-01-01"));
  EXPECT_EQ(first.end, Day("2018-07-01"));
  EXPECT_EQ(second.begin, first.end);
  EXPECT_EQ(next.begin, second.end);
}

TEST(ReportPeriodTest, EverythingThatIsNoHalfYearIsRefused) {
  for (const char* text : {"", "2018", "2018H3", "2018H0", "2018h1", "18H1", "2018H11", "20x8H1"}) {
    EXPECT_THAT(ParseReportPeriod(text), RefusedWith(Reason::kFieldInvalid)) << text;
  }
}

}  // namespace
}  // namespace comity
