#include "services/custody/pkcs11_seal.h"

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>

#include <sys/stat.h>

#include "services/common/crypto/random.h"
#include "services/common/files/files.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/custody/key_sealer.h"
#include "services/custody/root_key.h"

namespace comity::custody {
namespace {

constexpr size_t kMaxPin = 255;

// The cause with what to do about it: for the log, which is where operators look first.
absl::Status WithRemedy(const absl::Status& status, std::string_view remedy) {
  return RefuseOpening(TroubleOf(status), CauseOf(status) + "; " + std::string(remedy));
}

// Another one whenever somebody writes or touches the file; empty if there is none.
std::string StampOf(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) return {};
  std::string stamp;
  for (const int64_t part :
       {int64_t{info.st_mtim.tv_sec}, int64_t{info.st_mtim.tv_nsec}, int64_t{info.st_ctim.tv_sec},
        int64_t{info.st_ctim.tv_nsec}, static_cast<int64_t>(info.st_ino)}) {
    stamp += std::to_string(part) + " ";
  }
  return stamp;
}

std::string_view RemedyOf(SealTrouble trouble) {
  switch (trouble) {
    case SealTrouble::kNone:
      break;
    case SealTrouble::kModule:
      return "see that --pkcs11-module names the module of the token, then unseal";
    case SealTrouble::kTokenAbsent:
      return "see that the token is there and has the label in the topology, then unseal";
    case SealTrouble::kPinFile:
      return "see to the file that --pkcs11-pin-file names, then unseal";
    case SealTrouble::kPinRefused:
      return "put the right PIN into the file that --pkcs11-pin-file names, then unseal; no PIN is "
             "tried again by itself";
    case SealTrouble::kPinLocked:
      return "have the token's security officer set its PIN anew, then unseal";
    case SealTrouble::kKeyMissing:
      return "bring the token's own backup back into it, then unseal; no other key opens what "
             "rests "
             "here";
    case SealTrouble::kKeyAmbiguous:
      return "give all but the right one another label, then unseal";
    case SealTrouble::kKeyUnfit:
      return "custody uses none but a key as docs/custody.md says";
    case SealTrouble::kRecord:
      return "bring identity/wrapped-root back from the backup of this custody, then unseal";
    case SealTrouble::kTokenFailed:
      return "see to the token, then unseal";
  }
  return {};
}

}  // namespace

SealTrouble Pkcs11Seal::trouble() const {
  absl::MutexLock lock(&mutex_);
  return trouble_;
}

absl::StatusOr<SecretBytes> Pkcs11Seal::OpenRoot() { return Open(Asker::kStart); }

absl::StatusOr<std::optional<SecretBytes>> Pkcs11Seal::Enter(std::string_view,
                                                             const SecretBytes& share, UnixMillis) {
  if (!share.empty()) return Refuse(Reason::kShareInvalid, "this seal has no shares");
  ASSIGN_OR_RETURN(SecretBytes root, Open(Asker::kPerson));
  return std::optional<SecretBytes>(std::move(root));
}

absl::StatusOr<SecretBytes> Pkcs11Seal::Open(Asker asker) {
  absl::StatusOr<SecretBytes> root = TryOpen(asker);
  const SealTrouble trouble = TroubleOf(root.status());
  {
    absl::MutexLock lock(&mutex_);
    trouble_ = trouble;
  }
  if (ReasonOf(root.status()) == Reason::kSealed) {
    return WithRemedy(root.status(), RemedyOf(trouble));
  }
  return root;
}

absl::StatusOr<SecretBytes> Pkcs11Seal::TryOpen(Asker asker) {
  ASSIGN_OR_RETURN(const std::optional<WrappedRoot> wrapped, ReadRecord());
  ASSIGN_OR_RETURN(const bool made, options_.mark->IsSet());
  if (!wrapped.has_value() && made) {
    return RefuseOpening(SealTrouble::kRecord,
                         options_.record + " is not there, but a root key was made");
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<Pkcs11Token> token, LogIn(asker));
  if (!wrapped.has_value()) return MakeRoot(*token);
  ASSIGN_OR_RETURN(SecretBytes root, Unwrap(*token, *wrapped));
  // A death after the record was written, before this was.
  if (!made) RETURN_IF_ERROR(options_.mark->Set());
  return root;
}

