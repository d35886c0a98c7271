#include "tests/handler/service_process.h"

#include <array>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "services/common/files/files.h"
#include "services/common/status/check.h"

namespace comity {
namespace {

constexpr int kPatienceMs = 60'000;

}  // namespace

std::string FreeAddress() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  COMITY_CHECK(bind(fd, reinterpret_cast<const sockaddr*>(&address), size) == 0);
  COMITY_CHECK(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  close(fd);
  return "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
}

ServiceProcess::ServiceProcess(const std::string& program, std::vector<std::string> arguments) {
  const std::string socket_path = directory_.path() + "/notify";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  COMITY_CHECK(socket_path.size() < sizeof(address.sun_path));
  std::memcpy(address.sun_path, socket_path.data(), socket_path.size());
  notifications_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  COMITY_CHECK(bind(notifications_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) ==
               0);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  const std::string output = directory_.path() + "/output";
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output.c_str(),
                                   O_CREAT | O_WRONLY | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  arguments.insert(arguments.begin(), program);
  std::vector<char*> argv;
  for (std::string& argument : arguments) {
    argv.push_back(argument.data());
  }
  argv.push_back(nullptr);
  std::string notify = "NOTIFY_SOCKET=" + socket_path;
  std::vector<char*> environment = {notify.data()};
  for (char** variable = environ; *variable != nullptr; ++variable) {
    environment.push_back(*variable);
  }
  environment.push_back(nullptr);
  COMITY_CHECK(
      posix_spawn(&pid_, program.c_str(), &actions, nullptr, argv.data(), environment.data()) == 0);
  posix_spawn_file_actions_destroy(&actions);
}

ServiceProcess::~ServiceProcess() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  close(notifications_);
}

std::string ServiceProcess::NextNotification() {
  // Wakes up also when the process is gone, so that a failed start does not cost a minute.
  const int process = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
  COMITY_CHECK(process >= 0);
  std::array<pollfd, 2> watched = {pollfd{notifications_, POLLIN, 0}, pollfd{process, POLLIN, 0}};
  poll(watched.data(), watched.size(), kPatienceMs);
  close(process);
  std::array<char, 128> buffer;
  const ssize_t size = recv(notifications_, buffer.data(), buffer.size(), MSG_DONTWAIT);
  return size < 0 ? std::string() : std::string(buffer.data(), static_cast<size_t>(size));
}

void ServiceProcess::Signal(int signal) const { COMITY_CHECK(kill(pid_, signal) == 0); }

int ServiceProcess::Wait() {
  int status = 0;
  COMITY_CHECK(waitpid(pid_, &status, 0) == pid_);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::string ServiceProcess::Output() const {
  return ReadFile(directory_.path() + "/output").value_or("");
}

}  // namespace comity
