#include "services/custody/stored_codec.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "comity/custody/store/v1/store.pb.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/custody/chain_entries.h"

namespace comity::custody {
namespace {

namespace pb = comity::custody::store::v1;

constexpr uint32_t kFormat = 1;

absl::Status Corrupt(std::string_view what) { return Refuse(Reason::kDataCorrupt, what); }

template <typename Message>
absl::StatusOr<Message> Parse(std::string_view bytes) {
  Message message;
  if (bytes.size() > std::numeric_limits<int>::max() ||
      !message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) ||
      message.format() != kFormat) {
    return Corrupt("a stored record of an unknown format");
  }
  return message;
}

// Stored enums have the numbers of the domain's.
template <typename Stored, typename Enum>
Stored ToStored(Enum value) {
  return static_cast<Stored>(value);
}

absl::StatusOr<Statement> ReadStatementBytes(const std::string& bytes) {
  absl::StatusOr<Statement> statement = DecodeStatement(bytes);
  return statement.ok() ? std::move(statement) : Corrupt("a stored statement does not decode");
}

absl::Status Read(const std::string& bytes, Statement& out) {
  ASSIGN_OR_RETURN(out, ReadStatementBytes(bytes));
  return absl::OkStatus();
}

absl::Status Read(const std::string& bytes, std::optional<Statement>& out) {
  if (!bytes.empty()) {
    ASSIGN_OR_RETURN(out, ReadStatementBytes(bytes));
  }
  return absl::OkStatus();
}

absl::Status Read(const std::string& bytes, Digest& out) {
  const absl::StatusOr<Digest> digest = Digest::FromBytes(bytes);
  if (!digest.ok()) {
    return Corrupt("a stored digest has not 32 bytes");
  }
  out = *digest;
  return absl::OkStatus();
}

absl::Status Read(const std::string& name, RegionId& out) {
  absl::StatusOr<RegionId> region = RegionId::Create(name);
  if (!region.ok()) {
    return Corrupt("a stored region name is none");
  }
  out = *std::move(region);
  return absl::OkStatus();
}

std::string Write(const std::optional<Statement>& statement) {
  return statement.has_value() ? EncodeStatement(*statement) : std::string();
}

void Write(const Endorsed& endorsed, pb::Endorsed& out) {
  out.set_statement(EncodeStatement(endorsed.statement));
  out.set_endorsement(EncodeStatement(endorsed.endorsement));
}

absl::Status Read(const pb::Endorsed& stored, std::optional<Endorsed>& out) {
  Endorsed endorsed;
  RETURN_IF_ERROR(Read(stored.statement(), endorsed.statement));
  RETURN_IF_ERROR(Read(stored.endorsement(), endorsed.endorsement));
  out = std::move(endorsed);
  return absl::OkStatus();
}

void Write(const Decision& decision, pb::Decision& out) {
  out.set_kind(ToStored<pb::DecisionKind>(decision.kind));
  out.set_statement(EncodeStatement(decision.statement));
}

absl::Status Read(const pb::Decision& stored, std::optional<Decision>& out) {
  if (stored.kind() != pb::DECISION_KIND_RELEASED && stored.kind() != pb::DECISION_KIND_ABORTED) {
    return Corrupt("an unknown decision");
  }
  Decision decision;
  decision.kind = static_cast<DecisionKind>(stored.kind());
  RETURN_IF_ERROR(Read(stored.statement(), decision.statement));
  out = std::move(decision);
  return absl::OkStatus();
}

void Write(const Outgoing& move, pb::Outgoing& out) {
  out.set_epoch(move.epoch);
  out.set_destination(move.destination.name());
  out.set_consent(std::string(move.consent.bytes()));
  out.set_manifest_root(std::string(move.manifest_root.bytes()));
  out.set_fenced_time_ms(move.fenced_at);
  out.set_fence(Write(move.fence));
  out.set_source_manifest(Write(move.source_manifest));
  out.set_destination_manifest(Write(move.destination_manifest));
  if (move.sent.has_value()) {
    out.mutable_sent()->set_statement(EncodeStatement(move.sent->statement));
    out.mutable_sent()->set_sealed_keys(move.sent->sealed_keys);
  }
  if (move.receipt.has_value()) {
    Write(*move.receipt, *out.mutable_receipt());
  }
  if (move.decision.has_value()) {
    Write(*move.decision, *out.mutable_decision());
  }
  if (move.activation.has_value()) {
    Write(*move.activation, *out.mutable_activation());
  }
  out.set_activated_time_ms(move.activated_at);
}

absl::Status Read(const pb::Outgoing& stored, std::optional<Outgoing>& out) {
  Outgoing move;
  move.epoch = stored.epoch();
  RETURN_IF_ERROR(Read(stored.destination(), move.destination));
  RETURN_IF_ERROR(Read(stored.consent(), move.consent));
  RETURN_IF_ERROR(Read(stored.manifest_root(), move.manifest_root));
  move.fenced_at = stored.fenced_time_ms();
  RETURN_IF_ERROR(Read(stored.fence(), move.fence));
  RETURN_IF_ERROR(Read(stored.source_manifest(), move.source_manifest));
  RETURN_IF_ERROR(Read(stored.destination_manifest(), move.destination_manifest));
  if (stored.has_sent()) {
    move.sent.emplace();
    RETURN_IF_ERROR(Read(stored.sent().statement(), move.sent->statement));
    move.sent->sealed_keys = stored.sent().sealed_keys();
  }
  if (stored.has_receipt()) {
    RETURN_IF_ERROR(Read(stored.receipt(), move.receipt));
  }
  if (stored.has_decision()) {
    RETURN_IF_ERROR(Read(stored.decision(), move.decision));
  }
  if (stored.has_activation()) {
    RETURN_IF_ERROR(Read(stored.activation(), move.activation));
  }
  move.activated_at = stored.activated_time_ms();
  out = std::move(move);
  return absl::OkStatus();
}

void Write(const AnsweredChange& change, pb::AnsweredChange& out) {
  out.set_device(std::string(change.device.bytes()));
  out.set_request_id(std::string(change.request.bytes()));
  out.set_time_ms(change.time);
  out.set_statement(EncodeStatement(change.statement));
}

absl::Status Read(const pb::AnsweredChange& stored, AnsweredChange& out) {
  const absl::StatusOr<SigningKeyId> device = SigningKeyId::FromBytes(stored.device());
  const absl::StatusOr<RequestId> request = RequestId::FromBytes(stored.request_id());
  if (!device.ok() || !request.ok()) {
    return Corrupt("a stored change of nobody");
  }
  out.device = *device;
  out.request = *request;
  out.time = stored.time_ms();
  return Read(stored.statement(), out.statement);
}

absl::Status Read(const pb::Incoming& stored, std::optional<Incoming>& out) {
  Incoming incoming;
  incoming.epoch = stored.epoch();
  RETURN_IF_ERROR(Read(stored.source(), incoming.source));
  RETURN_IF_ERROR(Read(stored.consent(), incoming.consent));
  RETURN_IF_ERROR(Read(stored.key_export(), incoming.key_export));
  RETURN_IF_ERROR(Read(stored.receipt(), incoming.receipt));
  out = std::move(incoming);
  return absl::OkStatus();
}

absl::Status ReadKeys(const pb::AccountRecord& stored, Account& account) {
  for (const pb::KeyInfo& info : stored.keys()) {
    if (!pb::KeyState_IsValid(info.state()) || info.state() == pb::KEY_STATE_UNSPECIFIED) {
      return Corrupt("an unknown key state");
    }
    KeyRecord key;
    key.epoch = info.epoch();
    key.version = info.version();
    switch (info.state()) {
      case pb::KEY_STATE_ACTIVE:
        key.state = KeyState::kActive;
        break;
      case pb::KEY_STATE_RELEASED:
        key.state = KeyState::kReleased;
        break;
      case pb::KEY_STATE_INACTIVE:
        key.state = KeyState::kInactive;
        break;
      default:
        key.state = KeyState::kDestroyed;
    }
    key.created = info.create_time_ms();
    key.destroyed = info.destroy_time_ms();
    key.word = {info.disabled(), info.destroy_scheduled_time_ms()};
    if (key.word.destroy_at != 0 && !key.word.disabled) {
      return Corrupt("a key version that is to be destroyed and not disabled");
    }
    account.keys.push_back(std::move(key));
  }
  return absl::OkStatus();
}

}  // namespace

