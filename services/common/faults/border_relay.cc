#include "services/common/faults/border_relay.h"

#include <atomic>
#include <cerrno>
#include <cstring>
#include <list>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "services/common/faults/relay_connection.h"
#include "services/common/files/files.h"
#include "services/common/status/check.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity {
namespace {

// How soon the border does what the file says.
constexpr int kTurnMs = 10;
constexpr int kBacklog = 64;
constexpr ServiceKind kKinds[] = {ServiceKind::kCustody, ServiceKind::kStorage,
                                  ServiceKind::kReview};

absl::Status Failed(std::string_view what) {
  return Refuse(Reason::kStoreUnavailable, std::string(what) + ": " + std::strerror(errno));
}

sockaddr_in Loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

int NewSocket() { return socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0); }

void SendAtOnce(int fd) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

void Reset(int fd) {
  const linger reset{1, 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
  close(fd);
}

// "127.0.0.1:1234" -> 1234; 0 for any other address.
uint16_t LoopbackPort(const std::string& address) {
  constexpr std::string_view kHost = "127.0.0.1:";
  if (!address.starts_with(kHost)) return 0;
  const long port = std::strtol(address.c_str() + kHost.size(), nullptr, 10);
  return port > 0 && port < 65'536 ? static_cast<uint16_t>(port) : 0;
}

// One service of another region, and the connections to it.
struct Relay {
  std::string region;  // of the service
  uint16_t target = 0;
  int listener = -1;
  uint16_t port = 0;
  BorderState state = BorderState::kOpen;
  uint64_t kills = 0;
  std::list<RelayConnection> connections;

  Relay() = default;
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;
  ~Relay() {
    if (listener >= 0) close(listener);
  }

  absl::Status Listen() {
    listener = NewSocket();
    sockaddr_in address = Loopback(0);
    socklen_t size = sizeof(address);
    if (listener < 0 || bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        listen(listener, kBacklog) != 0 ||
        getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      return Failed("a relay for the border to " + region);
    }
    port = ntohs(address.sin_port);
    return absl::OkStatus();
  }

  void Follow(const BorderFault& fault) {
    if (fault.kills != kills || fault.state == BorderState::kSealed) connections.clear();
    kills = fault.kills;
    state = fault.state;
  }

  // While the line is cut nobody is accepted: the kernel takes connections, and nothing answers.
  bool Accepts() const { return state != BorderState::kCut; }

  void Accept() {
    const int accepted = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (accepted < 0) return;
    if (state == BorderState::kSealed) return Reset(accepted);
    const int upstream = NewSocket();
    const sockaddr_in address = Loopback(target);
    if (upstream < 0 ||
        (connect(upstream, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 &&
         errno != EINPROGRESS)) {
      if (upstream >= 0) close(upstream);
      return Reset(accepted);
    }
    SendAtOnce(accepted);
    SendAtOnce(upstream);
    connections.emplace_back(accepted, upstream);
  }
};

}  // namespace

struct BorderRelay::Impl {
  Impl(const Topology& t, RegionId r, std::shared_ptr<const FaultFile> f, std::string taken_path)
      : topology(t), region(std::move(r)), file(std::move(f)), in_effect(std::move(taken_path)) {}

  absl::Status Listen() {
    for (const auto& [id, info] : topology.regions()) {
      if (id == region) continue;
      for (const ServiceKind kind : kKinds) {
        const uint16_t target = LoopbackPort(info.service(kind).address);
        // The relays are for deployments on one machine; others keep their own way.
        if (target == 0) continue;
        Relay& relay = relays.emplace_back();
        relay.region = id.name();
        relay.target = target;
        relay.kills = file->Now()->Border(region.name(), id.name()).kills;
        RETURN_IF_ERROR(relay.Listen());
        addresses[{id, kind}] = "127.0.0.1:" + std::to_string(relay.port);
      }
    }
    return absl::OkStatus();
  }

  void Run() {
    while (!stopping.load()) Turn();
  }

  void Turn() {
    const std::shared_ptr<const FaultPlan> plan = file->Now();
    std::vector<pollfd> waits;
    for (Relay& relay : relays) {
      relay.Follow(plan->Border(region.name(), relay.region));
      waits.push_back({relay.Accepts() ? relay.listener : -1, POLLIN, 0});
      for (const RelayConnection& connection : relay.connections) {
        for (const pollfd& wait : connection.Interest(!relay.Accepts())) waits.push_back(wait);
      }
    }
    Tell(plan);
    if (poll(waits.data(), waits.size(), kTurnMs) <= 0) return;
    size_t next = 0;
    for (Relay& relay : relays) {
      const bool called = (waits[next++].revents & POLLIN) != 0;
      for (auto it = relay.connections.begin(); it != relay.connections.end(); next += 2) {
        it =
            it->Serve({waits[next], waits[next + 1]}) ? std::next(it) : relay.connections.erase(it);
      }
      if (called) relay.Accept();
    }
  }

  // Whoever wrote the file waits for this. A fault that cannot be told of is in effect all the
  // same.
  void Tell(const std::shared_ptr<const FaultPlan>& plan) {
    if (plan == told || in_effect.empty()) return;
    told = plan;
    WriteFileDurably(in_effect, FormatFaults(*plan), FileMode::kPublic).IgnoreError();
  }

  const Topology topology;
  const RegionId region;
  const std::shared_ptr<const FaultFile> file;
  const std::string in_effect;
  std::shared_ptr<const FaultPlan> told;
  std::list<Relay> relays;
  std::map<std::pair<RegionId, ServiceKind>, std::string> addresses;
  std::atomic<bool> stopping = false;
  std::thread thread;
};

BorderRelay::BorderRelay(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

BorderRelay::~BorderRelay() {
  impl_->stopping.store(true);
  impl_->thread.join();
}

absl::StatusOr<std::unique_ptr<BorderRelay>> BorderRelay::Start(
    const Topology& topology, const RegionId& region, std::shared_ptr<const FaultFile> file,
    std::string in_effect) {
  auto impl = std::make_unique<Impl>(topology, region, std::move(file), std::move(in_effect));
  RETURN_IF_ERROR(impl->Listen());
  Impl* const running = impl.get();
  impl->thread = std::thread([running] { running->Run(); });
  return std::unique_ptr<BorderRelay>(new BorderRelay(std::move(impl)));
}

std::string BorderRelay::AddressOf(const RegionId& region, ServiceKind kind) const {
  const auto relay = impl_->addresses.find({region, kind});
  if (relay != impl_->addresses.end()) return relay->second;
  const RegionInfo* const info = impl_->topology.FindRegion(region);
  COMITY_CHECK(info != nullptr);
  return info->service(kind).address;
}

}  // namespace comity
