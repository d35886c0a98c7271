#include "tests/bench/new_keys.h"

#include <string>

#include "client/objects/wire.h"
#include "comity/custody/v1/custody.grpc.pb.h"
#include "services/common/crypto/random.h"
#include "services/common/status/macros.h"

namespace comity::bench {

namespace cpb = comity::custody::v1;

absl::StatusOr<cpb::BatchUnwrapDataKeysRequest> WrapNewKeys(const Owner& owner, int items) {
  ASSIGN_OR_RETURN(const RegionId region, owner.session->FindRegion(kNewKeysRegion));
  cpb::BatchGenerateDataKeysRequest generate;
  generate.set_account_id(std::string(owner.account().bytes()));
  generate.set_reason(cpb::USE_REASON_OWNER_ACCESS);
  for (int i = 0; i < items; ++i) {
    *generate.add_contexts() =
        ContextOf(RandomId<ObjectId>(), RandomId<ContentId>(), KeyPurpose::kContent);
  }
  using Api = cpb::CustodyService;
  ASSIGN_OR_RETURN(
      const cpb::BatchGenerateDataKeysResponse keys,
      (owner.session
           ->Call<Api, cpb::BatchGenerateDataKeysRequest, cpb::BatchGenerateDataKeysResponse>(
               region, ServiceKind::kCustody, &Api::Stub::BatchGenerateDataKeys, generate)));
  cpb::BatchUnwrapDataKeysRequest request;
  request.set_account_id(generate.account_id());
  request.set_reason(cpb::USE_REASON_OWNER_ACCESS);
  for (int i = 0; i < items; ++i) {
    cpb::UnwrapItem& item = *request.add_items();
    *item.mutable_context() = generate.contexts(i);
    item.set_wrapped(keys.keys(i).wrapped());
  }
  return request;
}

cpb::UnwrapDataKeyRequest UnwrapOf(const cpb::BatchUnwrapDataKeysRequest& wraps, int item) {
  cpb::UnwrapDataKeyRequest request;
  request.set_account_id(wraps.account_id());
  request.set_reason(wraps.reason());
  *request.mutable_context() = wraps.items(item).context();
  request.set_wrapped(wraps.items(item).wrapped());
  return request;
}

}  // namespace comity::bench