absl::StatusOr<SecretBytes> Pkcs11Seal::MakeRoot(Pkcs11Token& token) {
  const std::string& label = options_.labels.key_label;
  absl::StatusOr<Pkcs11Token::Key> key = token.FindKey(label);
  if (TroubleOf(key.status()) == SealTrouble::kKeyMissing) {
    RETURN_IF_ERROR(token.MakeKey(label));
    // Another custody with the same labels may have made one, too.
    key = token.FindKey(label);
  }
  RETURN_IF_ERROR(key.status());
  SecretBytes root = RandomSecret(kRootKeySize);
  ASSIGN_OR_RETURN(const WrappedRoot wrapped, Wrap(token, *key, root, {}));
  RETURN_IF_ERROR(Keep(wrapped));
  RETURN_IF_ERROR(options_.mark->Set());
  return root;
}

absl::StatusOr<SecretBytes> Pkcs11Seal::Unwrap(Pkcs11Token& token, const WrappedRoot& wrapped) {
  ASSIGN_OR_RETURN(const Pkcs11Token::Key key, token.FindKey(options_.labels.key_label));
  ASSIGN_OR_RETURN(SecretBytes root,
                   token.Decrypt(key, wrapped.iv, AssociatedDataOf(wrapped), wrapped.sealed));
  // The token says nothing of the ring.
  if (const auto keys = KeySealer::Open(root.Clone(), wrapped.ring.value_or(""),
                                        options_.deployment, options_.region);
      !keys.ok()) {
    return RefuseOpening(SealTrouble::kRecord,
                         "the ring in " + options_.record + " does not open under its root key");
  }
  return root;
}

absl::StatusOr<WrappedRoot> Pkcs11Seal::Wrap(Pkcs11Token& token, const Pkcs11Token::Key& key,
                                             const SecretBytes& root,
                                             const std::string& ring) const {
  WrappedRoot wrapped{
      options_.deployment, options_.region, options_.operator_name, RandomBytes(kTokenIvSize), {},
      std::nullopt};
  if (!ring.empty()) wrapped.ring = ring;
  const std::string associated = AssociatedDataOf(wrapped);
  ASSIGN_OR_RETURN(wrapped.sealed, token.Encrypt(key, wrapped.iv, associated, root));
  // A token that wraps and cannot unwrap would lose everything from here on.
  ASSIGN_OR_RETURN(const SecretBytes back,
                   token.Decrypt(key, wrapped.iv, associated, wrapped.sealed));
  if (!back.ConstantTimeEquals(root)) {
    return RefuseOpening(SealTrouble::kTokenFailed, "the token gives back another root key");
  }
  return wrapped;
}

absl::StatusOr<std::unique_ptr<Pkcs11Token>> Pkcs11Seal::LogIn(Asker asker) {
  const std::string stamp = StampOf(options_.pin_file);
  {
    absl::MutexLock lock(&mutex_);
    if (!refused_file_.empty() && refused_file_ == stamp) {
      return RefuseOpening(SealTrouble::kPinRefused,
                           "the token refused the PIN of this file, which has not changed since");
    }
  }
  ASSIGN_OR_RETURN(const SecretBytes pin, ReadPin());
  ASSIGN_OR_RETURN(std::unique_ptr<Pkcs11Token> token,
                   Pkcs11Token::Open(options_.module, options_.labels.token_label));
  if (token->wrong_pins() == Pkcs11Token::WrongPins::kLast) {
    return RefuseOpening(SealTrouble::kPinRefused,
                         "one more wrong PIN locks the token; log in once with its own tools");
  }
  if (asker == Asker::kStart && token->wrong_pins() == Pkcs11Token::WrongPins::kSome) {
    return RefuseOpening(SealTrouble::kPinRefused,
                         "the token was given a wrong PIN since the last right one");
  }
  if (absl::Status in = token->LogIn(pin); !in.ok()) {
    if (TroubleOf(in) == SealTrouble::kPinRefused) {
      absl::MutexLock lock(&mutex_);
      refused_file_ = stamp;
    }
    return in;
  }
  return token;
}

