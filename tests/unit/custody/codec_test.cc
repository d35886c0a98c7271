#include "services/custody/codec.h"

#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/testing/matchers.h"

namespace comity::custody {
namespace {

pb::GenerateDataKeyRequest GenerateRequest(
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
  return request;
}

absl::StatusOr<GenerateCommand> DecodePairs(
    const std::vector<std::pair<std::string_view, std::string_view>>& pairs) {
  return Decode(GenerateRequest(pairs));
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

TEST(CustodyCodecTest, FormOfADataKeyIsOneOfThoseThereAreOrLeftOut) {
  pb::GenerateDataKeyRequest request = GenerateRequest({});
  ASSERT_OK_AND_ASSIGN(const GenerateCommand both, Decode(request));
  EXPECT_EQ(both.form, DataKeyForm::kPlaintextAndWrap);
  request.set_form(pb::DATA_KEY_FORM_WRAP_ALONE);
  ASSERT_OK_AND_ASSIGN(const GenerateCommand alone, Decode(request));
  EXPECT_EQ(alone.form, DataKeyForm::kWrapAlone);
  for (const int unknown : {0, 3, -1}) {
    request.set_form(static_cast<pb::DataKeyForm>(unknown));
    EXPECT_THAT(Decode(request), RefusedWith(Reason::kFieldInvalid));
  }
}

TEST(CustodyCodecTest, EachTroubleOfATokenHasAWordOfItsOwn) {
  std::set<int> told;
  for (int i = 0; i <= static_cast<int>(SealTrouble::kTokenFailed); ++i) {
    SealState state;
    state.trouble = static_cast<SealTrouble>(i);
    pb::SealState out;
    Encode(state, 0, out);
    EXPECT_TRUE(told.insert(out.trouble()).second);
  }
  EXPECT_FALSE(told.contains(pb::SEAL_TROUBLE_UNSPECIFIED));
  EXPECT_EQ(told.size(), static_cast<size_t>(pb::SealTrouble_ARRAYSIZE) - 1);
}

}  // namespace
}  // namespace comity::custody
