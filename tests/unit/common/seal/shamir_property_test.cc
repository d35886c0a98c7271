#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include <rapidcheck.h>

#include "services/common/crypto/random.h"
#include "services/common/seal/shamir.h"
#include "tests/testing/matchers.h"

namespace comity {
namespace {

struct Split {
  size_t threshold;
  SecretBytes secret;
  std::vector<ShamirShare> shares;
};

Split AnySplit() {
  const auto threshold = *rc::gen::inRange<size_t>(2, kMaxShares + 1);
  const auto count = *rc::gen::inRange<size_t>(threshold, kMaxShares + 1);
  const auto size = *rc::gen::inRange<size_t>(1, 70);
  Split split{threshold, RandomSecret(size), {}};
  split.shares = *SplitSecret(split.secret, threshold, count);
  return split;
}

// `count` of the shares, any, in any order.
std::vector<ShamirShare> Any(const std::vector<ShamirShare>& shares, size_t count) {
  std::vector<size_t> order(shares.size());
  std::iota(order.begin(), order.end(), size_t{0});
  for (size_t i = 0; i < count; ++i) {
    std::swap(order[i], order[*rc::gen::inRange<size_t>(i, order.size())]);
  }
  std::vector<ShamirShare> chosen;
  for (size_t i = 0; i < count; ++i) {
    chosen.push_back({shares[order[i]].index, shares[order[i]].value.Clone()});
  }
  return chosen;
}

TEST(ShamirPropertyTest, AnyEnoughSharesInAnyOrderGiveTheSecret) {
  EXPECT_TRUE(rc::check([] {
    const Split split = AnySplit();
    const auto count = *rc::gen::inRange<size_t>(split.threshold, split.shares.size() + 1);
    const absl::StatusOr<SecretBytes> joined = CombineShares(Any(split.shares, count));
    RC_ASSERT(joined.ok());
    RC_ASSERT(joined->ConstantTimeEquals(split.secret));
  }));
}

// Perfect secrecy, by construction: whatever secret somebody with one share too few thinks of,
// there is a share that, with theirs, makes it the secret.
TEST(ShamirPropertyTest, TooFewSharesFitEverySecret) {
  EXPECT_TRUE(rc::check([] {
    const Split split = AnySplit();
    std::vector<ShamirShare> known = Any(split.shares, split.threshold - 1);
    const SecretBytes guess = RandomSecret(split.secret.size());
    uint8_t missing = 1;
    while (std::ranges::find(known, missing, &ShamirShare::index) != known.end()) ++missing;
    // The one polynomial through the guess at 0 and the known shares, shifted by an index that no
    // share has, since 0 is not one.
    const auto shift = static_cast<uint8_t>(kMaxShares + 1);
    std::vector<ShamirShare> through;
    through.push_back({shift, guess.Clone()});
    for (const ShamirShare& share : known) {
      through.push_back({static_cast<uint8_t>(share.index ^ shift), share.value.Clone()});
    }
    absl::StatusOr<SecretBytes> value =
        InterpolateShares(through, static_cast<uint8_t>(missing ^ shift));
    RC_ASSERT(value.ok());
    known.push_back({missing, *std::move(value)});
    const absl::StatusOr<SecretBytes> joined = CombineShares(known);
    RC_ASSERT(joined.ok());
    RC_ASSERT(joined->ConstantTimeEquals(guess));
  }));
}

TEST(ShamirPropertyTest, OneWrongShareGivesAnotherSecret) {
  EXPECT_TRUE(rc::check([] {
    const Split split = AnySplit();
    std::vector<ShamirShare> chosen = Any(split.shares, split.threshold);
    const auto wrong = *rc::gen::inRange<size_t>(0, chosen.size());
    const auto at = *rc::gen::inRange<size_t>(0, split.secret.size());
    chosen[wrong].value.RevealMutable(RevealKey::ForTest())[at] ^=
        static_cast<uint8_t>(*rc::gen::inRange(1, 256));
    const absl::StatusOr<SecretBytes> joined = CombineShares(chosen);
    RC_ASSERT(joined.ok());
    RC_ASSERT(!joined->ConstantTimeEquals(split.secret));
  }));
}

TEST(ShamirPropertyTest, SharesBeyondTheThresholdAreOnTheSamePolynomial) {
  EXPECT_TRUE(rc::check([] {
    const Split split = AnySplit();
    const std::vector<ShamirShare> chosen = Any(split.shares, split.threshold);
    for (const ShamirShare& share : split.shares) {
      const absl::StatusOr<SecretBytes> value = InterpolateShares(chosen, share.index);
      RC_ASSERT(value.ok());
      RC_ASSERT(value->ConstantTimeEquals(share.value));
    }
  }));
}

}  // namespace
}  // namespace comity
