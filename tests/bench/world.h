#ifndef COMITY_TESTS_BENCH_WORLD_H_
#define COMITY_TESTS_BENCH_WORLD_H_

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

#include "client/deployment/supervisor.h"
#include "client/profile/profile.h"
#include "client/session/session.h"
#include "services/common/server/peers.h"
#include "tests/bench/bare_process.h"

namespace comity::bench {

// The owner of an account, as the client library has it.
struct Owner {
  std::unique_ptr<Profile> profile;
  std::unique_ptr<Session> session;
  const AccountId& account() const { return profile->account(); }
};

struct Crowd;

// A deployment of real service processes in a folder of its own, which goes with this object, and a
// bare server for each service that is asked for. Not thread-safe.
class World final {
 public:
  // `parent` exists: the disk that is measured. With `backup` its custodies keep one on it. Takes a
  // few seconds.
  static absl::StatusOr<std::unique_ptr<World>> Create(const std::string& parent, bool backup);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  Supervisor& supervisor() { return *supervisor_; }
  const Topology& topology() const { return supervisor_->topology(); }
  std::string directory() const { return folder_ + "/world"; }
  // A new empty folder on the same disk.
  absl::StatusOr<std::string> NewFolder(const std::string& name);

  // A new account of `territory`, at custody and storage of its home.
  absl::StatusOr<Owner> NewOwner(const std::string& territory);
  // "region/name" of a roster.
  absl::StatusOr<std::unique_ptr<Session>> SessionOf(const std::string& person);

  // 0 when it does not run.
  pid_t PidOf(const std::string& region, ServiceKind kind);
  // Started when first asked for.
  absl::StatusOr<const BareProcess*> BareFor(const std::string& region, ServiceKind kind);

  // `count` channels to the service, each with a connection of its own, as `identity`; and to the
  // bare server beside it, which are the same but for the address.
  struct Channels {
    std::vector<std::shared_ptr<Peers>> peers;  // keep the channels
    std::vector<std::shared_ptr<grpc::Channel>> channels;
    const std::shared_ptr<grpc::Channel>& at(size_t slot) const {
      return channels[slot % channels.size()];
    }
  };
  absl::StatusOr<Channels> Connect(const Owner& owner, const std::string& region, ServiceKind kind,
                                   size_t count);
  absl::StatusOr<Channels> ConnectBare(const Owner& owner, const std::string& region,
                                       ServiceKind kind, size_t count);

  std::shared_ptr<const Crowd> crowd;  // CrowdOf()'s

 private:
  explicit World(std::string folder) : folder_(std::move(folder)) {}
  absl::StatusOr<Channels> ConnectTo(const Owner& owner, const std::string& region,
                                     ServiceKind kind, size_t count, const AddressBook& addresses);

  const std::string folder_;
  std::unique_ptr<Supervisor> supervisor_;
  std::map<std::pair<std::string, ServiceKind>, std::unique_ptr<BareProcess>> bare_;
  int owners_ = 0;
};

}  // namespace comity::bench

#endif  // COMITY_TESTS_BENCH_WORLD_H_
