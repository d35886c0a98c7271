#include "client/deployment/ephemeral.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "services/common/files/files.h"
#include "services/common/status/reason.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_dir.h"

namespace comity {
namespace {

using testing::StartsWith;

class EphemeralTest : public testing::Test {
 protected:
  EphemeralTest() { setenv("TMPDIR", dir_.path().c_str(), 1); }
  ~EphemeralTest() override { unsetenv("TMPDIR"); }
  const TempDir dir_;
};

TEST_F(EphemeralTest, FolderIsPrivateMarkedAndRemovedWithAllThatIsInIt) {
  ASSERT_OK_AND_ASSIGN(const std::string folder, MakeEphemeralFolder());
  EXPECT_THAT(folder, StartsWith(dir_.path() + "/comity-"));
  struct stat info {};
  ASSERT_EQ(stat(folder.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700U);
  EXPECT_TRUE(IsEphemeral(folder));
  ASSERT_THAT(MakePrivateFolders(folder + "/cn/custody"), IsOk());
  EXPECT_THAT(RemoveEphemeral(folder), IsOk());
  EXPECT_FALSE(std::filesystem::exists(folder));
}

TEST_F(EphemeralTest, FolderThatIsNotMarkedIsNotRemoved) {
  const std::string folder = dir_.path() + "/world";
  ASSERT_THAT(MakePrivateFolders(folder), IsOk());
  EXPECT_FALSE(IsEphemeral(folder));
  EXPECT_THAT(RemoveEphemeral(folder), RefusedWith(Reason::kStateNotReady));
  EXPECT_TRUE(std::filesystem::exists(folder));
}

TEST_F(EphemeralTest, GuardIsToldWhomToWaitForAndEndsWithTheFolder) {
  ASSERT_OK_AND_ASSIGN(const std::string folder, MakeEphemeralFolder());
  // Writes down what it was told, then waits like a guard.
  const std::string program = dir_.path() + "/program";
  std::ofstream(program) << "#!/bin/sh\necho \"$@\"\nexec sleep 600\n";
  ASSERT_EQ(chmod(program.c_str(), 0700), 0);
  ASSERT_THAT(GuardEphemeral(folder, program, 4711), IsOk());
  ASSERT_THAT(GuardEphemeral(folder, program, 4712), IsOk()) << "one is enough";
  std::string told;
  while (!told.ends_with('\n')) told = ReadFile(folder + "/guard.txt").value_or("");
  EXPECT_EQ(told, "--deployment " + folder + " down --after 4711\n");
  std::ifstream in(folder + "/guard.pid");
  pid_t guard = 0;
  in >> guard;
  EXPECT_THAT(RemoveEphemeral(folder), IsOk());
  int status = 0;
  EXPECT_EQ(waitpid(guard, &status, 0), guard);
  EXPECT_TRUE(WIFSIGNALED(status));
}

TEST_F(EphemeralTest, EndOfAProcessIsAwaited) {
  int gate[2];
  ASSERT_EQ(pipe(gate), 0);
  const pid_t child = fork();
  if (child == 0) {
    close(gate[1]);
    char byte = 0;
    _exit(read(gate[0], &byte, 1) == 0 ? 0 : 1);  // until the other end is closed
  }
  close(gate[0]);
  close(gate[1]);
  AwaitEndOf(child);
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, WNOHANG), child);
  AwaitEndOf(child);  // gone: at once
}

}  // namespace
}  // namespace comity
