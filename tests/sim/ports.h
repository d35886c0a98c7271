#ifndef COMITY_TESTS_SIM_PORTS_H_
#define COMITY_TESTS_SIM_PORTS_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "services/common/store/forwarding_stores.h"
#include "services/custody/leaf_log.h"
#include "services/storage/event_log.h"
#include "tests/sim/kernel.h"

// What the parts of one machine touch, each with a contact before it: there the kernel may kill the
// machine or let others go first.
namespace comity::sim {

// A weakness to show that the simulation would find it. kNone in earnest.
enum class Plant : uint8_t {
  kNone,
  kFenceForgotten,     // the source's store loses the fence when its machine dies
  kGatesForgotten,     // the source's store drops the closing of buckets
  kPutForgotten,       // the source's store acknowledges puts that are not durable yet
  kNoPreconditions,    // the source custody's store does not compare before it writes
  kDecisionForgotten,  // the source custody's store acknowledges decisions that are not durable yet
  kAbortSwallowed,     // the line between the custodies claims to have delivered aborts
  kCopyLost,           // the line between the storages claims to have copied
};

class SimRecordStore final : public ForwardingRecordStore {
 public:
  // All outlive it. `settles`: does this commit end what its activity knew?
  using Settles =
      std::function<bool(std::string_view partition, const std::vector<Mutation>& mutations)>;
  SimRecordStore(Kernel* kernel, RecordStore* disk, bool storage, Plant plant, Settles settles)
      : ForwardingRecordStore(disk),
        kernel_(kernel),
        storage_(storage),
        plant_(plant),
        settles_(std::move(settles)) {}

  absl::StatusOr<PartitionVersion> Commit(std::string_view partition, const RequestId& request_id,
                                          const std::vector<Precondition>& preconditions,
                                          const std::vector<Mutation>& mutations) override;

  // The machine died: what a planted weakness had not written is gone.
  void LoseUnsynced();

 private:
  void RememberUnsynced(std::string_view partition, const std::vector<Mutation>& mutations);

  Kernel* const kernel_;
  const bool storage_;
  const Plant plant_;
  const Settles settles_;
  std::string unsynced_partition_;
  std::vector<Mutation> undo_;
};

class SimBlobStore final : public ForwardingBlobStore {
 public:
  SimBlobStore(Kernel* kernel, BlobStore* disk) : ForwardingBlobStore(disk), kernel_(kernel) {}
  absl::Status PutIfAbsentOrEqual(std::string_view name, std::string_view bytes) override {
    if (kernel_->limits().blobs) kernel_->Contact("put blob", 0);
    return ForwardingBlobStore::PutIfAbsentOrEqual(name, bytes);
  }
  absl::Status Delete(std::string_view name) override {
    if (kernel_->limits().blobs) kernel_->Contact("delete blob", 0);
    return ForwardingBlobStore::Delete(name);
  }

 private:
  Kernel* const kernel_;
};

// Logs take leaves and forget them: nothing in a move reads them, so that dying before or after a
// leaf is the same.
class SimEventLog final : public storage::EventLog {
 public:
  absl::StatusOr<storage::LoggedLeaf> Append(const std::string& leaf) override {
    return storage::LoggedLeaf{leaf, "receipt", 1};
  }
};

class SimLeafLog final : public custody::LeafLog {
 public:
  absl::StatusOr<std::vector<LogReceipt>> Append(const std::vector<std::string>& leaves) override {
    return std::vector<LogReceipt>(leaves.size(),
                                   LogReceipt{.index = 1, .proof = {}, .checkpoint = "\n"});
  }
};

// Carries a call to another machine and brings back its answer, if there is one.
template <typename Result>
Result CallOver(Kernel& kernel, Machine to, Work work, std::function<Result()> handle,
                bool may_come_twice = true) {
  const auto answer = std::make_shared<std::optional<Result>>();
  const absl::Status carried = kernel.Exchange(
      to, std::move(work),
      [answer, handle = std::move(handle)](bool wanted) {
        Result result = handle();
        if (wanted) *answer = std::move(result);
      },
      may_come_twice);
  if (!carried.ok()) return carried;
  return **std::move(answer);
}

}  // namespace comity::sim

#endif  // COMITY_TESTS_SIM_PORTS_H_
