#ifndef COMITY_COMMON_FAULTS_FAULT_FILE_H_
#define COMITY_COMMON_FAULTS_FAULT_FILE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// Faults that somebody wishes a deployment marked development to have: one file that all its
// processes read anew when it changes, as they do the test clock (docs/border.md). Lines:
//   border <region> <region> open|cut|sealed <kills>
//   die <region>/<service> before|after <partition prefix or -> <key prefix or -> <n>
//   disk <region>/<service> full|broken
namespace comity {

// What happens to connections between two regions, in both directions.
enum class BorderState : uint8_t {
  kOpen = 1,    // everything passes
  kCut = 2,     // connections stay open and nothing passes, also not on new ones
  kSealed = 3,  // connections are reset, and new ones too, at once
};
std::string_view Name(BorderState state);  // "cut"

struct BorderFault {
  std::string region;  // less than `other`
  std::string other;
  BorderState state = BorderState::kOpen;
  uint64_t kills = 0;  // each increment resets the connections that are open at that time
  friend bool operator==(const BorderFault&, const BorderFault&) = default;
};

// The process ends as by kill -9 at the n-th commit, from when the line was first seen, that puts
// or deletes a key with this prefix in a partition with that prefix.
struct DeathFault {
  std::string service;    // "us/custody"
  bool before = false;    // the commit is not made; else it is durable and nobody is told
  std::string partition;  // empty: any
  std::string key;        // empty: any
  uint64_t count = 1;
  friend bool operator==(const DeathFault&, const DeathFault&) = default;
};

enum class DiskState : uint8_t {
  kFull = 1,    // what is to be written is refused; reads go on
  kBroken = 2,  // the same until the process ends, also when the line is gone: a sync failed
};
struct DiskFault {
  std::string service;
  DiskState state = DiskState::kFull;
  friend bool operator==(const DiskFault&, const DiskFault&) = default;
};

struct FaultPlan {
  std::vector<BorderFault> borders;
  std::vector<DeathFault> deaths;
  std::vector<DiskFault> disks;
  friend bool operator==(const FaultPlan&, const FaultPlan&) = default;

  // Open, without kills, when the plan says nothing of the two.
  BorderFault Border(std::string_view region, std::string_view other) const;
  void SetBorder(const BorderFault& border);
};

std::string FormatFaults(const FaultPlan& plan);
// FIELD_INVALID with the line.
absl::StatusOr<FaultPlan> ParseFaults(std::string_view text);

// The plan in a file. Thread-safe.
class FaultFile final {
 public:
  // An absent file is an empty plan. FIELD_INVALID, STORE_UNAVAILABLE.
  static absl::StatusOr<std::unique_ptr<FaultFile>> Open(const std::string& path);
  ~FaultFile();

  // As the file says now, read anew when it has changed; never null. A file that cannot be read or
  // is not valid changes nothing.
  std::shared_ptr<const FaultPlan> Now() const;

  static absl::StatusOr<FaultPlan> Read(const std::string& path);
  // Replaces the file as a whole.
  static absl::Status Write(const std::string& path, const FaultPlan& plan);

 private:
  struct Impl;
  explicit FaultFile(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace comity

#endif  // COMITY_COMMON_FAULTS_FAULT_FILE_H_
