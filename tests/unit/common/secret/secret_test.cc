#include "services/common/secret/secret.h"

#include <algorithm>
#include <concepts>
#include <ostream>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <gmock/gmock.h>

#include "services/common/secret/arena.h"

namespace comity {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::SizeIs;

constexpr RevealKey kReveal = RevealKey::ForTest();

template <typename T>
concept Printable = requires(std::ostream& out, const T& value) {
  out << value;
};

static_assert(!std::copy_constructible<SecretBytes>);
static_assert(!std::is_copy_assignable_v<SecretBytes>);
static_assert(std::is_nothrow_move_constructible_v<SecretBytes>);
static_assert(!std::equality_comparable<SecretBytes>);
static_assert(!std::convertible_to<SecretBytes, std::string_view>);
static_assert(!Printable<SecretBytes>);
static_assert(!std::is_default_constructible_v<RevealKey>);

TEST(SecretBytesTest, NewBytesAreZero) {
  const SecretBytes secret(32);
  EXPECT_THAT(secret.Reveal(kReveal), SizeIs(32));
  EXPECT_THAT(secret.Reveal(kReveal), Each(0));
}

TEST(SecretBytesTest, DefaultIsEmptyAndOwnsNothing) {
  const SecretBytes secret;
  EXPECT_TRUE(secret.empty());
  EXPECT_EQ(secret.RevealView(kReveal), "");
}

TEST(SecretBytesTest, CopyOfHoldsTheBytes) {
  const std::string source("a\0b", 3);
  EXPECT_EQ(SecretBytes::CopyOf(source).RevealView(kReveal), source);
  const std::vector<uint8_t> numbers = {1, 2, 3};
  EXPECT_THAT(SecretBytes::CopyOf(numbers).Reveal(kReveal), ElementsAre(1, 2, 3));
}

TEST(SecretBytesTest, TakeFromWipesTheWholeSource) {
  std::string source(100, 'k');
  source.resize(40);  // 60 more bytes lie behind the end
  const char* data = source.data();
  const size_t capacity = source.capacity();
  const SecretBytes secret = SecretBytes::TakeFrom(source);
  EXPECT_EQ(secret.RevealView(kReveal), std::string(40, 'k'));
  EXPECT_TRUE(source.empty());
  ASSERT_EQ(source.data(), data);
  ASSERT_EQ(source.capacity(), capacity);
  EXPECT_THAT(std::string(data, capacity), Each('\0'));
}

TEST(SecretBytesTest, BytesAreWipedOnDestruction) {
  const uint8_t* data = nullptr;
  {
    const SecretBytes secret = SecretBytes::CopyOf("sixteen bytes !!");
    data = secret.Reveal(kReveal).data();
  }
  EXPECT_TRUE(std::all_of(data, data + 16, [](uint8_t byte) { return byte == 0; }));
}

TEST(SecretBytesTest, OldBytesAreWipedOnMoveAssignment) {
  SecretBytes secret = SecretBytes::CopyOf("old old old old!");
  const uint8_t* old = secret.Reveal(kReveal).data();
  secret = SecretBytes::CopyOf("new");
  EXPECT_TRUE(std::all_of(old, old + 16, [](uint8_t byte) { return byte == 0; }));
  EXPECT_EQ(secret.RevealView(kReveal), "new");
}

TEST(SecretBytesTest, MoveLeavesTheSourceEmpty) {
  SecretBytes source = SecretBytes::CopyOf("key");
  const uint8_t* data = source.Reveal(kReveal).data();
  SecretBytes target(std::move(source));
  EXPECT_EQ(target.Reveal(kReveal).data(), data);
  EXPECT_TRUE(source.empty());  // NOLINT(bugprone-use-after-move): the contract of the move
  source = std::move(target);
  EXPECT_EQ(source.RevealView(kReveal), "key");
}

TEST(SecretBytesTest, SelfMoveKeepsTheBytes) {
  SecretBytes secret = SecretBytes::CopyOf("key");
  SecretBytes& alias = secret;
  secret = std::move(alias);
  EXPECT_EQ(secret.RevealView(kReveal), "key");
}

TEST(SecretBytesTest, CloneIsEqualAndSeparate) {
  const SecretBytes secret = SecretBytes::CopyOf("key");
  SecretBytes clone = secret.Clone();
  EXPECT_TRUE(secret.ConstantTimeEquals(clone));
  clone.RevealMutable(kReveal)[0] = 'K';
  EXPECT_EQ(secret.RevealView(kReveal), "key");
  EXPECT_TRUE(SecretBytes().Clone().empty());
}

TEST(SecretBytesTest, ArenaHoldsTheBytesWhileTheSecretLives) {
  const size_t before = SecretArena::Get().stats().bytes_in_use;
  {
    const SecretBytes secret(100);
    EXPECT_EQ(SecretArena::Get().stats().bytes_in_use, before + 100);
  }
  EXPECT_EQ(SecretArena::Get().stats().bytes_in_use, before);
}

TEST(SecretBytesTest, EqualityIsFalseForAnyDifferentByteOrSize) {
  const std::string bytes(32, 'a');
  const SecretBytes secret = SecretBytes::CopyOf(bytes);
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string other = bytes;
    other[i] ^= 1;
    EXPECT_FALSE(secret.ConstantTimeEquals(SecretBytes::CopyOf(other))) << i;
    EXPECT_FALSE(ConstantTimeEquals(bytes, other)) << i;
  }
  EXPECT_FALSE(secret.ConstantTimeEquals(SecretBytes::CopyOf(bytes.substr(1))));
  EXPECT_FALSE(ConstantTimeEquals(bytes, bytes.substr(1)));
  EXPECT_TRUE(ConstantTimeEquals(bytes, std::string(bytes)));
  EXPECT_TRUE(ConstantTimeEquals("", ""));
}

TEST(WipeStringTest, ShortStringInPlaceIsWipedToo) {
  std::string text = "secret";
  const char* data = text.data();
  WipeString(text);
  EXPECT_TRUE(text.empty());
  ASSERT_EQ(text.data(), data);
  EXPECT_EQ(std::string(data, 6), std::string(6, '\0'));
}

}  // namespace
}  // namespace comity
