#include <string>

#include <gtest/gtest.h>

#include "comity/common/v1/common.pb.h"
#include "services/common/status/reason.h"

namespace comity {
namespace {

TEST(ProtoReasonTest, EveryReasonHasTheNumberAndNameOfTheWire) {
  const auto* wire = common::v1::ErrorReason_descriptor();
  ASSERT_EQ(static_cast<size_t>(wire->value_count()), AllReasons().size());
  for (const ReasonInfo& info : AllReasons()) {
    const auto* value = wire->FindValueByNumber(static_cast<int>(info.reason));
    ASSERT_NE(value, nullptr) << info.name;
    EXPECT_EQ(value->name(), "ERROR_REASON_" + std::string(info.name));
  }
}

}  // namespace
}  // namespace comity
