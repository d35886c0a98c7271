#ifndef COMITY_REVIEW_CASE_KEYS_H_
#define COMITY_REVIEW_CASE_KEYS_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"

#include "services/common/crypto/aead.h"
#include "services/common/secret/secret.h"
#include "services/review/own_custody.h"

namespace comity::review {

// Where the wrap of the record key is kept. Thread-safe.
class WrappedKeyStore {
 public:
  virtual ~WrappedKeyStore() = default;
  virtual absl::StatusOr<std::optional<std::string>> Load() = 0;
  // Keeps it unless there is one. CONFLICT.
  virtual absl::Status Keep(const std::string& wrapped) = 0;
};

// The opened record key: seals what review keeps, and names index entries so that a stolen disk
// tells nothing of dockets and grounds. Immutable, thread-safe.
class CaseKey final {
 public:
  // FIELD_INVALID unless `key` has 32 bytes.
  static absl::StatusOr<std::shared_ptr<const CaseKey>> Create(const SecretBytes& key);

  // `place` says what the bytes are and where they lie; they open nowhere else.
  std::string Seal(std::string_view bytes, std::string_view place) const;
  // DATA_CORRUPT.
  absl::StatusOr<std::string> Open(std::string_view sealed, std::string_view place) const;
  // 52 characters of base32.
  std::string IndexName(std::string_view kind, std::string_view value) const;

 private:
  CaseKey() = default;
  std::unique_ptr<GcmSivKey> seal_;
  SecretBytes index_;
};

// Opens the record key at custody, once. Thread-safe. What it is given outlives it.
class CaseKeys final {
 public:
  CaseKeys(OwnCustody* custody, WrappedKeyStore* store) : custody_(custody), store_(store) {}

  // The key, opened now if it was not yet. PEER_UNAVAILABLE while custody does not answer.
  absl::StatusOr<std::shared_ptr<const CaseKey>> Get();
  bool is_open() const;

 private:
  absl::StatusOr<std::shared_ptr<const CaseKey>> Open() ABSL_EXCLUSIVE_LOCKS_REQUIRED(opening_);

  OwnCustody* const custody_;
  WrappedKeyStore* const store_;
  absl::Mutex opening_;  // one call to custody at a time
  mutable absl::Mutex mutex_;
  std::shared_ptr<const CaseKey> key_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace comity::review

#endif  // COMITY_REVIEW_CASE_KEYS_H_
