#include "services/common/faults/fault_file.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "services/common/status/reason.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_dir.h"

namespace comity {
namespace {

FaultPlan EveryFault() {
  FaultPlan plan;
  plan.borders = {{"cn", "us", BorderState::kCut, 3}, {"cn", "eu", BorderState::kSealed, 0}};
  plan.deaths = {{"us/custody", true, "custody/", "decision/", 2},
                 {"cn/storage", false, "", "", 1}};
  plan.disks = {{"us/storage", DiskState::kFull}, {"cn/review", DiskState::kBroken}};
  return plan;
}

TEST(FaultFileTest, APlanComesBackFromItsText) {
  ASSERT_OK_AND_ASSIGN(const FaultPlan plan, ParseFaults(FormatFaults(EveryFault())));
  EXPECT_EQ(plan, EveryFault());
}

TEST(FaultFileTest, ABorderIsTheSameFromBothSides) {
  const FaultPlan plan = EveryFault();
  EXPECT_EQ(plan.Border("us", "cn"), plan.Border("cn", "us"));
  EXPECT_EQ(plan.Border("us", "cn").state, BorderState::kCut);
  EXPECT_EQ(plan.Border("us", "eu").state, BorderState::kOpen);
}

TEST(FaultFileTest, SettingABorderReplacesIt) {
  FaultPlan plan = EveryFault();
  plan.SetBorder({"cn", "us", BorderState::kOpen, 4});
  EXPECT_EQ(plan.borders.size(), 2U);
  EXPECT_EQ(plan.Border("us", "cn").kills, 4U);
}

TEST(FaultFileTest, ALineThatIsNoFaultIsRefused) {
  for (const char* line :
       {"border cn us ajar 0", "border us cn cut 0", "border cn us cut", "border cn us cut x",
        "die us/custody during custody/ - 1", "die us/custody after custody/ - 0",
        "die us/custody after custody/ -", "disk us/storage wet", "flood"}) {
    EXPECT_THAT(ParseFaults(line), RefusedWith(Reason::kFieldInvalid)) << line;
  }
}

TEST(FaultFileTest, AnAbsentFileIsNoFault) {
  const TempDir dir;
  ASSERT_OK_AND_ASSIGN(const auto file, FaultFile::Open(dir.path() + "/faults"));
  EXPECT_EQ(*file->Now(), FaultPlan{});
}

TEST(FaultFileTest, AChangeIsSeenAtTheNextLook) {
  const TempDir dir;
  const std::string path = dir.path() + "/faults";
  ASSERT_OK_AND_ASSIGN(const auto file, FaultFile::Open(path));
  ASSERT_THAT(FaultFile::Write(path, EveryFault()), IsOk());
  EXPECT_EQ(*file->Now(), EveryFault());
  std::filesystem::remove(path);
  EXPECT_EQ(*file->Now(), FaultPlan{});
}

TEST(FaultFileTest, AFileThatIsNotValidChangesNothing) {
  const TempDir dir;
  const std::string path = dir.path() + "/faults";
  ASSERT_THAT(FaultFile::Write(path, EveryFault()), IsOk());
  ASSERT_OK_AND_ASSIGN(const auto file, FaultFile::Open(path));
  std::ofstream(path, std::ios::trunc) << "flood\n";
  EXPECT_EQ(*file->Now(), EveryFault());
}

}  // namespace
}  // namespace comity
