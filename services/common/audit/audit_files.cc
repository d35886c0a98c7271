#include "services/common/audit/audit_files.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity {
namespace {

constexpr size_t kDigits = 20;  // of the largest u64
constexpr std::string_view kSuffix = ".audit";

absl::Status Unavailable(const std::string& what, const std::string& path, int error) {
  return Refuse(Reason::kStoreUnavailable, what + " " + path + ": " + std::strerror(error));
}

std::optional<uint64_t> ParseName(const std::string& name) {
  if (name.size() != kDigits + kSuffix.size() || !name.ends_with(kSuffix)) return std::nullopt;
  uint64_t first = 0;
  const char* const end = name.data() + kDigits;
  const auto [stop, error] = std::from_chars(name.data(), end, first);
  if (error != std::errc() || stop != end || first == 0) return std::nullopt;
  return first;
}

// Blocks of one file, one after another, through a window that holds at least one whole block.
class FileReader final {
 public:
  static absl::StatusOr<FileReader> Open(const std::string& path) {
    FileReader reader(path);
    reader.fd_ = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (reader.fd_ < 0) return Unavailable("cannot open", path, errno);
    return reader;
  }
  FileReader(FileReader&& other) noexcept
      : path_(std::move(other.path_)),
        fd_(std::exchange(other.fd_, -1)),
        window_(std::move(other.window_)) {}
  FileReader& operator=(FileReader&&) = delete;
  ~FileReader() {
    if (fd_ >= 0) close(fd_);
  }

  // DATA_CORRUPT where there is no block, which the end of the file is, too.
  absl::StatusOr<ReadAuditBlock> Next() {
    absl::StatusOr<ReadAuditBlock> read = ParseAuditBlock(Window());
    if (!read.ok() && !whole_) {
      RETURN_IF_ERROR(Refill());
      read = ParseAuditBlock(Window());
    }
    if (read.ok()) {
      begin_ += read->size;
      passed_ += read->size;
    }
    return read;
  }

  // Passes over blocks that end before record `number` without looking into them.
  absl::Status SkipTo(uint64_t number) {
    while (true) {
      std::optional<size_t> next = SizeOfFrame(Window());
      if (!Reaches(next) && !whole_) {
        RETURN_IF_ERROR(Refill());
        next = SizeOfFrame(Window());
      }
      if (!Reaches(next) || FirstOf(Window().substr(*next)) > number) return absl::OkStatus();
      begin_ += *next;
      passed_ += *next;
    }
  }

  // Whether what is left, where there is no block, can be one write that did not end.
  absl::StatusOr<bool> EndsLikeAWrite() {
    if (!whole_) RETURN_IF_ERROR(Refill());
    const std::string_view left = Window();
    if (left.size() > kMaxAuditBlock + kAuditFrame) return false;
    const std::optional<size_t> next = SizeOfFrame(left);
    return !next.has_value() || !ParseAuditBlock(left.substr(*next)).ok();
  }

  std::string Place() const { return path_ + " at byte " + std::to_string(passed_); }

 private:
  static constexpr size_t kRead = 2 * (kMaxAuditBlock + kAuditFrame);

  // Of the block at the start, as it says itself; nothing if it goes beyond.
  static std::optional<size_t> SizeOfFrame(std::string_view bytes) {
    if (bytes.size() < kAuditFrame) return std::nullopt;
    const size_t size = Number(bytes.substr(0, 4)) + kAuditFrame;
    return size > bytes.size() ? std::nullopt : std::optional<size_t>(size);
  }
  // Number of the first record of the block at the start: the first field after the version.
  static constexpr size_t kFirstAt = 4 + (6 + 2) + 6;
  static uint64_t FirstOf(std::string_view bytes) { return Number(bytes.substr(kFirstAt, 8)); }
  static uint64_t Number(std::string_view bytes) {
    uint64_t number = 0;
    for (const char byte : bytes) number = number << 8 | static_cast<uint8_t>(byte);
    return number;
  }
  // The window holds the beginning of another block after that many bytes.
  bool Reaches(std::optional<size_t> next) const {
    return next.has_value() && Window().size() - *next >= kFirstAt + 8;
  }

