#include "services/common/status/reason.h"

#include <set>
#include <string>

#include "tests/testing/matchers.h"

namespace comity {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

std::string MessageOf(const absl::Status& status) { return std::string(status.message()); }

TEST(ReasonTest, EveryReasonIsDescribedByItsOwnRow) {
  for (const ReasonInfo& info : AllReasons()) {
    EXPECT_EQ(&Describe(info.reason), &info) << info.name;
  }
}

TEST(ReasonTest, RowsAreOrderedByNumber) {
  int last = -1;
  for (const ReasonInfo& info : AllReasons()) {
    EXPECT_GT(static_cast<int>(info.reason), last) << info.name;
    last = static_cast<int>(info.reason);
  }
}

TEST(ReasonTest, NamesAndTextsAreDistinct) {
  std::set<std::string_view> names;
  std::set<std::string_view> texts;
  for (const ReasonInfo& info : AllReasons()) {
    EXPECT_TRUE(names.insert(info.name).second) << info.name;
    EXPECT_TRUE(texts.insert(info.text).second) << info.name;
  }
}

TEST(ReasonTest, EveryReasonHasAnErrorCodeASentenceAndARemedy) {
  for (const ReasonInfo& info : AllReasons()) {
    EXPECT_NE(info.code, absl::StatusCode::kOk) << info.name;
    EXPECT_THAT(std::string(info.text), EndsWith(".")) << info.name;
    EXPECT_THAT(std::string(info.remedy), Not(IsEmpty())) << info.name;
    EXPECT_THAT(std::string(info.remedy), Not(EndsWith("."))) << info.name;
  }
}

TEST(ReasonTest, NumberWithoutRowIsDescribedAsInternal) {
  EXPECT_EQ(Describe(static_cast<Reason>(9999)).reason, Reason::kInternal);
}

TEST(RefuseTest, StatusCarriesCodeAndReasonOfEveryRow) {
  for (const ReasonInfo& info : AllReasons()) {
    if (info.reason == Reason::kUnspecified) {
      continue;
    }
    const absl::Status status = Refuse(info.reason, "why");
    EXPECT_EQ(status.code(), info.code) << info.name;
    EXPECT_EQ(ReasonOf(status), info.reason) << info.name;
    EXPECT_EQ(CauseOf(status), "why") << info.name;
  }
}

TEST(RefuseTest, MessageIsTextAndRemedyWithoutCause) {
  const ReasonInfo& info = Describe(Reason::kSealed);
  EXPECT_EQ(MessageOf(Refuse(Reason::kSealed)),
            std::string(info.text) + " " + std::string(info.remedy));
}

TEST(RefuseTest, CauseStaysOutOfTheMessageUnlessArgumentIsInvalid) {
  for (const ReasonInfo& info : AllReasons()) {
    const std::string message = MessageOf(Refuse(info.reason, "inner detail"));
    if (info.code == absl::StatusCode::kInvalidArgument) {
      EXPECT_THAT(message, EndsWith(": inner detail")) << info.name;
    } else {
      EXPECT_THAT(message, Not(HasSubstr("inner detail"))) << info.name;
    }
  }
}

TEST(RefuseTest, InvalidArgumentWithoutCauseEndsWithTheRemedy) {
  EXPECT_THAT(MessageOf(Refuse(Reason::kFieldInvalid)),
              EndsWith(std::string(Describe(Reason::kFieldInvalid).remedy)));
}

TEST(RefuseTest, RefusalWithoutReasonIsInternal) {
  EXPECT_THAT(Refuse(Reason::kUnspecified), RefusedWith(Reason::kInternal));
}

TEST(ReasonOfTest, OkHasNoReason) {
  EXPECT_EQ(ReasonOf(absl::OkStatus()), Reason::kUnspecified);
  EXPECT_EQ(CauseOf(absl::OkStatus()), "");
}

TEST(ReasonOfTest, ForeignErrorIsInternal) {
  EXPECT_EQ(ReasonOf(absl::NotFoundError("elsewhere")), Reason::kInternal);
  EXPECT_EQ(CauseOf(absl::NotFoundError("elsewhere")), "");
}

TEST(ReasonOfTest, CauseIsEmptyWhenNoneWasGiven) {
  EXPECT_EQ(CauseOf(Refuse(Reason::kConflict)), "");
}

}  // namespace
}  // namespace comity
