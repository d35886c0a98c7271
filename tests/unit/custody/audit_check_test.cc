#include "services/custody/audit_check.h"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "services/common/audit/audit_files.h"
#include "services/common/audit/audit_head.h"
#include "services/common/audit/audit_log.h"
#include "services/common/statement/leaf.h"
#include "tests/fakes/fake_blob_store.h"
#include "tests/fakes/fake_record_store.h"
#include "tests/fakes/manual_clock.h"
#include "tests/testing/custody.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_dir.h"

namespace comity::custody {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// The audit log of a custody, and what its public log says of it.
class AuditCheckTest : public testing::Test {
 protected:
  std::string Folder() const { return directory_.path() + "/audit"; }
  void Open() {
    audit_.reset();
    absl::StatusOr<std::unique_ptr<AuditLog>> audit =
        AuditLog::Open({.directory = Folder(), .clock = &clock_});
    ASSERT_THAT(audit.status(), IsOk());
    audit_ = *std::move(audit);
    Anchor("service.started");
  }
  void Append() {
    ASSERT_THAT(audit_->AppendDurably({"/test/Call", nullptr, {}, Reason::kUnspecified}), IsOk());
  }
  void Anchor(const std::string& type = kAuditHeadLeaf) {
    Leaf leaf;
    leaf.type = type;
    leaf.day = clock_.Now() - clock_.Now() % kDayMs;
    leaf.region = TestDeployment::Region("us");
    leaf.clear = {{kAuditHeadField, audit_->end().hash.ToString()}};
    log_.leaves.push_back(EncodeLeaf(leaf));
  }
  // What is found, in words.
  std::vector<std::string> Check() {
    std::vector<std::string> found;
    CheckReport report([&](const nlohmann::json& line) {
      if (line.at("type") == "violation") {
        EXPECT_EQ(line.at("rule"), "audit");
        found.push_back(line.at("what").get<std::string>());
      }
    });
    const TestDeployment& deployment = SharedDeployment();
    const StoreCheck check{
        .topology = deployment.topology(),
        .region = TestDeployment::Region("us"),
        .directory = directory_.path(),
        .now = clock_.Now(),
        .audit_keep_ms = 10 * kDayMs,
        .records = records_,
        .blobs = blobs_,
        .log = &log_,
        .log_key = deployment.service("us", ServiceKind::kCustody).log_key.public_key(),
        .log_origin = "test",
        .report = report};
    EXPECT_THAT(CheckAudit(check), IsOk());
    return found;
  }

  TempDir directory_;
  ManualClock clock_;
  FakeRecordStore records_;
  FakeBlobStore blobs_;
  VerifiedLog log_;
  std::unique_ptr<AuditLog> audit_;
};

TEST_F(AuditCheckTest, NothingIsFoundInALogThatIsAsItWas) {
  for (int run = 0; run < 3; ++run) {
    Open();
    Append();
    Anchor();
    clock_.Advance(kDayMs);
  }
  audit_.reset();
  EXPECT_THAT(Check(), IsEmpty());
}

TEST_F(AuditCheckTest, AnEndThatIsCutOffShows) {
  Open();
  Append();
  audit_.reset();
  std::filesystem::copy(Folder(), Folder() + "-before");
  clock_.Advance(kSecondMs);
  Open();
  Append();
  audit_.reset();
  std::filesystem::remove_all(Folder());
  std::filesystem::rename(Folder() + "-before", Folder());
  EXPECT_THAT(Check(), ElementsAre(HasSubstr("it does not hold what the log says it held on ")));
  // Nor does it help to go on from there.
  clock_.Advance(kSecondMs);
  Open();
  audit_.reset();
  EXPECT_THAT(Check(), ElementsAre(HasSubstr("it does not hold what the log says it held on ")));
}

TEST_F(AuditCheckTest, ALogThatIsBegunAnewShows) {
  Open();
  Append();
  Anchor();
  audit_.reset();
  std::filesystem::remove_all(Folder());
  EXPECT_THAT(Check(), testing::SizeIs(1));
  Open();
  Append();
  Anchor();
  audit_.reset();
  EXPECT_THAT(Check(), testing::SizeIs(1));
}

// What was the newest record for long, and was published again and again, may be gone as soon as
// what followed it is old.
TEST_F(AuditCheckTest, RecordsThatWereDroppedInTimeAreNotMissed) {
  Open();
  Append();
  clock_.Advance(30 * kDayMs);
  Anchor();
  Append();
  Anchor();
  for (int day = 0; day < 12; ++day) {
    clock_.Advance(kDayMs);
    ASSERT_THAT(audit_->DropBefore(clock_.Now() - 10 * kDayMs), IsOk());
    EXPECT_THAT(Check(), IsEmpty());
    Append();
    Anchor();
  }
  EXPECT_THAT(*ListAuditFiles(Folder()), testing::SizeIs(12));  // of 13
}

TEST_F(AuditCheckTest, WhatNeedNotBeKeptMayBeGone) {
  Open();
  Append();
  Anchor();
  audit_.reset();
  std::filesystem::remove_all(Folder());
  clock_.Advance(10 * kDayMs);
  EXPECT_THAT(Check(), testing::SizeIs(1));
  clock_.Advance(kDayMs);
  EXPECT_THAT(Check(), IsEmpty());
}

TEST_F(AuditCheckTest, AnAlteredRecordShows) {
  Open();
  Append();
  Open();
  audit_.reset();
  const std::vector<AuditFile> files = *ListAuditFiles(Folder());
  std::filesystem::resize_file(files.front().path, 200);
  EXPECT_THAT(Check(), ElementsAre(HasSubstr(files.front().path + " at byte ")));
}

}  // namespace
}  // namespace comity::custody
