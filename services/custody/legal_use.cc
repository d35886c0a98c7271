#include "services/custody/legal_use.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "services/common/crypto/hpke.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/custody/account_rules.h"
#include "services/custody/budgets.h"
#include "services/custody/leaves.h"
#include "services/custody/secret_writer.h"
#include "services/custody/wrapped_key.h"

namespace comity::custody {
namespace {

constexpr std::string_view kAnswerDomain = "comity answer v1";
constexpr std::string_view kAudience = "custody";
constexpr size_t kField = SecretWriter::kFieldOverhead;
constexpr size_t kAnsweredKeySize =
    (kField + 2) + (kField + ContentId::kSize) + (kField + 1) + (kField + kDataKeySize);

absl::Status CheckScope(const AuthorisationCore& core, const std::vector<WrappedKey>& wraps) {
  if (wraps.empty() || wraps.size() > kMaxAuthorisedContents) {
    return Refuse(Reason::kFieldInvalid, "1 to 4,096 wraps");
  }
  const std::set<ContentId> contents(core.contents.begin(), core.contents.end());
  std::set<std::pair<ContentId, KeyPurpose>> seen;
  for (const WrappedKey& wrap : wraps) {
    const KeyContext& context = wrap.context;
    if (!contents.contains(context.content()) ||
        std::ranges::find(core.purposes, context.purpose()) == core.purposes.end()) {
      return Refuse(Reason::kAuthorisationInvalid, "a wrap that is not in its scope");
    }
    ASSIGN_OR_RETURN(const WrappedKeyName name, ParseWrappedKey(wrap.wrapped));
    if (name.account != core.account) {
      return Refuse(Reason::kAuthorisationInvalid, "a wrap of another account");
    }
    if (!seen.emplace(context.content(), context.purpose()).second) {
      return Refuse(Reason::kFieldInvalid, "the same key twice");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckAnswerable(const Account& account, const AuthorisationCore& core) {
  RETURN_IF_ERROR(CheckServed(account.presence));
  if (core.account_epoch != 0 && core.account_epoch != account.epoch) {
    return Refuse(Reason::kAuthorisationInvalid, "it is about another account epoch");
  }
  return absl::OkStatus();
}

}  // namespace

SecretBytes EncodeLegalAnswer(const std::vector<OpenedKey>& keys) {
  const size_t list = 4 + keys.size() * (SecretWriter::kItemOverhead + kAnsweredKeySize);
  SecretWriter writer((kField + 2) + kField + list);
  writer.Version().Field(16, list).U32(static_cast<uint32_t>(keys.size()));
  for (const OpenedKey& key : keys) {
    writer.U32(kAnsweredKeySize).Version();
    writer.Field(16, ContentId::kSize).Raw(key.content.bytes());
    writer.Field(17, 1).U8(static_cast<uint8_t>(key.purpose));
    writer.Field(18, kDataKeySize).Raw(key.data_key.Reveal(RevealKey::ForSealing()));
  }
  return std::move(writer).Finish();
}

std::string LegalAnswerInfo(const Digest& authorisation) {
  std::string info(kAnswerDomain);
  info.append(authorisation.bytes()).append(kAudience).append(4, '\0');
  return info;
}

absl::StatusOr<std::string> LegalUses::SealAnswer(const VerifiedAuthorisation& verified,
                                                  const Account& account,
                                                  const std::vector<WrappedKey>& wraps) const {
  ASSIGN_OR_RETURN(const Vault::Keys sealer, vault_->Open());
  ASSIGN_OR_RETURN(const std::shared_ptr<const OpenAccount> opened,
                   OpenStoredAccount(account, *sealer, site_->region));
  std::vector<OpenedKey> keys;
  keys.reserve(wraps.size());
  for (const WrappedKey& wrap : wraps) {
    ASSIGN_OR_RETURN(SecretBytes key, OpenDataKey(*opened, wrap.context, wrap.wrapped));
    keys.push_back({wrap.context.content(), wrap.context.purpose(), std::move(key)});
  }
  return HpkeSeal(verified.core().recipient_key, LegalAnswerInfo(verified.digest()), "",
                  EncodeLegalAnswer(keys));
}

absl::StatusOr<LegalUse> LegalUses::Execute(const Authorization& authorization,
                                            const Authorisation& legal,
                                            const std::vector<WrappedKey>& wraps) {
  if (!authorization.IsService(ServiceKind::kReview, site_->region)) {
    return Refuse(Reason::kCallerNotAllowed);
  }
  RETURN_IF_ERROR(vault_->CheckOpen());
  absl::StatusOr<AuthorisationCore> claimed = DecodeRecord<AuthorisationCore>(legal.core);
  if (!claimed.ok()) {
    return claimed.status();
  }
  // Before anything is verified: what was answered once was verified then, and is sealed.
  ASSIGN_OR_RETURN(std::optional<LegalUse> stored,
                   store_->FindUse(claimed->account, legal.digest()));
  if (stored.has_value()) {
    return *std::move(stored);
  }
  ASSIGN_OR_RETURN(const VerifiedAuthorisation verified,
                   VerifyAuthorisation(legal, ServiceKind::kCustody, site_->region,
                                       *site_->topology, *site_->roster, site_->Now()));
  const AuthorisationCore& core = verified.core();
  RETURN_IF_ERROR(CheckScope(core, wraps));
  {
    // A use that cannot be leaves no leaf.
    ASSIGN_OR_RETURN(const Account account, ledger_->Load(core.account));
    RETURN_IF_ERROR(CheckAnswerable(account, core));
    for (const WrappedKey& wrap : wraps) {
      RETURN_IF_ERROR(CheckOpens(account, ParseWrappedKey(wrap.wrapped)->version));
    }
  }

  LegalKeys keys(site_);
  RETURN_IF_ERROR(keys.Take(wraps.size()));
  LeafOpening opening = MakeLegalUseLeaf(*site_, core.account, verified.digest());
  ASSIGN_OR_RETURN(const std::vector<LogReceipt> receipts, log_->Append({opening.leaf}));
  LegalUse use{verified.digest(),
               {},
               std::move(opening.leaf),
               FormatReceipt(receipts.at(0)),
               std::move(opening.salts)};

  const Ledger::Decide decide = [&](Plan& plan) -> absl::Status {
    // A release or a twin of this call may have come first.
    ASSIGN_OR_RETURN(stored, store_->FindUse(core.account, use.authorisation));
    if (stored.has_value()) {
      return absl::OkStatus();
    }
    RETURN_IF_ERROR(CheckAnswerable(plan.after, core));
    ASSIGN_OR_RETURN(use.sealed_answer, SealAnswer(verified, plan.after, wraps));
    plan.use = use;
    plan.changed = true;
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(ledger_->Update(core.account, decide).status());
  if (stored.has_value()) {
    return *std::move(stored);
  }
  keys.Spend();
  return use;
}

}  // namespace comity::custody
