#include "services/storage/stored_account_store.h"

#include <array>
#include <charconv>
#include <cstdio>
#include <utility>
#include <vector>

#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/storage/stored_codec.h"
#include "services/storage/stored_commit.h"

namespace comity::storage {
namespace {

constexpr char kAccount[] = "account";
constexpr char kChain[] = "chain";
constexpr char kFence[] = "fence";
constexpr char kMove[] = "move";
constexpr char kIncoming[] = "incoming";
constexpr std::string_view kBucket = "bucket/";
constexpr std::string_view kHistory = "s/";
constexpr int kLoadTries = 8;

std::string Numbered(std::string_view prefix, uint64_t number) {
  std::array<char, 17> hex;
  std::snprintf(hex.data(), hex.size(), "%08llx", static_cast<unsigned long long>(number));
  return std::string(prefix) + hex.data();
}

std::string BucketKey(uint8_t bucket) {
  std::array<char, 3> hex;
  std::snprintf(hex.data(), hex.size(), "%02x", unsigned{bucket});
  return std::string(kBucket) + hex.data();
}

// Puts, replaces or deletes an optional record when it changed.
template <typename T, typename Encode>
void Change(const char* key, const std::optional<T>& before, const std::optional<T>& after,
            Encode encode, std::vector<Mutation>& mutations) {
  if (before == after) return;
  mutations.push_back(after.has_value() ? Mutation::Put(key, encode(*after))
                                        : Mutation::Delete(key));
}

absl::Status TakeRecord(std::string_view key, const std::string& value, AccountSnapshot& out) {
  if (key == kAccount) {
    ASSIGN_OR_RETURN(out.info, DecodeInfo(value));
  } else if (key == kChain) {
    ASSIGN_OR_RETURN(out.chain_entries, DecodeChain(value));
  } else if (key == kFence) {
    ASSIGN_OR_RETURN(out.fence, DecodeFence(value));
  } else if (key == kMove) {
    ASSIGN_OR_RETURN(out.move, DecodeMove(value));
  } else if (key == kIncoming) {
    ASSIGN_OR_RETURN(out.incoming, DecodeIncoming(value));
  } else if (key.starts_with(kHistory)) {
    absl::StatusOr<Statement> statement = DecodeStatement(value);
    if (!statement.ok()) return Refuse(Reason::kDataCorrupt, "a kept statement does not parse");
    out.history.push_back(*std::move(statement));
  } else if (key.starts_with(kBucket)) {
    unsigned bucket = 0;
    const std::string_view hex = key.substr(kBucket.size());
    std::from_chars(hex.data(), hex.data() + hex.size(), bucket, 16);
    out.buckets.insert(static_cast<uint8_t>(bucket));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<SnapshotPtr> StoredAccountStore::Load(const AccountId& account) {
  ASSIGN_OR_RETURN(const Snapshot head, records_->Get(AccountPartition(account), {kAccount}));
  if (head.Find(kAccount) == nullptr) return SnapshotPtr();
  if (SnapshotPtr cached = FindCached(account, head.version)) return cached;
  ASSIGN_OR_RETURN(SnapshotPtr snapshot, Read(account));
  if (snapshot != nullptr) Cache(snapshot);
  return snapshot;
}

absl::StatusOr<std::optional<AccountInfo>> StoredAccountStore::Peek(const AccountId& account) {
  ASSIGN_OR_RETURN(const Snapshot head, records_->Get(AccountPartition(account), {kAccount}));
  const std::string* value = head.Find(kAccount);
  if (value == nullptr) return std::optional<AccountInfo>();
  ASSIGN_OR_RETURN(AccountInfo info, DecodeInfo(*value));
  return std::optional<AccountInfo>(std::move(info));
}

absl::StatusOr<SnapshotPtr> StoredAccountStore::Read(const AccountId& account) {
  const std::string partition = AccountPartition(account);
  for (int i = 0; i < kLoadTries; ++i) {
    auto snapshot = std::make_shared<AccountSnapshot>();
    snapshot->account = account;
    // Everything but the openings of leaves, which sort between "incoming" and "move".
    bool conflict = false;
    for (const auto& [first, last] : {std::pair<std::string, std::string>{"a", "l"}, {"m", "t"}}) {
      std::string begin = first;
      bool more = true;
      while (more && !conflict) {
        absl::StatusOr<ScanPage> page = records_->Scan(
            partition, begin, last, 1000,
            snapshot->version == 0 ? std::nullopt : std::optional(snapshot->version));
        if (ReasonOf(page.status()) == Reason::kConflict) {
          conflict = true;
          break;
        }
        RETURN_IF_ERROR(page.status());
        if (page->version == 0) return SnapshotPtr();
        snapshot->version = page->version;
        for (const auto& [key, value] : page->items) {
          RETURN_IF_ERROR(TakeRecord(key, value, *snapshot));
        }
        more = page->more;
        if (more) begin = page->items.back().first + '\0';
      }
    }
    if (conflict) continue;
    ASSIGN_OR_RETURN(snapshot->view, AccountView::Build(snapshot->history));
    return SnapshotPtr(std::move(snapshot));
  }
  return Refuse(Reason::kConflict, "the account changes too often to be read");
}

absl::Status StoredAccountStore::Commit(const AccountId& account, const AccountSnapshot* from,
                                        const AccountEdit& edit) {
  static const AccountSnapshot kNothing;
  const AccountSnapshot& before = from == nullptr ? kNothing : *from;
  AccountInfo info = edit.info;
  std::vector<Mutation> mutations;
  for (const Statement& statement : edit.new_statements) {
    mutations.push_back(
        Mutation::Put(Numbered(kHistory, info.statements++), EncodeStatement(statement)));
  }
  // `leaves` already counts the new ones: the chain of leaves is made where they are logged.
  uint64_t number = info.leaves - edit.new_leaves.size();
  for (const LeafOpening& opening : edit.new_leaves) {
    mutations.push_back(Mutation::Put(Numbered("leaf/", number++), EncodeOpening(opening)));
  }
  for (const uint8_t bucket : edit.new_buckets) {
    if (!before.buckets.contains(bucket))
      mutations.push_back(Mutation::Put(BucketKey(bucket), "1"));
  }
  if (edit.chain_entries.has_value()) {
    mutations.push_back(Mutation::Put(kChain, EncodeChain(*edit.chain_entries)));
  }
  Change(kFence, before.fence, edit.fence, EncodeFence, mutations);
  Change(kMove, before.move, edit.move, EncodeMove, mutations);
  Change(kIncoming, before.incoming, edit.incoming, EncodeIncoming, mutations);
  mutations.push_back(Mutation::Put(kAccount, EncodeInfo(info)));
  return CommitRecords(*records_, AccountPartition(account), {AsBefore(before.version)}, mutations);
}

absl::Status StoredAccountStore::Forget(const AccountId& account, const AccountSnapshot& from) {
  return CommitRecords(*records_, AccountPartition(account), {AsBefore(from.version)},
                       {Mutation::DeletePartition()});
}

absl::Status StoredAccountStore::ForEach(const std::function<void(const SnapshotPtr&)>& visit) {
  std::string cursor;
  for (;;) {
    ASSIGN_OR_RETURN(const std::vector<std::string> page,
                     records_->Partitions(kAccountPartitions, cursor, 1000));
    for (const std::string& partition : page) {
      ASSIGN_OR_RETURN(
          const AccountId account,
          AccountId::Parse(std::string_view(partition).substr(kAccountPartitions.size())));
      ASSIGN_OR_RETURN(const SnapshotPtr snapshot, Read(account));
      if (snapshot != nullptr) visit(snapshot);
    }
    if (page.size() < 1000) return absl::OkStatus();
    cursor = page.back();
  }
}

SnapshotPtr StoredAccountStore::FindCached(const AccountId& account, uint64_t version) {
  absl::MutexLock lock(&mutex_);
  auto it = cache_.find(account);
  if (it == cache_.end() || (*it->second)->version != version) return nullptr;
  recent_.splice(recent_.begin(), recent_, it->second);
  return *it->second;
}

void StoredAccountStore::Cache(const SnapshotPtr& snapshot) {
  absl::MutexLock lock(&mutex_);
  if (auto it = cache_.find(snapshot->account); it != cache_.end()) {
    recent_.erase(it->second);
    cache_.erase(it);
  }
  recent_.push_front(snapshot);
  cache_[snapshot->account] = recent_.begin();
  if (cache_.size() > capacity_) {
    cache_.erase(recent_.back()->account);
    recent_.pop_back();
  }
}

}  // namespace comity::storage
