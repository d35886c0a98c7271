#include "client/key/key.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "client/key/ask_twice.h"
#include "comity/custody/v1/custody.grpc.pb.h"
#include "services/common/crypto/random.h"
#include "services/common/statement/proto_codec.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity {
namespace {

namespace cpb = comity::custody::v1;
using CustodyApi = cpb::CustodyService;

constexpr size_t kNonceBytes = 32;

std::string StateName(cpb::KeyState state) {
  switch (state) {
    case cpb::KEY_STATE_ENABLED:
      return "enabled";
    case cpb::KEY_STATE_DISABLED:
      return "disabled";
    case cpb::KEY_STATE_DESTROY_SCHEDULED:
      return "destruction scheduled";
    case cpb::KEY_STATE_DESTROYED:
      return "destroyed";
    case cpb::KEY_STATE_INACTIVE:
      return "inactive";
    default:
      return "unknown";
  }
}

absl::StatusOr<Statement> StatementIn(const nlohmann::json& value, const char* field) {
  const auto found = value.find(field);
  if (found == value.end() || !found->is_string()) {
    return Refuse(Reason::kFieldInvalid, std::string("the file has no \"") + field + "\"");
  }
  ASSIGN_OR_RETURN(const std::string bytes, Base32Decode(found->get<std::string>()));
  return DecodeStatement(bytes);
}

std::string Join(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) {
    if (!out.empty()) out += ", ";
    out += part;
  }
  return out;
}

cpb::ChangeAccountKeyRequest RequestOf(const KeyChangeOrder& order) {
  cpb::ChangeAccountKeyRequest request;
  switch (order.kind) {
    case KeyChangeKind::kDisable:
      request.set_disable_version(order.version);
      break;
    case KeyChangeKind::kEnable:
      request.set_enable_version(order.version);
      break;
    case KeyChangeKind::kScheduleDestruction:
      request.mutable_schedule_destruction()->set_version(order.version);
      request.mutable_schedule_destruction()->set_days(order.days);
      break;
    case KeyChangeKind::kCancelDestruction:
      request.set_cancel_destruction(order.version);
      break;
    case KeyChangeKind::kSetMinUnwrapVersion:
      request.set_min_unwrap_version(order.version);
      break;
    case KeyChangeKind::kSetRotation:
      request.set_rotation_days(order.days);
      break;
  }
  return request;
}

