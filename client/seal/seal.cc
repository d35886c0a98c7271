#include "client/seal/seal.h"

#include <utility>

#include "comity/custody/v1/custody.grpc.pb.h"
#include "services/common/seal/seal_share.h"
#include "services/common/status/macros.h"

namespace comity {
namespace {

namespace cpb = comity::custody::v1;
using CustodyApi = cpb::CustodyService;

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
  return view;
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
  cpb::EnterShareRequest request;
  if (!text.empty()) {
    ASSIGN_OR_RETURN(const SealShare share, ParseSealShare(text));
    const SecretBytes bytes = EncodeSealShare(share);
    request.set_share(std::string(bytes.RevealView(RevealKey::ForOwner())));
  }
  absl::StatusOr<cpb::EnterShareResponse> response =
      session.Call<CustodyApi, cpb::EnterShareRequest, cpb::EnterShareResponse>(
          region, ServiceKind::kCustody, &CustodyApi::Stub::EnterShare, request);
  WipeString(*request.mutable_share());
  if (!response.ok()) return response.status();
  return ViewOf(response->state());
}

absl::StatusOr<SealView> SealCustody(Session& session, const RegionId& region) {
  ASSIGN_OR_RETURN(const auto response,
                   (session.Call<CustodyApi, cpb::SealCustodyRequest, cpb::SealCustodyResponse>(
                       region, ServiceKind::kCustody, &CustodyApi::Stub::SealCustody,
                       cpb::SealCustodyRequest())));
  return ViewOf(response.state());
}

}  // namespace comity
