#include "services/common/audit/audit_query.h"

#include <limits>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/audit/audit_files.h"
#include "services/common/crypto/digest.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_dir.h"
#include "tests/unit/common/audit/audit_testing.h"

namespace comity {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class AuditQueryTest : public testing::Test {
 protected:
  // Ten records, a minute from each to the next, in files of two blocks.
  AuditQueryTest() {
    AuditEnd end;
    for (int file = 0; file < 5; ++file) {
      end = WriteAuditFile(directory_.path(), end, 2, kMinuteMs);
    }
  }
  std::vector<uint64_t> Numbers(const AuditFilter& filter, uint64_t from = 0, size_t limit = 100) {
    const absl::StatusOr<AuditPage> page =
        QueryAudit(directory_.path(), filter, from, /*end=*/11, limit);
    EXPECT_THAT(page.status(), IsOk());
    std::vector<uint64_t> numbers;
    if (!page.ok()) return numbers;
    next_ = page->next;
    more_ = page->more;
    for (const NumberedAuditRecord& record : page->records) numbers.push_back(record.number);
    return numbers;
  }

  TempDir directory_;
  uint64_t next_ = 0;
  bool more_ = false;
};

TEST_F(AuditQueryTest, PagesGoOnWhereTheOneBeforeEnded) {
  EXPECT_THAT(Numbers({}, 0, 4), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(Numbers({}, next_, 4), ElementsAre(5, 6, 7, 8));
  EXPECT_TRUE(more_);
  EXPECT_THAT(Numbers({}, next_, 4), ElementsAre(9, 10));
  EXPECT_FALSE(more_);
  // From there on with what comes later, also when nothing matched.
  EXPECT_EQ(next_, 11u);
  EXPECT_THAT(Numbers({.method = "Other"}), IsEmpty());
  EXPECT_EQ(next_, 11u);
  EXPECT_THAT(Numbers({}, 0, 10), testing::SizeIs(10));
  EXPECT_FALSE(more_);
}

TEST_F(AuditQueryTest, TimesBoundIt) {
  AuditFilter filter;
  filter.since = kAuditTime + 3 * kMinuteMs;
  EXPECT_THAT(Numbers(filter), ElementsAre(4, 5, 6, 7, 8, 9, 10));
  filter.until = kAuditTime + 6 * kMinuteMs;
  EXPECT_THAT(Numbers(filter), ElementsAre(4, 5, 6));
  EXPECT_FALSE(more_);
  filter.until = std::numeric_limits<UnixMillis>::max();
  EXPECT_THAT(Numbers(filter), ElementsAre(4, 5, 6, 7, 8, 9, 10));
}

TEST_F(AuditQueryTest, AccountAndMethodHaveToHold) {
  AuditFilter filter;
  filter.account = CallRecord(0, 4).account;
  EXPECT_THAT(Numbers(filter), ElementsAre(4));
  filter.method = "UnwrapDataKey";
  EXPECT_THAT(Numbers(filter), ElementsAre(4));
  filter.method = "WrapDataKey";
  EXPECT_THAT(Numbers(filter), IsEmpty());
}

TEST_F(AuditQueryTest, RefusalsAndLegalUsesAreTold) {
  ASSERT_OK_AND_ASSIGN(const AuditEnd end, FindAuditEnd(directory_.path()));
  AuditBlock block;
  block.first = end.next;
  block.previous = end.hash;
  block.time = end.time;
  block.records = {CallRecord(end.time), CallRecord(end.time), CallRecord(end.time)};
  block.records[0].outcome = 31;
  block.records[2].authorisation = Sha256Digest("authorisation");
  WriteBytes(directory_.path() + "/" + AuditFileName(block.first), FrameAuditBlock(block).bytes);
  EXPECT_THAT(Numbers({.kind = AuditFilter::Kind::kRefused}), ElementsAre(11));
  EXPECT_THAT(Numbers({.kind = AuditFilter::Kind::kLegal}), ElementsAre(13));
  // A page that ends within a block.
  EXPECT_THAT(Numbers({}, 10, 2), ElementsAre(10, 11));
  EXPECT_EQ(next_, 12u);
}

TEST_F(AuditQueryTest, DamageIsTold) {
  const std::string path = directory_.path() + "/" + AuditFileName(3);
  std::string bytes = ReadBytes(path);
  bytes[40] ^= 1;
  WriteBytes(path, bytes);
  EXPECT_THAT(QueryAudit(directory_.path(), {}, 0, 11, 100).status(),
              RefusedWith(Reason::kDataCorrupt));
  // What is asked for does not reach there.
  EXPECT_THAT(Numbers({}, 5), ElementsAre(5, 6, 7, 8, 9, 10));
}

// What stands in a block that was written long after its time is not left out.
TEST_F(AuditQueryTest, LateRecordsAreFound) {
  ASSERT_OK_AND_ASSIGN(const AuditEnd end, FindAuditEnd(directory_.path()));
  AuditBlock block;
  block.first = end.next;
  block.previous = end.hash;
  block.time = end.time + kDayMs;
  block.records = {CallRecord(end.time)};
  WriteBytes(directory_.path() + "/" + AuditFileName(block.first), FrameAuditBlock(block).bytes);
  AuditFilter filter;
  filter.since = end.time;
  filter.until = end.time + 1;
  EXPECT_THAT(Numbers(filter), ElementsAre(10, 11));
}

// The newest file is read as far as it is whole; whoever knows how far that must be sees the rest.
TEST_F(AuditQueryTest, DamageToTheNewestIsTold) {
  const std::string path = directory_.path() + "/" + AuditFileName(9);
  std::string bytes = ReadBytes(path);
  bytes.back() ^= 1;
  WriteBytes(path, bytes);
  EXPECT_THAT(QueryAudit(directory_.path(), {}, 0, 11, 100).status(),
              RefusedWith(Reason::kDataCorrupt));
  EXPECT_THAT(QueryAudit(directory_.path(), {}, 0, 10, 100).status(), IsOk());
}

}  // namespace
}  // namespace comity
