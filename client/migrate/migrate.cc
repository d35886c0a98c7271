#include "client/migrate/migrate.h"

#include <chrono>
#include <thread>

#include "comity/storage/v1/storage.grpc.pb.h"
#include "services/common/crypto/random.h"
#include "services/common/status/macros.h"

namespace comity {
namespace {

namespace spb = comity::storage::v1;
using StorageApi = spb::StorageService;

constexpr std::chrono::milliseconds kLookInterval(100);

absl::StatusOr<MigrationView> ViewOf(const spb::GetMigrationResponse& response) {
  MigrationView view;
  ASSIGN_OR_RETURN(view.id, RequestId::FromBytes(response.migration_id()));
  view.done = response.done();
  view.accounts = response.accounts();
  view.moved = response.moved();
  view.failed = response.failed();
  for (const spb::MoveProgress& move : response.moves()) {
    MoveView& out = view.moves.emplace_back();
    ASSIGN_OR_RETURN(out.account, AccountId::FromBytes(move.account_id()));
    out.step = static_cast<MoveStep>(move.step());
    out.objects = move.objects();
    out.bytes = move.bytes();
    out.pause_ms = move.pause_ms();
    out.failure = static_cast<Reason>(move.failure());
    out.destination = move.destination();
  }
  return view;
}

}  // namespace

std::string_view Name(MoveStep step) {
  switch (step) {
    case MoveStep::kNone:
      return "not begun";
    case MoveStep::kPrepared:
      return "prepared";
    case MoveStep::kDataCopied:
      return "data copied";
    case MoveStep::kFenced:
      return "fenced";
    case MoveStep::kKeysMoved:
      return "keys moved";
    case MoveStep::kCutOver:
      return "cut over";
    case MoveStep::kDestroyed:
      return "source destroyed";
    case MoveStep::kTold:
      return "user told";
    case MoveStep::kAborted:
      return "aborted, stays";
  }
  return "unknown";
}

absl::StatusOr<MigrationPlan> PlanMigration(Session& session, const RegionId& source) {
  MigrationPlan plan;
  spb::PlanMigrationRequest request;
  request.set_page_size(1000);
  do {
    ASSIGN_OR_RETURN(
        const spb::PlanMigrationResponse response,
        (session.Call<StorageApi, spb::PlanMigrationRequest, spb::PlanMigrationResponse>(
            source, ServiceKind::kStorage, &StorageApi::Stub::PlanMigration, request)));
    for (const spb::StandingCount& count : response.counts()) {
      plan.counts.push_back(
          {static_cast<Standing>(count.standing()), count.territory(), count.accounts()});
    }
    for (const spb::AccountStanding& account : response.accounts()) {
      AccountStanding& out = plan.accounts.emplace_back();
      ASSIGN_OR_RETURN(out.account, AccountId::FromBytes(account.account_id()));
      out.standing = static_cast<Standing>(account.standing().standing());
      out.territory = account.standing().territory();
      out.reason = account.standing().reason();
    }
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  return plan;
}

absl::StatusOr<MigrationView> StartMigration(Session& session, const RegionId& source,
                                             const std::string& destination,
                                             uint64_t max_accounts) {
  spb::StartMigrationRequest request;
  request.set_request_id(std::string(RandomId<RequestId>().bytes()));
  request.set_destination(destination);
  request.set_max_accounts(max_accounts);
  ASSIGN_OR_RETURN(
      const spb::StartMigrationResponse response,
      (session.Call<StorageApi, spb::StartMigrationRequest, spb::StartMigrationResponse>(
          source, ServiceKind::kStorage, &StorageApi::Stub::StartMigration, request)));
  ASSIGN_OR_RETURN(const RequestId id, RequestId::FromBytes(response.migration_id()));
  return GetMigration(session, source, &id);
}

absl::StatusOr<MigrationView> GetMigration(Session& session, const RegionId& source,
                                           const RequestId* id) {
  spb::GetMigrationRequest request;
  if (id != nullptr) request.set_migration_id(std::string(id->bytes()));
  ASSIGN_OR_RETURN(const spb::GetMigrationResponse response,
                   (session.Call<StorageApi, spb::GetMigrationRequest, spb::GetMigrationResponse>(
                       source, ServiceKind::kStorage, &StorageApi::Stub::GetMigration, request)));
  return ViewOf(response);
}

absl::StatusOr<MigrationView> WaitForMigration(
    Session& session, const RegionId& source, const RequestId& id,
    const std::function<void(const MigrationView&)>& progress) {
  while (true) {
    ASSIGN_OR_RETURN(MigrationView view, GetMigration(session, source, &id));
    if (progress) progress(view);
    if (view.done) return view;
    std::this_thread::sleep_for(kLookInterval);
  }
}

}  // namespace comity
