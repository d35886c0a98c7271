#include "services/storage/deliveries.h"

#include <optional>
#include <utility>

#include "services/common/statement/custody.h"
#include "services/common/statement/operator.h"
#include "services/common/status/check.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/storage/account_rules.h"
#include "services/storage/delivery_check.h"
#include "services/storage/mover.h"

namespace comity::storage {
namespace {

using MaybeEdit = absl::StatusOr<std::optional<AccountEdit>>;

constexpr size_t kNewest = 56;  // a DeliverStatement takes 64

// The newest statement of a type that fits.
template <typename Body, typename Fits>
std::optional<Parsed<Body>> FindNewest(const AccountSnapshot& account, Fits fits,
                                       Digest* digest = nullptr) {
  for (auto it = account.history.rbegin(); it != account.history.rend(); ++it) {
    absl::StatusOr<Parsed<Body>> parsed = ParseStatement<Body>(*it);
    if (!parsed.ok() || !fits(*parsed)) continue;
    if (digest != nullptr) *digest = it->digest();
    return *std::move(parsed);
  }
  return std::nullopt;
}

// The kept device statement with this number; the account has one.
const Statement* FindWord(const AccountSnapshot& account, uint64_t number) {
  const Digest* digest = account.view.FindNumber(number);
  COMITY_CHECK(digest != nullptr);
  for (const Statement& statement : account.history) {
    if (statement.digest() == *digest) return &statement;
  }
  COMITY_CHECK(false);
  return nullptr;
}

std::vector<Statement> NewestStatements(const Site& site, const AccountSnapshot& account) {
  std::vector<Statement> newest = {site.endorsement()};
  const size_t skip = account.history.size() > kNewest ? account.history.size() - kNewest : 0;
  newest.insert(newest.end(), account.history.begin() + static_cast<ptrdiff_t>(skip),
                account.history.end());
  if (account.move.has_value() && account.move->fence.has_value()) {
    newest.push_back(*account.move->fence);
  }
  return newest;
}

}  // namespace

Deliveries::Deliveries(Site site, AccountStore* accounts, Incoming* incoming, Eraser* eraser,
                       OwnCustody* custody, Wake wake)
    : site_(std::move(site)),
      accounts_(accounts),
      incoming_(incoming),
      eraser_(eraser),
      custody_(custody),
      wake_(std::move(wake)) {}

absl::StatusOr<std::vector<Statement>> Deliveries::Deliver(
    const Authorization& authorization, const AccountId& account,
    const std::vector<Statement>& statements) {
  const bool by_device = authorization.IsDevice();
  const auto take = [&](const AccountSnapshot* known) -> MaybeEdit {
    if (known == nullptr) {
      return Refuse(by_device ? Reason::kAccountNotYours : Reason::kAccountNotHere);
    }
    absl::StatusOr<VerifiedDelivery> delivery =
        VerifyDelivery(site_, *known, statements, by_device);
    if (by_device) {
      // Whether the account exists is told to its devices only, whatever is wrong with the rest.
      const DeviceChain* chain = delivery.ok() ? &delivery->chain : known->chain();
      if (chain == nullptr || chain->FindActive(authorization.caller().key.id()) == nullptr) {
        return Refuse(Reason::kAccountNotYours, "no device of the account");
      }
    }
    RETURN_IF_ERROR(delivery.status());
    if (!delivery->chain_grew && delivery->device.empty() && delivery->service.empty()) {
      return std::optional<AccountEdit>();
    }
    AccountEdit edit(*known);
    if (delivery->chain_grew) {
      edit.chain_entries = delivery->chain.entries();
      RETURN_IF_ERROR(
          site_.leaves->Append("account.chain", account, delivery->chain.head().hash, edit));
    }
    for (const Statement& statement : delivery->device) {
      ASSIGN_OR_RETURN(const Envelope envelope, PeekEnvelope(statement));
      RETURN_IF_ERROR(site_.leaves->Append(envelope.type, account, statement.digest(), edit));
      edit.Keep(known, statement);
    }
    for (const Statement& statement : delivery->service) edit.Keep(known, statement);
    return std::optional<AccountEdit>(std::move(edit));
  };
  ASSIGN_OR_RETURN(const SnapshotPtr taken, accounts_->Update(account, take));
  RETURN_IF_ERROR(Follow(taken));
  ASSIGN_OR_RETURN(const SnapshotPtr now, accounts_->Load(account));
  // Called off and erased: there is nothing to say about it any more.
  if (now == nullptr) return std::vector<Statement>{site_.endorsement()};
  return NewestStatements(site_, *now);
}

absl::Status Deliveries::Follow(const SnapshotPtr& taken) {
  if (taken->incoming.has_value()) return FollowArrival(*taken);
  // First, so that what its old custody certifies is not taken for the end of the account.
  ASSIGN_OR_RETURN(const SnapshotPtr followed, FollowKeys(taken));
  const AccountSnapshot& account = *followed;
  if (IsReadBack(account) && account.info.data_here) {
    // At once, so that the device gets the certificate in the answer; the mover finds it done.
    ASSIGN_OR_RETURN(const AccountEpoch epoch, EpochBeforeMove(account));
    RETURN_IF_ERROR(eraser_->EraseWithCertificate(account.account, epoch).status());
  }
  if (account.move.has_value() && !account.move->finished) wake_(account.account);
  return CloseIfDestroyed(account);
}

absl::StatusOr<SnapshotPtr> Deliveries::FollowKeys(const SnapshotPtr& account) {
  const auto arrived = [this](const AccountSnapshot& known, Digest* digest) {
    return FindNewest<Activation>(
        known,
        [&](const Parsed<Activation>& a) {
          return a.envelope.region == site_.region.name() && a.body.epoch > known.info.epoch &&
                 !a.body.release.IsZero();
        },
        digest);
  };
  const auto waits = [this](const AccountSnapshot& known) {
    return known.info.state == AccountState::kActive && !PlaceOf(site_.region, known).resident();
  };
  Digest digest;
  if (!waits(*account) || !arrived(*account, &digest).has_value()) return account;
  const auto follow = [&](const AccountSnapshot* known) -> MaybeEdit {
    if (known == nullptr || !waits(*known)) return std::optional<AccountEdit>();
    AccountEdit edit(*known);
    edit.info.epoch = arrived(*known, &digest)->body.epoch;
    edit.info.notified_time = 0;  // of what has come about by this
    RETURN_IF_ERROR(site_.leaves->Append("account.activated", known->account, digest, edit));
    return std::optional<AccountEdit>(std::move(edit));
  };
  return accounts_->Update(account->account, follow);
}

absl::Status Deliveries::FollowArrival(const AccountSnapshot& account) {
  const IncomingRecord& incoming = *account.incoming;
  const auto abort = FindNewest<Abort>(account, [&](const Parsed<Abort>& a) {
    return a.envelope.region == incoming.source.name() && a.body.epoch == incoming.epoch;
  });
  if (abort.has_value()) return incoming_->CallOff(account.account, true);

  Digest digest;
  const auto release = FindNewest<Release>(
      account,
      [&](const Parsed<Release>& r) {
        return r.envelope.region == incoming.source.name() && r.body.epoch == incoming.epoch;
      },
      &digest);
  if (release.has_value()) {
    const auto activation = FindNewest<Activation>(account, [&](const Parsed<Activation>& a) {
      return a.envelope.region == site_.region.name() && a.body.epoch == incoming.epoch &&
             a.body.release == digest;
    });
    if (activation.has_value()) return incoming_->Activate(account.account, *release, {});
    return absl::OkStatus();
  }

  const std::optional<ConsentEntry>& consent = account.view.consent();
  if (!consent.has_value() || consent->statement.digest() != incoming.consent) {
    return incoming_->CallOff(account.account, false);
  }
  return absl::OkStatus();
}

absl::Status Deliveries::CloseIfDestroyed(const AccountSnapshot& account) {
  const bool served = account.info.state == AccountState::kActive;
  if (served) {
    Digest digest;
    const auto destruction = FindNewest<KeyDestruction>(
        account,
        [&](const Parsed<KeyDestruction>& d) {
          // The copy that a move left behind is no end of the account.
          return d.envelope.region == PlaceOf(site_.region, account).keys.name() &&
                 d.body.epoch == account.info.epoch && !d.body.release.has_value();
        },
        &digest);
    if (!destruction.has_value()) return absl::OkStatus();
    const auto close = [&](const AccountSnapshot* known) -> MaybeEdit {
      if (known == nullptr || known->info.state != AccountState::kActive) {
        return std::optional<AccountEdit>();
      }
      AccountEdit edit(*known);
      edit.info.state = AccountState::kClosed;
      edit.fence.reset();
      RETURN_IF_ERROR(site_.leaves->Append("account.closed", account.account, digest, edit));
      return std::optional<AccountEdit>(std::move(edit));
    };
    RETURN_IF_ERROR(accounts_->Update(account.account, close).status());
  } else if (account.info.state != AccountState::kClosed || !account.info.data_here) {
    return absl::OkStatus();
  }
  return eraser_->EraseWithCertificate(account.account, account.info.epoch).status();
}

absl::StatusOr<SnapshotPtr> Deliveries::AskCustody(const AccountSnapshot& account,
                                                   const std::vector<Statement>& words) {
  // The account record tells our custody where the keys are when they are not there.
  std::vector<Statement> record;
  if (account.view.keys_elsewhere().has_value()) record.push_back(*FindWord(account, 1));
  std::vector<Statement> all = record;
  all.insert(all.end(), words.begin(), words.end());
  absl::StatusOr<std::vector<Statement>> answer = custody_->Deliver(account.account, all);
  // Custody has another statement with its number: then that one counts, and what it says.
  if (!answer.ok() && !IsTransient(answer.status())) {
    answer = custody_->Deliver(account.account, record);
  }
  RETURN_IF_ERROR(answer.status());
  std::erase_if(*answer, [](const Statement& statement) {
    const absl::StatusOr<Envelope> envelope = PeekEnvelope(statement);
    return !envelope.ok() ||
           (envelope->type != KeyClosing::kType && envelope->type != KeyDestruction::kType &&
            envelope->type != Release::kType && envelope->type != Activation::kType &&
            envelope->type != Endorsement::kType);
  });
  const auto take = [&](const AccountSnapshot* now) -> MaybeEdit {
    if (now == nullptr) return std::optional<AccountEdit>();
    ASSIGN_OR_RETURN(const VerifiedDelivery delivery, VerifyDelivery(site_, *now, *answer, false));
    if (delivery.service.empty()) return std::optional<AccountEdit>();
    AccountEdit edit(*now);
    for (const Statement& statement : delivery.service) edit.Keep(now, statement);
    return std::optional<AccountEdit>(std::move(edit));
  };
  return accounts_->Update(account.account, take);
}

absl::Status Deliveries::Attend(const AccountId& account) {
  ASSIGN_OR_RETURN(SnapshotPtr known, accounts_->Load(account));
  if (known == nullptr) return absl::OkStatus();
  if (known->incoming.has_value()) {
    const IncomingRecord& incoming = *known->incoming;
    if (incoming.void_consent || site_.Now() >= incoming.consent_expiry) {
      return incoming_->CallOff(account, incoming.void_consent);
    }
    return FollowArrival(*known);
  }
  if (known->info.state == AccountState::kActive && known->view.open_close().has_value() &&
      site_.Now() >= known->view.close_destroy_time()) {
    // Custody tells when the keys go, and when they are gone.
    ASSIGN_OR_RETURN(known, AskCustody(*known, {*FindWord(*known, *known->view.open_close())}));
  } else if (known->info.state == AccountState::kActive &&
             !PlaceOf(site_.region, *known).resident()) {
    if (const ConsentEntry* consent =
            ConsentInForce(*site_.topology, site_.region, *known, site_.Now())) {
      ASSIGN_OR_RETURN(known, AskCustody(*known, {consent->statement}));
    }
  }
  return Follow(known);
}

}  // namespace comity::storage