std::string EncodeAccountRecord(const Account& account) {
  pb::AccountRecord out;
  out.set_format(kFormat);
  out.set_presence(ToStored<pb::Presence>(account.presence));
  out.set_epoch(account.epoch);
  out.set_territory(account.territory);
  for (const KeyRecord& key : account.keys) {
    pb::KeyInfo& info = *out.add_keys();
    info.set_epoch(key.epoch);
    info.set_version(key.version);
    info.set_state(ToStored<pb::KeyState>(key.state));
    info.set_create_time_ms(key.created);
    info.set_destroy_time_ms(key.destroyed);
    info.set_disabled(key.word.disabled);
    info.set_destroy_scheduled_time_ms(key.word.destroy_at);
  }
  out.set_metadata_public_key(account.metadata_public_key);
  out.set_activation(Write(account.activation));
  if (account.closing.has_value()) {
    out.mutable_closing()->set_close_number(account.closing->close_number);
    out.mutable_closing()->set_destroy_time_ms(account.closing->destroy_time);
    out.mutable_closing()->set_statement(EncodeStatement(account.closing->statement));
  }
  if (account.data_region.has_value()) {
    out.set_data_region(account.data_region->name());
  }
  if (account.outgoing.has_value()) {
    Write(*account.outgoing, *out.mutable_outgoing());
  }
  out.set_last_decided(account.last_decided);
  for (const UntoldAbort& untold : account.untold_aborts) {
    pb::UntoldAbort& stored = *out.add_untold_aborts();
    stored.set_destination(untold.destination.name());
    stored.set_abort(EncodeStatement(untold.abort));
  }
  if (account.incoming.has_value()) {
    pb::Incoming& incoming = *out.mutable_incoming();
    incoming.set_epoch(account.incoming->epoch);
    incoming.set_source(account.incoming->source.name());
    incoming.set_consent(std::string(account.incoming->consent.bytes()));
    incoming.set_key_export(std::string(account.incoming->key_export.bytes()));
    incoming.set_receipt(EncodeStatement(account.incoming->receipt));
  }
  for (const auto& [region, epoch] : account.aborted_incoming) {
    (*out.mutable_aborted_incoming())[region.name()] = epoch;
  }
  for (const auto& [epoch, statement] : account.destructions) {
    (*out.mutable_destructions())[epoch] = EncodeStatement(statement);
  }
  for (const AnsweredChange& change : account.changes) {
    Write(change, *out.add_changes());
  }
  for (const Statement& statement : account.version_destructions) {
    out.add_version_destructions(EncodeStatement(statement));
  }
  out.set_min_unwrap_version(account.min_unwrap_version);
  out.set_rotation_days(account.rotation_days);
  out.set_leaves(account.leaves);
  out.set_last_leaf(std::string(account.last_leaf.bytes()));
  return out.SerializeAsString();
}

