#include "services/common/log/transparency_log.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/synchronization/mutex.h"

#include "services/common/log/batch_queue.h"
#include "services/common/log/log_growth.h"
#include "services/common/log/log_store.h"
#include "services/common/log/merkle.h"
#include "services/common/log/tiles.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/common/tasks/task_pool.h"

namespace comity {
namespace {

absl::Status Corrupt(std::string_view cause) { return Refuse(Reason::kDataCorrupt, cause); }
absl::Status Unavailable(std::string_view cause) { return Refuse(Reason::kLogUnavailable, cause); }
absl::Status NotFound() { return Refuse(Reason::kObjectNotFound, "no such file of the log"); }

// A file of the store that must be there.
absl::StatusOr<std::string> GetExisting(const LogStore& store, const TileId& id) {
  absl::StatusOr<std::string> bytes = store.Get(id);
  if (ReasonOf(bytes.status()) == Reason::kObjectNotFound) {
    return Corrupt("the store has lost " + FormatTilePath(id));
  }
  return bytes;
}

// The state that the head stands for, read back from the rightmost tiles and compared with it.
absl::StatusOr<LogState> ReadState(const LogStore& store, const LogHead& head) {
  std::vector<TileHashes> partial(kMaxTileLevel + 1);
  for (int level = 0; level <= kMaxTileLevel; ++level) {
    const uint64_t index = EdgeTileIndex(head.size, level);
    const uint64_t width = TileWidthIn(head.size, level, index);
    if (width == 0) {
      continue;
    }
    ASSIGN_OR_RETURN(const std::string bytes, GetExisting(store, {level, index, width}));
    ASSIGN_OR_RETURN(partial[static_cast<size_t>(level)], DecodeTile(bytes, width));
  }
  LogState state;
  state.edge = TileEdge(head.size, std::move(partial));
  if (state.edge.Root() != head.root) {
    return Corrupt("the tiles give another root than the last signed checkpoint");
  }
  if (const uint64_t width = head.size % kTileWidth; width > 0) {
    const TileId id{TileId::kBundle, EdgeTileIndex(head.size, TileId::kBundle), width};
    ASSIGN_OR_RETURN(state.tail, GetExisting(store, id));
    ASSIGN_OR_RETURN(const std::vector<std::string> leaves, DecodeBundle(state.tail, width));
    for (uint64_t i = 0; i < width; ++i) {
      if (merkle::LeafHash(leaves[i]) != state.edge.Partial(0)[i]) {
        return Corrupt(FormatTilePath(id) + " disagrees with its tile");
      }
    }
  }
  return state;
}

// What everybody may see: replaced as a whole when a batch is durable and signed.
struct Published {
  LogState state;
  std::string checkpoint;
};

struct Written {
  std::shared_ptr<const Published> published;
  std::vector<LogReceipt> receipts;
  std::vector<std::pair<TileId, size_t>> superseded;
};

}  // namespace

struct TransparencyLog::Impl {
  Impl(Options log_options, PrivateKey log_key, RecordStore* records, BlobStore* blobs)
      : options(std::move(log_options)),
        key(std::move(log_key)),
        store(options.partition_name, records, blobs),
        writers(options.write_threads == 0 ? nullptr
                                           : std::make_unique<TaskPool>(options.write_threads)) {}

  absl::Status Recover();
  absl::Status WriteFiles(const LogGrowth& growth);
  absl::Status CommitState(const LogState& state);
  std::shared_ptr<const Published> Publish(LogState state) const;
  absl::StatusOr<Written> WriteBatch(const LogState& from, const std::vector<std::string>& leaves);

  absl::StatusOr<Written> WriteBatchUnlessBroken(const std::vector<BatchQueue::Waiter*>& batch)
      ABSL_LOCKS_EXCLUDED(mu);
  std::shared_ptr<const Published> Current() const ABSL_LOCKS_EXCLUDED(mu) {
    absl::MutexLock lock(&mu);
    return published;
  }

  const Options options;
  const PrivateKey key;
  LogStore store;  // its commits and puts: only by the one who writes a batch
  const std::unique_ptr<TaskPool> writers;
  uint64_t log_epoch = 0;  // set once, at opening
  BatchQueue queue;

