#include "services/common/audit/audit_log.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <map>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "absl/time/time.h"

#include "services/common/files/files.h"
#include "services/common/status/macros.h"

namespace comity {
namespace {

using SteadyClock = std::chrono::steady_clock;

// Together below kMaxAuditBlock, whatever is in the records.
constexpr size_t kBlockRecords = 1'024;
constexpr size_t kMaxCaller = 256;

int64_t Ticks(SteadyClock::time_point time) { return time.time_since_epoch().count(); }

size_t ShardOfThread(size_t shards) {
  static std::atomic<size_t> next{0};
  static thread_local const size_t own = next.fetch_add(1, std::memory_order_relaxed);
  return own % shards;
}

// "us/operator/acme/person/evans": the name in its certificate, without the deployment.
std::string TextOf(const Caller& caller) {
  if (caller.kind == Caller::Kind::kDevice) return std::string(Name(caller.kind));
  std::string text = caller.region.name();
  switch (caller.kind) {
    case Caller::Kind::kDevice:
      break;
    case Caller::Kind::kService:
      text.append("/operator/")
          .append(caller.operator_name)
          .append("/")
          .append(Name(caller.service));
      break;
    case Caller::Kind::kOperatorPerson:
      text.append("/operator/").append(caller.operator_name).append("/person/").append(caller.name);
      break;
    case Caller::Kind::kAgent:
      text.append("/authority/").append(caller.authority).append("/agent/").append(caller.name);
      break;
    case Caller::Kind::kReviewer:
      text.append("/reviewer/").append(caller.name);
      break;
  }
  return text.substr(0, kMaxCaller);
}

AuditRecord RecordOf(UnixMillis time, const AuditLog::Call& call) {
  AuditRecord record;
  record.time = time;
  record.method = call.method.substr(call.method.rfind('/') + 1);
  if (call.caller != nullptr) {
    record.caller = TextOf(*call.caller);
    record.caller_key = call.caller->key.id();
  }
  if (!call.note.account.IsZero()) record.account = call.note.account;
  record.use = call.note.use;
  record.items = call.note.items;
  if (!call.note.items_digest.IsZero()) record.items_digest = call.note.items_digest;
  if (!call.note.authorisation.IsZero()) record.authorisation = call.note.authorisation;
  if (!call.note.grant.IsZero()) record.grant = call.note.grant;
  record.outcome = static_cast<uint16_t>(call.outcome);
  return record;
}

// A device is whoever makes a key for himself.
bool IsStranger(const AuditLog::Call& call) {
  return call.caller == nullptr || call.caller->kind == Caller::Kind::kDevice;
}

// What lies there from before, which may never have been synced, is built upon.
absl::Status SyncFile(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  const bool synced = fd >= 0 && fsync(fd) == 0;
  const int error = errno;
  if (fd >= 0) close(fd);
  return synced ? absl::OkStatus()
                : Refuse(Reason::kStoreUnavailable, path + ": " + std::strerror(error));
}

AuditRecord EventRecord(UnixMillis time, AuditEvent event) {
  AuditRecord record;
  record.time = time;
  record.event = event;
  return record;
}

}  // namespace

absl::StatusOr<std::unique_ptr<AuditLog>> AuditLog::Open(Options options) {
  RETURN_IF_ERROR(MakePrivateFolders(options.directory));
  ASSIGN_OR_RETURN(const AuditEnd end, FindAuditEnd(options.directory));
  if (!end.path.empty()) RETURN_IF_ERROR(SyncFile(end.path));
  const std::string parent = std::filesystem::path(options.directory).parent_path().string();
  if (const int error = options.files->SyncDirectory(parent)) {
    return Refuse(Reason::kStoreUnavailable, parent + ": " + std::strerror(error));
  }
  std::unique_ptr<AuditLog> log(new AuditLog(std::move(options), end));
  log->records_.push_back(EventRecord(log->options_.clock->Now(), AuditEvent::kStart));
  AuditEnd after = end;
  RETURN_IF_ERROR(log->WriteBlock(1, after));
  log->records_.clear();
  {
    absl::MutexLock lock(&log->mutex_);
    log->end_ = after;
  }
  log->writer_ = std::thread([raw = log.get()] { raw->Run(); });
  return log;
}

AuditLog::AuditLog(Options options, const AuditEnd& end) : options_(std::move(options)) {
  absl::MutexLock lock(&mutex_);
  end_ = end;
}

AuditLog::~AuditLog() {
  if (writer_.joinable()) {
    {
      absl::MutexLock lock(&mutex_);
      stops_ = true;
    }
    writer_.join();
  }
  if (fd_ >= 0) options_.files->Close(fd_);
}

void AuditLog::Append(Call call) {
  const int64_t now = Ticks(SteadyClock::now());
  Entry entry{options_.clock->Now(), now, std::move(call)};
  Shard& shard = shards_[ShardOfThread(shards_.size())];
  {
    absl::MutexLock lock(&shard.mutex);
    shard.entries.push_back(std::move(entry));
  }
  // After the record is there: whoever collects takes this mark away before he looks.
  int64_t none = 0;
  if (waiting_since_.load(std::memory_order_acquire) == 0 &&
      waiting_since_.compare_exchange_strong(none, now)) {
    absl::MutexLock lock(&mutex_);
    wanted_ = true;
  }
}

absl::Status AuditLog::AppendDurably(Call call) {
  Append(std::move(call));
  absl::MutexLock lock(&mutex_);
  // A round that runs may have looked before the record was there.
  const uint64_t round = begun_ + 1;
  wanted_ = true;
  hurried_ = true;
  struct Wait {
    const AuditLog* log;
    uint64_t round;
  } wait{this, round};
  mutex_.Await(absl::Condition(
      +[](Wait* w) {
        w->log->mutex_.AssertReaderHeld();
        return w->log->tried_ >= w->round;
      },
      &wait));
  return written_ >= round
             ? absl::OkStatus()
             : Refuse(Reason::kStoreUnavailable, "the audit record could not be written");
}

absl::Status AuditLog::Check(SteadyClock::time_point now) const {
  if (failing_.load(std::memory_order_relaxed)) {
    return Refuse(Reason::kStoreUnavailable, "audit records cannot be written");
  }
  const int64_t oldest = Ticks(now - options_.late);
  for (const std::atomic<int64_t>* const since : {&writing_since_, &waiting_since_}) {
    const int64_t begun = since->load(std::memory_order_relaxed);
    if (begun != 0 && begun < oldest) {
      return Refuse(Reason::kStoreUnavailable, "audit records are late");
    }
  }
  return absl::OkStatus();
}

AuditEnd AuditLog::end() const {
  absl::MutexLock lock(&mutex_);
  return end_;
}

absl::Status AuditLog::DropBefore(UnixMillis time) {
  ASSIGN_OR_RETURN(const std::vector<AuditFile> old,
                   FindAuditFilesBefore(options_.directory, time));
  for (const AuditFile& file : old) {
    // Oldest first, so that what is left is without a gap.
    if (const int error = options_.files->Remove(file.path); error != 0 && error != ENOENT) {
      return Failed("cannot remove " + file.path, error);
    }
  }
  if (old.empty() || options_.copy == nullptr) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::vector<AuditFile> left, ListAuditFiles(options_.directory));
  return left.empty() ? absl::OkStatus() : options_.copy->Drop(left.front().first);
}

