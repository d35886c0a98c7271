#include "client/account/account.h"

#include <utility>

#include "client/account/move_proof.h"
#include "comity/custody/v1/custody.grpc.pb.h"
#include "comity/storage/v1/storage.grpc.pb.h"
#include "services/common/crypto/random.h"
#include "services/common/statement/account.h"
#include "services/common/statement/proto_codec.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity {
namespace {

namespace cpb = comity::custody::v1;
namespace spb = comity::storage::v1;
using CustodyApi = cpb::CustodyService;
using StorageApi = spb::StorageService;

constexpr size_t kMaxHistory = 4096;
constexpr int64_t kConsentLifetime = 90 * kDayMs;

absl::StatusOr<AccountView> ViewOf(const spb::Account& account) {
  AccountView view;
  ASSIGN_OR_RETURN(view.id, AccountId::FromBytes(account.account_id()));
  view.state = static_cast<AccountState>(account.state());
  view.epoch = account.account_epoch();
  view.home_region = account.home_region();
  const spb::StandingInfo& standing = account.standing();
  view.territory = standing.territory();
  view.standing = static_cast<Standing>(standing.standing());
  view.standing_reason = standing.reason();
  view.scheduled_region = standing.scheduled_region();
  view.scheduled_time = standing.scheduled_time_ms();
  view.terms_version = standing.terms_version();
  view.window_end = standing.window_end_ms();
  view.notified = standing.notified_time_ms();
  view.objects = account.objects();
  view.bytes = account.bytes();
  ASSIGN_OR_RETURN(view.statements, FromProto(account.statements(), kMaxHistory));
  return view;
}

template <typename Request>
void AddStatements(const std::vector<Statement>& statements, Request& request) {
  for (const Statement& s : statements) *request.add_statements() = ToProto(s);
}

bool ConsentsToMoveKeysAlone(const Statement& consent) {
  const absl::StatusOr<Parsed<Consent>> parsed = ParseStatement<Consent>(consent);
  return parsed.ok() && MovesKeysAlone(parsed->body);
}

}  // namespace

std::string_view Name(AccountState state) {
  switch (state) {
    case AccountState::kActive:
      return "active";
    case AccountState::kIncoming:
      return "incoming";
    case AccountState::kMoved:
      return "moved";
    case AccountState::kClosing:
      return "closing";
    case AccountState::kClosed:
      return "closed";
  }
  return "unknown";
}

std::string_view Name(Standing standing) {
  switch (standing) {
    case Standing::kStays:
      return "stays";
    case Standing::kToBeNotified:
      return "to be notified";
    case Standing::kWaitingForTerms:
      return "waiting for terms";
    case Standing::kEligible:
      return "eligible";
    case Standing::kAccepted:
      return "accepted";
    case Standing::kInMigration:
      return "in migration";
    case Standing::kMoved:
      return "moved";
    case Standing::kSuspended:
      return "suspended";
    case Standing::kClosing:
      return "closing";
  }
  return "unknown";
}

