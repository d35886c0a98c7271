#include "client/deployment/ports.h"

#include <charconv>
#include <cstdint>
#include <filesystem>
#include <map>
#include <random>
#include <sstream>
#include <string_view>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "services/common/files/files.h"
#include "services/common/status/reason.h"

namespace comity {
namespace {

// The kernel's default ephemeral range begins at 32768.
constexpr int kLowestPort = 20'000;
constexpr int kHighestPort = 32'000;

constexpr std::string_view kLoopback = "127.0.0.1:";

sockaddr_in LoopbackAddress(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

bool IsFree(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  // As the servers do: a port in TIME_WAIT is free to listen on.
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  const sockaddr_in address = LoopbackAddress(port);
  const bool free = bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  close(fd);
  return free;
}

// Who has taken which port, in a file with a line for each: the port, a space, the owner's folder.
// Nobody else of this user reads or writes it while this object lives.
class PortBook final {
 public:
  PortBook() {
    std::error_code error;
    const std::filesystem::path temporary = std::filesystem::temp_directory_path(error);
    if (error) return;
    const std::string folder = (temporary / (".comity-" + std::to_string(geteuid()))).string();
    mkdir(folder.c_str(), 0700);
    fd_ = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    // Others could have made the folder before us, to tell us lies.
    struct stat info {};
    if (fd_ < 0 || fstat(fd_, &info) != 0 || info.st_uid != geteuid() ||
        (info.st_mode & (S_IWGRP | S_IWOTH)) != 0 || flock(fd_, LOCK_EX) != 0) {
      return;
    }
    path_ = folder + "/ports";
    if (const absl::StatusOr<std::string> text = ReadFile(path_); text.ok()) Read(*text);
  }
  ~PortBook() {
    if (fd_ >= 0) close(fd_);
  }
  PortBook(const PortBook&) = delete;
  PortBook& operator=(const PortBook&) = delete;

  bool Has(int port) const { return owners_.contains(port); }

  void Write(const std::vector<int>& ports, const std::string& owner) {
    const std::string folder = std::filesystem::absolute(owner).lexically_normal().string();
    if (path_.empty() || folder.find('\n') != std::string::npos) return;
    for (const int port : ports) owners_[port] = folder;
    std::string text;
    for (const auto& [port, by] : owners_) text += std::to_string(port) + " " + by + "\n";
    // Without it, ports are what they would be without a book.
    WriteFileDurably(path_, text, FileMode::kPrivate).IgnoreError();
  }

 private:
  // Leaves out whose folder is gone.
  void Read(const std::string& text) {
    std::map<std::string, bool> there;
    std::istringstream lines(text);
    int port = 0;
    for (std::string owner; lines >> port && lines.get() == ' ' && std::getline(lines, owner);) {
      const auto [known, is_new] = there.try_emplace(owner);
      if (is_new) known->second = access(owner.c_str(), F_OK) == 0;
      if (known->second) owners_[port] = owner;
    }
  }

  int fd_ = -1;
  std::string path_;  // empty: there is no book
  std::map<int, std::string> owners_;
};

}  // namespace

absl::StatusOr<std::vector<int>> TakeLoopbackPorts(int count, const std::string& owner) {
  PortBook book;
  std::random_device random;
  const int range = kHighestPort - kLowestPort;
  const int start = static_cast<int>(random() % static_cast<unsigned>(range));
  std::vector<int> ports;
  for (int i = 0; i < range && static_cast<int>(ports.size()) < count; ++i) {
    const int port = kLowestPort + (start + i) % range;
    if (!book.Has(port) && IsFree(port)) ports.push_back(port);
  }
  if (static_cast<int>(ports.size()) < count) {
    return Refuse(Reason::kStateNotReady, "not enough free ports on 127.0.0.1");
  }
  book.Write(ports, owner);
  return ports;
}

bool IsListening(const std::string& address) {
  int port = 0;
  const char* const end = address.data() + address.size();
  if (!address.starts_with(kLoopback) ||
      std::from_chars(address.data() + kLoopback.size(), end, port).ptr != end) {
    return false;
  }
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const sockaddr_in there = LoopbackAddress(port);
  const bool listening = connect(fd, reinterpret_cast<const sockaddr*>(&there), sizeof(there)) == 0;
  close(fd);
  return listening;
}

}  // namespace comity