void AuditLog::Run() {
  bool more = true;
  while (more) {
    more = WaitForWork();
    {
      absl::MutexLock lock(&mutex_);
      wanted_ = false;
      hurried_ = false;
      ++begun_;
    }
    Collect();
    if (!more) records_.push_back(EventRecord(options_.clock->Now(), AuditEvent::kStop));
    WriteRound();
  }
}

bool AuditLog::WaitForWork() {
  absl::MutexLock lock(&mutex_);
  if (failing_) {
    mutex_.AwaitWithTimeout(absl::Condition(&stops_), absl::FromChrono(options_.retry));
  } else if (records_.empty()) {
    mutex_.Await(absl::Condition(this, &AuditLog::HasWork));
    mutex_.AwaitWithTimeout(absl::Condition(this, &AuditLog::Hurries), absl::FromChrono(kGroup));
  }
  return !stops_;
}

void AuditLog::Collect() {
  // Before looking: what comes after the look sets it again.
  const int64_t since = waiting_since_.exchange(0);
  if (writing_since_.load() == 0) writing_since_.store(since);
  std::vector<Entry> entries;
  for (Shard& shard : shards_) {
    absl::MutexLock lock(&shard.mutex);
    std::ranges::move(shard.entries, std::back_inserter(entries));
    shard.entries.clear();
  }
  std::ranges::sort(entries, {}, &Entry::at);
  struct Alike {
    uint32_t calls = 0;
    uint32_t untold = 0;
    const Entry* last = nullptr;  // of those untold
  };
  std::map<std::pair<std::string_view, Reason>, Alike> refusals;
  uint32_t told = 0;
  for (const Entry& entry : entries) {
    if (entry.call.outcome != Reason::kUnspecified && IsStranger(entry.call)) {
      Alike& alike = refusals[{entry.call.method, entry.call.outcome}];
      if (++alike.calls > kToldAlike || told == kToldStrangers) {
        ++alike.untold;
        alike.last = &entry;
        continue;
      }
      ++told;
    }
    records_.push_back(RecordOf(entry.time, entry.call));
  }
  for (const auto& [key, alike] : refusals) {
    if (alike.untold == 0) continue;
    Call call = alike.last->call;
    // Of one alone there is no reason to say less.
    if (alike.untold > 1) call = {key.first, nullptr, {}, key.second};
    records_.push_back(RecordOf(alike.last->time, call));
    records_.back().calls = alike.untold;
  }
}

