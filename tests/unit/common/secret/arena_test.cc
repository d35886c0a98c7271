#include "services/common/secret/arena.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>

#include "tests/testing/sanitizers.h"

namespace comity {
namespace {

using ::testing::HasSubstr;

bool AllZero(const uint8_t* data, size_t size) {
  return std::all_of(data, data + size, [](uint8_t byte) { return byte == 0; });
}

// The "VmFlags" line of the mapping that holds `address`.
std::string FlagsOfMapping(const void* address) {
  std::ifstream maps("/proc/self/smaps");
  std::string line;
  bool inside = false;
  while (std::getline(maps, line)) {
    unsigned long long begin = 0;
    unsigned long long end = 0;
    if (std::sscanf(line.c_str(), "%llx-%llx ", &begin, &end) == 2) {
      const auto value = reinterpret_cast<uintptr_t>(address);
      inside = value >= begin && value < end;
    } else if (inside && line.rfind("VmFlags:", 0) == 0) {
      return line + " ";
    }
  }
  return "";
}

TEST(SecretArenaTest, BytesAreZeroAfterFree) {
  SecretArena& arena = SecretArena::Get();
  for (const size_t size : {1, 16, 17, 32, 100, 4096, 65536}) {
    uint8_t* data = arena.Allocate(size);
    std::memset(data, 0xa5, size);
    arena.Free(data, size);
    // The block's slab stays mapped, so that it can still be looked at.
    EXPECT_TRUE(AllZero(data, size)) << size;
  }
}

TEST(SecretArenaTest, FreshBlocksAreZero) {
  SecretArena& arena = SecretArena::Get();
  for (const size_t size : {5, 32, 700, 70'000}) {
    uint8_t* first = arena.Allocate(size);
    EXPECT_TRUE(AllZero(first, size)) << size;
    std::memset(first, 0xff, size);
    arena.Free(first, size);
    uint8_t* second = arena.Allocate(size);
    EXPECT_TRUE(AllZero(second, size)) << size;
    arena.Free(second, size);
  }
}

TEST(SecretArenaTest, FreedBlockIsReused) {
  SecretArena& arena = SecretArena::Get();
  uint8_t* first = arena.Allocate(48);
  arena.Free(first, 48);
  uint8_t* second = arena.Allocate(33);  // of the same size class
  EXPECT_EQ(first, second);
  arena.Free(second, 33);
}

TEST(SecretArenaTest, BytesInUseAreCounted) {
  SecretArena& arena = SecretArena::Get();
  const size_t before = arena.stats().bytes_in_use;
  uint8_t* small = arena.Allocate(33);
  uint8_t* large = arena.Allocate(100'000);
  EXPECT_EQ(arena.stats().bytes_in_use, before + 100'033);
  arena.Free(small, 33);
  arena.Free(large, 100'000);
  EXPECT_EQ(arena.stats().bytes_in_use, before);
}

TEST(SecretArenaTest, LargeBlockIsUnmappedWhenFreed) {
  SecretArena& arena = SecretArena::Get();
  const size_t before = arena.stats().bytes_mapped;
  uint8_t* large = arena.Allocate(300'000);
  EXPECT_GE(arena.stats().bytes_mapped, before + 300'000);
  std::memset(large, 1, 300'000);
  arena.Free(large, 300'000);
  EXPECT_EQ(arena.stats().bytes_mapped, before);
}

TEST(SecretArenaTest, BlocksDoNotOverlapAcrossSlabs) {
  SecretArena& arena = SecretArena::Get();
  constexpr size_t kSize = 65536;
  constexpr size_t kBlocks = 40;  // more than two slabs hold
  std::set<uint8_t*> blocks;
  for (size_t i = 0; i < kBlocks; ++i) {
    blocks.insert(arena.Allocate(kSize));
  }
  ASSERT_EQ(blocks.size(), kBlocks);
  uint8_t* last_end = nullptr;
  for (uint8_t* block : blocks) {
    EXPECT_GE(block, last_end);
    last_end = block + kSize;
  }
  for (uint8_t* block : blocks) {
    arena.Free(block, kSize);
  }
}

TEST(SecretArenaTest, PagesStayOutOfCoreDumps) {
  SecretArena& arena = SecretArena::Get();
  for (const size_t size : {32, 200'000}) {
    uint8_t* data = arena.Allocate(size);
    EXPECT_THAT(FlagsOfMapping(data), HasSubstr(" dd ")) << size;
    arena.Free(data, size);
  }
}

TEST(SecretArenaTest, PagesAreLockedOrTheRefusalIsReported) {
  if (kSanitized) GTEST_SKIP() << "a sanitizer takes mlock away";
  SecretArena& arena = SecretArena::Get();
  uint8_t* data = arena.Allocate(32);
  const bool locked = FlagsOfMapping(data).find(" lo ") != std::string::npos;
  arena.Free(data, 32);
  EXPECT_TRUE(locked || !arena.stats().all_locked);
}

TEST(SecretArenaTest, ThreadsNeverShareABlock) {
  std::vector<std::thread> threads;
  std::vector<int> damaged(4, 0);
  for (size_t t = 0; t < damaged.size(); ++t) {
    threads.emplace_back([t, &damaged] {
      for (int round = 0; round < 2000; ++round) {
        const size_t size = 16 + static_cast<size_t>(round % 200);
        uint8_t* data = SecretArena::Get().Allocate(size);
        const auto mark = static_cast<uint8_t>(t + 1);
        damaged[t] += AllZero(data, size) ? 0 : 1;
        std::memset(data, mark, size);
        damaged[t] +=
            std::all_of(data, data + size, [mark](uint8_t byte) { return byte == mark; }) ? 0 : 1;
        SecretArena::Get().Free(data, size);
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_THAT(damaged, ::testing::Each(0));
}

}  // namespace
}  // namespace comity
