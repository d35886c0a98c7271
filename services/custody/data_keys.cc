#include "services/custody/data_keys.h"

#include <algorithm>
#include <utility>

#include "services/common/crypto/random.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/custody/account_rules.h"
#include "services/custody/grant_rules.h"
#include "services/custody/wrapped_key.h"

namespace comity::custody {
namespace {

// Each further attempt means that the account changed once more while it was being used.
constexpr int kAttempts = 8;

absl::StatusOr<const OpenAccount::Version*> WrappingKey(const OpenAccount& account,
                                                        const Site& site) {
  RETURN_IF_ERROR(CheckTakesData(*site.topology, account.facts, site.Now()));
  const OpenAccount::Version* newest = account.Newest();
  if (newest == nullptr) {
    return Refuse(Reason::kKeyDisabled);
  }
  return newest;
}

// The version that the wrap names. DATA_CORRUPT, KEY_DESTROYED.
absl::StatusOr<const OpenAccount::Version*> FindVersionOf(const OpenAccount& account,
                                                          std::string_view wrapped) {
  ASSIGN_OR_RETURN(const WrappedKeyName name, ParseWrappedKey(wrapped));
  if (name.account != account.id || name.version == 0 || account.versions.empty() ||
      name.version > account.versions.back().version) {
    return Refuse(Reason::kDataCorrupt, "wrapped under a key that never was");
  }
  const OpenAccount::Version* version = account.Find(name.version);
  // Versions are counted without a gap: one that is not here stayed behind when the key came.
  return version == nullptr
             ? absl::StatusOr<const OpenAccount::Version*>(Refuse(Reason::kKeyDestroyed))
             : version;
}

absl::StatusOr<std::string> RewrapOne(const OpenAccount& account,
                                      const OpenAccount::Version& newest, const WrappedKey& key) {
  // Opened also when it is under the newest version: what is broken is never told to be fine.
  ASSIGN_OR_RETURN(const OpenAccount::Version* version, FindVersionOf(account, key.wrapped));
  // What its owner is giving up is opened for this alone, so that nothing is lost with it.
  if (version->key == nullptr) RETURN_IF_ERROR(version->opens);
  ASSIGN_OR_RETURN(const SecretBytes data_key,
                   OpenWrappedKey(*version->key, account.id, key.context, key.wrapped));
  return version->version == newest.version
             ? key.wrapped
             : WrapDataKey(*newest.key, account.id, newest.version, key.context, data_key);
}

// All of it, or nothing. GRANT_NOT_IN_FORCE, GRANT_EXCEEDED.
template <typename Item>
absl::Status CheckGranted(const OpenGrant& grant, KeyOperation operation,
                          const std::vector<Item>& items, UnixMillis now) {
  if (grant.ended || now < grant.body.not_before || grant.end <= now) {
    return Refuse(Reason::kGrantNotInForce);
  }
  const bool covered = std::ranges::all_of(
      items, [&](const Item& item) { return Covers(grant.body, operation, ContextOf(item)); });
  return covered ? absl::OkStatus() : Refuse(Reason::kGrantExceeded);
}

}  // namespace

absl::StatusOr<std::shared_ptr<const OpenAccount>> OpenStoredAccount(const Account& account,
                                                                     const KeySealer& sealer,
                                                                     const RegionId& region) {
  auto opened = std::make_shared<OpenAccount>();
  opened->id = account.id;
  opened->presence = account.presence;
  opened->closing = account.closing.has_value();
  opened->facts = FactsOf(account, region);
  if (account.chain.has_value()) {
    for (const Device& device : account.chain->devices()) {
      if (!device.revoked) {
        opened->devices.push_back(device.key.id());
      }
    }
    std::ranges::sort(opened->devices);
  }
  // Of a version that was here in more than one epoch, only the newest record counts.
  for (const KeyRecord& record : account.keys) {
    OpenAccount::Version version{record.version, CheckOpens(account, record.version), nullptr};
    const bool leaves = record.word.destroy_at != 0 || record.version < account.min_unwrap_version;
    const bool kept = record.word.disabled && record.word.destroy_at == 0;
    if (record.state == KeyState::kActive && (version.opens.ok() || (leaves && !kept))) {
      ASSIGN_OR_RETURN(const SecretBytes key, sealer.OpenAccountKey(account.id, record.epoch,
                                                                    record.version, record.sealed));
      ASSIGN_OR_RETURN(version.key, GcmSivKey::Create(key));
    }
    std::erase_if(opened->versions, [&](const auto& v) { return v.version == record.version; });
    opened->versions.push_back(std::move(version));
  }
  std::ranges::sort(opened->versions, {}, &OpenAccount::Version::version);
  for (const auto& [id, grant] : account.grants) {
    opened->grants.push_back({grant.body, grant.end, EndedEarly(grant, account)});
  }
  return opened;
}

absl::StatusOr<SecretBytes> OpenDataKey(const OpenAccount& account, const KeyContext& context,
                                        const std::string& wrapped) {
  ASSIGN_OR_RETURN(const OpenAccount::Version* version, FindVersionOf(account, wrapped));
  RETURN_IF_ERROR(version->opens);
  return OpenWrappedKey(*version->key, account.id, context, wrapped);
}

absl::StatusOr<DataKeys::Opened> DataKeys::Open(const Authorization& authorization,
                                                const AccountId& account, bool& is_loaded) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    if (Opened cached = cache_->Find(account); cached != nullptr) {
      return cached;
    }
    if (!is_loaded) RETURN_IF_ERROR(TakeColdUse(*site_, authorization));
    is_loaded = true;
    KeyCache::Load load(cache_, account);
    // After the load is known to the cache: sealing closes the vault first and voids loads then.
    ASSIGN_OR_RETURN(const Vault::Keys keys, vault_->Open());
    ASSIGN_OR_RETURN(const Account stored, ledger_->Load(account));
    if (!stored.exists()) {
      // Not kept: a stranger could fill the cache with accounts that do not exist.
      return Refuse(Reason::kAccountNotYours);
    }
    ASSIGN_OR_RETURN(Opened opened, OpenStoredAccount(stored, *keys, site_->region));
    if (load.Insert(opened)) {
      return opened;
    }
  }
  return Refuse(Reason::kConflict, "the account keeps changing");
}

