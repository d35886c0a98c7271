#include <chrono>

#include "client/legal/legal.h"
#include "client/legal/package_reader.h"
#include "comity/review/v1/review.grpc.pb.h"
#include "services/common/files/files.h"
#include "services/common/status/macros.h"

namespace comity {
namespace {

namespace rpb = comity::review::v1;
using ReviewApi = rpb::ReviewService;

constexpr std::chrono::hours kStreamTimeout(12);

}  // namespace

absl::StatusOr<std::vector<OpenedFile>> LegalClient::Open(const std::string& case_id,
                                                          const std::string& folder) {
  ASSIGN_OR_RETURN(const RegionId region, Region());
  RETURN_IF_ERROR(MakePrivateFolders(folder));
  const auto stub = session_.peers().StubTo<ReviewApi>(region, ServiceKind::kReview);
  grpc::ClientContext context;
  session_.peers().Prepare(context, kStreamTimeout);
  rpb::DownloadPackageRequest request;
  request.set_case_id(case_id);
  const auto reader = stub->DownloadPackage(&context, request);
  PackageReader package({.topology = &session_.topology(),
                         .now = session_.Now(),
                         .person_folder = person_.folder,
                         .case_id = case_id,
                         .folder = folder});
  rpb::DownloadPackageResponse message;
  absl::Status taken;
  while (taken.ok() && reader->Read(&message)) taken = package.Take(message);
  if (!taken.ok()) context.TryCancel();
  const grpc::Status status = reader->Finish();
  RETURN_IF_ERROR(taken);
  RETURN_IF_ERROR(session_.peers().Outcome(status, context, region, ServiceKind::kReview));
  return package.Finish();
}

}  // namespace comity
