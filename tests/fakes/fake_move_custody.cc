#include "tests/fakes/fake_move_custody.h"

#include <utility>

#include "services/common/crypto/random.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity::storage {
namespace {

constexpr std::string_view kSource = "us";
constexpr std::string_view kDestination = "cn";

}  // namespace

void FakeMoveCustody::SetMood(Mood mood) {
  absl::MutexLock lock(&mutex_);
  mood_ = mood;
}

void FakeMoveCustody::SetUnavailable(bool unavailable) {
  absl::MutexLock lock(&mutex_);
  unavailable_ = unavailable;
}

Statement FakeMoveCustody::Activate(const AccountId& account, const ChainHead& head,
                                    const std::string& metadata_key) {
  Activation activation;
  activation.epoch = 1;
  activation.chain_number = head.number;
  activation.chain_hash = head.hash;
  activation.newest_version = 1;
  activation.metadata_public_key = metadata_key;
  return Sign(kSource, account, activation);
}

std::vector<Statement> FakeMoveCustody::Decision(const AccountId& account, AccountEpoch epoch) {
  absl::MutexLock lock(&mutex_);
  return accounts_[account].decisions[epoch];
}

bool FakeMoveCustody::Released(const AccountId& account, AccountEpoch epoch) {
  absl::MutexLock lock(&mutex_);
  return accounts_[account].released[epoch];
}

absl::StatusOr<std::vector<Statement>> FakeMoveCustody::Deliver(
    const AccountId& account, const std::vector<Statement>& statements) {
  absl::MutexLock lock(&mutex_);
  if (unavailable_) return Refuse(Reason::kPeerUnavailable);
  Account& state = accounts_[account];
  for (const Statement& statement : statements) RETURN_IF_ERROR(Take(state, account, statement));
  Decide(state, account);
  Finish(state, account);

  std::vector<Statement> answer = {endorsement(kSource)};
  if (state.fence.has_value()) {
    const std::vector<Statement>& decision = state.decisions[state.fence->epoch];
    answer.insert(answer.end(), decision.begin(), decision.end());
  }
  if (state.closing.has_value()) answer.push_back(*state.closing);
  if (state.destruction.has_value()) answer.push_back(*state.destruction);
  return answer;
}

absl::Status FakeMoveCustody::Take(Account& state, const AccountId& account,
                                   const Statement& statement) {
  ASSIGN_OR_RETURN(const Envelope envelope, PeekEnvelope(statement));
  if (envelope.type == Consent::kType) {
    state.consent_number = envelope.number;
  } else if (envelope.type == Withdrawal::kType) {
    state.withdrawn_number = envelope.number;
  } else if (envelope.type == DataFence::kType) {
    ASSIGN_OR_RETURN(const auto fence, ParseStatement<DataFence>(statement));
    if (!state.fence.has_value() || state.fence->epoch != fence.body.epoch) {
      state.fenced_at = clock_->Now();
      state.source_manifest = false;
      state.destination_manifest = false;
    }
    state.fence = fence.body;
  } else if (envelope.type == DataManifest::kType && state.fence.has_value()) {
    ASSIGN_OR_RETURN(const auto manifest, ParseStatement<DataManifest>(statement));
    if (manifest.body.root != state.fence->manifest_root) {
      return Refuse(Reason::kStateNotReady, "the manifests are not equal");
    }
    (envelope.region == kSource ? state.source_manifest : state.destination_manifest) = true;
  } else if (envelope.type == Close::kType && !state.closing.has_value()) {
    state.destroy_time = clock_->Now() + 30 * kDayMs;
    state.closing = SignLocked(kSource, account, KeyClosing{envelope.number, state.destroy_time});
  } else if (envelope.type == ReadBack::kType) {
    state.read_back = true;
  }
  return absl::OkStatus();
}

void FakeMoveCustody::Decide(Account& state, const AccountId& account) {
  if (!state.fence.has_value()) return;
  const DataFence& fence = *state.fence;
  std::vector<Statement>& decision = state.decisions[fence.epoch];
  if (state.released[fence.epoch] && decision.size() == 2 && mood_ != Mood::kReleasesOnly) {
    Activation activation;
    activation.epoch = fence.epoch;
    activation.newest_version = 1;
    activation.metadata_public_key = std::string(32, 'm');
    activation.release = decision.front().digest();
    decision.push_back(SignLocked(kDestination, account, activation));
    decision.push_back(endorsement(kDestination));
  }
  if (!decision.empty()) return;

  std::optional<AbortReason> abort;
  if (state.withdrawn_number > state.consent_number) {
    abort = AbortReason::kWithdrawn;
  } else if (mood_ == Mood::kRefusesDestination) {
    abort = AbortReason::kDestinationRefused;
  } else if (clock_->Now() - state.fenced_at >= 30 * kSecondMs) {
    abort = AbortReason::kTimeout;
  }
  if (abort.has_value()) {
    decision = {SignLocked(kSource, account, Abort{fence.epoch, *abort, fence.consent}),
                endorsement(kSource)};
    return;
  }
  if (mood_ == Mood::kWaits || !state.source_manifest || !state.destination_manifest) return;
  decision = {SignLocked(kSource, account,
                         Release{fence.epoch, fence.destination, fence.consent, RandomId<Digest>(),
                                 fence.manifest_root}),
              endorsement(kSource)};
  state.released[fence.epoch] = true;
  Decide(state, account);
}

void FakeMoveCustody::Finish(Account& state, const AccountId& account) {
  const bool closed = state.closing.has_value() && clock_->Now() >= state.destroy_time;
  const bool moved =
      state.read_back && state.fence.has_value() && state.released[state.fence->epoch];
  if (state.destruction.has_value() || !(closed || moved)) return;
  KeyDestruction body{1, {}, clock_->Now(), 0, std::nullopt};
  if (!closed) body.release = RandomId<Digest>();
  state.destruction = SignLocked(kSource, account, body);
}

}  // namespace comity::storage
