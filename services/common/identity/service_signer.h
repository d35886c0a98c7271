#ifndef COMITY_COMMON_IDENTITY_SERVICE_SIGNER_H_
#define COMITY_COMMON_IDENTITY_SERVICE_SIGNER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"

#include "services/common/clock/clock.h"
#include "services/common/crypto/signing.h"
#include "services/common/ids/ids.h"
#include "services/common/statement/operator.h"
#include "services/common/statement/statement.h"
#include "services/common/store/record_store.h"

namespace comity {

// Signs a service's statements with its endorsed key. Their numbers strictly increase over all
// subjects, also across restarts and a clock that was set back: they follow the clock (4,096 for
// each millisecond), and no number is given out before a durable record says that a later start
// begins above it. Thread-safe; Sign() touches the store about once a minute.
class ServiceSigner final {
 public:
  // `records` and `clock` outlive the signer. STORE_UNAVAILABLE, DATA_CORRUPT.
  static absl::StatusOr<std::unique_ptr<ServiceSigner>> Open(std::string deployment,
                                                             RegionId region, ServiceKind kind,
                                                             PrivateKey key, Statement endorsement,
                                                             RecordStore* records,
                                                             const Clock* clock);

  // A statement about `subject` (an account's id bytes, a case id, a service name), signed now.
  // `expiry` 0 = none. STORE_UNAVAILABLE when no number could be reserved.
  template <typename Body>
  absl::StatusOr<Statement> Sign(std::string subject, const Body& body, UnixMillis expiry = 0) {
    absl::StatusOr<Envelope> envelope = NextEnvelope(std::move(subject), expiry);
    if (!envelope.ok()) {
      return envelope.status();
    }
    return SignStatement(*std::move(envelope), body, key_);
  }

  // The operator's statement that makes the key count; goes along with what was signed.
  const Statement& endorsement() const { return endorsement_; }
  const PublicKey& public_key() const { return key_.public_key(); }
  const std::string& deployment() const { return deployment_; }
  const RegionId& region() const { return region_; }
  ServiceKind kind() const { return kind_; }

 private:
  ServiceSigner(std::string deployment, RegionId region, ServiceKind kind, PrivateKey key,
                Statement endorsement, RecordStore* records, const Clock* clock);
  absl::StatusOr<Envelope> NextEnvelope(std::string subject, UnixMillis expiry);
  absl::Status Load();
  absl::Status LoadLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<uint64_t> Next(uint64_t at_clock) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::string deployment_;
  const RegionId region_;
  const ServiceKind kind_;
  const PrivateKey key_;
  const Statement endorsement_;
  RecordStore* const records_;
  const Clock* const clock_;

  absl::Mutex mutex_;
  uint64_t last_ ABSL_GUARDED_BY(mutex_) = 0;      // newest number given out
  uint64_t reserved_ ABSL_GUARDED_BY(mutex_) = 0;  // a restart begins above this one
};

}  // namespace comity

#endif  // COMITY_COMMON_IDENTITY_SERVICE_SIGNER_H_
