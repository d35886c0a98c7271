#ifndef COMITY_TESTS_BENCH_CREATE_LOAD_H_
#define COMITY_TESTS_BENCH_CREATE_LOAD_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <sys/types.h>

#include "absl/status/statusor.h"

#include "comity/custody/v1/custody.grpc.pb.h"
#include "services/common/crypto/signing.h"
#include "tests/bench/report.h"
#include "tests/bench/world.h"

namespace comity::bench {

// Creations at a custody, each of an account of its own: the call that takes most of it. One
// thread.
class CreateLoad final {
 public:
  // `world` outlives it.
  static absl::StatusOr<std::unique_ptr<CreateLoad>> Open(World& world, size_t connections);
  CreateLoad(const CreateLoad&) = delete;
  CreateLoad& operator=(const CreateLoad&) = delete;

  // The same number in flight at any time, for as long as `duration`, at most `most` in all. What a
  // round needs is signed before its clock runs: that is the devices' work.
  absl::StatusOr<Sample> KeepInFlight(size_t in_flight, std::chrono::milliseconds duration,
                                      uint64_t most);

  // So many a second, whether those before are answered or not, for as long as `duration`. The
  // sample has those that succeeded, over the time until the last one was answered.
  struct Offered {
    Sample done;
    uint64_t calls = 0;
    uint64_t turned_away = 0;  // OVERLOADED
  };
  // INTERNAL when a call fails in any other way.
  absl::StatusOr<Offered> Offer(double per_second, std::chrono::milliseconds duration);

 private:
  using Api = custody::v1::CustodyService;

  CreateLoad(World& world, Owner owner);
  std::vector<custody::v1::CreateAccountRequest> Sign(size_t count);

  World& world_;
  const Owner owner_;
  const PrivateKey recovery_;
  const pid_t server_;
  std::vector<std::unique_ptr<Api::Stub>> stubs_;
  double rate_ = 0;  // of the round before, for how many requests the next one needs
};

}  // namespace comity::bench

#endif  // COMITY_TESTS_BENCH_CREATE_LOAD_H_
