#include "client/key/grants.h"

#include <algorithm>
#include <array>

#include "client/key/ask_twice.h"
#include "comity/custody/v1/custody.grpc.pb.h"
#include "services/common/crypto/random.h"
#include "services/common/statement/proto_codec.h"
#include "services/common/statement/wrapped_key_name.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity {
namespace {

namespace cpb = comity::custody::v1;
using CustodyApi = cpb::CustodyService;

constexpr auto kOperations =
    std::to_array<std::pair<KeyOperation, std::string_view>>({{KeyOperation::kGenerate, "generate"},
                                                              {KeyOperation::kWrap, "wrap"},
                                                              {KeyOperation::kUnwrap, "unwrap"},
                                                              {KeyOperation::kRewrap, "rewrap"}});
constexpr auto kPurposes = std::to_array<std::pair<KeyPurpose, std::string_view>>(
    {{KeyPurpose::kContent, "content"}, {KeyPurpose::kAttributes, "attributes"}});

template <typename Names, typename Value>
std::string_view NameIn(const Names& names, Value value) {
  const auto found = std::ranges::find(names, value, &Names::value_type::first);
  return found == names.end() ? std::string_view() : found->second;
}

template <typename Names>
absl::StatusOr<typename Names::value_type::first_type> FindIn(const Names& names,
                                                              std::string_view what,
                                                              std::string_view name) {
  const auto found = std::ranges::find(names, name, &Names::value_type::second);
  if (found != names.end()) return found->first;
  std::string known;
  for (const auto& entry : names) known.append(known.empty() ? "" : ", ").append(entry.second);
  return Refuse(Reason::kFieldInvalid, "\"" + std::string(name) + "\" is no " + std::string(what) +
                                           "; there are: " + known);
}

// As statements have them.
template <typename T>
std::vector<T> Sorted(std::vector<T> items) {
  std::ranges::sort(items);
  items.erase(std::unique(items.begin(), items.end()), items.end());
  return items;
}

std::string StateName(cpb::GrantState state) {
  switch (state) {
    case cpb::GRANT_STATE_IN_FORCE:
      return "in force";
    case cpb::GRANT_STATE_NOT_BEGUN:
      return "not begun";
    case cpb::GRANT_STATE_EXPIRED:
      return "expired";
    case cpb::GRANT_STATE_REVOKED:
      return "revoked";
    case cpb::GRANT_STATE_DEVICE_REVOKED:
      return "ended with the device that signed it";
    default:
      return "unknown";
  }
}

// Grants have no place in the numbered sequence of the account's statements.
template <typename Body>
Statement SignUnnumbered(const Profile& profile, const Body& body, UnixMillis now,
                         UnixMillis expiry) {
  Envelope envelope;
  envelope.deployment = profile.deployment();
  envelope.subject = std::string(profile.account().bytes());
  envelope.time = now;
  envelope.expiry = expiry;
  return SignStatement(envelope, body, profile.device_key());
}

absl::StatusOr<TakenGrant> Hand(Session& session, const Profile& profile, const GrantId& grant,
                                KeyGrantAct act, const Statement& statement) {
  ASSIGN_OR_RETURN(const RegionId region, session.FindRegion(profile.state().custody_region()));
  cpb::ChangeKeyGrantsRequest request;
  request.set_account_id(std::string(profile.account().bytes()));
  *request.mutable_statement() = ToProto(statement);
  ASSIGN_OR_RETURN(
      const cpb::ChangeKeyGrantsResponse response, AskTwice([&] {
        return session.Call<CustodyApi, cpb::ChangeKeyGrantsRequest, cpb::ChangeKeyGrantsResponse>(
            region, ServiceKind::kCustody, &CustodyApi::Stub::ChangeKeyGrants, request);
      }));
  ASSIGN_OR_RETURN(const Statement receipt, FromProto(response.receipt()));
  ASSIGN_OR_RETURN(const Statement endorsement, FromProto(response.endorsement()));
  // Another device may have ended it before.
  const std::optional<Digest> taken =
      act == KeyGrantAct::kGiven ? std::optional<Digest>(statement.digest()) : std::nullopt;
  ASSIGN_OR_RETURN(const Parsed<KeyGrantReceipt> parsed,
                   VerifyGrantReceipt(session.topology(), region, profile.account(), grant, act,
                                      taken, receipt, endorsement, session.Now()));
  return TakenGrant{region.name(), grant, parsed.envelope.time, statement, receipt, endorsement};
}

absl::StatusOr<GrantListing> ReadListing(const Profile& profile, const cpb::KeyGrantInfo& info) {
  GrantListing listing;
  ASSIGN_OR_RETURN(listing.statement, FromProto(info.grant()));
  ASSIGN_OR_RETURN(listing.receipt, FromProto(info.receipt()));
  if (info.has_revocation_receipt()) {
    ASSIGN_OR_RETURN(listing.revocation_receipt, FromProto(info.revocation_receipt()));
  }
  absl::StatusOr<Parsed<KeyGrant>> parsed = ParseStatement<KeyGrant>(listing.statement);
  if (!parsed.ok() || parsed->envelope.subject != profile.account().bytes()) {
    return Refuse(Reason::kDataCorrupt, "custody lists what is no grant of this account");
  }
  for (const Device& device : profile.chain().devices()) {
    listing.signed_by_own |= device.key.id() == parsed->envelope.issuer &&
                             VerifySignedBy(listing.statement, device.key).ok();
  }
  listing.state = StateName(info.state());
  listing.alive =
      info.state() == cpb::GRANT_STATE_IN_FORCE || info.state() == cpb::GRANT_STATE_NOT_BEGUN;
  listing.device = parsed->envelope.issuer;
  listing.signed_at = parsed->envelope.time;
  listing.end = parsed->envelope.expiry;
  listing.body = std::move(parsed->body);
  return listing;
}

void Fill(const GrantedContext& context, comity::common::v1::EncryptionContext& out) {
  out.set_object_id(std::string(context.object.bytes()));
  out.set_content_id(std::string(context.content.bytes()));
  out.set_purpose(static_cast<comity::common::v1::Purpose>(context.purpose));
  for (const auto& [name, value] : context.pairs) {
    auto& pair = *out.add_pairs();
    pair.set_name(name);
    pair.set_value(value);
  }
}

absl::Status CheckAnswers(size_t asked, int answered) {
  return asked == static_cast<size_t>(answered)
             ? absl::OkStatus()
             : Refuse(Reason::kInternal, "custody answered with another number of keys");
}

}  // namespace