absl::StatusOr<SecretBytes> Pkcs11Seal::ReadPin() const {
  const absl::StatusOr<SecretBytes> text = ReadOwnPrivateFile(options_.pin_file);
  if (!text.ok()) return RefuseOpening(SealTrouble::kPinFile, CauseOf(text.status()));
  std::span<const uint8_t> pin = text->Reveal(RevealKey::ForCrypto());
  if (!pin.empty() && pin.back() == '\n') pin = pin.first(pin.size() - 1);
  if (pin.empty() || pin.size() > kMaxPin ||
      std::ranges::any_of(pin, [](uint8_t c) { return c < ' ' || c == 0x7f; })) {
    return RefuseOpening(SealTrouble::kPinFile,
                         options_.pin_file + " is not one line of 1 to 255 characters");
  }
  return SecretBytes::CopyOf(pin);
}

absl::StatusOr<std::optional<WrappedRoot>> Pkcs11Seal::ReadRecord() const {
  if (!FileExists(options_.record)) return std::optional<WrappedRoot>();
  const absl::StatusOr<std::string> bytes = ReadFile(options_.record);
  if (!bytes.ok()) return RefuseOpening(SealTrouble::kRecord, CauseOf(bytes.status()));
  absl::StatusOr<WrappedRoot> wrapped = DecodeWrappedRoot(*bytes);
  if (!wrapped.ok()) {
    return RefuseOpening(SealTrouble::kRecord,
                         options_.record + " is no wrapped root key: " + CauseOf(wrapped.status()));
  }
  if (wrapped->deployment != options_.deployment || wrapped->region != options_.region ||
      wrapped->operator_name != options_.operator_name) {
    return RefuseOpening(SealTrouble::kRecord,
                         options_.record + " is of custody " + wrapped->region.name() + " of " +
                             wrapped->operator_name + " in " + wrapped->deployment);
  }
  return std::optional<WrappedRoot>(*std::move(wrapped));
}

absl::Status Pkcs11Seal::Keep(const WrappedRoot& wrapped) const {
  return WriteFileDurably(options_.record, EncodeWrappedRoot(wrapped), FileMode::kPrivate);
}

absl::StatusOr<std::string> Pkcs11Seal::ring() const {
  ASSIGN_OR_RETURN(const std::optional<WrappedRoot> wrapped, ReadRecord());
  if (!wrapped.has_value()) {
    return RefuseOpening(SealTrouble::kRecord, options_.record + " is not there");
  }
  return wrapped->ring.value_or(std::string());
}

absl::Status Pkcs11Seal::KeepRing(const std::string& ring) {
  ASSIGN_OR_RETURN(std::optional<WrappedRoot> wrapped, ReadRecord());
  if (!wrapped.has_value()) {
    return RefuseOpening(SealTrouble::kRecord, options_.record + " is not there");
  }
  wrapped->ring = ring;
  return Keep(*wrapped);
}

absl::Status Pkcs11Seal::Prepare(const SecretBytes& root, const std::string& ring) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Pkcs11Token> token, LogIn(Asker::kPerson));
  ASSIGN_OR_RETURN(const Pkcs11Token::Key key, token->FindKey(options_.labels.key_label));
  ASSIGN_OR_RETURN(WrappedRoot wrapped, Wrap(*token, key, root, ring));
  absl::MutexLock lock(&mutex_);
  next_ = std::move(wrapped);
  return absl::OkStatus();
}

// One file, so that there is never a root without what it brings along.
absl::Status Pkcs11Seal::Replace(const SecretBytes&, const std::string&) {
  std::optional<WrappedRoot> next;
  {
    absl::MutexLock lock(&mutex_);
    next = std::exchange(next_, std::nullopt);
  }
  if (!next.has_value()) return Refuse(Reason::kSealed, "sealed meanwhile");
  return Keep(*next);
}

}  // namespace comity::custody