bool DataKeys::IsCached(const AccountId& account, const GrantId& grant) const {
  const Opened owner = cache_->Find(account);
  if (owner == nullptr) return false;
  const OpenGrant* const found = owner->FindGrant(grant);
  return found == nullptr || cache_->Find(found->body.grantee) != nullptr;
}

absl::StatusOr<DataKeys::Opened> DataKeys::OpenGrantee(const Authorization& authorization,
                                                       const OpenAccount& owner,
                                                       const GrantId& grant, bool& is_loaded) {
  const OpenGrant* const found = authorization.IsDevice() ? owner.FindGrant(grant) : nullptr;
  if (found == nullptr) {
    return Refuse(Reason::kAccountNotYours);
  }
  ASSIGN_OR_RETURN(Opened grantee, Open(authorization, found->body.grantee, is_loaded));
  // Where an account has left, nobody hears of the devices that it revokes.
  if (grantee->presence != Presence::kActive ||
      !grantee->HasDevice(authorization.caller().key.id())) {
    return Refuse(Reason::kAccountNotYours);
  }
  return grantee;
}

template <typename Result, typename Item, typename Use>
absl::StatusOr<Result> DataKeys::WithAccount(const Authorization& authorization,
                                             const AccountId& account, const Request& request,
                                             const std::vector<Item>& items, const Use& use) {
  bool is_loaded = false;
  bool is_taken = false;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    ASSIGN_OR_RETURN(const Opened opened, Open(authorization, account, is_loaded));
    Opened grantee;
    absl::StatusOr<Result> result = [&]() -> absl::StatusOr<Result> {
      // First of all, so that a stranger learns nothing about the account's state.
      if (request.grant.has_value()) {
        ASSIGN_OR_RETURN(grantee, OpenGrantee(authorization, *opened, *request.grant, is_loaded));
        RETURN_IF_ERROR(CheckGranted(*opened->FindGrant(*request.grant), request.operation, items,
                                     site_->Now()));
      } else if (!authorization.IsDevice() || !opened->HasDevice(authorization.caller().key.id())) {
        return Refuse(Reason::kAccountNotYours);
      }
      RETURN_IF_ERROR(CheckServed(opened->presence));
      if (!is_taken) {
        RETURN_IF_ERROR(TakeKeys(*site_, account, {request.reason, items.size()},
                                 grantee == nullptr ? nullptr : &grantee->id));
      }
      is_taken = true;
      return use(*opened);
    }();
    if (vault_->LeaseIsOver()) {
      return Refuse(Reason::kSealed);
    }
    if (!opened->stale() && (grantee == nullptr || !grantee->stale())) {
      return result;
    }
  }
  return Refuse(Reason::kConflict, "the account keeps changing");
}