absl::StatusOr<AccountView> AccountClient::Create(const std::string& territory,
                                                  const std::string& accepted_terms) {
  const UnixMillis now = session_.Now();
  Profile::Account& state = profile_.state();
  // A repeat after a crash sends the same record again.
  if (!state.statements.contains(std::string(AccountRecord::kType))) {
    const HomeInfo& home = HomeAt(session_.topology().territory(territory), now);
    AccountRecord record;
    record.territory = territory;
    record.home_region = home.region;
    record.policy = {PolicyOf(PlacementOf(home))};
    record.chain_number = profile_.chain().head().number;
    record.chain_hash = profile_.chain().head().hash;
    if (!home.terms.empty()) {
      if (accepted_terms != home.terms) {
        return Refuse(Reason::kRulesForbid,
                      "an account of " + territory + " needs the terms " + home.terms);
      }
      record.accepted_terms = session_.topology().terms().at(home.terms).hash;
    }
    state.territory = territory;
    state.home_region = home.region.name();
    state.key_region = home.resident() ? std::string() : home.keys.name();
    RETURN_IF_ERROR(profile_.Sign(record, now).status());
  }
  const Statement record = state.statements.at(std::string(AccountRecord::kType));
  ASSIGN_OR_RETURN(const RegionId region, session_.FindRegion(state.home_region));
  ASSIGN_OR_RETURN(const RegionId keys, session_.FindRegion(state.custody_region()));

  cpb::CreateAccountRequest to_custody;
  to_custody.set_request_id(std::string(RandomId<RequestId>().bytes()));
  for (const Statement& entry : profile_.chain().entries())
    *to_custody.add_chain() = ToProto(entry);
  *to_custody.mutable_account_record() = ToProto(record);
  ASSIGN_OR_RETURN(
      const cpb::CreateAccountResponse activated,
      (session_.Call<CustodyApi, cpb::CreateAccountRequest, cpb::CreateAccountResponse>(
          keys, ServiceKind::kCustody, &CustodyApi::Stub::CreateAccount, to_custody)));
  ASSIGN_OR_RETURN(const Statement activation, FromProto(activated.activation()));
  ASSIGN_OR_RETURN(const Parsed<Activation> body, ParseStatement<Activation>(activation));
  if (!state.statements.contains(std::string(MetadataKey::kType))) {
    RETURN_IF_ERROR(profile_.Sign(MetadataKey{body.body.metadata_public_key}, now).status());
  }

  spb::CreateAccountRequest to_storage;
  to_storage.set_request_id(std::string(RandomId<RequestId>().bytes()));
  *to_storage.mutable_chain() = to_custody.chain();
  *to_storage.mutable_account_record() = to_custody.account_record();
  *to_storage.add_activations() = activated.activation();
  *to_storage.add_endorsements() = activated.endorsement();
  *to_storage.mutable_metadata_key() =
      ToProto(state.statements.at(std::string(MetadataKey::kType)));
  ASSIGN_OR_RETURN(
      const spb::CreateAccountResponse opened,
      (session_.Call<StorageApi, spb::CreateAccountRequest, spb::CreateAccountResponse>(
          region, ServiceKind::kStorage, &StorageApi::Stub::CreateAccount, to_storage)));
  ASSIGN_OR_RETURN(AccountView view, ViewOf(opened.account()));
  state.epoch = view.epoch;
  RETURN_IF_ERROR(profile_.Save());
  return view;
}

absl::StatusOr<AccountView> AccountClient::Ask(const std::string& region_name) {
  ASSIGN_OR_RETURN(const RegionId region, session_.FindRegion(region_name));
  spb::GetAccountRequest request;
  request.set_account_id(std::string(profile_.account().bytes()));
  ASSIGN_OR_RETURN(const spb::GetAccountResponse response,
                   (session_.Call<StorageApi, spb::GetAccountRequest, spb::GetAccountResponse>(
                       region, ServiceKind::kStorage, &StorageApi::Stub::GetAccount, request)));
  return ViewOf(response.account());
}

absl::StatusOr<AccountView> AccountClient::Show() {
  ASSIGN_OR_RETURN(AccountView view, Ask(profile_.state().home_region));
  if (view.state == AccountState::kMoved) {
    RETURN_IF_ERROR(Follow(view.statements));
    return Ask(profile_.state().home_region);
  }
  ASSIGN_OR_RETURN(const bool followed, FollowKeys(view));
  if (!followed) return view;
  return Ask(profile_.state().home_region);
}

absl::StatusOr<bool> AccountClient::FollowKeys(const AccountView& view) {
  const Profile::Account& state = profile_.state();
  const auto consent = state.statements.find(std::string(Consent::kType));
  if (state.key_region.empty() || consent == state.statements.end() ||
      !ConsentsToMoveKeysAlone(consent->second)) {
    return false;
  }
  // Storage has the proofs if it was told; else the custody that decides has them.
  if (Follow(view.statements).ok()) return true;
  const absl::StatusOr<std::vector<Statement>> evidence =
      DeliverToCustody(state.key_region, {consent->second});
  const absl::StatusOr<VerifiedMove> move =
      evidence.ok() ? VerifyMove(session_.topology(), profile_.account(), consent->second,
                                 *evidence, session_.Now())
                    : evidence.status();
  // Without proof nothing is followed. That is no failure unless storage says that it has happened.
  if (!move.ok()) {
    if (view.epoch > state.epoch) return move.status();
    return false;
  }
  // Whoever carries the proofs: storage's own custody may be cut off from the other.
  std::vector<Statement> of_services = *evidence;
  std::erase_if(of_services, [](const Statement& statement) {
    const absl::StatusOr<Envelope> envelope = PeekEnvelope(statement);
    return !envelope.ok() || envelope->region.empty();
  });
  RETURN_IF_ERROR(DeliverToStorage(state.home_region, of_services).status());
  RETURN_IF_ERROR(Adopt(*move));
  return true;
}

