#include "client/check/facts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/status/reason.h"
#include "tests/testing/matchers.h"

namespace comity {
namespace {

constexpr char kStore[] = R"({"type":"fact","kind":"store","region":"us","service":"custody",)"
                          R"("log":{"size":7,"root":"x"}})"
                          "\n";
constexpr char kSummary[] = R"({"type":"summary","region":"us","service":"custody"})"
                            "\n";

TEST(FactsTest, FindingsAreNamedAfterTheirService) {
  ASSERT_OK_AND_ASSIGN(
      const ServiceFacts facts,
      ParseFacts(std::string(R"({"type":"violation","rule":"log","where":"a","what":"b"})") + "\n" +
                 kStore + kSummary));
  ASSERT_EQ(facts.findings.size(), 1U);
  EXPECT_EQ(facts.findings[0].service, "us/custody");
  EXPECT_EQ(facts.findings[0].rule, "log");
  EXPECT_TRUE(facts.findings[0].violation);
  EXPECT_EQ(facts.log_entries, 7U);
}

TEST(FactsTest, ACheckThatWasCutOffProvesNothing) {
  EXPECT_THAT(ParseFacts(kStore), RefusedWith(Reason::kDataCorrupt));
  EXPECT_THAT(ParseFacts(""), RefusedWith(Reason::kDataCorrupt));
}

TEST(FactsTest, LinesThatAreNoFactsAreRefused) {
  EXPECT_THAT(ParseFacts(std::string("oops\n") + kSummary), RefusedWith(Reason::kDataCorrupt));
  EXPECT_THAT(
      ParseFacts(std::string(R"({"type":"fact","kind":"custody-account"})") + "\n" + kSummary),
      RefusedWith(Reason::kDataCorrupt));
  EXPECT_THAT(ParseFacts(std::string(R"({"type":"fact","kind":"storage-account","account":"a",)"
                                     R"("uses":[],"objects":[],"epoch":"two"})") +
                         "\n" + kSummary),
              RefusedWith(Reason::kDataCorrupt));
}

}  // namespace
}  // namespace comity