std::string_view Name(KeyOperation operation) { return NameIn(kOperations, operation); }
std::string_view Name(KeyPurpose purpose) { return NameIn(kPurposes, purpose); }

absl::StatusOr<KeyOperation> ParseKeyOperation(std::string_view name) {
  return FindIn(kOperations, "operation", name);
}
absl::StatusOr<KeyPurpose> ParseKeyPurpose(std::string_view name) {
  return FindIn(kPurposes, "purpose", name);
}

absl::StatusOr<Parsed<KeyGrantReceipt>> VerifyGrantReceipt(
    const Topology& topology, const RegionId& region, const AccountId& account,
    const GrantId& grant, KeyGrantAct act, const std::optional<Digest>& statement,
    const Statement& receipt, const Statement& endorsement, UnixMillis now) {
  ASSIGN_OR_RETURN(const PublicKey key,
                   topology.VerifyEndorsement(endorsement, region, ServiceKind::kCustody, now));
  ASSIGN_OR_RETURN(Parsed<KeyGrantReceipt> parsed, VerifyStatement<KeyGrantReceipt>(receipt, key));
  if (parsed.envelope.deployment != topology.deployment() ||
      parsed.envelope.region != region.name() || parsed.envelope.subject != account.bytes() ||
      parsed.body.grant != grant || parsed.body.act != act ||
      (statement.has_value() && parsed.body.statement != *statement)) {
    return Refuse(Reason::kSignatureInvalid, "the custody signed for something else");
  }
  return parsed;
}

absl::StatusOr<TakenGrant> GiveGrant(Session& session, const Profile& profile,
                                     const GrantOrder& order) {
  KeyGrant body;
  body.epoch = profile.state().epoch;
  body.grant = RandomId<GrantId>();
  body.grantee = order.grantee;
  body.operations = Sorted(order.operations);
  body.purposes = Sorted(order.purposes);
  body.objects = Sorted(order.objects);
  body.pairs = order.pairs;
  body.not_before = order.begin;
  return Hand(session, profile, body.grant, KeyGrantAct::kGiven,
              SignUnnumbered(profile, body, session.Now(), order.end));
}

absl::StatusOr<TakenGrant> RevokeGrant(Session& session, const Profile& profile,
                                       const GrantId& grant) {
  return Hand(session, profile, grant, KeyGrantAct::kRevoked,
              SignUnnumbered(profile, KeyGrantRevocation{grant}, session.Now(), 0));
}

absl::StatusOr<std::vector<GrantListing>> ListGrants(Session& session, const Profile& profile) {
  ASSIGN_OR_RETURN(const RegionId region, session.FindRegion(profile.state().custody_region()));
  cpb::GetKeyGrantsRequest request;
  request.set_account_id(std::string(profile.account().bytes()));
  ASSIGN_OR_RETURN(const cpb::GetKeyGrantsResponse response,
                   (session.Call<CustodyApi, cpb::GetKeyGrantsRequest, cpb::GetKeyGrantsResponse>(
                       region, ServiceKind::kCustody, &CustodyApi::Stub::GetKeyGrants, request)));
  std::vector<GrantListing> listings;
  for (const cpb::KeyGrantInfo& info : response.grants()) {
    ASSIGN_OR_RETURN(GrantListing listing, ReadListing(profile, info));
    listings.push_back(std::move(listing));
  }
  return listings;
}