  explicit FileReader(std::string path) : path_(std::move(path)) {}
  std::string_view Window() const { return std::string_view(window_).substr(begin_); }

  absl::Status Refill() {
    window_.erase(0, begin_);
    begin_ = 0;
    size_t size = window_.size();
    window_.resize(size + kRead);
    const size_t end = window_.size();
    while (size < end) {
      const ssize_t n = read(fd_, window_.data() + size, end - size);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return Unavailable("cannot read", path_, errno);
      if (n == 0) {
        whole_ = true;
        break;
      }
      size += static_cast<size_t>(n);
    }
    window_.resize(size);
    return absl::OkStatus();
  }

  std::string path_;
  int fd_ = -1;
  std::string window_;
  size_t begin_ = 0;     // of what was not read yet, in the window
  uint64_t passed_ = 0;  // bytes of the blocks that were read
  bool whole_ = false;   // the window reaches to the end of the file
};

// Goes through files in order and knows what has to come next.
class Chain final {
 public:
  // `from`: blocks before that record need not be looked at. `ends`: where the next file begins;
  // zero for the newest.
  absl::StatusOr<bool> Read(const AuditFile& file, uint64_t from, uint64_t ends,
                            const VisitAuditBlock& visit) {
    absl::StatusOr<FileReader> opened = FileReader::Open(file.path);
    // The oldest one may have been dropped since they were listed.
    if (!opened.ok() && !begun_ && ends != 0) return true;
    if (!opened.ok()) return opened.status();
    FileReader reader = *std::move(opened);
    if (!begun_) RETURN_IF_ERROR(reader.SkipTo(from));
    while (true) {
      const std::string place = reader.Place();
      const absl::StatusOr<ReadAuditBlock> read = reader.Next();
      if (ReasonOf(read.status()) == Reason::kStoreUnavailable) return read.status();
      // The newest file ends where it ends; another one has to reach the next.
      if (!read.ok()) {
        return ends == 0 || ends == end_.next ? absl::StatusOr<bool>(true)
                                              : Corrupt(place, CauseOf(read.status()));
      }
      // The next file has it again.
      if (ends != 0 && read->block.first >= ends) return true;
      RETURN_IF_ERROR(CheckFollows(*read, place));
      end_ = {read->block.end(), read->hash, read->block.time, file.path};
      begun_ = true;
      if (!visit(*read)) return false;
    }
  }

 private:
  static absl::Status Corrupt(const std::string& place, const std::string& cause) {
    return Refuse(Reason::kDataCorrupt, place + ": " + cause);
  }
  absl::Status CheckFollows(const ReadAuditBlock& read, const std::string& place) const {
    if (!begun_) return absl::OkStatus();
    if (read.block.first != end_.next) return Corrupt(place, "records are missing before it");
    if (read.block.previous != end_.hash) return Corrupt(place, "it follows another block");
    if (read.block.time < end_.time) return Corrupt(place, "it is older than the block before");
    return absl::OkStatus();
  }

  AuditEnd end_;
  bool begun_ = false;
};

// When the first block of a file was written; nothing if it has none.
absl::StatusOr<std::optional<UnixMillis>> BeginOf(const AuditFile& file) {
  ASSIGN_OR_RETURN(FileReader reader, FileReader::Open(file.path));
  const absl::StatusOr<ReadAuditBlock> read = reader.Next();
  if (ReasonOf(read.status()) == Reason::kStoreUnavailable) return read.status();
  return read.ok() ? std::optional<UnixMillis>(read->block.time) : std::nullopt;
}

}  // namespace

std::string AuditFileName(uint64_t first) {
  const std::string number = std::to_string(first);
  return std::string(kDigits - number.size(), '0') + number + std::string(kSuffix);
}

