#include "tests/bench/world.h"

#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

#include "client/account/account.h"
#include "client/deployment/backups.h"
#include "client/deployment/paths.h"
#include "client/deployment/templates.h"
#include "client/person/person.h"
#include "services/common/files/files.h"
#include "services/common/limits/rate_limits.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity::bench {
namespace {

constexpr char kTemplate[] = COMITY_SOURCE_DIR "/deploy/topologies/icloud-cn-2018.txtpb";

// One owner is to show all that a custody can do.
absl::Status LiftLimits(const std::string& deployment) {
  std::string lifted;
  for (const LimitInfo& info : AllLimits()) lifted.append(info.name).append("=none\n");
  const DeploymentPaths paths(deployment);
  ASSIGN_OR_RETURN(const Topology topology, Topology::Load(paths.Topology()));
  for (const auto& [id, region] : topology.regions()) {
    RETURN_IF_ERROR(WriteFileDurably(paths.Limits(id.name(), ServiceKind::kCustody), lifted,
                                     FileMode::kPublic));
  }
  return absl::OkStatus();
}

absl::StatusOr<TlsIdentity> TlsOf(const Owner& owner) { return owner.profile->Tls(); }

}  // namespace

absl::StatusOr<std::unique_ptr<World>> World::Create(const std::string& parent, bool backup) {
  RETURN_IF_ERROR(MakePrivateFolders(parent));
  std::string folder = parent + "/comity-bench-XXXXXX";
  if (mkdtemp(folder.data()) == nullptr) {
    return Refuse(Reason::kStoreUnavailable, "cannot make a folder in " + parent);
  }
  std::unique_ptr<World> world(new World(folder));
  RETURN_IF_ERROR(MakeFromTemplate(kTemplate, world->directory(), nullptr));
  RETURN_IF_ERROR(LiftLimits(world->directory()));
  ASSIGN_OR_RETURN(Supervisor supervisor, Supervisor::Open(world->directory()));
  world->supervisor_ = std::make_unique<Supervisor>(std::move(supervisor));
  if (backup) RETURN_IF_ERROR(KeepBackups(world->supervisor_->paths(), folder + "/backups"));
  RETURN_IF_ERROR(world->supervisor_->Start());
  return world;
}

World::~World() {
  bare_.clear();
  if (supervisor_ != nullptr) supervisor_->Stop().IgnoreError();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

absl::StatusOr<std::string> World::NewFolder(const std::string& name) {
  std::string folder = folder_ + "/" + name;
  RETURN_IF_ERROR(MakePrivateFolders(folder));
  return folder;
}

absl::StatusOr<Owner> World::NewOwner(const std::string& territory) {
  Owner owner;
  ASSIGN_OR_RETURN(Profile profile,
                   Profile::Create(folder_ + "/profiles/" + std::to_string(owners_++),
                                   topology().deployment(), supervisor_->Now()));
  owner.profile = std::make_unique<Profile>(std::move(profile));
  ASSIGN_OR_RETURN(TlsIdentity identity, owner.profile->Tls());
  ASSIGN_OR_RETURN(owner.session, Session::Open(directory(), std::move(identity)));
  AccountClient account(owner.session.get(), owner.profile.get());
  RETURN_IF_ERROR(account.Create(territory).status());
  return owner;
}

absl::StatusOr<std::unique_ptr<Session>> World::SessionOf(const std::string& person) {
  ASSIGN_OR_RETURN(const Person loaded, LoadPerson(directory(), person));
  return Session::Open(directory(), loaded.Tls());
}

pid_t World::PidOf(const std::string& region, ServiceKind kind) {
  return DetachedProcess(supervisor_->paths().Service(region, kind) + "/pid").Running().value_or(0);
}

absl::StatusOr<const BareProcess*> World::BareFor(const std::string& region, ServiceKind kind) {
  std::unique_ptr<BareProcess>& bare = bare_[{region, kind}];
  if (bare == nullptr) {
    ASSIGN_OR_RETURN(const std::string copies,
                     NewFolder("copies-" + region + "-" + std::string(Name(kind))));
    ASSIGN_OR_RETURN(bare, BareProcess::Start(supervisor_->paths().Service(region, kind), copies));
  }
  return bare.get();
}

absl::StatusOr<World::Channels> World::ConnectTo(const Owner& owner, const std::string& region,
                                                 ServiceKind kind, size_t count,
                                                 const AddressBook& addresses) {
  ASSIGN_OR_RETURN(const RegionId id, owner.session->FindRegion(region));
  Channels result;
  for (size_t i = 0; i < count; ++i) {
    ASSIGN_OR_RETURN(TlsIdentity identity, TlsOf(owner));
    result.peers.push_back(std::make_shared<Peers>(
        Peers::Options{topology(), std::move(identity), &owner.session->clock(), addresses}));
    result.channels.push_back(result.peers.back()->ChannelTo(id, kind));
  }
  return result;
}

absl::StatusOr<World::Channels> World::Connect(const Owner& owner, const std::string& region,
                                               ServiceKind kind, size_t count) {
  return ConnectTo(owner, region, kind, count, nullptr);
}

absl::StatusOr<World::Channels> World::ConnectBare(const Owner& owner, const std::string& region,
                                                   ServiceKind kind, size_t count) {
  ASSIGN_OR_RETURN(const BareProcess* bare, BareFor(region, kind));
  const std::string address = bare->address();
  return ConnectTo(owner, region, kind, count,
                   [address](const RegionId&, ServiceKind) { return address; });
}

}  // namespace comity::bench