  mutable absl::Mutex mu;
  std::shared_ptr<const Published> published ABSL_GUARDED_BY(mu);
  std::string broken ABSL_GUARDED_BY(mu);  // why no append is taken any more; empty if they are
};

absl::Status TransparencyLog::Impl::Recover() {
  ASSIGN_OR_RETURN(const LogStore::Loaded loaded, store.Load());
  LogState state;
  if (loaded.head.has_value()) {
    if (loaded.head->origin != options.origin) {
      return Corrupt("the store holds the log of " + loaded.head->origin);
    }
    log_epoch = loaded.head->log_epoch;
    ASSIGN_OR_RETURN(state, ReadState(store, *loaded.head));
  }
  uint64_t end = state.size();
  if (loaded.pending.has_value()) {
    if (!loaded.head.has_value() || loaded.pending->first_index != state.size()) {
      return Corrupt("the log's pending batch does not follow its head");
    }
    end += loaded.pending->leaves.size();
  }
  // The head is written after the files of its tree. Files of a larger tree mean that the records
  // are older than the blobs, and that a checkpoint which we no longer know may have been signed.
  ASSIGN_OR_RETURN(const bool beyond, store.HasBundleBeyond(end));
  if (beyond) {
    return Corrupt("there are entries beyond the last signed checkpoint");
  }
  if (loaded.pending.has_value()) {
    LogGrowth growth = GrowLog(state, loaded.pending->leaves);
    const absl::Status written = WriteFiles(growth);
    if (ReasonOf(written) == Reason::kConflict) {
      return Corrupt("a file of the interrupted batch holds other bytes");
    }
    RETURN_IF_ERROR(written);
    state = std::move(growth.state);
  }
  // Also without a pending batch: the commit fences whoever opened the log before.
  ++log_epoch;
  RETURN_IF_ERROR(CommitState(state));
  RETURN_IF_ERROR(store.SweepPartials(state.size()));
  absl::MutexLock lock(&mu);
  published = Publish(std::move(state));
  return absl::OkStatus();
}

absl::Status TransparencyLog::Impl::WriteFiles(const LogGrowth& growth) {
  // In any order: none of them counts before the head that follows them all.
  return RunAll(writers.get(), std::max<size_t>(1, options.write_threads), growth.files.size(),
                [&](size_t i) { return store.Put(growth.files[i].first, growth.files[i].second); });
}

absl::Status TransparencyLog::Impl::CommitState(const LogState& state) {
  return store.CommitHead({options.origin, state.size(), state.edge.Root(), log_epoch});
}

// Signs. To be called only when the head record for this state is durable.
std::shared_ptr<const Published> TransparencyLog::Impl::Publish(LogState state) const {
  const Checkpoint checkpoint{options.origin, state.size(), state.edge.Root()};
  return std::make_shared<const Published>(
      Published{std::move(state), SignCheckpoint(checkpoint, key)});
}

absl::StatusOr<Written> TransparencyLog::Impl::WriteBatch(const LogState& from,
                                                          const std::vector<std::string>& leaves) {
  // Crash before this commit: nothing happened. Between it and the head: Recover() writes the same
  // files again and commits the head. After the head: the batch is in the log.
  RETURN_IF_ERROR(store.CommitPending({from.size(), leaves}));
  LogGrowth growth = GrowLog(from, leaves);
  RETURN_IF_ERROR(WriteFiles(growth));
  RETURN_IF_ERROR(CommitState(growth.state));
  Written written;
  written.published = Publish(std::move(growth.state));
  written.superseded = std::move(growth.superseded);
  const LogState& state = written.published->state;
  TileNodes nodes(state.edge, &growth.full_tiles);
  for (uint64_t index = from.size(); index < state.size(); ++index) {
    LogReceipt receipt;
    receipt.index = index;
    ASSIGN_OR_RETURN(receipt.proof, merkle::InclusionProof(nodes, index, state.size()));
    receipt.checkpoint = written.published->checkpoint;
    written.receipts.push_back(std::move(receipt));
  }
  return written;
}

absl::StatusOr<Written> TransparencyLog::Impl::WriteBatchUnlessBroken(
    const std::vector<BatchQueue::Waiter*>& batch) {
  std::shared_ptr<const Published> from;
  {
    absl::MutexLock lock(&mu);
    if (!broken.empty()) {
      return Unavailable(broken);
    }
    from = published;
  }
  std::vector<std::string> leaves;
  for (const BatchQueue::Waiter* waiter : batch) {
    leaves.insert(leaves.end(), waiter->leaves.begin(), waiter->leaves.end());
  }
  absl::StatusOr<Written> written = WriteBatch(from->state, leaves);
  absl::MutexLock lock(&mu);
  if (!written.ok()) {
    // How far the batch got is not known here: only opening the log again can tell.
    broken = "the log stopped: " + CauseOf(written.status());
    return Unavailable(broken);
  }
  published = written->published;
  return written;
}

TransparencyLog::TransparencyLog() = default;
TransparencyLog::~TransparencyLog() = default;

absl::StatusOr<std::unique_ptr<TransparencyLog>> TransparencyLog::Open(Options options,
                                                                       PrivateKey key,
                                                                       RecordStore* records,
                                                                       BlobStore* blobs) {
  if (key.public_key().algorithm() != SignatureAlgorithm::kEd25519) {
    return Refuse(Reason::kFieldInvalid, "a log key is an Ed25519 key");
  }
  const Checkpoint empty{options.origin, 0, merkle::EmptyRoot()};
  if (!ParseCheckpointBody(FormatCheckpointBody(empty)).ok()) {
    return Refuse(Reason::kFieldInvalid, "the log's origin is not a note key name");
  }
  std::unique_ptr<TransparencyLog> log(new TransparencyLog());
  log->impl_ = std::make_unique<Impl>(std::move(options), std::move(key), records, blobs);
  RETURN_IF_ERROR(log->impl_->Recover());
  return log;
}

absl::StatusOr<LogReceipt> TransparencyLog::Append(std::string_view leaf) {
  ASSIGN_OR_RETURN(std::vector<LogReceipt> receipts, AppendAll({std::string(leaf)}));
  return std::move(receipts.front());
}

absl::StatusOr<std::vector<LogReceipt>> TransparencyLog::AppendAll(
    const std::vector<std::string>& leaves) {
  for (const std::string& leaf : leaves) {
    if (leaf.empty()) {
      return Refuse(Reason::kFieldInvalid, "a log leaf is empty");
    }
    if (leaf.size() > kMaxLeafBytes) {
      return Refuse(Reason::kMessageTooLarge, "a log leaf is larger than 65,535 bytes");
    }
  }
  BatchQueue::Waiter waiter(leaves);
  if (leaves.size() > kMaxBatchLeaves || waiter.bytes > kMaxBatchBytes) {
    return Refuse(Reason::kMessageTooLarge, "the leaves do not fit into one batch");
  }
  if (leaves.empty()) {
    return std::vector<LogReceipt>();
  }
  if (impl_->queue.Join(waiter)) {
    const std::vector<BatchQueue::Waiter*> batch = impl_->queue.Take();
    absl::StatusOr<Written> written = impl_->WriteBatchUnlessBroken(batch);
    if (!written.ok()) {
      impl_->queue.Finish(batch, written.status());
      return std::move(waiter.answer);
    }
    impl_->queue.Finish(batch, std::move(written->receipts));
    // Nobody reads these any more (ReadFile answers from memory or from full tiles), and names
    // never come back, so the next batch need not wait. What fails here goes at the next Open.
    for (const auto& [id, size] : written->superseded) {
      impl_->store.Delete(id, size).IgnoreError();
    }
  }
  return std::move(waiter.answer);
}

std::string TransparencyLog::checkpoint() const { return impl_->Current()->checkpoint; }
uint64_t TransparencyLog::size() const { return impl_->Current()->state.size(); }
const std::string& TransparencyLog::origin() const { return impl_->options.origin; }
const PublicKey& TransparencyLog::public_key() const { return impl_->key.public_key(); }

absl::StatusOr<std::string> TransparencyLog::ReadFile(std::string_view path) const {
  const std::shared_ptr<const Published> now = impl_->Current();
  if (path == kCheckpointPath) {
    return now->checkpoint;
  }
  const std::optional<TileId> id = ParseTilePath(path);
  if (!id.has_value()) {
    return NotFound();
  }
  const uint64_t held = TileWidthIn(now->state.size(), id->level, id->index);
  if (id->width > held) {
    return NotFound();
  }
  // Partial files are cut from the full one, or from the edge in memory: the store keeps only the
  // newest of them, and that only for the next opening.
  const bool bundle = id->level == TileId::kBundle;
  std::string bytes;
  if (held == kTileWidth) {
    ASSIGN_OR_RETURN(bytes, GetExisting(impl_->store, {id->level, id->index, kTileWidth}));
  } else {
    bytes = bundle ? now->state.tail : EncodeTile(now->state.edge.Partial(id->level));
  }
  if (id->width == held) {
    return bytes;
  }
  if (bundle) {
    ASSIGN_OR_RETURN(std::vector<std::string> leaves, DecodeBundle(bytes, held));
    leaves.resize(id->width);
    return EncodeBundle(leaves);
  }
  ASSIGN_OR_RETURN(TileHashes hashes, DecodeTile(bytes, held));
  hashes.resize(id->width);
  return EncodeTile(hashes);
}

}  // namespace comity
