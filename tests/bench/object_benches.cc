#include <grpcpp/client_context.h>

#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "tests/bench/bench.grpc.pb.h"
#include "tests/bench/bench.h"
#include "tests/bench/load.h"
#include "tests/bench/object_load.h"

// One large object in and out of storage over one stream, beside a bare stream of the same bytes
// that are never stored.
namespace comity::bench {
namespace {

constexpr char kRegion[] = "us";
constexpr ServiceKind kKind = ServiceKind::kStorage;
constexpr double kMiB = 1 << 20;

absl::Status Failed(const grpc::Status& status) {
  return status.ok() ? absl::OkStatus() : Refuse(Reason::kInternal, status.error_message());
}

absl::Status SinkBytes(const World::Channels& channels, uint64_t bytes) {
  const auto stub = v1::BareService::NewStub(channels.at(0));
  grpc::ClientContext context;
  v1::SinkResponse response;
  const auto writer = stub->Sink(&context, &response);
  v1::SinkRequest request;
  request.set_chunk(std::string(kChunkBytes, 'c'));
  for (uint64_t left = bytes; left > 0;) {
    if (left < kChunkBytes) request.mutable_chunk()->resize(left);
    if (!writer->Write(request)) break;
    left -= request.chunk().size();
  }
  writer->WritesDone();
  return Failed(writer->Finish());
}

absl::Status SourceBytes(const World::Channels& channels, uint64_t bytes) {
  const auto stub = v1::BareService::NewStub(channels.at(0));
  grpc::ClientContext context;
  v1::SourceRequest request;
  request.set_chunks((bytes + kChunkBytes - 1) / kChunkBytes);
  request.set_chunk_bytes(kChunkBytes);
  const auto reader = stub->Source(&context, request);
  v1::SourceResponse response;
  while (reader->Read(&response)) {
  }
  return Failed(reader->Finish());
}

struct Sides {
  Owner owner;
  std::unique_ptr<ObjectLoad> objects;
  World::Channels bare;
  pid_t server = 0;
  pid_t bare_server = 0;
};

absl::Status Open(World& world, Sides& sides) {
  ASSIGN_OR_RETURN(sides.owner, world.NewOwner("HK"));
  ASSIGN_OR_RETURN(sides.objects, ObjectLoad::Open(world, sides.owner, kRegion));
  ASSIGN_OR_RETURN(sides.bare, world.ConnectBare(sides.owner, kRegion, kKind, 1));
  ASSIGN_OR_RETURN(const BareProcess* bare, world.BareFor(kRegion, kKind));
  sides.server = world.PidOf(kRegion, kKind);
  sides.bare_server = bare->pid();
  return absl::OkStatus();
}

Report Finish(const char* name, const Settings& settings, const Rounds& rounds) {
  return Summarise(name, "MiB/s", rounds.ours, rounds.bare,
                   static_cast<double>(settings.object_bytes) / kMiB);
}

}  // namespace

absl::StatusOr<Report> ObjectPut(World& world, const Settings& settings) {
  Sides sides;
  RETURN_IF_ERROR(Open(world, sides));
  const uint64_t bytes = settings.object_bytes;
  const Round ours = [&]() -> absl::StatusOr<Sample> {
    ASSIGN_OR_RETURN(const ObjectLoad::Prepared prepared, sides.objects->Prepare());
    ASSIGN_OR_RETURN(Sample sample, MeasureOnce(sides.server, [&] {
                       return sides.objects->Put(prepared, bytes);
                     }));
    RETURN_IF_ERROR(sides.objects->Delete(prepared.object));
    return sample;
  };
  const Round bare = [&] {
    return MeasureOnce(sides.bare_server, [&] { return SinkBytes(sides.bare, bytes); });
  };
  ASSIGN_OR_RETURN(const Rounds rounds, Interleave(settings.rounds, ours, bare, !settings.smoke));
  return Finish("object_put", settings, rounds);
}

absl::StatusOr<Report> ObjectGet(World& world, const Settings& settings) {
  Sides sides;
  RETURN_IF_ERROR(Open(world, sides));
  const uint64_t bytes = settings.object_bytes;
  ASSIGN_OR_RETURN(const ObjectLoad::Prepared stored, sides.objects->Prepare());
  RETURN_IF_ERROR(sides.objects->Put(stored, bytes));
  const Round ours = [&] {
    return MeasureOnce(sides.server, [&] { return sides.objects->Get(stored.object, bytes); });
  };
  const Round bare = [&] {
    return MeasureOnce(sides.bare_server, [&] { return SourceBytes(sides.bare, bytes); });
  };
  ASSIGN_OR_RETURN(const Rounds rounds, Interleave(settings.rounds, ours, bare, !settings.smoke));
  RETURN_IF_ERROR(sides.objects->Delete(stored.object));
  return Finish("object_get", settings, rounds);
}

}  // namespace comity::bench
