#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "services/common/log/log_growth.h"
#include "services/common/log/merkle.h"
#include "services/common/log/transparency_log.h"
#include "services/common/status/reason.h"
#include "tests/testing/matchers.h"
#include "tests/unit/common/log/log_testing.h"

namespace comity {
namespace {

constexpr char kLeaf[] = "leaf 5";

// The receipt of leaf 5 of 7.
LogReceipt TestReceipt() {
  const LogGrowth growth = GrowLog({}, TestLeaves("leaf", 7));
  TileNodes nodes(growth.state.edge);
  LogReceipt receipt;
  receipt.index = 5;
  receipt.proof = *merkle::InclusionProof(nodes, 5, 7);
  receipt.checkpoint = SignCheckpoint({kTestOrigin, 7, growth.state.edge.Root()}, TestLogKey());
  return receipt;
}

absl::Status Verify(const LogReceipt& receipt, std::string_view leaf = kLeaf,
                    std::string_view origin = kTestOrigin, const PrivateKey& key = TestLogKey()) {
  return VerifyReceipt(receipt, leaf, origin, key.public_key());
}

// The text with the first `from` replaced.
std::string Replaced(std::string text, const std::string& from, const std::string& to) {
  return text.replace(text.find(from), from.size(), to);
}

TEST(ReceiptTest, FormattingAndParsingAreInverse) {
  const LogReceipt receipt = TestReceipt();
  const std::string text = FormatReceipt(receipt);
  EXPECT_EQ(text.substr(0, 31), "c2sp.org/tlog-proof@v1\nindex 5\n");
  ASSERT_OK_AND_ASSIGN(const LogReceipt parsed, ParseReceipt(text));
  EXPECT_EQ(parsed.index, receipt.index);
  EXPECT_EQ(parsed.proof, receipt.proof);
  EXPECT_EQ(parsed.checkpoint, receipt.checkpoint);
  EXPECT_THAT(Verify(parsed), IsOk());
}

TEST(ReceiptTest, TheReceiptOfATreeOfOneLeafHasNoProofLines) {
  const LogGrowth growth = GrowLog({}, {"only"});
  const LogReceipt receipt{
      0, {}, SignCheckpoint({kTestOrigin, 1, growth.state.edge.Root()}, TestLogKey())};
  ASSERT_OK_AND_ASSIGN(const LogReceipt parsed, ParseReceipt(FormatReceipt(receipt)));
  EXPECT_THAT(Verify(parsed, "only"), IsOk());
}

TEST(ReceiptTest, ParsingFailsForEachMalformedText) {
  const std::string text = FormatReceipt(TestReceipt());
  const std::string hash = text.substr(31, 44);
  for (const std::string& bad : {
           std::string(),
           std::string("c2sp.org/tlog-proof@v1\n"),
           std::string("c2sp.org/tlog-proof@v1\nindex 5\n"),
           std::string("c2sp.org/tlog-proof@v1\nindex 5\n\n"),
           "\n" + text,
           Replaced(text, "@v1", "@v2"),
           Replaced(text, "index 5", "extra YWFh\nindex 5"),
           Replaced(text, "index 5", "index 05"),
           Replaced(text, "index 5", "index  5"),
           Replaced(text, "index 5", "index -5"),
           Replaced(text, "index 5", "index "),
           Replaced(text, "index 5", "Index 5"),
           Replaced(text, "index 5\n", ""),
           Replaced(text, "index 5", "index 7"),  // outside the checkpoint's tree
           Replaced(text, "index 5", "index 5\r"),
           Replaced(text, hash, hash.substr(1)),
           Replaced(text, hash, hash + "\n "),
           Replaced(text, hash, hash.substr(4)),
           Replaced(text, "\n\n", "\n"),      // no empty line: no end of the proof
           Replaced(text, "\n\n", "\n\n\n"),  // a checkpoint that starts with one
           text.substr(0, text.size() - 1),   // no final LF
           text + "\n",
           Replaced(text, "\n7\n", "\n7\n7\n"),  // not a checkpoint
       }) {
    EXPECT_THAT(ParseReceipt(bad), RefusedWith(Reason::kStatementMalformed)) << bad;
  }
}

TEST(ReceiptTest, ParsingFailsAboveSixtyThreeProofLines) {
  LogReceipt receipt = TestReceipt();
  receipt.proof.assign(63, merkle::LeafHash("x"));
  EXPECT_THAT(ParseReceipt(FormatReceipt(receipt)), IsOk());
  receipt.proof.push_back(merkle::LeafHash("x"));
  EXPECT_THAT(ParseReceipt(FormatReceipt(receipt)), RefusedWith(Reason::kStatementMalformed));
}

TEST(ReceiptTest, VerifyingFailsForAnotherLeaf) {
  EXPECT_THAT(Verify(TestReceipt(), "leaf 4"), RefusedWith(Reason::kSignatureInvalid));
}

TEST(ReceiptTest, VerifyingFailsForAnotherIndex) {
  LogReceipt receipt = TestReceipt();
  receipt.index = 4;
  EXPECT_THAT(Verify(receipt), RefusedWith(Reason::kSignatureInvalid));
}

TEST(ReceiptTest, VerifyingFailsForAnotherOrigin) {
  EXPECT_THAT(Verify(TestReceipt(), kLeaf, "example.comity/cn/custody"),
              RefusedWith(Reason::kSignatureInvalid));
}

TEST(ReceiptTest, VerifyingFailsForAnotherKey) {
  EXPECT_THAT(Verify(TestReceipt(), kLeaf, kTestOrigin, TestLogKey(9)),
              RefusedWith(Reason::kSignatureInvalid));
}

TEST(ReceiptTest, VerifyingFailsForAChangedProof) {
  LogReceipt changed = TestReceipt();
  changed.proof[1] = merkle::LeafHash("x");
  EXPECT_THAT(Verify(changed), RefusedWith(Reason::kSignatureInvalid));
  LogReceipt shorter = TestReceipt();
  shorter.proof.pop_back();
  EXPECT_THAT(Verify(shorter), RefusedWith(Reason::kSignatureInvalid));
  LogReceipt longer = TestReceipt();
  longer.proof.push_back(merkle::LeafHash("x"));
  EXPECT_THAT(Verify(longer), RefusedWith(Reason::kSignatureInvalid));
}

TEST(ReceiptTest, VerifyingFailsForACheckpointOfAnotherTree) {
  LogReceipt receipt = TestReceipt();
  receipt.checkpoint = SignCheckpoint({kTestOrigin, 7, merkle::LeafHash("x")}, TestLogKey());
  EXPECT_THAT(Verify(receipt), RefusedWith(Reason::kSignatureInvalid));
}

TEST(ReceiptTest, VerifyingFailsWithMalformedWhenTheCheckpointIsNone) {
  LogReceipt receipt = TestReceipt();
  receipt.checkpoint = "nonsense";
  EXPECT_THAT(Verify(receipt), RefusedWith(Reason::kStatementMalformed));
}

}  // namespace
}  // namespace comity
