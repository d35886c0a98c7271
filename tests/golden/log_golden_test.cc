#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "services/common/log/checkpoint.h"
#include "services/common/log/log_growth.h"
#include "services/common/log/log_store.h"
#include "services/common/log/merkle.h"
#include "services/common/log/tiles.h"
#include "services/common/log/transparency_log.h"
#include "tests/fakes/fake_blob_store.h"
#include "tests/fakes/fake_record_store.h"
#include "tests/testing/golden.h"
#include "tests/testing/hex.h"
#include "tests/testing/matchers.h"

namespace comity {
namespace {

constexpr char kOrigin[] = "example.comity/us/custody";
constexpr char kPartition[] = "log/custody";

PrivateKey LogKey() {
  std::string seed;
  for (char i = 0; i < 32; ++i) {
    seed.push_back(i);
  }
  return *PrivateKey::FromSeed(SignatureAlgorithm::kEd25519, SecretBytes::CopyOf(seed));
}

std::vector<std::string> Leaves(int first, int end) {
  std::vector<std::string> leaves;
  for (int i = first; i < end; ++i) {
    leaves.push_back("leaf " + std::to_string(i));
  }
  return leaves;
}

class LogGoldenTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(
        log_, TransparencyLog::Open({kOrigin, kPartition}, LogKey(), &records_, &blobs_));
    ASSERT_OK_AND_ASSIGN(receipts_, log_->AppendAll(Leaves(0, 7)));
  }

  std::string Record(const std::string& key) {
    return records_.Get(kPartition, {key})->values.at(key);
  }

  const GoldenVectors golden_ = GoldenVectors::Load("log.txt");
  FakeRecordStore records_;
  FakeBlobStore blobs_;
  std::unique_ptr<TransparencyLog> log_;
  std::vector<LogReceipt> receipts_;
};

TEST_F(LogGoldenTest, TheCheckpointIsWrittenAsRecorded) {
  EXPECT_EQ(log_->checkpoint(), ReadGoldenText("log_checkpoint.txt"));
}

TEST_F(LogGoldenTest, TheReceiptIsWrittenAsRecorded) {
  EXPECT_EQ(FormatReceipt(receipts_[5]), ReadGoldenText("log_receipt.txt"));
}

TEST_F(LogGoldenTest, TheRecordedReceiptVerifies) {
  ASSERT_OK_AND_ASSIGN(const LogReceipt receipt, ParseReceipt(ReadGoldenText("log_receipt.txt")));
  EXPECT_THAT(VerifyReceipt(receipt, "leaf 5", kOrigin, LogKey().public_key()), IsOk());
}

TEST_F(LogGoldenTest, TheVerifierKeyIsWrittenAsRecorded) {
  const std::string raw = *Ed25519RawFromSpki(LogKey().public_key().spki());
  EXPECT_EQ(NoteVerifierKey(kOrigin, raw), golden_.at("verifier_key"));
}

TEST_F(LogGoldenTest, TileAndBundleAreWrittenAsRecorded) {
  EXPECT_EQ(ToHex(log_->ReadFile("tile/0/000.p/7").value()), ToHex(golden_.at("tile")));
  EXPECT_EQ(ToHex(log_->ReadFile("tile/entries/000.p/7").value()), ToHex(golden_.at("bundle")));
  EXPECT_EQ(ToHex(blobs_.Get("log/custody/tile/entries/000.p/7").value()),
            ToHex(golden_.at("bundle")));
}

TEST_F(LogGoldenTest, TheConsistencyProofIsWrittenAsRecorded) {
  const TileEdge edge = GrowLog({}, Leaves(0, 7)).state.edge;
  TileNodes nodes(edge);
  EXPECT_EQ(ToHex(edge.Root().bytes()), ToHex(golden_.at("root")));
  ASSERT_OK_AND_ASSIGN(const std::vector<Digest> proof, merkle::ConsistencyProof(nodes, 3, 7));
  EXPECT_EQ(ToHex(EncodeTile(proof)), ToHex(golden_.at("consistency")));
}

TEST_F(LogGoldenTest, TheTilesOfALargeTreeAreAsRecorded) {
  TileEdge edge;
  for (const std::string& leaf : Leaves(0, 70'000)) {
    edge.Append(merkle::LeafHash(leaf), [](const TileId&, const TileHashes&) {});
  }
  EXPECT_EQ(ToHex(edge.Root().bytes()), ToHex(golden_.at("large_root")));
  EXPECT_EQ(edge.Partial(0).size(), 112u);
  EXPECT_EQ(ToHex(EncodeTile(edge.Partial(1))), ToHex(golden_.at("large_level_1")));
  EXPECT_EQ(ToHex(EncodeTile(edge.Partial(2))), ToHex(golden_.at("large_level_2")));
}

TEST_F(LogGoldenTest, TheHeadRecordIsWrittenAsRecorded) {
  log_.reset();
  for (int i = 0; i < 2; ++i) {  // to log epoch 3
    ASSERT_THAT(TransparencyLog::Open({kOrigin, kPartition}, LogKey(), &records_, &blobs_), IsOk());
  }
  EXPECT_EQ(ToHex(Record("head")), ToHex(golden_.at("head")));
}

TEST_F(LogGoldenTest, ThePendingRecordIsWrittenAsRecorded) {
  blobs_.FailNextPut(FakeBlobStore::Fate::kNotApplied);
  ASSERT_FALSE(log_->AppendAll(Leaves(7, 9)).ok());
  EXPECT_EQ(ToHex(Record("pending")), ToHex(golden_.at("pending")));
}

}  // namespace
}  // namespace comity