absl::StatusOr<std::vector<AuditFile>> ListAuditFiles(const std::string& directory) {
  std::vector<AuditFile> files;
  std::error_code error;
  std::filesystem::directory_iterator entry(directory, error);
  if (error == std::errc::no_such_file_or_directory) return files;
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (const std::optional<uint64_t> first = ParseName(name)) {
      files.push_back({entry->path().string(), *first});
    }
  }
  if (error) return Unavailable("cannot list", directory, error.value());
  std::ranges::sort(files, {}, &AuditFile::first);
  return files;
}

absl::Status ReadAuditBlocks(const std::string& directory, uint64_t from,
                             const VisitAuditBlock& visit) {
  ASSIGN_OR_RETURN(const std::vector<AuditFile> files, ListAuditFiles(directory));
  // The last file that begins at `from` or before it.
  const auto after = std::ranges::upper_bound(files, from, {}, &AuditFile::first);
  const size_t begin = after == files.begin() ? 0 : static_cast<size_t>(after - files.begin()) - 1;
  Chain chain;
  for (size_t i = begin; i < files.size(); ++i) {
    const uint64_t ends = i + 1 < files.size() ? files[i + 1].first : 0;
    ASSIGN_OR_RETURN(const bool more,
                     chain.Read(files[i], from, ends, [&](const ReadAuditBlock& read) {
                       return read.block.end() <= from || visit(read);
                     }));
    if (!more) break;
  }
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> FindAuditTime(const std::string& directory, UnixMillis time) {
  ASSIGN_OR_RETURN(const std::vector<AuditFile> files, ListAuditFiles(directory));
  // The last file that begins before `time`; those without a block are passed over.
  size_t low = 0;
  size_t high = files.size();
  while (low + 1 < high) {
    const size_t middle = low + (high - low) / 2;
    size_t looked = middle;
    std::optional<UnixMillis> begin;
    while (looked < high && !begin.has_value()) {
      ASSIGN_OR_RETURN(begin, BeginOf(files[looked]));
      if (!begin.has_value()) ++looked;
    }
    if (begin.has_value() && *begin < time) {
      low = looked;
    } else {
      high = middle;
    }
  }
  return files.empty() ? 1 : files[low].first;
}

absl::StatusOr<std::vector<AuditFile>> FindAuditFilesBefore(const std::string& directory,
                                                            UnixMillis time) {
  ASSIGN_OR_RETURN(std::vector<AuditFile> files, ListAuditFiles(directory));
  size_t old = 0;
  for (size_t i = 1; i < files.size(); ++i) {
    ASSIGN_OR_RETURN(const std::optional<UnixMillis> begin, BeginOf(files[i]));
    if (!begin.has_value()) continue;
    if (*begin >= time) break;
    old = i;
  }
  files.resize(old);
  return files;
}

absl::StatusOr<AuditEnd> FindAuditEnd(const std::string& directory) {
  ASSIGN_OR_RETURN(const std::vector<AuditFile> files, ListAuditFiles(directory));
  uint64_t ends = 0;  // where the file after this one begins; 0: there is none
  for (auto file = files.rbegin(); file != files.rend(); ++file) {
    ASSIGN_OR_RETURN(FileReader reader, FileReader::Open(file->path));
    AuditEnd end;
    while (true) {
      const absl::StatusOr<ReadAuditBlock> read = reader.Next();
      if (ReasonOf(read.status()) == Reason::kStoreUnavailable) return read.status();
      if (!read.ok()) {
        ASSIGN_OR_RETURN(const bool torn, reader.EndsLikeAWrite());
        if (torn) break;
        return Refuse(Reason::kDataCorrupt,
                      reader.Place() + ": damaged; keep the folder as evidence, elsewhere");
      }
      // It was to be written again into the file after this one, which did not get that far.
      if (ends != 0 && read->block.first >= ends) break;
      end = {read->block.end(), read->hash, read->block.time, file->path};
    }
    if (!end.path.empty()) return end;
    ends = file->first;
  }
  return AuditEnd();
}

}  // namespace comity
