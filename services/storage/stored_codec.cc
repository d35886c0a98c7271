#include "services/storage/stored_codec.h"

#include <optional>
#include <utility>

#include "comity/storage/store/v1/store.pb.h"
#include "services/common/status/macros.h"
#include "services/storage/stored_tree.h"

namespace comity::storage {
namespace {

namespace pb = ::comity::storage::store::v1;

constexpr uint32_t kFormat = 1;

absl::Status Corrupt() { return Refuse(Reason::kDataCorrupt, "a record is not what was written"); }

template <typename Message>
absl::StatusOr<Message> Parse(std::string_view bytes) {
  Message message;
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return Corrupt();
  return message;
}

template <typename Id>
bool TakeId(const std::string& bytes, Id& id) {
  absl::StatusOr<Id> parsed = Id::FromBytes(bytes);
  if (!parsed.ok()) return false;
  id = *parsed;
  return true;
}

bool TakeRegion(const std::string& name, RegionId& region) {
  absl::StatusOr<RegionId> parsed = RegionId::Create(name);
  if (!parsed.ok()) return false;
  region = *std::move(parsed);
  return true;
}

std::string EncodeOptional(const std::optional<Statement>& statement) {
  return statement.has_value() ? EncodeStatement(*statement) : std::string();
}

bool TakeOptional(const std::string& bytes, std::optional<Statement>& statement) {
  if (bytes.empty()) return true;
  absl::StatusOr<Statement> decoded = DecodeStatement(bytes);
  if (!decoded.ok()) return false;
  statement = *std::move(decoded);
  return true;
}

}  // namespace

std::string EncodeInfo(const AccountInfo& info) {
  pb::AccountEntry entry;
  entry.set_format(kFormat);
  entry.set_state(static_cast<pb::AccountState>(info.state));
  entry.set_epoch(info.epoch);
  entry.set_serving_region(info.serving.name());
  entry.set_create_time_ms(info.create_time);
  entry.set_notified_time_ms(info.notified_time);
  entry.set_destroy_time_ms(info.destroy_time);
  entry.set_data_here(info.data_here);
  entry.set_leaves(info.leaves);
  if (info.leaves > 0) entry.set_newest_leaf(std::string(info.newest_leaf.bytes()));
  entry.set_statements(info.statements);
  entry.set_aborted_epoch(info.aborted_epoch);
  entry.set_erasing(info.erasing.has_value());
  entry.set_erasing_versions(info.erasing.value_or(0));
  return entry.SerializeAsString();
}

absl::StatusOr<AccountInfo> DecodeInfo(std::string_view bytes) {
  ASSIGN_OR_RETURN(const auto entry, Parse<pb::AccountEntry>(bytes));
  AccountInfo info;
  if (entry.format() != kFormat || entry.state() < pb::ACCOUNT_STATE_ACTIVE ||
      entry.state() > pb::ACCOUNT_STATE_CLOSED ||
      !TakeRegion(entry.serving_region(), info.serving) ||
      (entry.leaves() > 0 && !TakeId(entry.newest_leaf(), info.newest_leaf))) {
    return Corrupt();
  }
  info.state = static_cast<AccountState>(entry.state());
  info.epoch = entry.epoch();
  info.create_time = entry.create_time_ms();
  info.notified_time = entry.notified_time_ms();
  info.destroy_time = entry.destroy_time_ms();
  info.data_here = entry.data_here();
  info.leaves = entry.leaves();
  info.statements = entry.statements();
  info.aborted_epoch = entry.aborted_epoch();
  if (entry.erasing()) info.erasing = entry.erasing_versions();
  return info;
}

std::string EncodeChain(const std::vector<Statement>& entries) {
  pb::ChainEntries chain;
  for (const Statement& entry : entries) chain.add_entries(EncodeStatement(entry));
  return chain.SerializeAsString();
}

absl::StatusOr<std::vector<Statement>> DecodeChain(std::string_view bytes) {
  ASSIGN_OR_RETURN(const auto chain, Parse<pb::ChainEntries>(bytes));
  std::vector<Statement> entries;
  entries.reserve(static_cast<size_t>(chain.entries_size()));
  for (const std::string& entry : chain.entries()) {
    absl::StatusOr<Statement> decoded = DecodeStatement(entry);
    if (!decoded.ok()) return Corrupt();
    entries.push_back(*std::move(decoded));
  }
  return entries;
}

std::string EncodeFence(const Fence& fence) {
  pb::FenceEntry entry;
  entry.set_epoch(fence.epoch);
  entry.set_time_ms(fence.time);
  return entry.SerializeAsString();
}

absl::StatusOr<Fence> DecodeFence(std::string_view bytes) {
  ASSIGN_OR_RETURN(const auto entry, Parse<pb::FenceEntry>(bytes));
  if (entry.epoch() == 0) return Corrupt();
  return Fence{entry.epoch(), entry.time_ms()};
}

std::string EncodeMove(const MoveRecord& move) {
  pb::MoveEntry entry;
  entry.set_format(kFormat);
  entry.set_migration(std::string(move.migration.bytes()));
  entry.set_epoch(move.epoch);
  entry.set_destination(move.destination.name());
  entry.set_consent(std::string(move.consent.bytes()));
  entry.set_step(static_cast<uint32_t>(move.step));
  entry.set_create_time_ms(move.create_time);
  entry.set_fence_time_ms(move.fence_time);
  entry.set_fence(EncodeOptional(move.fence));
  entry.set_source_manifest(EncodeOptional(move.source_manifest));
  entry.set_destination_manifest(EncodeOptional(move.destination_manifest));
  entry.set_destination_endorsement(EncodeOptional(move.destination_endorsement));
  entry.set_objects(move.objects);
  entry.set_bytes(move.bytes);
  entry.set_pause_ms(move.pause_ms);
  entry.set_failure(static_cast<uint32_t>(move.failure));
  entry.set_destination_told(move.destination_told);
  entry.set_finished(move.finished);
  entry.set_versions(move.versions);
  return entry.SerializeAsString();
}

absl::StatusOr<MoveRecord> DecodeMove(std::string_view bytes) {
  ASSIGN_OR_RETURN(const auto entry, Parse<pb::MoveEntry>(bytes));
  MoveRecord move;
  if (entry.format() != kFormat || entry.epoch() == 0 ||
      entry.step() > static_cast<uint32_t>(MoveStep::kAborted) ||
      !TakeId(entry.migration(), move.migration) || !TakeId(entry.consent(), move.consent) ||
      !TakeRegion(entry.destination(), move.destination) ||
      !TakeOptional(entry.fence(), move.fence) ||
      !TakeOptional(entry.source_manifest(), move.source_manifest) ||
      !TakeOptional(entry.destination_manifest(), move.destination_manifest) ||
      !TakeOptional(entry.destination_endorsement(), move.destination_endorsement)) {
    return Corrupt();
  }
  move.epoch = entry.epoch();
  move.step = static_cast<MoveStep>(entry.step());
  move.create_time = entry.create_time_ms();
  move.fence_time = entry.fence_time_ms();
  move.objects = entry.objects();
  move.bytes = entry.bytes();
  move.pause_ms = entry.pause_ms();
  move.failure = static_cast<Reason>(entry.failure());
  move.destination_told = entry.destination_told();
  move.finished = entry.finished();
  move.versions = entry.versions();
  return move;
}

std::string EncodeIncoming(const IncomingRecord& incoming) {
  pb::IncomingEntry entry;
  entry.set_format(kFormat);
  entry.set_epoch(incoming.epoch);
  entry.set_source(incoming.source.name());
  entry.set_consent(std::string(incoming.consent.bytes()));
  entry.set_consent_expiry_ms(incoming.consent_expiry);
  if (incoming.confirmed_root.has_value()) {
    entry.set_confirmed_root(std::string(incoming.confirmed_root->bytes()));
  }
  entry.set_manifest(EncodeOptional(incoming.manifest));
  entry.set_void_consent(incoming.void_consent);
  return entry.SerializeAsString();
}

absl::StatusOr<IncomingRecord> DecodeIncoming(std::string_view bytes) {
  ASSIGN_OR_RETURN(const auto entry, Parse<pb::IncomingEntry>(bytes));
  IncomingRecord incoming;
  if (entry.format() != kFormat || entry.epoch() == 0 ||
      !TakeRegion(entry.source(), incoming.source) || !TakeId(entry.consent(), incoming.consent) ||
      !TakeOptional(entry.manifest(), incoming.manifest)) {
    return Corrupt();
  }
  if (!entry.confirmed_root().empty() &&
      !TakeId(entry.confirmed_root(), incoming.confirmed_root.emplace())) {
    return Corrupt();
  }
  incoming.epoch = entry.epoch();
  incoming.consent_expiry = entry.consent_expiry_ms();
  incoming.void_consent = entry.void_consent();
  return incoming;
}

std::string EncodeOpening(const LeafOpening& opening) {
  pb::LeafEntry entry;
  entry.set_leaf(opening.leaf);
  entry.set_salt(opening.salt);
  entry.set_index(opening.index);
  return entry.SerializeAsString();
}

std::string EncodeObject(const StoredObject& object) {
  pb::ObjectEntry entry;
  entry.set_format(kFormat);
  entry.set_record(EncodeObjectRecord(object.record));
  WriteTree(object.tree, *entry.mutable_tree());
  return entry.SerializeAsString();
}

absl::StatusOr<StoredObject> DecodeObject(std::string_view bytes) {
  ASSIGN_OR_RETURN(const auto entry, Parse<pb::ObjectEntry>(bytes));
  absl::StatusOr<ObjectRecord> record = DecodeObjectRecord(entry.record());
  if (entry.format() != kFormat || !record.ok()) return Corrupt();
  ASSIGN_OR_RETURN(ContentTree tree, ReadTree(entry.tree()));
  return StoredObject{*std::move(record), std::move(tree)};
}

std::string EncodeGate(const Gate& gate) {
  pb::GateEntry entry;
  entry.set_kind(static_cast<uint32_t>(gate.kind));
  entry.set_epoch(gate.epoch);
  return entry.SerializeAsString();
}

absl::StatusOr<Gate> DecodeGate(std::string_view bytes) {
  ASSIGN_OR_RETURN(const auto entry, Parse<pb::GateEntry>(bytes));
  if (entry.kind() < static_cast<uint32_t>(GateKind::kOpen) ||
      entry.kind() > static_cast<uint32_t>(GateKind::kSealed)) {
    return Corrupt();
  }
  return Gate{static_cast<GateKind>(entry.kind()), entry.epoch()};
}

std::string EncodeSum(const BucketSum& sum) {
  pb::BucketSumEntry entry;
  entry.set_objects(sum.objects);
  entry.set_bytes(sum.bytes);
  return entry.SerializeAsString();
}

absl::StatusOr<BucketSum> DecodeSum(std::string_view bytes) {
  ASSIGN_OR_RETURN(const auto entry, Parse<pb::BucketSumEntry>(bytes));
  return BucketSum{entry.objects(), entry.bytes()};
}

std::string EncodeMemo(const Memo& memo) {
  pb::MemoEntry entry;
  entry.set_request_digest(std::string(memo.request_digest.bytes()));
  entry.set_version(memo.version);
  entry.set_time_ms(memo.time);
  return entry.SerializeAsString();
}

absl::StatusOr<Memo> DecodeMemo(std::string_view bytes) {
  ASSIGN_OR_RETURN(const auto entry, Parse<pb::MemoEntry>(bytes));
  Memo memo{{}, entry.version(), entry.time_ms()};
  if (!TakeId(entry.request_digest(), memo.request_digest)) return Corrupt();
  return memo;
}

std::string EncodeGone(const UploadExtent& extent, UnixMillis time) {
  pb::GoneEntry entry;
  entry.set_time_ms(time);
  entry.set_segments(extent.segments);
  entry.set_depth(extent.depth);
  return entry.SerializeAsString();
}

absl::StatusOr<GoneUpload> DecodeGone(const UploadId& upload, std::string_view bytes) {
  ASSIGN_OR_RETURN(const auto entry, Parse<pb::GoneEntry>(bytes));
  return GoneUpload{{upload, entry.segments(), static_cast<uint8_t>(entry.depth())},
                    entry.time_ms()};
}

}  // namespace comity::storage
