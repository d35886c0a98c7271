#include "services/common/crypto/random.h"

#include <set>
#include <string>

#include <gtest/gtest.h>

#include "services/common/ids/ids.h"

namespace comity {
namespace {

TEST(RandomTest, SizesAreExact) {
  for (const size_t size : {0, 1, 12, 32, 1000}) {
    EXPECT_EQ(RandomBytes(size).size(), size);
    EXPECT_EQ(RandomSecret(size).size(), size);
  }
}

TEST(RandomTest, DrawsDiffer) {
  std::set<std::string> drawn;
  for (int i = 0; i < 1000; ++i) {
    drawn.insert(RandomBytes(16));
    drawn.insert(std::string(RandomSecret(16).RevealView(RevealKey::ForTest())));
    drawn.insert(std::string(RandomId<ContentId>().bytes()));
  }
  EXPECT_EQ(drawn.size(), 3000);
}

}  // namespace
}  // namespace comity
