#include "client/check/expectations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/status/reason.h"
#include "tests/testing/matchers.h"
#include "tests/unit/client/check/facts_testing.h"

namespace comity {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ExpectationsTest : public ::testing::Test {
 protected:
  std::vector<std::string> Missing(const std::string& lines) const {
    const absl::StatusOr<std::vector<Act>> acts = ParseActs(lines);
    EXPECT_THAT(acts, IsOk());
    return acts.ok() ? Texts(CheckActs(*acts, facts_.All()), true) : std::vector<std::string>();
  }

  WorldFacts facts_;
};

constexpr char kObject[] =
    R"({"act":"object","account":"account","object":"object","version":1,"content":"content"})";

TEST_F(ExpectationsTest, ActsThatAreThereAreFound) {
  EXPECT_THAT(Missing(std::string(kObject) + R"(
{"act":"account","account":"account"}
{"act":"statement","account":"account","statement":"consent"}
{"act":"served","account":"account","region":"cn"}
{"act":"case","case":"case","executed":true}
)"),
              IsEmpty());
}

TEST_F(ExpectationsTest, AnAccountThatIsGoneIsNamed) {
  EXPECT_THAT(Missing(R"({"act":"account","account":"other"})"),
              ElementsAre("lost: it was created, and no storage serves it",
                          "lost: it was created, and no custody has its key"));
}

TEST_F(ExpectationsTest, AnObjectThatIsGoneIsNamed) {
  facts_.cn_storage.storage[WorldFacts::kAccount].objects.clear();
  EXPECT_THAT(Missing(kObject), ElementsAre("lost: version 1 was stored, and is not there"));
}

TEST_F(ExpectationsTest, AnOlderVersionIsNotTheOneThatWasStored) {
  EXPECT_THAT(Missing(R"({"act":"object","account":"account","object":"object","version":2})"),
              ElementsAre("lost: version 2 was stored, and is not there"));
}

TEST_F(ExpectationsTest, ANewerVersionIsEnough) {
  facts_.cn_storage.storage[WorldFacts::kAccount].objects["object"] = {2, "later", "later"};
  EXPECT_THAT(Missing(kObject), IsEmpty());
}

TEST_F(ExpectationsTest, OtherBytesUnderTheSameVersionAreNamed) {
  facts_.cn_storage.storage[WorldFacts::kAccount].objects["object"].digest = "other";
  EXPECT_THAT(Missing(R"({"act":"object","account":"account","object":"object","version":1,)"
                      R"("digest":"digest"})"),
              ElementsAre("lost: version 1 is not the one that was stored"));
}

TEST_F(ExpectationsTest, ADeletedObjectMustStayAway) {
  const std::string deleted = R"({"act":"object-deleted","account":"account","object":"object"})";
  EXPECT_THAT(Missing(std::string(kObject) + "\n" + deleted),
              ElementsAre("lost: it was deleted, and is there"));
  EXPECT_THAT(Missing(deleted + "\n" + kObject), IsEmpty());
}

TEST_F(ExpectationsTest, AClosedAccountHasNoObjects) {
  facts_.cn_storage.storage[WorldFacts::kAccount].state = "closed";
  facts_.cn_storage.storage[WorldFacts::kAccount].objects.clear();
  EXPECT_THAT(Missing(kObject), IsEmpty());
}

TEST_F(ExpectationsTest, AStatementThatOneSideLostIsNamed) {
  for (ServiceFacts* service : {&facts_.us_custody, &facts_.cn_custody}) {
    service->custody[WorldFacts::kAccount].statements.clear();
  }
  EXPECT_THAT(Missing(R"({"act":"statement","account":"account","statement":"consent"})"),
              ElementsAre("lost: it was taken, and no custody has it"));
}

TEST_F(ExpectationsTest, AnAccountServedElsewhereIsNamed) {
  EXPECT_THAT(Missing(R"({"act":"served","account":"account","region":"us"})"),
              ElementsAre("lost: it is to be served in us, and is not"));
}

TEST_F(ExpectationsTest, ACaseThatIsGoneIsNamed) {
  EXPECT_THAT(Missing(R"({"act":"case","case":"other"})"),
              ElementsAre("lost: it was decided, and no review has it"));
}

TEST_F(ExpectationsTest, AResultThatIsGoneIsNamed) {
  facts_.cn_review.cases["case"].results.clear();
  EXPECT_THAT(Missing(R"({"act":"case","case":"case","executed":true})"),
              ElementsAre("lost: it was carried out, and its result is not there"));
}

TEST_F(ExpectationsTest, EveryActComesBackFromItsLine) {
  ASSERT_OK_AND_ASSIGN(const std::vector<Act> acts, ParseActs(kObject));
  ASSERT_EQ(acts.size(), 1U);
  ASSERT_OK_AND_ASSIGN(const std::vector<Act> again, ParseActs(FormatAct(acts[0])));
  EXPECT_EQ(FormatAct(again.at(0)), FormatAct(acts[0]));
  EXPECT_EQ(again[0].kind, Act::Kind::kObject);
  EXPECT_EQ(again[0].version, 1U);
  EXPECT_EQ(again[0].content, "content");
}

TEST_F(ExpectationsTest, ALineThatIsNoActIsRefusedWithItsNumber) {
  for (const char* line : {"nothing", R"({"act":"dance","account":"a"})", R"({"act":"account"})",
                           R"({"act":"account","account":"a","colour":"red"})"}) {
    const absl::StatusOr<std::vector<Act>> acts = ParseActs(std::string("\n") + line);
    EXPECT_THAT(acts, RefusedWith(Reason::kFieldInvalid)) << line;
    EXPECT_THAT(CauseOf(acts.status()), HasSubstr("line 2")) << line;
  }
}

}  // namespace
}  // namespace comity
