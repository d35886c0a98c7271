#include "client/seal/seal.h"

#include <cstdio>
#include <utility>

#include "client/deployment/paths.h"
#include "comity/custody/v1/custody.grpc.pb.h"
#include "services/common/files/files.h"
#include "services/common/seal/seal_share.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity {
namespace {

namespace cpb = comity::custody::v1;
using CustodyApi = cpb::CustodyService;

// "pin-refused"; empty when nothing is wrong. A custody that is newer than this program may tell of
// more than it knows.
std::string NameOf(cpb::SealTrouble trouble) {
  switch (trouble) {
    case cpb::SEAL_TROUBLE_UNSPECIFIED:
    case cpb::SEAL_TROUBLE_NONE:
      return {};
    case cpb::SEAL_TROUBLE_MODULE:
      return "module";
    case cpb::SEAL_TROUBLE_TOKEN_ABSENT:
      return "token-absent";
    case cpb::SEAL_TROUBLE_PIN_FILE:
      return "pin-file";
    case cpb::SEAL_TROUBLE_PIN_REFUSED:
      return "pin-refused";
    case cpb::SEAL_TROUBLE_PIN_LOCKED:
      return "pin-locked";
    case cpb::SEAL_TROUBLE_KEY_MISSING:
      return "key-missing";
    case cpb::SEAL_TROUBLE_KEY_AMBIGUOUS:
      return "key-ambiguous";
    case cpb::SEAL_TROUBLE_KEY_UNFIT:
      return "key-unfit";
    case cpb::SEAL_TROUBLE_RECORD:
      return "record";
    default:
      return "token-failed";
  }
}

SealView ViewOf(const cpb::SealState& state) {
  SealView view;
  view.seal = state.seal();
  view.sealed = state.sealed();
  view.needed = state.shares_needed();
  view.lease_end = state.lease_end_time_ms();
  for (const cpb::ShareHolder& holder : state.holders()) {
    view.holders.push_back({holder.person(), holder.entered()});
    view.entered += holder.entered() ? 1 : 0;
  }
  view.share_set = state.share_set();
  view.trouble = NameOf(state.trouble());
  view.generation = state.root_generation();
  const cpb::RootRotation& rotation = state.rotation();
  if (rotation.stage() == cpb::ROOT_ROTATION_STAGE_DEALING) {
    view.rotation = SealView::Rotation::kDealing;
  } else if (rotation.stage() == cpb::ROOT_ROTATION_STAGE_RESEALING) {
    view.rotation = SealView::Rotation::kResealing;
  }
  view.entered_to_rotate = rotation.shares_entered();
  for (const cpb::ShareHolder& holder : rotation.new_holders()) {
    view.new_holders.push_back({holder.person(), holder.entered()});
  }
  view.resealed = rotation.accounts_resealed();
  view.accounts = rotation.accounts();
  view.committee_differs = rotation.committee_differs();
  return view;
}

template <typename Request, typename Response, typename Method>
absl::StatusOr<SealView> Enter(Session& session, const RegionId& region, const SecretBytes& text,
                               Method method) {
  Request request;
  if (!text.empty()) {
    ASSIGN_OR_RETURN(const SealShare share, ParseSealShare(text));
    const SecretBytes bytes = EncodeSealShare(share);
    request.set_share(std::string(bytes.RevealView(RevealKey::ForOwner())));
  }
  absl::StatusOr<Response> response =
      session.Call<CustodyApi, Request, Response>(region, ServiceKind::kCustody, method, request);
  WipeString(*request.mutable_share());
  if (!response.ok()) return response.status();
  return ViewOf(response->state());
}

}  // namespace

absl::StatusOr<SealView> GetSeal(Session& session, const RegionId& region) {
  ASSIGN_OR_RETURN(
      const auto response,
      (session.Call<CustodyApi, cpb::GetSealRequest, cpb::GetSealResponse>(
          region, ServiceKind::kCustody, &CustodyApi::Stub::GetSeal, cpb::GetSealRequest())));
  return ViewOf(response.state());
}

absl::StatusOr<SealView> EnterShare(Session& session, const RegionId& region,
                                    const SecretBytes& text) {
  return Enter<cpb::EnterShareRequest, cpb::EnterShareResponse>(session, region, text,
                                                                &CustodyApi::Stub::EnterShare);
}

absl::StatusOr<SealView> RotateRoot(Session& session, const RegionId& region,
                                    const SecretBytes& text) {
  return Enter<cpb::RotateRootRequest, cpb::RotateRootResponse>(session, region, text,
                                                                &CustodyApi::Stub::RotateRoot);
}

absl::StatusOr<SealView> TakeShare(Session& session, const RegionId& region,
                                   const std::string& path) {
  ASSIGN_OR_RETURN(
      auto response,
      (session.Call<CustodyApi, cpb::TakeShareRequest, cpb::TakeShareResponse>(
          region, ServiceKind::kCustody, &CustodyApi::Stub::TakeShare, cpb::TakeShareRequest())));
  ASSIGN_OR_RETURN(const SealShare share,
                   DecodeSealShare(SecretBytes::TakeFrom(*response.mutable_share())));
  RETURN_IF_ERROR(WritePrivateFile(path, FormatSealShare(share)));
  // What is shown is what lies there, not what has come.
  ASSIGN_OR_RETURN(const SecretBytes text, ReadPrivateFile(path));
  return EnterShare(session, region, text);
}

absl::Status SettleShare(const SealView& view, const std::string& folder) {
  const std::string next = folder + "/" + kNextSealShareFile;
  if (view.share_set.empty() || !FileExists(next)) return absl::OkStatus();
  ASSIGN_OR_RETURN(const SecretBytes text, ReadPrivateFile(next));
  ASSIGN_OR_RETURN(const SealShare share, ParseSealShare(text));
  if (share.set.bytes() != view.share_set) return absl::OkStatus();
  if (std::rename(next.c_str(), (folder + "/" + kSealShareFile).c_str()) != 0) {
    return Refuse(Reason::kStoreUnavailable, "cannot rename " + next);
  }
  return absl::OkStatus();
}

absl::StatusOr<SealView> SealCustody(Session& session, const RegionId& region) {
  ASSIGN_OR_RETURN(const auto response,
                   (session.Call<CustodyApi, cpb::SealCustodyRequest, cpb::SealCustodyResponse>(
                       region, ServiceKind::kCustody, &CustodyApi::Stub::SealCustody,
                       cpb::SealCustodyRequest())));
  return ViewOf(response.state());
}

}  // namespace comity
