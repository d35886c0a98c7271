#include "services/common/backup/backup_head.h"

#include <utility>
#include <vector>

#include "services/common/crypto/random.h"
#include "services/common/statement/fields.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity {
namespace {

constexpr char kOwner[] = "owner";
constexpr char kComplete[] = "complete";
constexpr char kInStep[] = "in-step";
constexpr std::string_view kKeys = "key/";
constexpr std::string_view kFiles = "file/";
constexpr size_t kMaxHeadRecords = 1'000;

struct Number {
  uint64_t value = 0;
  template <class Io, class Self>
  static void Fields(Io& io, Self& b) {
    io(16, b.value);
  }
};

struct SealedKey {
  uint32_t generation = 0;
  std::string sealed;
  template <class Io, class Self>
  static void Fields(Io& io, Self& b) {
    io(16, b.generation), io(17, b.sealed);
  }
};

absl::Status Corrupt(std::string_view what) {
  return Refuse(Reason::kDataCorrupt, "the head of the backup: " + std::string(what));
}

std::string KeyName(uint32_t generation) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string name(kKeys);
  for (int shift = 28; shift >= 0; shift -= 4) name += kDigits[generation >> shift & 0xf];
  return name;
}

absl::Status Commit(RecordStore& store, const std::vector<Mutation>& mutations) {
  return store.Commit(kBackupHeadPartition, RandomId<RequestId>(), {}, mutations).status();
}

}  // namespace

std::string EncodeBackupOwner(const BackupOwner& owner) { return EncodeRecord(owner); }

absl::StatusOr<BackupOwner> DecodeBackupOwner(std::string_view bytes) {
  absl::StatusOr<BackupOwner> owner = DecodeRecord<BackupOwner>(bytes);
  return owner.ok() ? std::move(owner) : Corrupt("whose it is");
}

absl::Status DecodeHeadRecord(const std::string& key, const std::string& value, BackupHead& head) {
  if (key == kOwner) {
    ASSIGN_OR_RETURN(head.owner, DecodeBackupOwner(value));
    return absl::OkStatus();
  }
  if (key == kComplete) {
    const absl::StatusOr<Number> time = DecodeRecord<Number>(value);
    if (!time.ok() || time->value == 0 || time->value >> 63 != 0) return Corrupt("its time");
    head.complete = static_cast<UnixMillis>(time->value);
    return absl::OkStatus();
  }
  if (key == kInStep) {
    head.in_step = value;
    return absl::OkStatus();
  }
  if (key.starts_with(kKeys)) {
    absl::StatusOr<SealedKey> sealed = DecodeRecord<SealedKey>(value);
    if (!sealed.ok() || KeyName(sealed->generation) != key) return Corrupt("a sealed key");
    head.keys.emplace(sealed->generation, std::move(sealed->sealed));
    return absl::OkStatus();
  }
  if (key.starts_with(kFiles)) {
    head.files.emplace(key.substr(kFiles.size()), value);
    return absl::OkStatus();
  }
  return Corrupt("a record that it does not have");
}

absl::StatusOr<std::optional<BackupHead>> ReadBackupHead(RecordStore& store) {
  ASSIGN_OR_RETURN(const ScanPage page, store.Scan(kBackupHeadPartition, "", "", kMaxHeadRecords));
  if (page.version == 0) return std::optional<BackupHead>();
  BackupHead head;
  bool owned = false;
  for (const auto& [key, value] : page.items) {
    RETURN_IF_ERROR(DecodeHeadRecord(key, value, head));
    owned |= key == kOwner;
  }
  if (page.more || !owned) return Corrupt("it is not whole");
  return std::optional<BackupHead>(std::move(head));
}

absl::Status BeginBackupHead(RecordStore& store, const BackupOwner& owner) {
  return Commit(store, {Mutation::Put(kOwner, EncodeBackupOwner(owner))});
}

absl::Status CompleteBackupHead(RecordStore& store, UnixMillis now) {
  return Commit(store,
                {Mutation::Put(kComplete, EncodeRecord(Number{static_cast<uint64_t>(now)}))});
}

absl::Status PutBackupInStep(RecordStore& store, const std::string& token) {
  return Commit(store, {Mutation::Put(kInStep, token)});
}

absl::Status PutBackupKey(RecordStore& store, uint32_t generation, const std::string& sealed) {
  return Commit(store,
                {Mutation::Put(KeyName(generation), EncodeRecord(SealedKey{generation, sealed}))});
}

absl::Status DropBackupKeysBefore(RecordStore& store, uint32_t generation) {
  ASSIGN_OR_RETURN(const std::optional<BackupHead> head, ReadBackupHead(store));
  std::vector<Mutation> mutations;
  if (head.has_value()) {
    for (const auto& [known, sealed] : head->keys) {
      if (known < generation) mutations.push_back(Mutation::Erase(KeyName(known)));
    }
  }
  return mutations.empty() ? absl::OkStatus() : Commit(store, mutations);
}

absl::Status PutBackupFile(RecordStore& store, const std::string& name, const std::string& bytes) {
  return Commit(store, {Mutation::Put(std::string(kFiles) + name, bytes)});
}

}  // namespace comity