void AuditLog::WriteRound() {
  absl::Status status;
  while (!records_.empty() && status.ok()) {
    const size_t count = std::min(records_.size(), kBlockRecords);
    AuditEnd end = this->end();
    status = WriteBlock(count, end);
    if (!status.ok()) break;
    records_.erase(records_.begin(), records_.begin() + static_cast<ptrdiff_t>(count));
    absl::MutexLock lock(&mutex_);
    end_ = end;
  }
  if (status.ok()) {
    writing_since_.store(0);
  } else if (fd_ >= 0) {
    // What became of the file is not known; the next one begins after what is.
    options_.files->Close(fd_);
    fd_ = -1;
  }
  if (failing_.exchange(!status.ok()) == status.ok() && options_.report) options_.report(status);
  absl::MutexLock lock(&mutex_);
  tried_ = begun_;
  if (status.ok()) written_ = begun_;
}

// One block at a time: what a write leaves that did not end is never more than that, so that damage
// to what counted can be told from it.
absl::Status AuditLog::WriteBlock(size_t records, AuditEnd& end) {
  const UnixMillis now = options_.clock->Now();
  if (fd_ < 0 || size_ >= options_.file_bytes || now >= begun_at_ + kDayMs) {
    RETURN_IF_ERROR(OpenFile(end.next));
    begun_at_ = now;
  }
  AuditBlock block;
  block.first = end.next;
  block.previous = end.hash;
  block.time = std::max(end.time, now);
  block.records.assign(records_.begin(), records_.begin() + static_cast<ptrdiff_t>(records));
  const FramedAuditBlock framed = FrameAuditBlock(block);
  if (const int error = options_.files->Write(fd_, framed.bytes)) {
    return Failed("cannot write", error);
  }
  if (const int error = options_.files->Sync(fd_)) return Failed("cannot sync", error);
  size_ += framed.bytes.size();
  if (options_.copy != nullptr) RETURN_IF_ERROR(options_.copy->Keep(block, framed.bytes));
  end = {block.end(), framed.hash, block.time, path_};
  return absl::OkStatus();
}

absl::Status AuditLog::OpenFile(uint64_t first) {
  if (fd_ >= 0) options_.files->Close(fd_);
  fd_ = -1;
  size_ = 0;
  path_ = options_.directory + "/" + AuditFileName(first);
  int error = options_.files->Create(path_, fd_);
  if (error == EEXIST) {
    // Something that was begun and has no block that counts. Who looks for evidence may want it.
    error = SetAside(path_);
    if (error == 0) error = options_.files->Create(path_, fd_);
  }
  if (error != 0) {
    fd_ = -1;
    return Failed("cannot make a file", error);
  }
  if (const int synced = options_.files->SyncDirectory(options_.directory)) {
    return Failed("cannot sync the folder", synced);
  }
  return absl::OkStatus();
}

int AuditLog::SetAside(const std::string& path) const {
  int error = EEXIST;
  for (int i = 1; error == EEXIST; ++i) {
    error = options_.files->Link(path, path + "." + std::to_string(i));
  }
  return error != 0 ? error : options_.files->Remove(path);
}

absl::Status AuditLog::Failed(std::string_view what, int error) const {
  return Refuse(Reason::kStoreUnavailable, "audit log " + options_.directory + ": " +
                                               std::string(what) + ": " + std::strerror(error));
}

}  // namespace comity
