#ifndef COMITY_TESTS_BENCH_NEW_KEYS_H_
#define COMITY_TESTS_BENCH_NEW_KEYS_H_

#include <memory>
#include <vector>

#include "absl/status/statusor.h"

#include "comity/custody/v1/custody.pb.h"
#include "tests/bench/world.h"

namespace comity::bench {

// Whose custody wraps them.
inline constexpr char kNewKeysRegion[] = "us";

// `items` wraps of new data keys, each with its context.
absl::StatusOr<custody::v1::BatchUnwrapDataKeysRequest> WrapNewKeys(const Owner& owner, int items);
// One of them, to be unwrapped alone.
custody::v1::UnwrapDataKeyRequest UnwrapOf(const custody::v1::BatchUnwrapDataKeysRequest& wraps,
                                           int item);

// A client of gRPC's making for each channel.
template <typename Service>
std::vector<std::unique_ptr<typename Service::Stub>> StubsOver(const World::Channels& channels) {
  std::vector<std::unique_ptr<typename Service::Stub>> stubs;
  for (const auto& channel : channels.channels) stubs.push_back(Service::NewStub(channel));
  return stubs;
}

}  // namespace comity::bench

#endif  // COMITY_TESTS_BENCH_NEW_KEYS_H_
