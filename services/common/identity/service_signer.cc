#include "services/common/identity/service_signer.h"

#include <algorithm>

#include "services/common/crypto/random.h"
#include "services/common/encoding/canonical.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity {
namespace {

constexpr char kPartition[] = "service/statement-numbers";
constexpr char kReservedKey[] = "reserved";
constexpr uint64_t kNumbersPerMs = 4096;
constexpr uint64_t kReservation = kNumbersPerMs * kMinuteMs;

// The record: canonical v1 {16 reserved u64}.
std::string EncodeReserved(uint64_t reserved) {
  CanonicalWriter writer(1);
  writer.U64(16, reserved);
  return std::move(writer).Finish();
}

absl::StatusOr<uint64_t> DecodeReserved(std::string_view bytes) {
  ASSIGN_OR_RETURN(CanonicalReader reader, CanonicalReader::Open(bytes, 1));
  ASSIGN_OR_RETURN(const uint64_t reserved, reader.U64(16));
  RETURN_IF_ERROR(reader.Finish());
  return reserved;
}

}  // namespace

ServiceSigner::ServiceSigner(std::string deployment, RegionId region, ServiceKind kind,
                             PrivateKey key, Statement endorsement, RecordStore* records,
                             const Clock* clock)
    : deployment_(std::move(deployment)),
      region_(std::move(region)),
      kind_(kind),
      key_(std::move(key)),
      endorsement_(std::move(endorsement)),
      records_(records),
      clock_(clock) {}

absl::StatusOr<std::unique_ptr<ServiceSigner>> ServiceSigner::Open(
    std::string deployment, RegionId region, ServiceKind kind, PrivateKey key,
    Statement endorsement, RecordStore* records, const Clock* clock) {
  std::unique_ptr<ServiceSigner> signer(new ServiceSigner(std::move(deployment), std::move(region),
                                                          kind, std::move(key),
                                                          std::move(endorsement), records, clock));
  RETURN_IF_ERROR(signer->Load());
  return signer;
}

absl::Status ServiceSigner::Load() {
  absl::MutexLock lock(&mutex_);
  return LoadLocked();
}

absl::Status ServiceSigner::LoadLocked() {
  ASSIGN_OR_RETURN(const Snapshot snapshot, records_->Get(kPartition, {kReservedKey}));
  const std::string* record = snapshot.Find(kReservedKey);
  if (record == nullptr) {
    return absl::OkStatus();
  }
  absl::StatusOr<uint64_t> reserved = DecodeReserved(*record);
  if (!reserved.ok()) {
    return Refuse(Reason::kDataCorrupt, "the record of statement numbers");
  }
  // Whoever reserved them may have given out every number up to that one.
  last_ = std::max(last_, *reserved);
  reserved_ = *reserved;
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> ServiceSigner::Next(uint64_t at_clock) {
  uint64_t number = std::max(last_ + 1, at_clock);
  while (number >= reserved_) {
    const uint64_t reserved = number + kReservation;
    const Precondition unchanged =
        reserved_ == 0 ? Precondition::KeyAbsent(kReservedKey)
                       : Precondition::ValueIs(kReservedKey, EncodeReserved(reserved_));
    const absl::StatusOr<PartitionVersion> committed =
        records_->Commit(kPartition, RandomId<RequestId>(), {unchanged},
                         {Mutation::Put(kReservedKey, EncodeReserved(reserved))});
    if (committed.ok()) {
      reserved_ = reserved;
    } else if (ReasonOf(committed.status()) == Reason::kConflict) {
      // Another process signs with the same key over this store: begin above what it reserved.
      RETURN_IF_ERROR(LoadLocked());
      number = std::max(last_ + 1, at_clock);
    } else {
      return committed.status();
    }
  }
  last_ = number;
  return number;
}

absl::StatusOr<Envelope> ServiceSigner::NextEnvelope(std::string subject, UnixMillis expiry) {
  const UnixMillis now = clock_->Now();
  const uint64_t at_clock = static_cast<uint64_t>(std::max<UnixMillis>(now, 0)) * kNumbersPerMs;
  Envelope envelope;
  {
    absl::MutexLock lock(&mutex_);
    ASSIGN_OR_RETURN(envelope.number, Next(at_clock));
  }
  envelope.deployment = deployment_;
  envelope.region = region_.name();
  envelope.subject = std::move(subject);
  envelope.time = now;
  envelope.expiry = expiry;
  return envelope;
}

}  // namespace comity
