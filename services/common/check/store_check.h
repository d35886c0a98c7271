#ifndef COMITY_COMMON_CHECK_STORE_CHECK_H_
#define COMITY_COMMON_CHECK_STORE_CHECK_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"

#include "services/common/check/report.h"
#include "services/common/clock/clock.h"
#include "services/common/log/log_http.h"
#include "services/common/store/blob_store.h"
#include "services/common/store/record_store.h"
#include "services/common/topology/topology.h"

namespace comity {

// What a service's check looks at: its own stores, opened only to be read, and what it may know
// beside them. Everything outlives the check.
struct StoreCheck {
  const Topology& topology;
  const RegionId region;
  const std::string directory;  // of the service
  const UnixMillis now = 0;
  const int64_t audit_keep_ms = 0;  // how long audit records are kept
  RecordStore& records;
  BlobStore& blobs;
  const VerifiedLog* log = nullptr;  // null when it does not verify, which has been reported
  const PublicKey& log_key;
  const std::string log_origin;
  CheckReport& report;

  // A violation "leaf" unless the log has exactly `leaf` at `index`.
  void ExpectLeaf(uint64_t index, std::string_view leaf, std::string_view where) const;
  // The same for a leaf that was kept with its receipt, which must prove it.
  void ExpectReceipt(const std::string& receipt, std::string_view leaf,
                     std::string_view where) const;
};

// Reports everything that it finds wrong; an error only when the store cannot be read on.
using StoreChecker = std::function<absl::Status(const StoreCheck& check)>;

// Every partition whose name starts with `prefix`. Stops at the first error.
absl::Status ForEachPartition(RecordStore& records, std::string_view prefix,
                              const std::function<absl::Status(const std::string&)>& visit);
// Every record of a partition with a key in [begin, end).
absl::Status ForEachRecord(
    RecordStore& records, std::string_view partition, std::string_view begin, std::string_view end,
    const std::function<void(const std::string& key, const std::string& value)>& visit);
// Every blob under `prefix`.
absl::Status ForEachBlob(BlobStore& blobs, std::string_view prefix,
                         const std::function<void(const BlobStore::Entry&)>& visit);

}  // namespace comity

#endif  // COMITY_COMMON_CHECK_STORE_CHECK_H_
