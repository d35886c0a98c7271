#ifndef COMITY_COMMON_IDENTITY_CALLER_CACHE_H_
#define COMITY_COMMON_IDENTITY_CALLER_CACHE_H_

#include <cstdint>
#include <memory>
#include <string_view>

#include "absl/status/statusor.h"

#include "services/common/clock/clock.h"
#include "services/common/identity/caller.h"
#include "services/common/topology/topology.h"

namespace comity {

// IdentifyCaller() that remembers: a certificate is parsed and verified once, until it expires or
// is displaced by others. Refusals are not remembered, so that strangers cannot displace anybody
// with certificates that are worth nothing. Thread-safe; split into shards by the certificate's
// hash, so that no lock is everybody's. Before the shards, each thread remembers the few that it
// met last, so that the next call on a connection costs no hash either.
class CallerCache final {
 public:
  explicit CallerCache(Topology topology, size_t capacity = 8192);
  ~CallerCache();

  // As IdentifyCaller().
  absl::StatusOr<std::shared_ptr<const Caller>> Identify(std::string_view certificate_pem,
                                                         UnixMillis now);
  // Certificates remembered now, at most the capacity.
  size_t size() const;

 private:
  struct Shard;
  absl::StatusOr<std::shared_ptr<const Caller>> IdentifyByHash(std::string_view certificate_pem,
                                                               UnixMillis now);

  const uint64_t number_;  // never given twice in a process
  const Topology topology_;
  const size_t shard_capacity_;
  std::unique_ptr<Shard[]> shards_;
};

}  // namespace comity

#endif  // COMITY_COMMON_IDENTITY_CALLER_CACHE_H_
