#include "services/storage/legal_use.h"

#include <algorithm>
#include <bit>
#include <map>
#include <optional>
#include <queue>
#include <utility>

#include "services/common/crypto/digest.h"
#include "services/common/crypto/random.h"
#include "services/common/statement/leaf.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/storage/account_rules.h"
#include "services/storage/object_walk.h"

namespace comity::storage {
namespace {

constexpr size_t kMaxAnswerBytes = 3 << 19;  // 1.5 MiB: what one message carries
constexpr char kLeafType[] = "legal.use";

bool Earlier(const ScopeItem& a, const ScopeItem& b) {
  return std::pair(a.create_time, a.object) < std::pair(b.create_time, b.object);
}

// The objects in scope, in the scope's order; those deleted since are left out.
absl::StatusOr<std::vector<StoredObject>> CollectObjects(ObjectStore& objects,
                                                         const AccountSnapshot& account,
                                                         const std::vector<ContentId>& contents) {
  std::map<ContentId, std::optional<StoredObject>> wanted;
  for (const ContentId& content : contents) wanted.emplace(content, std::nullopt);
  ObjectWalk walk(&objects, account);
  for (;;) {
    ASSIGN_OR_RETURN(std::optional<StoredObject> object, walk.Next());
    if (!object.has_value()) break;
    if (auto it = wanted.find(object->record.content); it != wanted.end()) {
      it->second = std::move(object);
    }
  }
  std::vector<StoredObject> found;
  size_t bytes = 0;
  for (const ContentId& content : contents) {
    std::optional<StoredObject>& object = wanted.at(content);
    if (!object.has_value()) continue;
    bytes += EncodeObjectRecord(object->record).size();
    if (bytes > kMaxAnswerBytes) {
      return Refuse(Reason::kMessageTooLarge, "the answer does not fit: authorise a smaller scope");
    }
    found.push_back(*std::exchange(object, std::nullopt));
  }
  return found;
}

}  // namespace

LegalUses::LegalUses(Site site, const Roster* roster, AccountStore* accounts, ObjectStore* objects,
                     LegalStore* legal, BlobStore* blobs, EventLog* log)
    : site_(std::move(site)),
      roster_(roster),
      accounts_(accounts),
      objects_(objects),
      legal_(legal),
      blobs_(blobs),
      log_(log) {}

absl::StatusOr<SnapshotPtr> LegalUses::Served(const AccountId& account) {
  ASSIGN_OR_RETURN(const std::optional<AccountInfo> info, accounts_->Peek(account));
  if (!info.has_value() || info->state != AccountState::kActive) return SnapshotPtr();
  ASSIGN_OR_RETURN(SnapshotPtr snapshot, accounts_->Load(account));
  if (snapshot == nullptr || snapshot->info.state != AccountState::kActive) return SnapshotPtr();
  RETURN_IF_ERROR(CheckServed(*snapshot));  // fenced
  return snapshot;
}

absl::StatusOr<Scope> LegalUses::GetScope(const Authorization& /*review*/, const AccountId& account,
                                          UnixMillis begin, UnixMillis end) {
  Scope scope;
  ASSIGN_OR_RETURN(const SnapshotPtr snapshot, Served(account));
  if (snapshot == nullptr) return scope;
  scope.held = true;
  scope.chain = snapshot->chain_entries;
  // The earliest so far, the latest of them on top.
  std::priority_queue<ScopeItem, std::vector<ScopeItem>, decltype(&Earlier)> earliest(&Earlier);
  ObjectWalk walk(objects_, *snapshot);
  for (;;) {
    ASSIGN_OR_RETURN(const std::optional<StoredObject> object, walk.Next());
    if (!object.has_value()) break;
    const ObjectRecord& record = object->record;
    if (record.create_time < begin || record.create_time >= end) continue;
    // Sizes tell contents apart: rounded, they tell less.
    earliest.push({record.object, record.content, record.create_time,
                   record.size > uint64_t{1} << 62 ? record.size : std::bit_ceil(record.size)});
    if (earliest.size() > kMaxScopeItems) {
      earliest.pop();
      scope.truncated = true;
    }
  }
  scope.items.resize(earliest.size());
  for (size_t i = earliest.size(); i > 0; --i) {
    scope.items[i - 1] = earliest.top();
    earliest.pop();
  }
  return scope;
}

absl::StatusOr<StoredAnswer> LegalUses::Execute(const Authorization& /*review*/,
                                                const Authorisation& authorisation) {
  constexpr int kTries = 8;
  const absl::StatusOr<AuthorisationCore> core =
      DecodeRecord<AuthorisationCore>(authorisation.core);
  if (!core.ok()) return Refuse(Reason::kAuthorisationInvalid, CauseOf(core.status()));
  std::optional<VerifiedAuthorisation> verified;
  LoggedLeaf logged;
  std::string salt;
  for (int i = 0; i < kTries; ++i) {
    ASSIGN_OR_RETURN(const SnapshotPtr snapshot, Served(core->account));
    if (snapshot == nullptr) return Refuse(Reason::kAccountNotHere);
    ASSIGN_OR_RETURN(std::optional<LegalUse> known,
                     legal_->Find(core->account, authorisation.digest()));
    if (known.has_value()) return std::move(known->answer);
    if (!verified.has_value()) {
      ASSIGN_OR_RETURN(verified,
                       VerifyAuthorisation(authorisation, ServiceKind::kStorage, site_.region,
                                           *site_.topology, *roster_, site_.Now()));
    }
    if (core->account_epoch != 0 && core->account_epoch != snapshot->info.epoch) {
      return Refuse(Reason::kAuthorisationInvalid, "it is about another account epoch");
    }
    absl::StatusOr<StoredAnswer> answer = Use(*verified, *snapshot, logged, salt);
    if (ReasonOf(answer.status()) != Reason::kConflict) return answer;
  }
  return Refuse(Reason::kConflict, "the account changes too often");
}

absl::StatusOr<StoredAnswer> LegalUses::Use(const VerifiedAuthorisation& verified,
                                            const AccountSnapshot& account, LoggedLeaf& logged,
                                            std::string& salt) {
  const AuthorisationCore& core = verified.core();
  LegalUse use;
  ASSIGN_OR_RETURN(use.answer.objects, CollectObjects(*objects_, account, core.contents));
  if (logged.leaf.empty()) {
    salt = RandomBytes(32);
    const UnixMillis now = site_.Now();
    Leaf leaf;
    leaf.type = kLeafType;
    leaf.day = now - now % kDayMs;
    leaf.region = site_.region;
    leaf.commitments["authorisation"] =
        Commit(salt, leaf.type + "/authorisation", verified.digest().bytes());
    ASSIGN_OR_RETURN(logged, log_->Append(EncodeLeaf(leaf)));
  }
  LegalManifest manifest;
  manifest.authorisation = verified.digest();
  for (const StoredObject& object : use.answer.objects) {
    manifest.objects.push_back(ObjectRecordDigest(object.record));
  }
  ASSIGN_OR_RETURN(use.answer.manifest, site_.Sign(account.account, manifest));
  use.answer.leaf = logged.leaf;
  use.answer.receipt = logged.receipt;
  use.answer.contents_allowed =
      std::ranges::find(core.purposes, KeyPurpose::kContent) != core.purposes.end();
  use.pin_end = site_.Now() + kPinMs;
  RETURN_IF_ERROR(
      legal_->Put(account, verified.digest(), use, LeafOpening{logged.leaf, salt, logged.index}));
  return std::move(use.answer);
}

absl::StatusOr<std::unique_ptr<AuthorisedDownload>> LegalUses::Open(const Authorization& /*review*/,
                                                                    const Digest& authorisation,
                                                                    const AccountId& account,
                                                                    const ContentId& content) {
  ASSIGN_OR_RETURN(const SnapshotPtr snapshot, Served(account));
  if (snapshot == nullptr) return Refuse(Reason::kAccountNotHere);
  ASSIGN_OR_RETURN(const std::optional<LegalUse> use, legal_->Find(account, authorisation));
  if (!use.has_value()) return Refuse(Reason::kAuthorisationInvalid, "not executed here");
  if (site_.Now() >= use->pin_end) {
    return Refuse(Reason::kAuthorisationInvalid, "the time for delivery is over");
  }
  if (!use->answer.contents_allowed) {
    return Refuse(Reason::kAuthorisationInvalid, "it covers attributes only");
  }
  for (const StoredObject& object : use->answer.objects) {
    if (object.record.content == content) {
      return std::unique_ptr<AuthorisedDownload>(
          new AuthorisedDownload(accounts_, blobs_, account, object));
    }
  }
  return Refuse(Reason::kAuthorisationInvalid, "the content is not in its scope");
}

absl::StatusOr<std::string> AuthorisedDownload::Next() {
  ASSIGN_OR_RETURN(const SnapshotPtr snapshot, accounts_->Load(account_));
  if (snapshot == nullptr) return Refuse(Reason::kAccountNotHere);
  RETURN_IF_ERROR(CheckServed(*snapshot));
  return reader_.Next();
}

}  // namespace comity::storage
