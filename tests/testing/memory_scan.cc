#include "tests/testing/memory_scan.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "services/common/status/check.h"
#include "services/common/status/reason.h"

namespace comity {
namespace {

constexpr uint64_t kMask = 0x9e3779b97f4a7c15;
// With what HMAC joins its key, which it leaves on the stack.
constexpr std::array<uint64_t, 2> kHmacPads = {0x3636363636363636, 0x5c5c5c5c5c5c5c5c};
constexpr size_t kChunk = size_t{1} << 20;
// What sanitizers reserve for their own notes holds no bytes of the program.
constexpr uint64_t kShadowBytes = uint64_t{16} << 30;

struct Mapping {
  uint64_t begin = 0;
  uint64_t end = 0;
  std::string name;
};

// Keeps what is behind pages that were touched: the rest, most of every stack, is zeros.
void AddTouched(int pagemap, const Mapping& mapping, std::vector<Mapping>& touched) {
  constexpr uint64_t kInMemoryOrSwap = uint64_t{3} << 62;
  const uint64_t page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  std::vector<uint64_t> flags((mapping.end - mapping.begin) / page, kInMemoryOrSwap);
  const ssize_t size = pread(pagemap, flags.data(), flags.size() * sizeof(uint64_t),
                             static_cast<off_t>(mapping.begin / page * sizeof(uint64_t)));
  // Without knowing, all of it.
  if (size < 0) std::ranges::fill(flags, kInMemoryOrSwap);
  bool joined = false;
  for (size_t i = 0; i < flags.size(); ++i) {
    const bool used = (flags[i] & kInMemoryOrSwap) != 0;
    if (used && joined) touched.back().end += page;
    if (used && !joined) {
      const uint64_t begin = mapping.begin + i * page;
      touched.push_back({begin, begin + page, mapping.name});
    }
    joined = used;
  }
}

std::vector<Mapping> ReadableMappings(pid_t process) {
  const std::string folder = "/proc/" + std::to_string(process);
  const int pagemap = open((folder + "/pagemap").c_str(), O_RDONLY | O_CLOEXEC);
  std::vector<Mapping> mappings;
  std::ifstream maps(folder + "/maps");
  std::string line;
  while (std::getline(maps, line)) {
    std::istringstream fields(line);
    Mapping mapping;
    char dash = 0;
    std::string access;
    std::string offset;
    std::string device;
    std::string inode;
    fields >> std::hex >> mapping.begin >> dash >> mapping.end >> access >> offset >> device >>
        inode >> mapping.name;
    const bool foreign = mapping.name == "[vvar]" || mapping.name == "[vsyscall]";
    if (access.starts_with('r') && !foreign && mapping.end - mapping.begin < kShadowBytes) {
      AddTouched(pagemap, mapping, mappings);
    }
  }
  if (pagemap >= 0) close(pagemap);
  return mappings;
}

// Where a process's memory is read to. Pages of its own, which a process that scans itself leaves
// out; wiped at the end.
class Window final {
 public:
  Window() {
    void* pages = mmap(nullptr, kChunk, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    COMITY_CHECK(pages != MAP_FAILED);
    bytes_ = static_cast<char*>(pages);
  }
  Window(const Window&) = delete;
  Window& operator=(const Window&) = delete;
  ~Window() { munmap(bytes_, kChunk); }

  char* bytes() { return bytes_; }
  // The part of [begin, end) that comes before the window, or all of it if it is elsewhere.
  uint64_t EndBeforeWindow(uint64_t begin, uint64_t end) const {
    return begin < this->begin() && end > this->begin() ? this->begin() : end;
  }
  bool Holds(uint64_t address) const { return address >= begin() && address < begin() + kChunk; }
  uint64_t begin() const { return reinterpret_cast<uint64_t>(bytes_); }

 private:
  char* bytes_ = nullptr;
};

uint64_t Load(const char* bytes) {
  uint64_t value = 0;
  std::memcpy(&value, bytes, sizeof(value));
  return value;
}

// The bytes of both 32-bit words in the opposite order.
constexpr uint64_t TurnWords(uint64_t value) {
  const uint64_t turned = __builtin_bswap64(value);
  return turned << 32 | turned >> 32;
}
// Turns the words of what is masked, and masks it again.
constexpr uint64_t kTurnedMask = TurnWords(kMask) ^ kMask;

}  // namespace

void MemoryNeedles::Add(std::string name, std::string_view secret) {
  COMITY_CHECK(secret.size() >= kPieceSize);
  COMITY_CHECK(std::set<char>(secret.begin(), secret.end()).size() >= 8);
  for (size_t at = 0; at + kPieceSize <= secret.size(); at += kPieceSize) {
    // Masked word by word: the clear bytes are in no place of this object at any time.
    const uint64_t first = Load(secret.data() + at) ^ kMask;
    const uint64_t second = Load(secret.data() + at + 8) ^ kMask;
    AddPiece(name, {first, second});
    for (const uint64_t pad : kHmacPads) AddPiece(name + " (padded)", {first ^ pad, second ^ pad});
    AddPiece(name + " (as hashed)",
             {TurnWords(first) ^ kTurnedMask, TurnWords(second) ^ kTurnedMask});
  }
}

void MemoryNeedles::AddPiece(std::string name, std::array<uint64_t, 2> masked) {
  beginnings_[masked[0] & 0xffff] = true;
  pieces_.push_back({std::move(name), masked});
}

void MemoryNeedles::Look(std::string_view bytes, const std::string& where,
                         std::set<std::string>& found) const {
  for (size_t at = 0; at + kPieceSize <= bytes.size(); ++at) {
    const uint64_t first = Load(bytes.data() + at) ^ kMask;
    if (!beginnings_[first & 0xffff]) continue;
    for (const Piece& piece : pieces_) {
      if (piece.masked[0] == first && piece.masked[1] == (Load(bytes.data() + at + 8) ^ kMask)) {
        found.insert(piece.name + " in " + (where.empty() ? "memory without a name" : where));
      }
    }
  }
}

absl::StatusOr<std::set<std::string>> MemoryNeedles::FindIn(pid_t process) const {
  const int memory =
      open(("/proc/" + std::to_string(process) + "/mem").c_str(), O_RDONLY | O_CLOEXEC);
  if (memory < 0) {
    return Refuse(Reason::kStateNotReady, std::strerror(errno));
  }
  std::set<std::string> found;
  Window window;
  for (const Mapping& mapping : ReadableMappings(process)) {
    // Chunks overlap, so that nothing is missed where two of them meet.
    uint64_t at = mapping.begin;
    while (at + kPieceSize <= mapping.end) {
      uint64_t end = std::min(mapping.end, at + kChunk);
      if (process == getpid()) {
        if (window.Holds(at)) {
          at = window.begin() + kChunk;
          continue;
        }
        end = window.EndBeforeWindow(at, end);
      }
      const ssize_t size = pread(memory, window.bytes(), end - at, static_cast<off_t>(at));
      // Memory may be given back while we look; there is nothing in it any more.
      if (size < static_cast<ssize_t>(kPieceSize)) {
        at = end;
        continue;
      }
      Look({window.bytes(), static_cast<size_t>(size)}, mapping.name, found);
      const bool last = at + static_cast<uint64_t>(size) >= mapping.end;
      at += static_cast<uint64_t>(size) - (last ? 0 : kPieceSize - 1);
      if (process == getpid() && end == window.begin()) at = window.begin();
    }
  }
  close(memory);
  return found;
}

}  // namespace comity