absl::Status DecodeAccountRecord(std::string_view bytes, Account& account) {
  ASSIGN_OR_RETURN(const pb::AccountRecord stored, Parse<pb::AccountRecord>(bytes));
  if (!pb::Presence_IsValid(stored.presence()) || stored.presence() == pb::PRESENCE_UNSPECIFIED) {
    return Corrupt("an unknown presence");
  }
  account.presence = static_cast<Presence>(stored.presence());
  account.epoch = stored.epoch();
  account.territory = stored.territory();
  RETURN_IF_ERROR(ReadKeys(stored, account));
  account.metadata_public_key = stored.metadata_public_key();
  RETURN_IF_ERROR(Read(stored.activation(), account.activation));
  if (stored.has_closing()) {
    account.closing.emplace();
    account.closing->close_number = stored.closing().close_number();
    account.closing->destroy_time = stored.closing().destroy_time_ms();
    RETURN_IF_ERROR(Read(stored.closing().statement(), account.closing->statement));
  }
  if (!stored.data_region().empty()) {
    RETURN_IF_ERROR(Read(stored.data_region(), account.data_region.emplace()));
  }
  if (stored.has_outgoing()) {
    RETURN_IF_ERROR(Read(stored.outgoing(), account.outgoing));
  }
  account.last_decided = stored.last_decided();
  for (const pb::UntoldAbort& untold : stored.untold_aborts()) {
    account.untold_aborts.emplace_back();
    RETURN_IF_ERROR(Read(untold.destination(), account.untold_aborts.back().destination));
    RETURN_IF_ERROR(Read(untold.abort(), account.untold_aborts.back().abort));
  }
  if (stored.has_incoming()) {
    RETURN_IF_ERROR(Read(stored.incoming(), account.incoming));
  }
  for (const auto& [name, epoch] : stored.aborted_incoming()) {
    RegionId region;
    RETURN_IF_ERROR(Read(name, region));
    account.aborted_incoming[region] = epoch;
  }
  for (const auto& [epoch, statement] : stored.destructions()) {
    RETURN_IF_ERROR(Read(statement, account.destructions[epoch]));
  }
  for (const pb::AnsweredChange& change : stored.changes()) {
    RETURN_IF_ERROR(Read(change, account.changes.emplace_back()));
  }
  for (const std::string& statement : stored.version_destructions()) {
    RETURN_IF_ERROR(Read(statement, account.version_destructions.emplace_back()));
  }
  // Absent from what was stored before there was such a thing.
  account.min_unwrap_version = std::max<KeyVersion>(1, stored.min_unwrap_version());
  account.rotation_days = stored.rotation_days();
  account.leaves = stored.leaves();
  return Read(stored.last_leaf(), account.last_leaf);
}

std::string EncodeAccountHistory(const Account& account) {
  pb::AccountHistory out;
  out.set_format(kFormat);
  for (std::string& entry : EncodeChain(account)) {
    out.add_chain(std::move(entry));
  }
  for (const auto& [number, statement] : account.statements) {
    out.add_statements(EncodeStatement(statement));
  }
  out.set_fork(Write(account.fork));
  return out.SerializeAsString();
}

