#ifndef COMITY_TESTS_UNIT_COMMON_LOG_LOG_TESTING_H_
#define COMITY_TESTS_UNIT_COMMON_LOG_LOG_TESTING_H_

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "services/common/log/log_http.h"
#include "services/common/log/transparency_log.h"

// What the tests of the log share.
namespace comity {

inline constexpr char kTestOrigin[] = "example.comity/us/custody";
inline constexpr char kTestPartition[] = "log/custody";

// The Ed25519 key of the seed `first`, `first` + 1, …, 32 bytes.
PrivateKey TestLogKey(uint8_t first = 0);

absl::StatusOr<std::unique_ptr<TransparencyLog>> OpenTestLog(RecordStore* records,
                                                             BlobStore* blobs);

// `count` leaves that differ by `what` and number.
std::vector<std::string> TestLeaves(const std::string& what, size_t count);

// The log's own files, as a verifier sees them.
LogFetcher FetcherOf(const TransparencyLog& log);

// A leaf and what its caller was told.
struct Acknowledged {
  std::string leaf;
  LogReceipt receipt;
};

// Fails the test unless the log verifies as a whole, every acknowledged leaf stands at its index,
// every receipt verifies, and every checkpoint in them is a prefix of the log as it is now.
void ExpectHolds(const TransparencyLog& log, const std::vector<Acknowledged>& acknowledged);

// The root over the first `size` leaves.
Digest RootOf(const std::vector<std::string>& leaves, size_t size);

// Everything that one store holds of a log, put into another: a restored backup.
void CopyRecords(RecordStore& from, RecordStore& to);
void CopyBlobs(BlobStore& from, BlobStore& to);

}  // namespace comity

#endif  // COMITY_TESTS_UNIT_COMMON_LOG_LOG_TESTING_H_
