#include <string>

#include <gtest/gtest.h>

#include "services/common/status/reason.h"
#include "tests/testing/golden.h"

namespace comity {
namespace {

std::string Render() {
  std::string text;
  for (const ReasonInfo& info : AllReasons()) {
    text += std::to_string(static_cast<int>(info.reason)) + " " + std::string(info.name) + " " +
            absl::StatusCodeToString(info.code) + "\n    " + std::string(info.text) + "\n    " +
            std::string(info.remedy) + "\n";
  }
  return text;
}

TEST(ReasonGoldenTest, EveryReasonIsToldAsRecorded) {
  EXPECT_EQ(Render(), ReadGoldenText("reasons.txt"));
}

}  // namespace
}  // namespace comity
