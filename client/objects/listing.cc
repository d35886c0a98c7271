#include "client/objects/listing.h"

#include <string>
#include <utility>

#include "client/objects/wire.h"
#include "comity/storage/v1/storage.grpc.pb.h"
#include "services/common/status/macros.h"

namespace comity {
namespace {

namespace spb = comity::storage::v1;
using StorageApi = spb::StorageService;

constexpr int kPage = 1'000;

}  // namespace

absl::Status ForEachPage(Session& session, const RegionId& home, const AccountId& account,
                         const UsePage& use) {
  spb::ListObjectsRequest request;
  request.set_account_id(std::string(account.bytes()));
  request.set_page_size(kPage);
  do {
    ASSIGN_OR_RETURN(const spb::ListObjectsResponse page,
                     (session.Call<StorageApi, spb::ListObjectsRequest, spb::ListObjectsResponse>(
                         home, ServiceKind::kStorage, &StorageApi::Stub::ListObjects, request)));
    std::vector<ObjectRecord> records;
    for (const spb::ObjectVersion& object : page.objects()) {
      ASSIGN_OR_RETURN(ObjectRecord record, RecordOf(object));
      records.push_back(std::move(record));
    }
    RETURN_IF_ERROR(use(records));
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return absl::OkStatus();
}

}  // namespace comity
