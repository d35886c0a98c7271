#include "services/common/status/end_process.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace comity {
namespace {

// Stands for what a library takes apart at exit().
struct TakenApart {
  ~TakenApart() { std::abort(); }
};

TEST(EndProcessTest, WhatWasWrittenIsThereAndNothingIsTakenApart) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    dup2(ends[1], STDOUT_FILENO);
    static const TakenApart library;
    std::atexit([] { std::abort(); });
    std::printf("printed, ");
    std::fflush(stdout);
    std::cout << "streamed";
    EndProcess(3);
  }
  close(ends[1]);
  std::string output;
  std::array<char, 64> buffer{};
  for (ssize_t n = 0; (n = read(ends[0], buffer.data(), buffer.size())) > 0;) {
    output.append(buffer.data(), static_cast<size_t>(n));
  }
  close(ends[0]);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status)) << status;
  EXPECT_EQ(WEXITSTATUS(status), 3);
  EXPECT_EQ(output, "printed, streamed");
}

}  // namespace
}  // namespace comity
