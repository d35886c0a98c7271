#include "services/custody/codec.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/testing/matchers.h"

namespace comity::custody {
namespace {

absl::StatusOr<KeysCommand<KeyContext>> DecodePairs(
    const std::vector<std::pair<std::string_view, std::string_view>>& pairs) {
  pb::GenerateDataKeyRequest request;
  request.set_account_id(std::string(20, 'a'));
  request.set_reason(pb::USE_REASON_OWNER_ACCESS);
  comity::common::v1::EncryptionContext& context = *request.mutable_context();
  context.set_object_id(std::string(16, 'o'));
  context.set_content_id(std::string(16, 'c'));
  context.set_purpose(comity::common::v1::PURPOSE_CONTENT);
  for (const auto& [name, value] : pairs) {
    comity::common::v1::ContextPair& pair = *context.add_pairs();
    pair.set_name(std::string(name));
    pair.set_value(std::string(value));
  }
  return Decode(request);
}

TEST(CustodyCodecTest, PairsMeanTheSameInAnyOrder) {
  ASSERT_OK_AND_ASSIGN(const auto one, DecodePairs({{"a", "1"}, {"b", "2"}}));
  ASSERT_OK_AND_ASSIGN(const auto other, DecodePairs({{"b", "2"}, {"a", "1"}}));
  EXPECT_EQ(one.items[0].Encode(one.account), other.items[0].Encode(other.account));
}

TEST(CustodyCodecTest, NameThatComesTwiceIsRefused) {
  EXPECT_THAT(DecodePairs({{"a", "1"}, {"b", "2"}, {"a", "3"}}),
              RefusedWith(Reason::kContextInvalid));
  EXPECT_THAT(DecodePairs({{"a", "1"}, {"a", "1"}}), RefusedWith(Reason::kContextInvalid));
}

}  // namespace
}  // namespace comity::custody