absl::StatusOr<std::vector<GeneratedKey>> DataKeys::Generate(
    const Authorization& authorization, const AccountId& account, UseReason reason,
    const std::vector<KeyContext>& contexts, const NamedGrant& grant, DataKeyForm form) {
  using Result = std::vector<GeneratedKey>;
  return WithAccount<Result>(
      authorization, account, {KeyOperation::kGenerate, reason, grant}, contexts,
      [&](const OpenAccount& opened) -> absl::StatusOr<Result> {
        ASSIGN_OR_RETURN(const OpenAccount::Version* key, WrappingKey(opened, *site_));
        Result result;
        result.reserve(contexts.size());
        for (const KeyContext& context : contexts) {
          SecretBytes plaintext = RandomSecret(kDataKeySize);
          std::string wrapped = WrapDataKey(*key->key, account, key->version, context, plaintext);
          if (form == DataKeyForm::kWrapAlone) plaintext = SecretBytes();
          result.push_back({std::move(plaintext), std::move(wrapped)});
        }
        return result;
      });
}

absl::StatusOr<std::vector<std::string>> DataKeys::Wrap(const Authorization& authorization,
                                                        const AccountId& account, UseReason reason,
                                                        const std::vector<PlainKey>& keys,
                                                        const NamedGrant& grant) {
  using Result = std::vector<std::string>;
  return WithAccount<Result>(
      authorization, account, {KeyOperation::kWrap, reason, grant}, keys,
      [&](const OpenAccount& opened) -> absl::StatusOr<Result> {
        ASSIGN_OR_RETURN(const OpenAccount::Version* key, WrappingKey(opened, *site_));
        Result result;
        result.reserve(keys.size());
        for (const PlainKey& plain : keys) {
          result.push_back(
              WrapDataKey(*key->key, account, key->version, plain.context, plain.plaintext));
        }
        return result;
      });
}

absl::StatusOr<std::vector<SecretBytes>> DataKeys::Unwrap(const Authorization& authorization,
                                                          const AccountId& account,
                                                          UseReason reason,
                                                          const std::vector<WrappedKey>& keys,
                                                          const NamedGrant& grant) {
  using Result = std::vector<SecretBytes>;
  return WithAccount<Result>(authorization, account, {KeyOperation::kUnwrap, reason, grant}, keys,
                             [&](const OpenAccount& opened) -> absl::StatusOr<Result> {
                               Result result;
                               result.reserve(keys.size());
                               for (const WrappedKey& key : keys) {
                                 ASSIGN_OR_RETURN(SecretBytes plaintext,
                                                  OpenDataKey(opened, key.context, key.wrapped));
                                 result.push_back(std::move(plaintext));
                               }
                               return result;
                             });
}

absl::StatusOr<DataKeys::Rewrapped> DataKeys::Rewrap(const Authorization& authorization,
                                                     const AccountId& account, UseReason reason,
                                                     const std::vector<WrappedKey>& keys,
                                                     const NamedGrant& grant) {
  return WithAccount<Rewrapped>(authorization, account, {KeyOperation::kRewrap, reason, grant},
                                keys, [&](const OpenAccount& opened) -> absl::StatusOr<Rewrapped> {
                                  ASSIGN_OR_RETURN(const OpenAccount::Version* newest,
                                                   WrappingKey(opened, *site_));
                                  Rewrapped results;
                                  results.reserve(keys.size());
                                  for (const WrappedKey& key : keys) {
                                    results.push_back(RewrapOne(opened, *newest, key));
                                  }
                                  return results;
                                });
}

}  // namespace comity::custody
