#ifndef COMITY_TESTS_BENCH_OBJECT_LOAD_H_
#define COMITY_TESTS_BENCH_OBJECT_LOAD_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"

#include "services/common/ids/ids.h"
#include "services/common/server/peers.h"
#include "tests/bench/world.h"

namespace comity::bench {

inline constexpr size_t kChunkBytes = 1 << 20;

// Objects at storage, with real wraps and sealed attributes, but with bytes that nobody encrypted:
// the client's cipher is not what is measured.
class ObjectLoad final {
 public:
  // One channel as `owner`, who outlives this.
  static absl::StatusOr<std::unique_ptr<ObjectLoad>> Open(World& world, const Owner& owner,
                                                          const std::string& region);

  // What a put needs of custody, got beforehand.
  struct Prepared {
    ObjectId object;
    std::string header;  // a serialised PutObjectHeader
  };
  absl::StatusOr<Prepared> Prepare();
  // Streams `bytes` bytes in chunks of 1 MiB; durable when this returns.
  absl::Status Put(const Prepared& prepared, uint64_t bytes);
  // Reads it and counts; DATA_CORRUPT unless there are `bytes`.
  absl::Status Get(const ObjectId& object, uint64_t bytes);
  absl::Status Delete(const ObjectId& object);

 private:
  ObjectLoad(const Owner* owner, RegionId region, World::Channels channels)
      : owner_(owner),
        region_(std::move(region)),
        channels_(std::move(channels)),
        chunk_(kChunkBytes, 'c') {}
  const Owner* const owner_;
  const RegionId region_;
  const World::Channels channels_;
  const std::string chunk_;
};

}  // namespace comity::bench

#endif  // COMITY_TESTS_BENCH_OBJECT_LOAD_H_
