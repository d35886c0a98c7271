#include <cerrno>
#include <memory>
#include <random>
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/audit/audit_files.h"
#include "services/common/audit/audit_log.h"
#include "tests/fakes/manual_clock.h"
#include "tests/fault/unsteady_file_calls.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_dir.h"

namespace comity {
namespace {

using Call = UnsteadyFileCalls::Call;

// An audit log on an unsteady disk, with what it must hold: every record whose writing was
// confirmed, once, in a chain that verifies. Records are told apart by their number of items.
class AuditHistory final {
 public:
  explicit AuditHistory(uint64_t seed) : random_(seed) {}

  absl::Status Open() {
    log_.reset();
    absl::StatusOr<std::unique_ptr<AuditLog>> log =
        AuditLog::Open({.directory = directory_.path(),
                        .files = disk_,
                        .clock = &clock_,
                        .file_bytes = 700,
                        .retry = std::chrono::milliseconds(1)});
    if (log.ok()) log_ = *std::move(log);
    return log.status();
  }
  void Append() {
    AuditLog::Call call{"/test/Call", nullptr, {.items = ++written_}, Reason::kUnspecified};
    if (log_->AppendDurably(std::move(call)).ok()) confirmed_.insert(written_);
  }
  // The process ends, and with the power what was not synced.
  void CutPower() {
    // While the disk fails, so that nothing is written on the way out.
    log_.reset();
    disk_->LoseUnsynced(random_);
    disk_->Heal();
  }
  void Check() const {
    std::set<uint32_t> found;
    const absl::Status read =
        ReadAuditBlocks(directory_.path(), 1, [&](const ReadAuditBlock& block) {
          for (const AuditRecord& record : block.block.records) {
            if (record.event != AuditEvent::kCall) continue;
            EXPECT_TRUE(found.insert(record.items).second) << record.items << " twice";
          }
          return true;
        });
    EXPECT_THAT(read, IsOk());
    for (const uint32_t items : confirmed_) EXPECT_TRUE(found.contains(items)) << items;
  }
  UnsteadyFileCalls& disk() { return *disk_; }
  size_t confirmed() const { return confirmed_.size(); }

 private:
  std::mt19937_64 random_;
  TempDir directory_;
  ManualClock clock_;
  std::shared_ptr<UnsteadyFileCalls> disk_ = std::make_shared<UnsteadyFileCalls>();
  std::unique_ptr<AuditLog> log_;
  uint32_t written_ = 0;
  std::set<uint32_t> confirmed_;
};

// Each call to the disk fails once, for that moment or for good, with the power cut after it.
class AuditFaultTest : public testing::TestWithParam<bool> {};

TEST_P(AuditFaultTest, NothingConfirmedIsLostAndNothingIsHalfThere) {
  constexpr int kAppends = 6;
  bool failed = true;
  for (uint64_t n = 1; failed; ++n) {
    SCOPED_TRACE("call " + std::to_string(n) + " fails");
    AuditHistory history(n);
    ASSERT_THAT(history.Open(), IsOk());
    history.Append();
    history.disk().FailAt(Call::kAny, n, n % 2 == 0 ? ENOSPC : EIO, /*for_good=*/GetParam());
    for (int i = 0; i < kAppends; ++i) history.Append();
    failed = history.disk().failed();
    history.CutPower();
    ASSERT_THAT(history.Open(), IsOk());
    history.Check();
    history.Append();
    EXPECT_GE(history.confirmed(), 2u);
    history.CutPower();
    history.Check();
    ASSERT_LT(n, 1'000u);
  }
}

INSTANTIATE_TEST_SUITE_P(Disk, AuditFaultTest, testing::Bool(), [](const auto& param) {
  return param.param ? "FailsForGood" : "FailsOnce";
});

}  // namespace
}  // namespace comity
