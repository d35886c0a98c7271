#include "services/common/log/tiles.h"

#include <string>

#include <gtest/gtest.h>

#include "services/common/status/reason.h"
#include "tests/testing/matchers.h"

namespace comity {
namespace {

Digest Leaf(uint64_t index) { return merkle::LeafHash("leaf " + std::to_string(index)); }

TEST(TilesTest, PathsAreThoseOfTheFormat) {
  EXPECT_EQ(FormatTilePath({0, 0}), "tile/0/000");
  EXPECT_EQ(FormatTilePath({0, 1234067}), "tile/0/x001/x234/067");
  EXPECT_EQ(FormatTilePath({3, 999, 1}), "tile/3/999.p/1");
  EXPECT_EQ(FormatTilePath({1, 1000, 255}), "tile/1/x001/000.p/255");
  EXPECT_EQ(FormatTilePath({TileId::kBundle, 273, 112}), "tile/entries/273.p/112");
  EXPECT_EQ(FormatTilePath({TileId::kBundle, 70'000'000}), "tile/entries/x070/x000/000");
}

TEST(TilesTest, EveryPathThatIsWrittenIsRead) {
  for (const int level : {TileId::kBundle, 0, 1, 7}) {
    for (const uint64_t index : {0ul, 1ul, 999ul, 1000ul, 999'999ul, 1'000'000ul, 1ul << 54}) {
      for (const uint64_t width : {1ul, 9ul, 255ul, 256ul}) {
        const TileId id{level, index, width};
        EXPECT_EQ(ParseTilePath(FormatTilePath(id)), id) << FormatTilePath(id);
      }
    }
  }
}

TEST(TilesTest, EveryOtherSpellingIsRefused) {
  for (const char* path : {"",
                           "/",
                           "tile",
                           "tile/",
                           "tile//000",
                           "tile/0",
                           "tile/0/",
                           "/tile/0/000",
                           "tile/0/000/",
                           "tile/00/000",
                           "tile/8/000",
                           "tile/63/000",
                           "tile/-1/000",
                           "tile/x/000",
                           "tile/0/0",
                           "tile/0/00",
                           "tile/0/0000",
                           "tile/0/1",
                           "tile/0/x000/000",
                           "tile/0/x000/001",
                           "tile/0/001/000",
                           "tile/0/x001",
                           "tile/0/x001/x000",
                           "tile/0/x1/000",
                           "tile/0/000.p",
                           "tile/0/000.p/",
                           "tile/0/000.p/0",
                           "tile/0/000.p/01",
                           "tile/0/000.p/256",
                           "tile/0/000.p/1/2",
                           "tile/0/000.p/1.p/1",
                           "tile/0/000.P/1",
                           "tile/0/000.more/1",
                           "tile/entries",
                           "tile/entries/",
                           "tile/entries/0",
                           "tile/entries/../000",
                           "tile/../0/000",
                           "tile/0/..",
                           "tile/0/%30",
                           "tile/0/000 ",
                           " tile/0/000",
                           "TILE/0/000",
                           "checkpoint",
                           "tile/0/x999/x999/x999/x999/x999/x999/999"}) {
    EXPECT_EQ(ParseTilePath(path), std::nullopt) << path;
  }
  EXPECT_EQ(ParseTilePath(std::string_view("tile/0/000\0", 11)), std::nullopt);
}

TEST(TilesTest, WidthsAreThoseOfTheFormatsExample) {
  const uint64_t size = 70'000;
  EXPECT_EQ(TileWidthIn(size, 0, 272), 256u);
  EXPECT_EQ(TileWidthIn(size, 0, 273), 112u);
  EXPECT_EQ(TileWidthIn(size, 0, 274), 0u);
  EXPECT_EQ(TileWidthIn(size, TileId::kBundle, 272), 256u);
  EXPECT_EQ(TileWidthIn(size, TileId::kBundle, 273), 112u);
  EXPECT_EQ(TileWidthIn(size, 1, 0), 256u);
  EXPECT_EQ(TileWidthIn(size, 1, 1), 17u);
  EXPECT_EQ(TileWidthIn(size, 1, 2), 0u);
  EXPECT_EQ(TileWidthIn(size, 2, 0), 1u);
  EXPECT_EQ(TileWidthIn(size, 3, 0), 0u);
  EXPECT_EQ(TileWidthIn(size, 7, 0), 0u);
  EXPECT_EQ(TileWidthIn(256, 0, 0), 256u);
  EXPECT_EQ(TileWidthIn(256, 1, 0), 1u);
  EXPECT_EQ(TileWidthIn(INT64_MAX, 7, 0), 127u);
}

TEST(TilesTest, TileBytesAreItsHashes) {
  const TileHashes hashes = {Leaf(0), Leaf(1), Leaf(2)};
  const std::string bytes = EncodeTile(hashes);
  EXPECT_EQ(bytes.size(), 96u);
  EXPECT_EQ(bytes.substr(32, 32), Leaf(1).bytes());
  EXPECT_THAT(DecodeTile(bytes, 3), IsOkAndHolds(hashes));
}

TEST(TilesTest, DecodingFailsWhenATileHasAnotherWidth) {
  const std::string bytes = EncodeTile({Leaf(0), Leaf(1)});
  EXPECT_THAT(DecodeTile(bytes, 1), RefusedWith(Reason::kDataCorrupt));
  EXPECT_THAT(DecodeTile(bytes, 3), RefusedWith(Reason::kDataCorrupt));
  EXPECT_THAT(DecodeTile(bytes.substr(1), 2), RefusedWith(Reason::kDataCorrupt));
  EXPECT_THAT(DecodeTile("", 1), RefusedWith(Reason::kDataCorrupt));
}

TEST(TilesTest, BundleBytesAreLengthsAndLeaves) {
  EXPECT_EQ(EncodeBundle({"ab", "c"}), std::string("\0\2ab\0\1c", 7));
  const std::vector<std::string> leaves = {"x", std::string(300, 'y'), std::string(65'535, 'z')};
  EXPECT_THAT(DecodeBundle(EncodeBundle(leaves), 3), IsOkAndHolds(leaves));
}

TEST(TilesTest, DecodingFailsWhenABundleIsCutOrHasAnotherCount) {
  const std::string bytes = EncodeBundle({"ab", "c"});
  EXPECT_THAT(DecodeBundle(bytes, 1), RefusedWith(Reason::kDataCorrupt));
  EXPECT_THAT(DecodeBundle(bytes, 3), RefusedWith(Reason::kDataCorrupt));
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THAT(DecodeBundle(bytes.substr(0, size), 2), RefusedWith(Reason::kDataCorrupt)) << size;
  }
  EXPECT_THAT(DecodeBundle(bytes + '\0', 2), RefusedWith(Reason::kDataCorrupt));
}

TEST(TilesTest, AnEdgeThatGrowsGivesTheTilesAndRootsOfTheTree) {
  // Two full tiles and a bit: tile roots rise, partial tiles empty, roots follow.
  std::map<TileId, TileHashes> full;
  TileEdge edge;
  EXPECT_EQ(edge.Root(), merkle::EmptyRoot());
  std::vector<Digest> leaves;
  for (uint64_t i = 0; i < 2 * kTileWidth + 10; ++i) {
    leaves.push_back(Leaf(i));
    edge.Append(leaves.back(),
                [&](const TileId& id, const TileHashes& hashes) { full[id] = hashes; });
    // The plain definition, by joining neighbours level by level.
    std::vector<Digest> level = leaves;
    while (level.size() > 1) {
      std::vector<Digest> above;
      for (size_t k = 0; k + 1 < level.size(); k += 2) {
        above.push_back(merkle::NodeHash(level[k], level[k + 1]));
      }
      if (level.size() % 2 == 1) {
        above.push_back(level.back());
      }
      level = above;
    }
    ASSERT_EQ(edge.Root(), level.front()) << i;
    ASSERT_EQ(edge.size(), i + 1);
  }
  ASSERT_EQ(full.size(), 2u);
  EXPECT_EQ(full.at({0, 0}), TileHashes(leaves.begin(), leaves.begin() + 256));
  EXPECT_EQ(full.at({0, 1}), TileHashes(leaves.begin() + 256, leaves.begin() + 512));
  const auto partial = edge.PartialTiles();
  ASSERT_EQ(partial.size(), 2u);
  EXPECT_EQ(partial[0].first, (TileId{0, 2, 10}));
  EXPECT_EQ(partial[1].first, (TileId{1, 0, 2}));
  EXPECT_EQ((*partial[1].second)[0], FullTileRoot(full.at({0, 0})));
}

TEST(TilesTest, NodesFailWithInternalWhenTheirTileIsNotAtHand) {
  TileEdge edge;
  std::map<TileId, TileHashes> full;
  for (uint64_t i = 0; i < kTileWidth + 3; ++i) {
    edge.Append(Leaf(i), [&](const TileId& id, const TileHashes& hashes) { full[id] = hashes; });
  }
  TileNodes with(edge, &full);
  EXPECT_THAT(with.Node(0, 7), IsOkAndHolds(Leaf(7)));
  EXPECT_THAT(with.Node(1, 3), IsOkAndHolds(merkle::NodeHash(Leaf(6), Leaf(7))));
  EXPECT_THAT(with.Node(8, 0), IsOkAndHolds(FullTileRoot(full.at({0, 0}))));
  EXPECT_THAT(with.Node(0, 258), IsOkAndHolds(Leaf(258)));
  TileNodes without(edge);
  EXPECT_THAT(without.Node(0, 258), IsOkAndHolds(Leaf(258)));
  EXPECT_THAT(without.Node(0, 7), RefusedWith(Reason::kInternal));
  EXPECT_THAT(without.Node(1, 3), RefusedWith(Reason::kInternal));
  EXPECT_THAT(with.Node(0, 259), RefusedWith(Reason::kInternal));
  EXPECT_THAT(with.Node(1, 129), RefusedWith(Reason::kInternal));
  EXPECT_THAT(with.Node(16, 0), RefusedWith(Reason::kInternal));
}

}  // namespace
}  // namespace comity
