#include "services/custody/key_context.h"

#include <map>
#include <string>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "services/common/encoding/canonical.h"
#include "tests/testing/matchers.h"

namespace comity::custody {
namespace {

using Pairs = std::map<std::string, std::string>;

absl::StatusOr<KeyContext> Make(Pairs pairs) {
  return KeyContext::Create(ObjectId(), ContentId(), KeyPurpose::kContent, std::move(pairs));
}

TEST(KeyContextTest, SixtyFourPairsAreTaken) {
  Pairs pairs;
  for (int i = 0; i < 64; ++i) {
    pairs["key" + std::to_string(i)] = "value";
  }
  EXPECT_THAT(Make(pairs), IsOk());
  pairs["one more"] = "";
  EXPECT_THAT(Make(pairs), RefusedWith(Reason::kContextInvalid));
}

TEST(KeyContextTest, EightKibibytesAreTakenAndNotOneByteMore) {
  EXPECT_THAT(Make({{"k", std::string(8 * 1024 - 1, 'v')}}), IsOk());
  EXPECT_THAT(Make({{"k", std::string(8 * 1024, 'v')}}), RefusedWith(Reason::kContextInvalid));
}

TEST(KeyContextTest, EmptyKeyIsRefused) {
  EXPECT_THAT(Make({{"", "value"}}), RefusedWith(Reason::kContextInvalid));
}

TEST(KeyContextTest, KeyOverTheLengthIsRefused) {
  EXPECT_THAT(Make({{std::string(128, 'k'), ""}}), IsOk());
  EXPECT_THAT(Make({{std::string(129, 'k'), ""}}), RefusedWith(Reason::kContextInvalid));
}

TEST(KeyContextTest, ReservedKeyIsRefused) {
  EXPECT_THAT(Make({{"comity", ""}}), RefusedWith(Reason::kContextInvalid));
  EXPECT_THAT(Make({{"comity-purpose", ""}}), RefusedWith(Reason::kContextInvalid));
  EXPECT_THAT(Make({{"Comity", ""}, {"my comity", ""}}), IsOk());
}

TEST(KeyContextTest, UnknownPurposeIsRefused) {
  EXPECT_THAT(KeyContext::Create(ObjectId(), ContentId(), static_cast<KeyPurpose>(3), {}),
              RefusedWith(Reason::kContextInvalid));
}

TEST(KeyContextProperty, EncodingTellsContextsApart) {
  EXPECT_TRUE(rc::check([](const Pairs& a, const Pairs& b) {
    const auto first = Make(a);
    const auto second = Make(b);
    RC_PRE(first.ok() && second.ok());
    RC_ASSERT((first->Encode(AccountId()) == second->Encode(AccountId())) == (a == b));
  }));
}

TEST(KeyContextProperty, EncodingHoldsExactlyWhatWasGiven) {
  EXPECT_TRUE(rc::check([](const Pairs& pairs) {
    const auto context = Make(pairs);
    RC_PRE(context.ok());
    const std::string bytes = context->Encode(AccountId());
    auto reader = CanonicalReader::Open(bytes, 1);
    RC_ASSERT(reader.ok());
    RC_ASSERT(reader->FixedBytes(16, AccountId::kSize).ok());
    RC_ASSERT(reader->FixedBytes(17, ObjectId::kSize).ok());
    RC_ASSERT(reader->FixedBytes(18, ContentId::kSize).ok());
    RC_ASSERT(reader->U8(19).value() == 1);
    RC_ASSERT(reader->Map(20).value() == pairs);
    RC_ASSERT(reader->Finish().ok());
  }));
}

// Names and sizes around the limits, reserved ones among them.
rc::Gen<Pairs> AroundTheLimits() {
  const auto key = rc::gen::oneOf(rc::gen::arbitrary<std::string>(),
                                  rc::gen::map(rc::gen::arbitrary<std::string>(),
                                               [](const std::string& s) { return "comity" + s; }),
                                  rc::gen::map(rc::gen::inRange<size_t>(120, 136),
                                               [](size_t n) { return std::string(n, 'k'); }));
  const auto value =
      rc::gen::map(rc::gen::inRange<size_t>(0, 300), [](size_t n) { return std::string(n, 'v'); });
  return rc::gen::scale(3.0, rc::gen::container<Pairs>(key, value));
}

TEST(KeyContextProperty, ExactlyWhatBreaksALimitIsRefused) {
  EXPECT_TRUE(rc::check([] {
    const Pairs pairs = *AroundTheLimits();
    size_t bytes = 0;
    bool named_well = true;
    for (const auto& [key, value] : pairs) {
      bytes += key.size() + value.size();
      named_well = named_well && !key.empty() && key.size() <= 128 && !key.starts_with("comity");
    }
    RC_ASSERT(Make(pairs).ok() == (named_well && pairs.size() <= 64 && bytes <= 8 * 1024));
  }));
}

}  // namespace
}  // namespace comity::custody
