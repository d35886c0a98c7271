#include "tests/fault/unsteady_file_calls.h"

#include <filesystem>
#include <fstream>
#include <set>
#include <utility>

namespace comity {
namespace {

std::string FolderOf(const std::string& path) {
  return std::filesystem::path(path).parent_path().string();
}

uint64_t UpTo(uint64_t most, std::mt19937_64& random) {
  return std::uniform_int_distribution<uint64_t>(0, most)(random);
}

}  // namespace

void UnsteadyFileCalls::FailAt(Call call, uint64_t n, int error, bool for_good) {
  absl::MutexLock lock(&mutex_);
  planned_ = call;
  calls_to_failure_ = n;
  error_ = error;
  for_good_ = for_good;
  failed_ = false;
}

void UnsteadyFileCalls::Heal() { FailAt(Call::kAny, 0, 0); }

bool UnsteadyFileCalls::failed() const {
  absl::MutexLock lock(&mutex_);
  return failed_;
}

int UnsteadyFileCalls::Admit(Call call) {
  absl::MutexLock lock(&mutex_);
  if (failed_ && for_good_) return error_;
  if (calls_to_failure_ == 0 || (planned_ != Call::kAny && planned_ != call)) return 0;
  if (--calls_to_failure_ > 0) return 0;
  failed_ = true;
  return error_;
}

int UnsteadyFileCalls::Create(const std::string& path, int& fd) {
  if (int error = Admit(Call::kCreate); error != 0) return error;
  if (int error = real_.Create(path, fd); error != 0) return error;
  absl::MutexLock lock(&mutex_);
  auto file = std::make_shared<File>();
  open_[fd] = files_[path] = file;
  changes_.push_back({NameChange::Kind::kMade, path, file, {}});
  return 0;
}

int UnsteadyFileCalls::Write(int fd, std::string_view bytes) {
  const int planned = Admit(Call::kWrite);
  if (planned != 0) bytes = bytes.substr(0, bytes.size() / 2);
  const int error = real_.Write(fd, bytes);
  absl::MutexLock lock(&mutex_);
  open_.at(fd)->size += bytes.size();
  return planned != 0 ? planned : error;
}

int UnsteadyFileCalls::Sync(int fd) {
  if (int error = Admit(Call::kSync); error != 0) return error;
  if (int error = real_.Sync(fd); error != 0) return error;
  absl::MutexLock lock(&mutex_);
  open_.at(fd)->synced = open_.at(fd)->size;
  return 0;
}

void UnsteadyFileCalls::Close(int fd) {
  {
    absl::MutexLock lock(&mutex_);
    open_.erase(fd);
  }
  real_.Close(fd);
}

int UnsteadyFileCalls::Link(const std::string& from, const std::string& to) {
  if (int error = Admit(Call::kLink); error != 0) return error;
  if (int error = real_.Link(from, to); error != 0) return error;
  absl::MutexLock lock(&mutex_);
  std::shared_ptr<File>& file = files_[from];
  if (file == nullptr) {
    // From before the power was cut, and so on disk.
    const uint64_t size = std::filesystem::file_size(to);
    file = std::make_shared<File>(File{size, size});
  }
  changes_.push_back({NameChange::Kind::kMade, to, file, {}});
  files_[to] = file;
  return 0;
}

int UnsteadyFileCalls::Remove(const std::string& path) {
  if (int error = Admit(Call::kRemove); error != 0) return error;
  std::string content;
  const bool there = real_.Read(path, size_t{1} << 30, content) == 0;
  if (int error = real_.Remove(path); error != 0) return error;
  absl::MutexLock lock(&mutex_);
  auto file = files_.extract(path);
  if (there && !file.empty()) {
    changes_.push_back({NameChange::Kind::kRemoved, path, file.mapped(), std::move(content)});
  }
  return 0;
}

int UnsteadyFileCalls::MakeDirectory(const std::string& path) {
  if (int error = Admit(Call::kMakeDirectory); error != 0) return error;
  if (int error = real_.MakeDirectory(path); error != 0) return error;
  absl::MutexLock lock(&mutex_);
  changes_.push_back({NameChange::Kind::kMade, path, nullptr, {}});
  return 0;
}

int UnsteadyFileCalls::SyncDirectory(const std::string& path) {
  if (int error = Admit(Call::kSyncDirectory); error != 0) return error;
  if (int error = real_.SyncDirectory(path); error != 0) return error;
  absl::MutexLock lock(&mutex_);
  std::erase_if(changes_, [&](const NameChange& change) { return FolderOf(change.path) == path; });
  return 0;
}

int UnsteadyFileCalls::Read(const std::string& path, size_t max, std::string& bytes) {
  if (int error = Admit(Call::kRead); error != 0) return error;
  return real_.Read(path, max, bytes);
}

void UnsteadyFileCalls::LoseUnsynced(std::mt19937_64& random) {
  absl::MutexLock lock(&mutex_);
  // Of each folder the last so many changes are lost.
  std::map<std::string, uint64_t> in_folder;
  for (const NameChange& change : changes_) ++in_folder[FolderOf(change.path)];
  for (auto& [folder, count] : in_folder) count = UpTo(count, random);
  for (auto change = changes_.rbegin(); change != changes_.rend(); ++change) {
    uint64_t& lost = in_folder[FolderOf(change->path)];
    if (lost == 0) continue;
    --lost;
    if (change->kind == NameChange::Kind::kMade) {
      std::filesystem::remove_all(change->path);
      files_.erase(change->path);
    } else if (std::filesystem::exists(FolderOf(change->path))) {
      std::ofstream(change->path, std::ios::binary) << change->content;
      files_[change->path] = change->file;
    }
  }
  for (const auto& [path, file] : files_) {
    if (file->synced == file->size || !std::filesystem::exists(path)) continue;
    std::filesystem::resize_file(path, file->synced + UpTo(file->size - file->synced, random));
  }
  changes_.clear();
  files_.clear();
}

}  // namespace comity
