#include "client/deployment/process.h"

#include <csignal>
#include <fstream>
#include <iterator>
#include <string>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/deployment/supervisor.h"
#include "services/common/files/files.h"
#include "services/common/status/reason.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_dir.h"

namespace comity {
namespace {

class DetachedProcessTest : public ::testing::Test {
 protected:
  ~DetachedProcessTest() override { process_.Signal(SIGKILL); }

  // Starts a shell that says a word and then reads the pipe's end for as long as this test lives.
  absl::Status StartShell(const std::string& script) {
    return process_.Start({"/bin/sh", "-c", script}, Log());
  }
  std::string Log() const { return dir_.path() + "/log.txt"; }
  std::string PidFile() const { return dir_.path() + "/pid"; }
  // Opening a FIFO waits for the other side: both know then that the other is there.
  void Meet(const std::string& fifo) const { close(open(fifo.c_str(), O_WRONLY)); }
  std::string MakeFifo(const std::string& name) const {
    const std::string path = dir_.path() + "/" + name;
    EXPECT_EQ(mkfifo(path.c_str(), 0600), 0);
    return path;
  }

  TempDir dir_;
  DetachedProcess process_{PidFile()};
};

TEST_F(DetachedProcessTest, StartedProgramIsFoundAgainUntilItEnds) {
  const std::string begin = MakeFifo("begin");
  const std::string end = MakeFifo("end");
  EXPECT_FALSE(process_.Running().has_value());
  ASSERT_THAT(StartShell("echo hello; read x < '" + begin + "'; read x < '" + end + "'"), IsOk());
  Meet(begin);
  EXPECT_TRUE(DetachedProcess(PidFile()).Running().has_value());
  process_.Forget();
  EXPECT_TRUE(FileExists(PidFile())) << "a running process must not be forgotten";
  ASSERT_OK_AND_ASSIGN(const std::string log, ReadFile(Log()));
  EXPECT_EQ(log, "hello\n");
  process_.Signal(SIGKILL);
  while (process_.Running().has_value()) {
  }
  process_.Forget();
  EXPECT_FALSE(FileExists(PidFile()));
}

TEST_F(DetachedProcessTest, AnotherProcessWithTheSameIdIsNotTakenForIt) {
  std::ofstream(PidFile()) << getpid() << " 00000000-0000-0000-0000-000000000000 1\n";
  EXPECT_FALSE(process_.Running().has_value());
}

TEST_F(DetachedProcessTest, DamagedFileMeansNotRunning) {
  std::ofstream(PidFile()) << "1\n";
  EXPECT_FALSE(process_.Running().has_value());
}

TEST_F(DetachedProcessTest, ProgramThatIsNotThereIsRefused) {
  EXPECT_THAT(process_.Start({dir_.path() + "/absent"}, Log()),
              RefusedWith(Reason::kStoreUnavailable));
  EXPECT_FALSE(FileExists(PidFile()));
}

TEST(SupervisorTest, FolderWithoutDeploymentIsRefused) {
  const TempDir dir;
  EXPECT_THAT(Supervisor::Open(dir.path()), RefusedWith(Reason::kStateNotReady));
}

}  // namespace
}  // namespace comity