template <typename Request>
void GrantedKeys::Begin(Request& request) const {
  request.set_account_id(std::string(owner_.bytes()));
  request.set_grant_id(std::string(grant_.bytes()));
  request.set_reason(cpb::USE_REASON_GRANT);
}

absl::StatusOr<std::vector<GrantedKeys::Generated>> GrantedKeys::Generate(
    const std::vector<GrantedContext>& contexts) {
  cpb::BatchGenerateDataKeysRequest request;
  Begin(request);
  for (const GrantedContext& context : contexts) Fill(context, *request.add_contexts());
  ASSIGN_OR_RETURN(
      cpb::BatchGenerateDataKeysResponse response,
      (session_
           .Call<CustodyApi, cpb::BatchGenerateDataKeysRequest, cpb::BatchGenerateDataKeysResponse>(
               region_, ServiceKind::kCustody, &CustodyApi::Stub::BatchGenerateDataKeys, request)));
  std::vector<Generated> keys;
  for (cpb::GenerateDataKeyResponse& key : *response.mutable_keys()) {
    keys.push_back({SecretBytes::TakeFrom(*key.mutable_plaintext()), key.wrapped()});
  }
  RETURN_IF_ERROR(CheckAnswers(contexts.size(), response.keys_size()));
  return keys;
}

absl::StatusOr<std::vector<std::string>> GrantedKeys::Wrap(const std::vector<Plain>& keys) {
  cpb::BatchWrapDataKeysRequest request;
  Begin(request);
  for (const Plain& key : keys) {
    cpb::WrapItem& item = *request.add_items();
    Fill(key.context, *item.mutable_context());
    item.mutable_plaintext()->assign(key.plaintext.RevealView(RevealKey::ForOwner()));
  }
  absl::StatusOr<cpb::BatchWrapDataKeysResponse> response =
      session_.Call<CustodyApi, cpb::BatchWrapDataKeysRequest, cpb::BatchWrapDataKeysResponse>(
          region_, ServiceKind::kCustody, &CustodyApi::Stub::BatchWrapDataKeys, request);
  for (cpb::WrapItem& item : *request.mutable_items()) WipeString(*item.mutable_plaintext());
  RETURN_IF_ERROR(response.status());
  RETURN_IF_ERROR(CheckAnswers(keys.size(), response->wrapped_size()));
  return std::vector<std::string>(response->wrapped().begin(), response->wrapped().end());
}

template <typename Request>
Request GrantedKeys::About(const std::vector<Wrapped>& keys) const {
  Request request;
  Begin(request);
  for (const Wrapped& key : keys) {
    cpb::UnwrapItem& item = *request.add_items();
    Fill(key.context, *item.mutable_context());
    item.set_wrapped(key.wrapped);
  }
  return request;
}

absl::StatusOr<std::vector<SecretBytes>> GrantedKeys::Unwrap(const std::vector<Wrapped>& keys) {
  const auto request = About<cpb::BatchUnwrapDataKeysRequest>(keys);
  ASSIGN_OR_RETURN(
      cpb::BatchUnwrapDataKeysResponse response,
      (session_.Call<CustodyApi, cpb::BatchUnwrapDataKeysRequest, cpb::BatchUnwrapDataKeysResponse>(
          region_, ServiceKind::kCustody, &CustodyApi::Stub::BatchUnwrapDataKeys, request)));
  std::vector<SecretBytes> opened;
  for (std::string& plaintext : *response.mutable_plaintexts()) {
    opened.push_back(SecretBytes::TakeFrom(plaintext));
  }
  RETURN_IF_ERROR(CheckAnswers(keys.size(), response.plaintexts_size()));
  return opened;
}

absl::StatusOr<std::vector<std::string>> GrantedKeys::Rewrap(const std::vector<Wrapped>& keys) {
  const auto request = About<cpb::BatchRewrapDataKeysRequest>(keys);
  ASSIGN_OR_RETURN(
      const cpb::BatchRewrapDataKeysResponse response,
      (session_.Call<CustodyApi, cpb::BatchRewrapDataKeysRequest, cpb::BatchRewrapDataKeysResponse>(
          region_, ServiceKind::kCustody, &CustodyApi::Stub::BatchRewrapDataKeys, request)));
  RETURN_IF_ERROR(CheckAnswers(keys.size(), response.results_size()));
  std::vector<std::string> wrapped;
  for (const cpb::RewrapResult& result : response.results()) {
    if (result.wrapped().empty()) return Refuse(static_cast<Reason>(result.reason()));
    wrapped.push_back(result.wrapped());
  }
  return wrapped;
}

}  // namespace comity