// Where the data is, who runs storage there, and who can compel it: here, unless the mode is
// exclave. Then custody has signed it, and what it signed has to be what the topology computes.
absl::Status ReadDataSide(const Topology& topology, const RegionInfo& here,
                          const KeyLocation& location, KeyWhere& where) {
  const bool resident = location.mode == CustodyMode::kResident;
  const bool absent = !location.data_region.has_value() && !location.data_operator.has_value() &&
                      !location.data_can_compel.has_value();
  const RegionInfo* data =
      resident ? &here : topology.FindRegion(location.data_region.value_or(RegionId()));
  if (data == nullptr || resident != absent || (!resident && data == &here)) {
    return Refuse(Reason::kSignatureInvalid, "the attestation does not say where the data is");
  }
  where.data_region = data->id.name();
  where.data_region_title = data->title;
  where.data_operator = data->service(ServiceKind::kStorage).operator_name;
  where.data_operator_title = topology.operators().at(where.data_operator).title;
  where.data_can_compel = topology.CanCompel(data->id, ServiceKind::kStorage);
  for (const std::string& code : where.data_can_compel) {
    where.data_jurisdictions.push_back(topology.jurisdictions().at(code));
  }
  if (!resident && (location.data_operator != where.data_operator ||
                    location.data_can_compel != where.data_can_compel)) {
    return Refuse(Reason::kSignatureInvalid,
                  "the attestation does not say of the data what the topology computes");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<KeyWhere> VerifyKeyLocation(const Topology& topology, const AccountId& account,
                                           const Statement& attestation,
                                           const Statement& endorsement, UnixMillis now) {
  ASSIGN_OR_RETURN(const Parsed<KeyLocation> claimed, ParseStatement<KeyLocation>(attestation));
  const RegionInfo* region = topology.FindRegion(claimed.envelope.region);
  if (region == nullptr || claimed.envelope.deployment != topology.deployment() ||
      claimed.envelope.subject != account.bytes()) {
    return Refuse(Reason::kSignatureInvalid, "the attestation is about something else");
  }
  ASSIGN_OR_RETURN(const PublicKey key,
                   topology.VerifyEndorsement(endorsement, region->id, ServiceKind::kCustody, now));
  RETURN_IF_ERROR(VerifySignedBy(attestation, key));
  const KeyLocation& location = claimed.body;
  if (location.operator_name != region->service(ServiceKind::kCustody).operator_name ||
      location.can_compel != topology.CanCompel(region->id, ServiceKind::kCustody)) {
    return Refuse(Reason::kSignatureInvalid,
                  "the attestation does not say what the topology computes");
  }
  if (claimed.envelope.expiry != 0 && claimed.envelope.expiry <= now) {
    return Refuse(Reason::kSignatureInvalid, "the attestation has expired");
  }
  KeyWhere where;
  RETURN_IF_ERROR(ReadDataSide(topology, *region, location, where));
  where.region = region->id.name();
  where.region_title = region->title;
  where.operator_title = topology.operators().at(location.operator_name).title;
  for (const std::string& code : location.can_compel) {
    where.jurisdictions.push_back(topology.jurisdictions().at(code));
  }
  where.time = claimed.envelope.time;
  where.expiry = claimed.envelope.expiry;
  where.location = location;
  where.attestation = attestation;
  where.endorsement = endorsement;
  return where;
}

absl::StatusOr<SavedKeyLocation> ParseSavedKeyLocation(std::string_view text) {
  const auto value = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!value.is_object()) {
    return Refuse(Reason::kFieldInvalid, "this is not what `key where --json` printed");
  }
  SavedKeyLocation saved;
  ASSIGN_OR_RETURN(saved.attestation, StatementIn(value, "attestation"));
  ASSIGN_OR_RETURN(saved.endorsement, StatementIn(value, "endorsement"));
  return saved;
}

absl::StatusOr<KeyWhere> AskKeyLocation(Session& session, const Profile& profile) {
  ASSIGN_OR_RETURN(const RegionId region, session.FindRegion(profile.state().custody_region()));
  cpb::GetKeyLocationRequest request;
  request.set_account_id(std::string(profile.account().bytes()));
  request.set_nonce(RandomBytes(kNonceBytes));
  ASSIGN_OR_RETURN(
      const cpb::GetKeyLocationResponse response,
      (session.Call<CustodyApi, cpb::GetKeyLocationRequest, cpb::GetKeyLocationResponse>(
          region, ServiceKind::kCustody, &CustodyApi::Stub::GetKeyLocation, request)));
  ASSIGN_OR_RETURN(const Statement attestation, FromProto(response.attestation()));
  ASSIGN_OR_RETURN(const Statement endorsement, FromProto(response.endorsement()));
  ASSIGN_OR_RETURN(KeyWhere where, VerifyKeyLocation(session.topology(), profile.account(),
                                                     attestation, endorsement, session.Now()));
  if (where.location.nonce != request.nonce()) {
    return Refuse(Reason::kSignatureInvalid, "the attestation answers another question");
  }
  return where;
}

absl::StatusOr<RotatedKey> VerifyKeyRotation(const Topology& topology, const RegionId& region,
                                             const AccountId& account, const RequestId& request,
                                             const Statement& rotation,
                                             const Statement& endorsement, UnixMillis now) {
  ASSIGN_OR_RETURN(const PublicKey key,
                   topology.VerifyEndorsement(endorsement, region, ServiceKind::kCustody, now));
  ASSIGN_OR_RETURN(const Parsed<KeyRotation> parsed, VerifyStatement<KeyRotation>(rotation, key));
  if (parsed.envelope.deployment != topology.deployment() ||
      parsed.envelope.region != region.name() || parsed.envelope.subject != account.bytes() ||
      parsed.body.request != request) {
    return Refuse(Reason::kSignatureInvalid, "the custody signed another rotation");
  }
  return RotatedKey{region.name(), parsed.body.version, parsed.envelope.time, rotation,
                    endorsement};
}

absl::StatusOr<RotatedKey> RotateKey(Session& session, const Profile& profile) {
  ASSIGN_OR_RETURN(const RegionId region, session.FindRegion(profile.state().custody_region()));
  const RequestId id = RandomId<RequestId>();
  cpb::RotateAccountKeyRequest request;
  request.set_request_id(std::string(id.bytes()));
  request.set_account_id(std::string(profile.account().bytes()));
  ASSIGN_OR_RETURN(
      const cpb::RotateAccountKeyResponse response, AskTwice([&] {
        return session
            .Call<CustodyApi, cpb::RotateAccountKeyRequest, cpb::RotateAccountKeyResponse>(
                region, ServiceKind::kCustody, &CustodyApi::Stub::RotateAccountKey, request);
      }));
  ASSIGN_OR_RETURN(const Statement rotation, FromProto(response.rotation()));
  ASSIGN_OR_RETURN(const Statement endorsement, FromProto(response.endorsement()));
  return VerifyKeyRotation(session.topology(), region, profile.account(), id, rotation, endorsement,
                           session.Now());
}

absl::StatusOr<ChangedKey> VerifyKeyChange(const Topology& topology, const RegionId& region,
                                           const AccountId& account, const KeyChangeOrder& order,
                                           const RequestId& request, const Statement& change,
                                           const Statement& endorsement, UnixMillis now) {
  ASSIGN_OR_RETURN(const PublicKey key,
                   topology.VerifyEndorsement(endorsement, region, ServiceKind::kCustody, now));
  ASSIGN_OR_RETURN(const Parsed<KeyChange> parsed, VerifyStatement<KeyChange>(change, key));
  const KeyChange& body = parsed.body;
  if (parsed.envelope.deployment != topology.deployment() ||
      parsed.envelope.region != region.name() || parsed.envelope.subject != account.bytes() ||
      body.request != request || body.kind != order.kind || body.version != order.version ||
      body.days != order.days) {
    return Refuse(Reason::kSignatureInvalid, "the custody signed another change");
  }
  return ChangedKey{region.name(), body, parsed.envelope.time, change, endorsement};
}

absl::StatusOr<ChangedKey> ChangeKey(Session& session, const Profile& profile,
                                     const KeyChangeOrder& order) {
  ASSIGN_OR_RETURN(const RegionId region, session.FindRegion(profile.state().custody_region()));
  const RequestId id = RandomId<RequestId>();
  cpb::ChangeAccountKeyRequest request = RequestOf(order);
  request.set_request_id(std::string(id.bytes()));
  request.set_account_id(std::string(profile.account().bytes()));
  ASSIGN_OR_RETURN(
      const cpb::ChangeAccountKeyResponse response, AskTwice([&] {
        return session
            .Call<CustodyApi, cpb::ChangeAccountKeyRequest, cpb::ChangeAccountKeyResponse>(
                region, ServiceKind::kCustody, &CustodyApi::Stub::ChangeAccountKey, request);
      }));
  ASSIGN_OR_RETURN(const Statement change, FromProto(response.change()));
  ASSIGN_OR_RETURN(const Statement endorsement, FromProto(response.endorsement()));
  return VerifyKeyChange(session.topology(), region, profile.account(), order, id, change,
                         endorsement, session.Now());
}

std::string FormatKeyWhere(const KeyWhere& where) {
  const KeyLocation& at = where.location;
  std::string out;
  out += at.active != 0 ? "Your key is active in region " : "Your key is NOT active in region ";
  out += where.region + " (" + where.region_title + ")\n";
  out += "  operated by      " + where.operator_title + "\n";
  if (at.mode == CustodyMode::kResident) {
    out += "  custody mode     resident: the key is where the data is\n";
    out += "  can compel it    " + Join(where.jurisdictions) + "\n";
  } else {
    out += "  custody mode     exclave: your data is in region " + where.data_region + " (" +
           where.data_region_title + "), operated by " + where.data_operator_title + "\n";
    out += "  can compel key   " + Join(where.jurisdictions) + "\n";
    out += "  can compel data  " + Join(where.data_jurisdictions) +
           "; whoever can compel only one of the two reads nothing\n";
  }
  out += "  sealed by        " + at.seal + "\n";
  out += "  key version      " + std::to_string(at.newest_version) + ", account epoch " +
         std::to_string(at.epoch) + "\n";
  if (!at.scheduled_region.empty()) {
    out += "  change announced to region " + at.scheduled_region + ", not before " +
           FormatDay(at.scheduled_time) + ", and only with your consent\n";
  }
  out += "  signed           " + FormatTime(where.time) + ", valid until " +
         FormatTime(where.expiry) + "\n";
  out +=
      "\"Active here\" does not mean \"only here\": only a destruction certificate says that a "
      "copy is gone.\n";
  if (at.development())
    out += "This is a development deployment: its clock and seal are for tests.\n";
  return out;
}

std::string FormatKeyVersions(const KeyVersionsView& key) {
  std::string wraps;
  std::vector<std::string> older;
  std::vector<std::string> others;
  for (const KeyVersionView& version : key.versions) {
    const std::string number = std::to_string(version.version);
    if (version.state != StateName(cpb::KEY_STATE_ENABLED)) {
      others.push_back(number + " " + version.state);
    } else if (version.version < key.min_unwrap_version) {
      others.push_back(number + " opens nothing any more");
    } else if (&version == &key.versions.back()) {
      wraps = number;
    } else {
      older.push_back(number);
    }
  }
  std::vector<std::string> parts;
  if (!wraps.empty()) {
    parts.push_back(older.empty() ? wraps : wraps + " wraps");
  } else if (!older.empty()) {
    parts.emplace_back("none wraps");
  }
  if (!older.empty()) {
    parts.push_back(Join(older) + (older.size() == 1 ? " opens what it" : " open what they") +
                    " wrapped");
  }
  if (!others.empty()) parts.push_back(Join(others));
  std::string out;
  for (const std::string& part : parts) {
    out += (out.empty() ? "" : "; ") + part;
  }
  return out;
}

void AddCertificates(const Topology& topology, const RegionId& region, const AccountId& account,
                     const std::vector<Statement>& statements, UnixMillis now,
                     KeyVersionsView& view) {
  for (const Statement& endorsement : statements) {
    const absl::StatusOr<PublicKey> key =
        topology.VerifyEndorsement(endorsement, region, ServiceKind::kCustody, now);
    if (!key.ok()) continue;
    for (const Statement& statement : statements) {
      const auto parsed = VerifyStatement<KeyVersionDestruction>(statement, *key);
      if (!parsed.ok() || parsed->envelope.deployment != topology.deployment() ||
          parsed->envelope.region != region.name() || parsed->envelope.subject != account.bytes()) {
        continue;
      }
      for (KeyVersionView& version : view.versions) {
        if (version.version != parsed->body.version) continue;
        version.certificate = statement;
        view.endorsement = endorsement;
      }
    }
  }
}

absl::StatusOr<KeyVersionsView> ListKeyVersions(Session& session, const Profile& profile) {
  ASSIGN_OR_RETURN(const RegionId region, session.FindRegion(profile.state().custody_region()));
  cpb::GetAccountKeyRequest request;
  request.set_account_id(std::string(profile.account().bytes()));
  ASSIGN_OR_RETURN(const cpb::GetAccountKeyResponse response,
                   (session.Call<CustodyApi, cpb::GetAccountKeyRequest, cpb::GetAccountKeyResponse>(
                       region, ServiceKind::kCustody, &CustodyApi::Stub::GetAccountKey, request)));
  KeyVersionsView view;
  view.min_unwrap_version = std::max<KeyVersion>(1, response.min_unwrap_version());
  view.rotation_days = response.rotation_days();
  view.next_rotation = response.next_rotation_time_ms();
  for (const cpb::KeyVersionInfo& info : response.versions()) {
    view.versions.push_back(
        {info.version(), StateName(info.state()), info.create_time_ms(), info.destroy_time_ms()});
  }
  std::vector<Statement> statements;
  for (const comity::common::v1::Statement& message : response.statements()) {
    ASSIGN_OR_RETURN(Statement statement, FromProto(message));
    statements.push_back(std::move(statement));
  }
  AddCertificates(session.topology(), region, profile.account(), statements, session.Now(), view);
  return view;
}

}  // namespace comity
