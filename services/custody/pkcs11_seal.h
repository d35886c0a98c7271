#ifndef COMITY_CUSTODY_PKCS11_SEAL_H_
#define COMITY_CUSTODY_PKCS11_SEAL_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"

#include "services/common/ids/ids.h"
#include "services/common/topology/topology.h"
#include "services/custody/pkcs11_token.h"
#include "services/custody/seal.h"
#include "services/custody/wrapped_root.h"

namespace comity::custody {

// Whether a root key was ever made for this custody. Kept where the keys are, so that a wrapped
// root that is lost is never taken for a first start.
class RootMark {
 public:
  virtual ~RootMark() = default;
  // Also when anything rests here that was sealed under a root key.
  virtual absl::StatusOr<bool> IsSet() = 0;
  // Durably.
  virtual absl::Status Set() = 0;
};

// The root key wrapped by an AES-256 key in a PKCS#11 token (an HSM), which never leaves it. The
// token is asked at the start, when an operator person unseals, and when the root key is rotated;
// in between there is no session with it, and no PIN in memory. Without a wrapped root and a mark
// both keys are made; after that whatever is missing is a refusal, and nothing is made anew.
//
// A PIN is never tried in a loop, since that locks tokens: OpenRoot(), which a start calls, tries
// none while the token tells of a wrong one; nobody tries one from a file that has not changed
// since the token refused it, or the last one before the token locks.
class Pkcs11Seal final : public Seal {
 public:
  struct Options {
    std::string deployment;
    RegionId region;
    std::string operator_name;
    Pkcs11SealInfo labels;
    std::string record;  // path of the wrapped root
    std::string module;
    std::string pin_file;  // the PIN, and a line end or not; nobody else's, and read by nobody else
    std::unique_ptr<RootMark> mark;
  };
  explicit Pkcs11Seal(Options options) : options_(std::move(options)) {}

  std::string description() const override { return options_.labels.Description(); }
  absl::StatusOr<SecretBytes> OpenRoot() override;
  bool starts_sealed() const override { return true; }
  SealTrouble trouble() const override;
  absl::StatusOr<std::optional<SecretBytes>> Enter(std::string_view person,
                                                   const SecretBytes& share,
                                                   UnixMillis now) override;

  absl::StatusOr<std::string> ring() const override;
  absl::Status KeepRing(const std::string& ring) override;
  absl::StatusOr<std::optional<SecretBytes>> EnterToRotate(std::string_view person,
                                                           const SecretBytes& share,
                                                           UnixMillis now) override {
    return Enter(person, share, now);
  }
  // Wraps it, so that Replace() needs no token.
  absl::Status Prepare(const SecretBytes& root, const std::string& ring) override;
  absl::Status Replace(const SecretBytes& root, const std::string& ring) override;

 private:
  enum class Asker { kStart, kPerson };
  absl::StatusOr<SecretBytes> Open(Asker asker);
  absl::StatusOr<SecretBytes> TryOpen(Asker asker);
  absl::StatusOr<SecretBytes> MakeRoot(Pkcs11Token& token);
  absl::StatusOr<SecretBytes> Unwrap(Pkcs11Token& token, const WrappedRoot& wrapped);
  absl::StatusOr<WrappedRoot> Wrap(Pkcs11Token& token, const Pkcs11Token::Key& key,
                                   const SecretBytes& root, const std::string& ring) const;
  absl::StatusOr<std::unique_ptr<Pkcs11Token>> LogIn(Asker asker);
  absl::StatusOr<SecretBytes> ReadPin() const;
  // nullopt when there is no file.
  absl::StatusOr<std::optional<WrappedRoot>> ReadRecord() const;
  absl::Status Keep(const WrappedRoot& wrapped) const;

  const Options options_;
  mutable absl::Mutex mutex_;  // not held while the token is asked
  SealTrouble trouble_ ABSL_GUARDED_BY(mutex_) = SealTrouble::kNone;
  std::string refused_file_ ABSL_GUARDED_BY(mutex_);  // stamp of the file whose PIN was refused
  std::optional<WrappedRoot> next_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_PKCS11_SEAL_H_
