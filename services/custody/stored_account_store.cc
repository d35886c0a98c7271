#include "services/custody/stored_account_store.h"

#include <cstdio>
#include <map>
#include <string_view>
#include <utility>

#include "services/common/crypto/random.h"
#include "services/common/statement/fields.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/custody/stored_codec.h"

namespace comity::custody {
namespace {

constexpr std::string_view kPartitionPrefix = "custody/";
constexpr std::string_view kAccountBegin = "account/";
constexpr std::string_view kAccountEnd = "account0";  // '0' follows '/'
constexpr std::string_view kGrantPrefix = "account/grant/";
const char kRecordKey[] = "account/record";
const char kHistoryKey[] = "account/history";
const char kVouchKey[] = "account/vouch";
// Of custody as a whole; no account is called like that.
constexpr std::string_view kRootPartition = "custody-root";
const char kMarkKey[] = "reseal";
// A history may fill a commit but for what else a commit holds.
constexpr size_t kMaxHistoryBytes = 768 << 10;
constexpr size_t kScanPage = 1'000;

std::string Partition(const AccountId& account) {
  return std::string(kPartitionPrefix) + account.ToString();
}

std::string Hex(uint64_t number, int digits) {
  char text[17];
  std::snprintf(text, sizeof(text), "%0*llx", digits, static_cast<unsigned long long>(number));
  return text;
}
std::string KeyName(AccountEpoch epoch, KeyVersion version) {
  return "account/key/" + Hex(epoch, 8) + "/" + Hex(version, 8);
}
std::string MetadataName(AccountEpoch epoch) { return "account/metadata/" + Hex(epoch, 8); }
std::string GrantName(const GrantId& grant) { return std::string(kGrantPrefix) + grant.ToString(); }
std::string DecisionName(AccountEpoch epoch) { return "decision/" + Hex(epoch, 8); }
std::string LeafName(uint64_t number) { return "leaf/" + Hex(number, 16); }
std::string UseName(const Digest& authorisation) { return "used/" + authorisation.ToString(); }

// Every value that belongs to the account itself, by key.
std::map<std::string, std::string> Values(const Account& account) {
  std::map<std::string, std::string> values;
  values[kRecordKey] = EncodeAccountRecord(account);
  values[kHistoryKey] = EncodeAccountHistory(account);
  if (!account.chain_vouch.empty()) {
    values[kVouchKey] = account.chain_vouch;
  }
  for (const KeyRecord& key : account.keys) {
    if (!key.sealed.empty()) {
      values[KeyName(key.epoch, key.version)] = key.sealed;
    }
  }
  for (const auto& [epoch, sealed] : account.metadata_keys) {
    values[MetadataName(epoch)] = sealed;
  }
  for (const auto& [id, grant] : account.grants) {
    values[GrantName(id)] = EncodeGrant(grant);
  }
  return values;
}

// Takes the grants out of the values.
absl::Status TakeGrants(std::map<std::string, std::string>& values, Account& account) {
  auto value = values.lower_bound(std::string(kGrantPrefix));
  while (value != values.end() && value->first.starts_with(kGrantPrefix)) {
    const absl::StatusOr<GrantId> id = GrantId::Parse(value->first.substr(kGrantPrefix.size()));
    if (!id.ok()) {
      return Refuse(Reason::kDataCorrupt, "a stored grant without an id");
    }
    ASSIGN_OR_RETURN(account.grants[*id], DecodeGrant(*id, value->second));
    value = values.erase(value);
  }
  return absl::OkStatus();
}

// Puts the sealed bytes into the account that was read from the record. What is left over or
// missing means that the store has lost or mixed something.
absl::Status AddSealed(std::map<std::string, std::string> values, Account& account) {
  for (KeyRecord& key : account.keys) {
    auto found = values.extract(KeyName(key.epoch, key.version));
    if (found.empty() == key.exists()) {
      return Refuse(Reason::kDataCorrupt, "a sealed key and its record do not fit");
    }
    if (!found.empty()) {
      key.sealed = std::move(found.mapped());
    }
  }
  for (auto& [name, sealed] : values) {
    AccountEpoch epoch = 0;
    const std::string prefix = "account/metadata/";
    if (!name.starts_with(prefix) || std::sscanf(name.c_str() + prefix.size(), "%x", &epoch) != 1 ||
        name != MetadataName(epoch)) {
      return Refuse(Reason::kDataCorrupt, "a stored value that belongs to nothing");
    }
    account.metadata_keys[epoch] = std::move(sealed);
  }
  return absl::OkStatus();
}

bool IsSealedKey(std::string_view key) {
  return key.starts_with("account/key/") || key.starts_with("account/metadata/");
}

bool DecidedNow(const Account& before, const Account& after) {
  return after.last_decided != before.last_decided && after.outgoing.has_value() &&
         after.outgoing->decision.has_value();
}

}  // namespace

absl::StatusOr<Account> StoredAccountStore::Load(const AccountId& id, const KeySealer* keys) {
  Account account{.id = id};
  std::map<std::string, std::string> values;
  std::string begin(kAccountBegin);
  std::optional<PartitionVersion> version;
  while (true) {
    ASSIGN_OR_RETURN(ScanPage page,
                     records_->Scan(Partition(id), begin, kAccountEnd, kScanPage, version));
    for (auto& [key, value] : page.items) {
      begin = key + '\0';
      values.emplace(std::move(key), std::move(value));
    }
    version = page.version;
    if (!page.more) {
      break;
    }
  }
  account.version = *version;
  if (account.version == 0) {
    return account;
  }
  auto record = values.extract(kRecordKey);
  auto history = values.extract(kHistoryKey);
  if (record.empty() || history.empty()) {
    return Refuse(Reason::kDataCorrupt, "an account without record or history");
  }
  if (auto vouch = values.extract(kVouchKey); !vouch.empty()) {
    account.chain_vouch = std::move(vouch.mapped());
  }
  RETURN_IF_ERROR(DecodeAccountRecord(record.mapped(), account));
  RETURN_IF_ERROR(DecodeAccountHistory(history.mapped(), keys, account));
  RETURN_IF_ERROR(TakeGrants(values, account));
  RETURN_IF_ERROR(AddSealed(std::move(values), account));
  return account;
}

absl::StatusOr<Account> StoredAccountStore::Skim(const AccountId& id) {
  Account account{.id = id};
  ASSIGN_OR_RETURN(const Snapshot snapshot, records_->Get(Partition(id), {kRecordKey}));
  account.version = snapshot.version;
  if (const std::string* record = snapshot.Find(kRecordKey); record != nullptr) {
    RETURN_IF_ERROR(DecodeAccountRecord(*record, account));
  }
  return account;
}

absl::StatusOr<uint64_t> StoredAccountStore::Commit(const Account& before, const Account& after,
                                                    const CommitExtras& extras) {
  std::vector<Precondition> preconditions = {before.version == 0
                                                 ? Precondition::PartitionAbsent()
                                                 : Precondition::VersionIs(before.version)};
  std::vector<Mutation> mutations;
  std::map<std::string, std::string> old_values;
  if (before.version != 0) {
    old_values = Values(before);
  }
  for (auto& [key, value] : Values(after)) {
    const auto old = old_values.extract(key);
    if (old.empty() || old.mapped() != value) {
      if (key == kHistoryKey && value.size() > kMaxHistoryBytes) {
        return Refuse(Reason::kOverloaded, "the account's history is full");
      }
      mutations.push_back(Mutation::Put(key, value));
    }
  }
  for (const auto& [key, value] : old_values) {
    // A destroyed key is to be nowhere, however well it was sealed.
    mutations.push_back(IsSealedKey(key) ? Mutation::Erase(key) : Mutation::Delete(key));
  }
  if (DecidedNow(before, after)) {
    // The version already guards it. This says it once more, in the store itself: a decision is
    // never written twice.
    const std::string name = DecisionName(after.outgoing->epoch);
    preconditions.push_back(Precondition::KeyAbsent(name));
    mutations.push_back(Mutation::Put(name, EncodeDecision(*after.outgoing->decision)));
  }
  for (const LeafOpening& opening : extras.openings) {
    mutations.push_back(Mutation::Put(LeafName(opening.number), EncodeLeafOpening(opening)));
  }
  if (extras.use.has_value()) {
    const std::string name = UseName(extras.use->authorisation);
    preconditions.push_back(Precondition::KeyAbsent(name));
    mutations.push_back(Mutation::Put(name, EncodeLegalUse(*extras.use)));
  }
  return records_->Commit(Partition(after.id), RandomId<RequestId>(), preconditions, mutations);
}

absl::StatusOr<std::optional<LegalUse>> StoredAccountStore::FindUse(const AccountId& account,
                                                                    const Digest& authorisation) {
  const std::string name = UseName(authorisation);
  ASSIGN_OR_RETURN(const Snapshot snapshot, records_->Get(Partition(account), {name}));
  const std::string* value = snapshot.Find(name);
  if (value == nullptr) {
    return std::nullopt;
  }
  ASSIGN_OR_RETURN(LegalUse use, DecodeLegalUse(authorisation, *value));
  return use;
}

absl::StatusOr<std::vector<AccountId>> StoredAccountStore::List(const AccountId& cursor,
                                                                size_t limit) {
  const std::string after = cursor.IsZero() ? std::string() : Partition(cursor);
  ASSIGN_OR_RETURN(const std::vector<std::string> names,
                   records_->Partitions(kPartitionPrefix, after, limit));
  std::vector<AccountId> accounts;
  for (const std::string& name : names) {
    ASSIGN_OR_RETURN(const AccountId id,
                     AccountId::Parse(std::string_view(name).substr(kPartitionPrefix.size())));
    accounts.push_back(id);
  }
  return accounts;
}

absl::StatusOr<ResealMark> StoredAccountStore::LoadMark() {
  ASSIGN_OR_RETURN(const Snapshot snapshot, records_->Get(kRootPartition, {kMarkKey}));
  const std::string* mark = snapshot.Find(kMarkKey);
  return mark == nullptr ? ResealMark() : DecodeRecord<ResealMark>(*mark);
}

absl::Status StoredAccountStore::KeepMark(const ResealMark& mark) {
  return records_
      ->Commit(kRootPartition, RandomId<RequestId>(), {},
               {Mutation::Put(kMarkKey, EncodeRecord(mark))})
      .status();
}

}  // namespace comity::custody