absl::Status AccountClient::Follow(const std::vector<Statement>& evidence) {
  const auto consent = profile_.state().statements.find(std::string(Consent::kType));
  if (consent == profile_.state().statements.end()) {
    return Refuse(Reason::kConsentMissing,
                  "the account is said to have moved, but this device signed no consent");
  }
  ASSIGN_OR_RETURN(const VerifiedMove move, VerifyMove(session_.topology(), profile_.account(),
                                                       consent->second, evidence, session_.Now()));
  return Adopt(move);
}

absl::Status AccountClient::Adopt(const VerifiedMove& move) {
  Profile::Account& state = profile_.state();
  state.home_region = move.destination.name();
  state.key_region.clear();
  state.epoch = move.epoch;
  state.statements[std::string(Release::kType)] = move.release;
  return profile_.Save();
}

std::string AccountClient::previous_region() const {
  const auto& statements = profile_.state().statements;
  const auto release = statements.find(std::string(Release::kType));
  if (release == statements.end()) return {};
  const absl::StatusOr<Envelope> envelope = PeekEnvelope(release->second);
  return envelope.ok() ? envelope->region : std::string();
}

template <typename Body>
absl::Status AccountClient::SignAndDeliver(const Body& body, UnixMillis expiry) {
  ASSIGN_OR_RETURN(const Statement statement, profile_.Sign(body, session_.Now(), expiry));
  return Deliver(statement);
}

absl::Status AccountClient::Deliver(const Statement& statement) {
  ASSIGN_OR_RETURN(std::vector<Statement> statements,
                   DeliverToCustody(profile_.state().custody_region(), {statement}));
  // What custody made of it (a closing date, say) goes along, so that storage need not ask.
  statements.insert(statements.begin(), statement);
  return DeliverToStorage(profile_.state().home_region, statements).status();
}

absl::StatusOr<std::vector<Statement>> AccountClient::DeliverToCustody(
    const std::string& region_name, const std::vector<Statement>& statements) {
  ASSIGN_OR_RETURN(const RegionId region, session_.FindRegion(region_name));
  cpb::DeliverStatementRequest request;
  request.set_account_id(std::string(profile_.account().bytes()));
  AddStatements(statements, request);
  ASSIGN_OR_RETURN(
      const cpb::DeliverStatementResponse response,
      (session_.Call<CustodyApi, cpb::DeliverStatementRequest, cpb::DeliverStatementResponse>(
          region, ServiceKind::kCustody, &CustodyApi::Stub::DeliverStatement, request)));
  return FromProto(response.statements(), kMaxHistory);
}

absl::StatusOr<std::vector<Statement>> AccountClient::DeliverToStorage(
    const std::string& region_name, const std::vector<Statement>& statements) {
  ASSIGN_OR_RETURN(const RegionId region, session_.FindRegion(region_name));
  spb::DeliverStatementRequest request;
  request.set_account_id(std::string(profile_.account().bytes()));
  AddStatements(statements, request);
  ASSIGN_OR_RETURN(
      const spb::DeliverStatementResponse response,
      (session_.Call<StorageApi, spb::DeliverStatementRequest, spb::DeliverStatementResponse>(
          region, ServiceKind::kStorage, &StorageApi::Stub::DeliverStatement, request)));
  return FromProto(response.statements(), kMaxHistory);
}

absl::StatusOr<Consent> AccountClient::AcceptTerms() {
  ASSIGN_OR_RETURN(const AccountView view, Show());
  ASSIGN_OR_RETURN(const RegionId home, session_.FindRegion(view.home_region));
  ASSIGN_OR_RETURN(const RegionId keys, session_.FindRegion(profile_.state().custody_region()));
  const UnixMillis now = session_.Now();
  ASSIGN_OR_RETURN(Consent consent,
                   DraftConsent(session_.topology(), view.territory, Placement{home, keys}, now));
  consent.from_epoch = view.epoch;
  consent.chain_number = profile_.chain().head().number;
  consent.chain_hash = profile_.chain().head().hash;
  // A repeat brings the same consent again: custody may have acted on it, and what has moved is
  // followed by the consent that it names.
  if (const Statement* signed_before = FindSameConsent(consent, now); signed_before != nullptr) {
    RETURN_IF_ERROR(Deliver(*signed_before));
  } else {
    RETURN_IF_ERROR(SignAndDeliver(consent, now + kConsentLifetime));
  }
  return consent;
}

