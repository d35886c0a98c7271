#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/e2e/program.h"
#include "tests/testing/sanitizers.h"
#include "tests/testing/temp_dir.h"

// One large object, stored from a pipe, read back into one, moved across the border, and read
// again: no process ever holds much of it. 200 MiB; with COMITY_SOAK in the environment 5 GB, which
// needs that space twice in $TMPDIR.
namespace comity::testing {
namespace {

constexpr uint64_t kBlock = 1 << 20;

constexpr uint64_t kServiceMemory = kSanitizerMemory * (uint64_t{300} << 20);
constexpr uint64_t kClientMemory = kSanitizerMemory * (uint64_t{150} << 20);

uint64_t ObjectSize() {
  return std::getenv("COMITY_SOAK") != nullptr ? 5'000'000'000 : uint64_t{200} << 20;
}

// Block `index` of the object: no two are equal.
class Blocks final {
 public:
  Blocks() : block_(kBlock, '\0') {
    uint64_t state = 1;
    for (char& c : block_) {
      state = state * 6364136223846793005 + 1442695040888963407;
      c = static_cast<char>(state >> 56);
    }
  }
  const std::string& At(uint64_t index) {
    std::memcpy(block_.data(), &index, sizeof(index));
    return block_;
  }

 private:
  std::string block_;
};

struct Ended {
  int exit_code = -1;
  uint64_t peak_bytes = 0;
};

// The command, with one end of a pipe as `its` standard input or output and the other one given to
// `with_pipe`.
Ended RunWithPipe(const std::string& home, std::vector<std::string> arguments, int its,
                  const std::function<void(int fd)>& with_pipe) {
  arguments.insert(arguments.begin(), ComityProgram());
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  std::string environment = "COMITY_HOME=" + home;
  char* envp[] = {environment.data(), nullptr};
  int ends[2];
  Ended ended;
  if (pipe2(ends, O_CLOEXEC) != 0) return ended;
  const int theirs = its == STDIN_FILENO ? ends[0] : ends[1];
  const int ours = its == STDIN_FILENO ? ends[1] : ends[0];
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, theirs, its);
  pid_t pid = 0;
  const int error = posix_spawn(&pid, argv[0], &actions, nullptr, argv.data(), envp);
  posix_spawn_file_actions_destroy(&actions);
  close(theirs);
  if (error == 0) with_pipe(ours);
  close(ours);
  int status = 0;
  rusage usage = {};
  if (error == 0 && wait4(pid, &status, 0, &usage) == pid && WIFEXITED(status)) {
    ended.exit_code = WEXITSTATUS(status);
    ended.peak_bytes = static_cast<uint64_t>(usage.ru_maxrss) << 10;
  }
  return ended;
}

class LargeObjectTest : public ::testing::Test {
 protected:
  LargeObjectTest() {
    signal(SIGPIPE, SIG_IGN);
    Do({"up", "--dir", world()});
    Do({"account", "create", "--territory", "CN"});
  }
  ~LargeObjectTest() override { Do({"down"}); }
  std::string world() const { return dir_.path() + "/world"; }
  std::string home() const { return dir_.path() + "/home"; }
  void Do(const std::vector<std::string>& arguments) {
    const ProgramResult result = RunComity(home(), arguments);
    ASSERT_EQ(result.exit_code, 0) << arguments.front() << ": " << result.output;
  }

  void Put(uint64_t size) {
    const Ended ended =
        RunWithPipe(home(), {"put", "-", "--name", "large"}, STDIN_FILENO, [&](int fd) {
          for (uint64_t done = 0; done < size;) {
            const std::string& block = blocks_.At(done / kBlock);
            const size_t at = done % kBlock;
            const ssize_t n =
                write(fd, block.data() + at, std::min<uint64_t>(kBlock - at, size - done));
            if (n <= 0) return;
            done += static_cast<uint64_t>(n);
          }
        });
    EXPECT_EQ(ended.exit_code, 0);
    EXPECT_LT(ended.peak_bytes, kClientMemory);
    RecordProperty("put_peak_mib", std::to_string(ended.peak_bytes >> 20));
  }

  void Get(uint64_t size) {
    uint64_t done = 0;
    bool same = true;
    const Ended ended =
        RunWithPipe(home(), {"get", "large", "-o", "-"}, STDOUT_FILENO, [&](int fd) {
          std::string buffer(kBlock, '\0');
          for (ssize_t n = 0; (n = read(fd, buffer.data(), kBlock - done % kBlock)) > 0;) {
            const std::string& block = blocks_.At(done / kBlock);
            same = same && std::memcmp(buffer.data(), block.data() + done % kBlock,
                                       static_cast<size_t>(n)) == 0;
            done += static_cast<uint64_t>(n);
          }
        });
    EXPECT_EQ(ended.exit_code, 0);
    EXPECT_EQ(done, size);
    EXPECT_TRUE(same);
    EXPECT_LT(ended.peak_bytes, kClientMemory);
    RecordProperty("get_peak_mib", std::to_string(ended.peak_bytes >> 20));
  }

  // The most that each service has had in memory so far, in bytes.
  std::map<std::string, uint64_t> Peaks() const {
    std::map<std::string, uint64_t> peaks;
    for (const std::string region : {"us", "cn"}) {
      for (const std::string service : {"storage", "custody", "review"}) {
        const std::string name = region + "/" + service;
        std::string pid;
        std::ifstream(world() + "/" + name + "/pid") >> pid;
        std::ifstream status("/proc/" + pid + "/status");
        for (std::string word; status >> word;) {
          if (word == "VmHWM:" && status >> peaks[name]) peaks[name] <<= 10;
        }
      }
    }
    return peaks;
  }

  const TempDir dir_;
  Blocks blocks_;
};

TEST_F(LargeObjectTest, IsStreamedThroughEveryProcessInBoundedMemory) {
  // Not a whole number of blocks, segments or chunks.
  const uint64_t size = ObjectSize() + 12'345;
  Put(size);
  Get(size);
  Do({"test", "clock", "advance", "2018-01-11"});
  Do({"account", "accept-terms"});
  Do({"test", "clock", "advance", "2018-03-01"});
  Do({"--as", "us/ops-evans", "migrate", "run"});
  Get(size);
  const std::map<std::string, uint64_t> peaks = Peaks();
  EXPECT_EQ(peaks.size(), 6u);
  for (const auto& [name, peak] : peaks) {
    EXPECT_GT(peak, 0u) << name;
    EXPECT_LT(peak, kServiceMemory) << name;
    RecordProperty(name, std::to_string(peak >> 20));
    std::printf("%s had at most %llu MiB in memory\n", name.c_str(),
                static_cast<unsigned long long>(peak >> 20));
  }
}

}  // namespace
}  // namespace comity::testing
