#include "services/common/faults/fault_file.h"

#include <algorithm>
#include <charconv>
#include <sstream>
#include <utility>

#include <sys/stat.h>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

#include "services/common/files/files.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity {
namespace {

using Words = std::vector<std::string>;

Words SplitWords(const std::string& line) {
  std::istringstream in(line);
  Words words;
  for (std::string word; in >> word;) words.push_back(std::move(word));
  return words;
}

std::optional<uint64_t> ParseNumber(const std::string& text) {
  uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stopped != end) return std::nullopt;
  return number;
}

bool TakeBorder(const Words& words, FaultPlan& plan) {
  const std::optional<uint64_t> kills =
      words.size() == 5 ? ParseNumber(words[4]) : std::optional<uint64_t>();
  if (!kills.has_value() || words[1] >= words[2]) return false;
  for (const BorderState state : {BorderState::kOpen, BorderState::kCut, BorderState::kSealed}) {
    if (words[3] == Name(state)) {
      plan.borders.push_back({words[1], words[2], state, *kills});
      return true;
    }
  }
  return false;
}

// "-" stands for no prefix: lines are made of words.
std::string PrefixOf(const std::string& word) { return word == "-" ? std::string() : word; }
std::string WordOf(const std::string& prefix) { return prefix.empty() ? "-" : prefix; }

bool TakeDeath(const Words& words, FaultPlan& plan) {
  const std::optional<uint64_t> count =
      words.size() == 6 ? ParseNumber(words[5]) : std::optional<uint64_t>();
  if (count.value_or(0) == 0 || (words[2] != "before" && words[2] != "after")) return false;
  plan.deaths.push_back(
      {words[1], words[2] == "before", PrefixOf(words[3]), PrefixOf(words[4]), *count});
  return true;
}

bool TakeDisk(const Words& words, FaultPlan& plan) {
  if (words.size() != 3 || (words[2] != "full" && words[2] != "broken")) return false;
  plan.disks.push_back({words[1], words[2] == "full" ? DiskState::kFull : DiskState::kBroken});
  return true;
}

bool TakeLine(const std::string& line, FaultPlan& plan) {
  const Words words = SplitWords(line);
  if (words.empty()) return true;
  if (words[0] == "border") return TakeBorder(words, plan);
  if (words[0] == "die") return TakeDeath(words, plan);
  return words[0] == "disk" && TakeDisk(words, plan);
}

// Tells one written version of the file from the next: each is a new inode or a later change.
struct Version {
  ino_t inode = 0;
  int64_t changed_s = 0;
  int64_t changed_ns = 0;
  friend bool operator==(const Version&, const Version&) = default;
};

Version VersionOf(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) return {};
  return {info.st_ino, info.st_ctim.tv_sec, info.st_ctim.tv_nsec};
}

std::pair<std::string_view, std::string_view> InOrder(std::string_view a, std::string_view b) {
  return a < b ? std::pair(a, b) : std::pair(b, a);
}

}  // namespace

std::string_view Name(BorderState state) {
  switch (state) {
    case BorderState::kOpen:
      return "open";
    case BorderState::kCut:
      return "cut";
    case BorderState::kSealed:
      return "sealed";
  }
  return "";
}

BorderFault FaultPlan::Border(std::string_view region, std::string_view other) const {
  const auto [first, second] = InOrder(region, other);
  for (const BorderFault& border : borders) {
    if (border.region == first && border.other == second) return border;
  }
  return BorderFault{std::string(first), std::string(second), BorderState::kOpen, 0};
}

void FaultPlan::SetBorder(const BorderFault& border) {
  std::erase_if(borders, [&](const BorderFault& known) {
    return known.region == border.region && known.other == border.other;
  });
  borders.push_back(border);
}

std::string FormatFaults(const FaultPlan& plan) {
  std::string text;
  for (const BorderFault& border : plan.borders) {
    text += "border " + border.region + " " + border.other + " " + std::string(Name(border.state)) +
            " " + std::to_string(border.kills) + "\n";
  }
  for (const DeathFault& death : plan.deaths) {
    text += "die " + death.service + (death.before ? " before " : " after ") +
            WordOf(death.partition) + " " + WordOf(death.key) + " " + std::to_string(death.count) +
            "\n";
  }
  for (const DiskFault& disk : plan.disks) {
    text += "disk " + disk.service + (disk.state == DiskState::kFull ? " full\n" : " broken\n");
  }
  return text;
}

absl::StatusOr<FaultPlan> ParseFaults(std::string_view text) {
  FaultPlan plan;
  std::istringstream in{std::string(text)};
  int number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (!TakeLine(line, plan)) {
      return Refuse(Reason::kFieldInvalid, "faults, line " + std::to_string(number) + ": " + line);
    }
  }
  return plan;
}

struct FaultFile::Impl {
  explicit Impl(std::string p) : path(std::move(p)) {}
  const std::string path;
  absl::Mutex mutex;
  Version version ABSL_GUARDED_BY(mutex);
  std::shared_ptr<const FaultPlan> plan ABSL_GUARDED_BY(mutex);
};

FaultFile::FaultFile(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
FaultFile::~FaultFile() = default;

absl::StatusOr<FaultPlan> FaultFile::Read(const std::string& path) {
  if (!FileExists(path)) return FaultPlan{};
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  return ParseFaults(text);
}

absl::Status FaultFile::Write(const std::string& path, const FaultPlan& plan) {
  return WriteFileDurably(path, FormatFaults(plan), FileMode::kPublic);
}

absl::StatusOr<std::unique_ptr<FaultFile>> FaultFile::Open(const std::string& path) {
  auto impl = std::make_unique<Impl>(path);
  {
    absl::MutexLock lock(&impl->mutex);
    impl->version = VersionOf(path);
    ASSIGN_OR_RETURN(FaultPlan plan, Read(path));
    impl->plan = std::make_shared<const FaultPlan>(std::move(plan));
  }
  return std::unique_ptr<FaultFile>(new FaultFile(std::move(impl)));
}

std::shared_ptr<const FaultPlan> FaultFile::Now() const {
  absl::MutexLock lock(&impl_->mutex);
  // One stat() for a commit or a turn of the relay: nothing beside what those cost.
  const Version version = VersionOf(impl_->path);
  if (version == impl_->version) return impl_->plan;
  impl_->version = version;
  absl::StatusOr<FaultPlan> plan = Read(impl_->path);
  if (plan.ok()) impl_->plan = std::make_shared<const FaultPlan>(*std::move(plan));
  return impl_->plan;
}

}  // namespace comity
