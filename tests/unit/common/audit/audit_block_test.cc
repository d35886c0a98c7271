#include "services/common/audit/audit_block.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/crypto/digest.h"
#include "tests/testing/matchers.h"
#include "tests/unit/common/audit/audit_testing.h"

namespace comity {
namespace {

AuditBlock Example() {
  AuditBlock block;
  block.first = 41;
  block.previous = Sha256Digest("before");
  block.time = kAuditTime + 20;
  block.records = {CallRecord(kAuditTime), CallRecord(kAuditTime + 1)};
  block.records[1].account.reset();
  block.records[1].items_digest.reset();
  block.records[1].authorisation = Sha256Digest("authorisation");
  block.records[1].outcome = 31;
  block.records[1].calls = 12;
  return block;
}

TEST(AuditBlockTest, IsReadAsItWasWritten) {
  const AuditBlock block = Example();
  const FramedAuditBlock framed = FrameAuditBlock(block);
  // What follows is the next block's.
  ASSERT_OK_AND_ASSIGN(const ReadAuditBlock read, ParseAuditBlock(framed.bytes + "next"));
  EXPECT_EQ(read.size, framed.bytes.size());
  EXPECT_EQ(read.hash, framed.hash);
  EXPECT_EQ(read.block.first, 41);
  EXPECT_EQ(read.block.end(), 43);
  EXPECT_EQ(read.block.previous, block.previous);
  EXPECT_EQ(read.block.time, block.time);
  ASSERT_EQ(read.block.records.size(), 2u);
  EXPECT_EQ(read.block.records[0].account, block.records[0].account);
  EXPECT_EQ(read.block.records[0].items_digest, block.records[0].items_digest);
  EXPECT_EQ(read.block.records[0].authorisation, std::nullopt);
  EXPECT_EQ(read.block.records[1].account, std::nullopt);
  EXPECT_EQ(read.block.records[1].authorisation, block.records[1].authorisation);
  EXPECT_EQ(read.block.records[1].outcome, 31);
  EXPECT_EQ(read.block.records[1].calls, 12u);
  EXPECT_EQ(FrameAuditBlock(read.block).bytes, framed.bytes);
}

TEST(AuditBlockTest, GrantIsThereWhereOneWasNamed) {
  AuditBlock block = Example();
  const std::string without = FrameAuditBlock(block).bytes;
  block.records[1].grant = *GrantId::FromBytes(std::string(GrantId::kSize, 'g'));
  const FramedAuditBlock framed = FrameAuditBlock(block);
  EXPECT_EQ(framed.bytes.size(), without.size() + 2 + 4 + GrantId::kSize) << "tag, length, id";
  ASSERT_OK_AND_ASSIGN(const ReadAuditBlock read, ParseAuditBlock(framed.bytes));
  EXPECT_EQ(read.block.records[0].grant, std::nullopt);
  EXPECT_EQ(read.block.records[1].grant, block.records[1].grant);
}

// The format cannot change unnoticed.
TEST(AuditBlockTest, KeepsItsFormat) {
  EXPECT_EQ(Sha256Digest(FrameAuditBlock(Example()).bytes).ToString(),
            "h4zxm5q3mm7aohkxfznahgwf7m6tlret2awxi6dyhvrgnpsswyra");
}

TEST(AuditBlockTest, ShowsEachAlteredBit) {
  const std::string bytes = FrameAuditBlock(Example()).bytes;
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string altered = bytes;
    altered[bit / 8] = static_cast<char>(altered[bit / 8] ^ (1 << (bit % 8)));
    ASSERT_THAT(ParseAuditBlock(altered), RefusedWith(Reason::kDataCorrupt)) << bit;
  }
}

TEST(AuditBlockTest, ShowsEachCut) {
  const std::string bytes = FrameAuditBlock(Example()).bytes;
  for (size_t size = 0; size < bytes.size(); ++size) {
    ASSERT_THAT(ParseAuditBlock(bytes.substr(0, size)), RefusedWith(Reason::kDataCorrupt)) << size;
  }
}

TEST(AuditBlockTest, HasRecordsThatAreNumberedFromOne) {
  AuditBlock block = Example();
  block.first = 0;
  EXPECT_THAT(ParseAuditBlock(FrameAuditBlock(block).bytes), RefusedWith(Reason::kDataCorrupt));
  block = Example();
  block.records.clear();
  EXPECT_THAT(ParseAuditBlock(FrameAuditBlock(block).bytes), RefusedWith(Reason::kDataCorrupt));
}

}  // namespace
}  // namespace comity
