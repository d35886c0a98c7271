#include "tests/unit/common/log/log_testing.h"

#include <map>

#include "services/common/crypto/random.h"
#include "services/common/log/merkle.h"
#include "services/common/log/tiles.h"
#include "tests/testing/matchers.h"

namespace comity {

PrivateKey TestLogKey(uint8_t first) {
  std::string seed;
  for (int i = 0; i < 32; ++i) {
    seed.push_back(static_cast<char>(first + i));
  }
  return *PrivateKey::FromSeed(SignatureAlgorithm::kEd25519, SecretBytes::CopyOf(seed));
}

absl::StatusOr<std::unique_ptr<TransparencyLog>> OpenTestLog(RecordStore* records,
                                                             BlobStore* blobs) {
  return TransparencyLog::Open({kTestOrigin, kTestPartition}, TestLogKey(), records, blobs);
}

std::vector<std::string> TestLeaves(const std::string& what, size_t count) {
  std::vector<std::string> leaves;
  for (size_t i = 0; i < count; ++i) {
    leaves.push_back(what + " " + std::to_string(i));
  }
  return leaves;
}

LogFetcher FetcherOf(const TransparencyLog& log) {
  return [&log](const std::string& path) { return log.ReadFile(path); };
}

Digest RootOf(const std::vector<std::string>& leaves, size_t size) {
  TileEdge edge;
  for (size_t i = 0; i < size; ++i) {
    edge.Append(merkle::LeafHash(leaves[i]), [](const TileId&, const TileHashes&) {});
  }
  return edge.Root();
}

void ExpectHolds(const TransparencyLog& log, const std::vector<Acknowledged>& acknowledged) {
  const PublicKey& key = log.public_key();
  ASSERT_OK_AND_ASSIGN(const VerifiedLog verified,
                       FetchAndVerifyLog(FetcherOf(log), kTestOrigin, key));
  ASSERT_EQ(verified.leaves.size(), log.size());
  std::map<std::string, Checkpoint> checkpoints;  // by text: those of one batch share theirs
  for (const auto& [leaf, receipt] : acknowledged) {
    ASSERT_LT(receipt.index, verified.leaves.size()) << "an acknowledged leaf is lost";
    EXPECT_EQ(verified.leaves[receipt.index], leaf);
    EXPECT_THAT(VerifyReceipt(receipt, leaf, kTestOrigin, key), IsOk());
    if (!checkpoints.contains(receipt.checkpoint)) {
      ASSERT_OK_AND_ASSIGN(checkpoints[receipt.checkpoint],
                           VerifyCheckpoint(receipt.checkpoint, kTestOrigin, key));
    }
  }
  TileEdge prefix;
  std::map<uint64_t, Digest> roots;
  for (const auto& [text, checkpoint] : checkpoints) {
    roots[checkpoint.size];
  }
  for (const std::string& leaf : verified.leaves) {
    prefix.Append(merkle::LeafHash(leaf), [](const TileId&, const TileHashes&) {});
    if (const auto it = roots.find(prefix.size()); it != roots.end()) {
      it->second = prefix.Root();
    }
  }
  for (const auto& [text, checkpoint] : checkpoints) {
    ASSERT_LE(checkpoint.size, verified.leaves.size()) << "the log is shorter than it signed";
    EXPECT_EQ(checkpoint.root, roots[checkpoint.size]) << "the log forked";
  }
}

void CopyRecords(RecordStore& from, RecordStore& to) {
  ASSERT_OK_AND_ASSIGN(const ScanPage page, from.Scan(kTestPartition, "", "", 100));
  ASSERT_FALSE(page.more);
  std::vector<Mutation> puts;
  for (const auto& [key, value] : page.items) {
    puts.push_back(Mutation::Put(key, value));
  }
  ASSERT_THAT(to.Commit(kTestPartition, RandomId<RequestId>(), {}, puts), IsOk());
}

void CopyBlobs(BlobStore& from, BlobStore& to) {
  ASSERT_OK_AND_ASSIGN(const std::vector<BlobStore::Entry> entries,
                       from.List(std::string(kTestPartition) + "/", "", 10'000));
  for (const BlobStore::Entry& entry : entries) {
    ASSERT_OK_AND_ASSIGN(const std::string bytes, from.Get(entry.name));
    ASSERT_THAT(to.PutIfAbsentOrEqual(entry.name, bytes), IsOk());
  }
}

}  // namespace comity