const Statement* AccountClient::FindSameConsent(const Consent& consent, UnixMillis now) const {
  const auto& statements = profile_.state().statements;
  const auto known = statements.find(std::string(Consent::kType));
  if (known == statements.end()) return nullptr;
  const absl::StatusOr<Parsed<Consent>> parsed = ParseStatement<Consent>(known->second);
  if (!parsed.ok() || parsed->envelope.expiry <= now ||
      EncodeRecord(parsed->body) != EncodeRecord(consent)) {
    return nullptr;
  }
  for (const std::string_view type :
       {Withdrawal::kType, TerritoryChange::kType, comity::Close::kType}) {
    const auto later = statements.find(std::string(type));
    if (later == statements.end()) continue;
    const absl::StatusOr<Envelope> envelope = PeekEnvelope(later->second);
    if (!envelope.ok() || envelope->number > parsed->envelope.number) return nullptr;
  }
  return &known->second;
}

absl::Status AccountClient::WithdrawConsent() {
  const auto consent = profile_.state().statements.find(std::string(Consent::kType));
  if (consent == profile_.state().statements.end()) {
    return Refuse(Reason::kConsentMissing, "this device signed no consent");
  }
  ASSIGN_OR_RETURN(const Envelope envelope, PeekEnvelope(consent->second));
  return SignAndDeliver(Withdrawal{envelope.number});
}

absl::Status AccountClient::Close() {
  RETURN_IF_ERROR(Show().status());
  return SignAndDeliver(comity::Close{});
}

absl::Status AccountClient::CancelClose() {
  const auto close = profile_.state().statements.find(std::string(comity::Close::kType));
  if (close == profile_.state().statements.end()) {
    return Refuse(Reason::kStateNotReady, "this device did not close the account");
  }
  ASSIGN_OR_RETURN(const Envelope envelope, PeekEnvelope(close->second));
  return SignAndDeliver(comity::CancelClose{envelope.number});
}

absl::Status AccountClient::SetTerritory(const std::string& territory) {
  RETURN_IF_ERROR(Show().status());
  RETURN_IF_ERROR(SignAndDeliver(TerritoryChange{territory}));
  profile_.state().territory = territory;
  return profile_.Save();
}

absl::StatusOr<MoveCertificates> AccountClient::ConfirmMove() {
  RETURN_IF_ERROR(Show().status());
  const std::string source = previous_region();
  if (source.empty()) return Refuse(Reason::kStateNotReady, "the account has not moved");
  Profile::Account& state = profile_.state();
  ASSIGN_OR_RETURN(const Parsed<Release> release,
                   ParseStatement<Release>(state.statements.at(std::string(Release::kType))));
  // A repeat brings the same statement again; one of an earlier move says nothing of this one.
  const auto earlier = state.statements.find(std::string(ReadBack::kType));
  const bool repeated =
      earlier != state.statements.end() && IsReadBackOf(earlier->second, release.body.epoch);
  if (!repeated) {
    ReadBack body;
    body.epoch = release.body.epoch;
    body.region = release.body.destination;
    body.manifest_root = release.body.manifest_root;
    RETURN_IF_ERROR(profile_.Sign(body, session_.Now()).status());
  }
  const Statement statement = state.statements.at(std::string(ReadBack::kType));
  RETURN_IF_ERROR(Deliver(statement));
  MoveCertificates certificates;
  certificates.region = source;
  const auto consent = state.statements.find(std::string(Consent::kType));
  certificates.keys_alone = consent != state.statements.end() &&
                            consent->second.digest() == release.body.consent &&
                            ConsentsToMoveKeysAlone(consent->second);
  // The source's custody first: storage keeps the certificate that it answers with. Where the keys
  // alone moved, the data is where it was, and its storage keeps it.
  ASSIGN_OR_RETURN(std::vector<Statement> evidence, DeliverToCustody(source, {statement}));
  evidence.insert(evidence.begin(), statement);
  ASSIGN_OR_RETURN(
      const std::vector<Statement> answer,
      DeliverToStorage(certificates.keys_alone ? state.home_region : source, evidence));
  evidence.insert(evidence.end(), answer.begin(), answer.end());

  ASSIGN_OR_RETURN(const RegionId region, session_.FindRegion(source));
  if (const auto keys =
          FindServiceStatements<KeyDestruction>(session_.topology(), region, ServiceKind::kCustody,
                                                profile_.account(), evidence, session_.Now())
              .found;
      !keys.empty()) {
    certificates.keys = keys.front().body;
    state.statements[std::string(KeyDestruction::kType)] = keys.front().statement;
  }
  if (const auto data =
          FindServiceStatements<DataDestruction>(session_.topology(), region, ServiceKind::kStorage,
                                                 profile_.account(), evidence, session_.Now())
              .found;
      !data.empty()) {
    certificates.data = data.front().body;
    state.statements[std::string(DataDestruction::kType)] = data.front().statement;
  }
  RETURN_IF_ERROR(profile_.Save());
  return certificates;
}

}  // namespace comity