absl::Status DecodeAccountHistory(std::string_view bytes, const KeySealer* keys, Account& account) {
  ASSIGN_OR_RETURN(const pb::AccountHistory stored, Parse<pb::AccountHistory>(bytes));
  std::vector<Statement> entries;
  for (const std::string& entry : stored.chain()) {
    ASSIGN_OR_RETURN(Statement statement, ReadStatementBytes(entry));
    entries.push_back(std::move(statement));
  }
  if (!entries.empty()) {
    const bool vouched_for =
        keys != nullptr && !account.chain_vouch.empty() &&
        keys->Vouches(account.id, {stored.chain().begin(), stored.chain().end()},
                      account.chain_vouch);
    absl::StatusOr<DeviceChain> chain = vouched_for ? DeviceChain::Restore(account.id, entries)
                                                    : DeviceChain::Verify(account.id, entries);
    if (!chain.ok()) {
      return Corrupt("a stored device chain does not verify");
    }
    account.chain = *std::move(chain);
  }
  for (const std::string& item : stored.statements()) {
    ASSIGN_OR_RETURN(Statement statement, ReadStatementBytes(item));
    const absl::StatusOr<Envelope> envelope = PeekEnvelope(statement);
    if (!envelope.ok()) {
      return Corrupt("a stored statement does not decode");
    }
    account.statements.emplace(envelope->number, std::move(statement));
  }
  return Read(stored.fork(), account.fork);
}

std::string EncodeGrant(const GrantRecord& grant) {
  pb::KeyGrant out;
  out.set_format(kFormat);
  out.set_statement(EncodeStatement(grant.statement));
  out.set_receipt(EncodeStatement(grant.receipt));
  out.set_revocation(Write(grant.revocation));
  out.set_revocation_receipt(Write(grant.revocation_receipt));
  out.set_taken_time_ms(grant.taken);
  out.set_revoked_time_ms(grant.revoked);
  return out.SerializeAsString();
}

absl::StatusOr<GrantRecord> DecodeGrant(const GrantId& id, std::string_view bytes) {
  ASSIGN_OR_RETURN(const pb::KeyGrant stored, Parse<pb::KeyGrant>(bytes));
  GrantRecord grant;
  RETURN_IF_ERROR(Read(stored.statement(), grant.statement));
  RETURN_IF_ERROR(Read(stored.receipt(), grant.receipt));
  RETURN_IF_ERROR(Read(stored.revocation(), grant.revocation));
  RETURN_IF_ERROR(Read(stored.revocation_receipt(), grant.revocation_receipt));
  grant.taken = stored.taken_time_ms();
  grant.revoked = stored.revoked_time_ms();
  absl::StatusOr<Parsed<KeyGrant>> parsed = ParseStatement<KeyGrant>(grant.statement);
  if (!parsed.ok() || parsed->body.grant != id) {
    return Corrupt("a stored grant is another one");
  }
  if (grant.revocation.has_value() != (grant.revoked != 0) ||
      grant.revocation_receipt.has_value() != (grant.revoked != 0)) {
    return Corrupt("a stored grant that is half revoked");
  }
  grant.device = parsed->envelope.issuer;
  grant.end = parsed->envelope.expiry;
  grant.body = std::move(parsed->body);
  return grant;
}

std::string EncodeDecision(const Decision& decision) {
  pb::Decision out;
  Write(decision, out);
  return out.SerializeAsString();
}

std::string EncodeLeafOpening(const LeafOpening& opening) {
  pb::LeafOpening out;
  out.set_format(kFormat);
  out.set_log_index(opening.log_index);
  out.set_leaf(opening.leaf);
  for (const auto& [field, salt] : opening.salts) {
    (*out.mutable_salts())[field] = salt;
  }
  return out.SerializeAsString();
}

std::string EncodeLegalUse(const LegalUse& use) {
  pb::LegalUse out;
  out.set_format(kFormat);
  out.set_sealed_answer(use.sealed_answer);
  out.set_leaf(use.leaf);
  out.set_receipt(use.receipt);
  for (const auto& [field, salt] : use.salts) {
    (*out.mutable_salts())[field] = salt;
  }
  return out.SerializeAsString();
}

absl::StatusOr<LegalUse> DecodeLegalUse(const Digest& authorisation, std::string_view bytes) {
  ASSIGN_OR_RETURN(const pb::LegalUse stored, Parse<pb::LegalUse>(bytes));
  LegalUse use{authorisation, stored.sealed_answer(), stored.leaf(), stored.receipt(), {}};
  for (const auto& [field, salt] : stored.salts()) {
    use.salts[field] = salt;
  }
  return use;
}

}  // namespace comity::custody
