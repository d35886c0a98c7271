#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <grpcpp/client_context.h>

#include "client/account/account.h"
#include "client/migrate/migrate.h"
#include "services/common/files/files.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "tests/bench/bench.grpc.pb.h"
#include "tests/bench/bench.h"
#include "tests/bench/load.h"
#include "tests/bench/object_load.h"

// Accounts that move from one region to the other, one at a time, with everything that belongs to a
// move: consent checked on both sides, fence, manifests, keys, activation. Beside it, a plain copy:
// a program that reads as many files from its disk and sends them over one stream to another, which
// writes each durably and says so.
namespace comity::bench {
namespace {

constexpr char kSource[] = "us";
constexpr char kDestination[] = "cn";
constexpr char kOperator[] = "us/ops-evans";
constexpr UnixMillis kAnnounced = 1'515'628'800'000;  // 2018-01-11
constexpr UnixMillis kInForce = 1'519'862'400'000;    // 2018-03-01
constexpr auto kLookInterval = std::chrono::milliseconds(5);
constexpr auto kPatience = std::chrono::seconds(60);
constexpr double kMiB = 1 << 20;

absl::Status Fill(World& world, const Owner& owner, const Settings& settings) {
  ASSIGN_OR_RETURN(const std::unique_ptr<ObjectLoad> objects,
                   ObjectLoad::Open(world, owner, kSource));
  for (size_t i = 0; i < settings.account_objects; ++i) {
    ASSIGN_OR_RETURN(const ObjectLoad::Prepared prepared, objects->Prepare());
    RETURN_IF_ERROR(objects->Put(prepared, settings.account_object_bytes));
  }
  return absl::OkStatus();
}

absl::Status AdvanceTo(World& world, UnixMillis time) {
  const UnixMillis now = world.supervisor().Now();
  return now >= time ? absl::OkStatus() : world.supervisor().AdvanceClock(time - now);
}

// Starts one account and waits until it is served at the destination.
absl::StatusOr<MoveView> MoveOne(Session& session, const RegionId& source) {
  ASSIGN_OR_RETURN(MigrationView view, StartMigration(session, source, kDestination, 1));
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < end) {
    if (view.failed > 0 || view.accounts == 0) {
      return Refuse(Reason::kStateNotReady, "no account could be moved");
    }
    if (!view.moves.empty() && view.moves.front().step >= MoveStep::kCutOver) {
      return view.moves.front();
    }
    std::this_thread::sleep_for(kLookInterval);
    ASSIGN_OR_RETURN(view, GetMigration(session, source, &view.id));
  }
  return Refuse(Reason::kStateNotReady, "the account does not get to the other side");
}

absl::Status WriteFiles(const std::string& folder, const Settings& settings) {
  const std::string content(settings.account_object_bytes, 'f');
  for (size_t i = 0; i < settings.account_objects; ++i) {
    RETURN_IF_ERROR(
        WriteFileDurably(folder + "/" + std::to_string(i), content, FileMode::kPrivate));
  }
  return absl::OkStatus();
}

absl::Status CopyFiles(const World::Channels& channels, const std::string& folder, size_t files,
                       const std::string& prefix) {
  const auto stub = v1::BareService::NewStub(channels.at(0));
  grpc::ClientContext context;
  const auto stream = stub->Copy(&context);
  size_t confirmed = 0;
  std::thread reader([&] {
    v1::CopyResponse response;
    while (stream->Read(&response)) ++confirmed;
  });
  v1::CopyRequest request;
  for (size_t i = 0; i < files; ++i) {
    std::ifstream file(folder + "/" + std::to_string(i), std::ios::binary);
    request.mutable_content()->assign(std::istreambuf_iterator<char>(file), {});
    request.set_name(prefix + std::to_string(i));
    if (!stream->Write(request)) break;
  }
  stream->WritesDone();
  reader.join();
  const grpc::Status status = stream->Finish();
  if (!status.ok()) return Refuse(Reason::kInternal, status.error_message());
  return confirmed == files ? absl::OkStatus()
                            : Refuse(Reason::kDataCorrupt, "not every file was copied");
}

}  // namespace

absl::StatusOr<Report> MigrateAccount(World& world, const Settings& settings) {
  std::vector<Owner> owners(settings.migrations);
  for (Owner& owner : owners) {
    ASSIGN_OR_RETURN(owner, world.NewOwner("CN"));
    RETURN_IF_ERROR(Fill(world, owner, settings));
  }
  RETURN_IF_ERROR(AdvanceTo(world, kAnnounced));
  for (Owner& owner : owners) {
    RETURN_IF_ERROR(AccountClient(owner.session.get(), owner.profile.get()).AcceptTerms().status());
  }
  RETURN_IF_ERROR(AdvanceTo(world, kInForce));
  ASSIGN_OR_RETURN(const std::unique_ptr<Session> session, world.SessionOf(kOperator));
  ASSIGN_OR_RETURN(const RegionId source, session->FindRegion(kSource));

  ASSIGN_OR_RETURN(const std::string files, world.NewFolder("files"));
  RETURN_IF_ERROR(WriteFiles(files, settings));
  ASSIGN_OR_RETURN(const World::Channels bare,
                   world.ConnectBare(owners.front(), kDestination, ServiceKind::kStorage, 1));
  ASSIGN_OR_RETURN(const BareProcess* bare_process,
                   world.BareFor(kDestination, ServiceKind::kStorage));

  std::vector<uint32_t> pauses_ms;
  size_t copies = 0;
  const Round ours = [&]() -> absl::StatusOr<Sample> {
    return MeasureOnce(world.PidOf(kSource, ServiceKind::kStorage), [&]() -> absl::Status {
      ASSIGN_OR_RETURN(const MoveView moved, MoveOne(*session, source));
      pauses_ms.push_back(moved.pause_ms);
      return absl::OkStatus();
    });
  };
  const Round copy = [&] {
    return MeasureOnce(bare_process->pid(), [&] {
      return CopyFiles(bare, files, settings.account_objects, "c" + std::to_string(copies++) + "x");
    });
  };
  // The first account warms up, as the first copy does.
  const bool warm_up = settings.migrations > 1;
  ASSIGN_OR_RETURN(const Rounds rounds,
                   Interleave(settings.migrations - (warm_up ? 1 : 0), ours, copy, warm_up));
  const double scale = static_cast<double>(settings.account_objects) *
                       static_cast<double>(settings.account_object_bytes) / kMiB;
  Report report = Summarise("migrate_account", "MiB/s", rounds.ours, rounds.bare, scale);
  report.pause_p99_ms = Percentile(pauses_ms, 0.99);
  return report;
}

}  // namespace comity::bench
