#include "services/custody/pkcs11_token.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <sys/stat.h>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

#include "services/common/crypto/random.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/custody/pkcs11_names.h"
#include "services/custody/seal_trouble.h"

namespace comity::custody {
namespace {

constexpr CK_ULONG kKeyBytes = 32;
constexpr int kSlotTries = 3;
// Of PKCS#11 3.0, which Debian's header does not know yet.
constexpr CK_RV kAeadDecryptFailed = 0x42;
constexpr CK_ULONG kTwo = 2;

std::string Said(std::string_view function, CK_RV result) {
  return std::string(function) + ": " + CkrName(result);
}

// What is wrong when a function returns this, wherever that is the same for all.
SealTrouble TroubleOfResult(CK_RV result) {
  switch (result) {
    case CKR_TOKEN_NOT_PRESENT:
    case CKR_TOKEN_NOT_RECOGNIZED:
    case CKR_DEVICE_REMOVED:
    case CKR_SLOT_ID_INVALID:
      return SealTrouble::kTokenAbsent;
    case CKR_PIN_INCORRECT:
    case CKR_PIN_INVALID:
    case CKR_PIN_LEN_RANGE:
    case CKR_PIN_EXPIRED:
      return SealTrouble::kPinRefused;
    case CKR_PIN_LOCKED:
      return SealTrouble::kPinLocked;
    default:
      return SealTrouble::kTokenFailed;
  }
}

absl::Status Failed(std::string_view function, CK_RV result) {
  return RefuseOpening(TroubleOfResult(result), Said(function, result));
}

// PKCS#11 fills labels up with spaces.
std::string Unpadded(const unsigned char* text, size_t size) {
  std::string label(reinterpret_cast<const char*>(text), size);
  label.resize(label.find_last_not_of(' ') + 1);
  return label;
}

// The C interface takes pointers to what it does not change.
unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<unsigned char*>(const_cast<char*>(text.data()));
}
unsigned char* Bytes(const SecretBytes& secret) {
  return const_cast<unsigned char*>(secret.Reveal(RevealKey::ForSealing()).data());
}

template <typename Value>
CK_ATTRIBUTE Attribute(CK_ATTRIBUTE_TYPE type, Value& value) {
  return {type, &value, sizeof(value)};
}
CK_ATTRIBUTE Label(std::string_view label) { return {CKA_LABEL, Bytes(label), label.size()}; }

CK_GCM_PARAMS GcmParams(std::string_view iv, std::string_view aad) {
  return {Bytes(iv), iv.size(), 8 * iv.size(), Bytes(aad), aad.size(), 8 * kTokenTagSize};
}

// Is it a file that nobody but its owner, and the administrator's package manager, can change? It
// runs inside custody.
absl::Status CheckModuleFile(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) {
    return RefuseOpening(SealTrouble::kModule, "there is no module " + path);
  }
  if ((info.st_mode & 022) != 0) {
    return RefuseOpening(SealTrouble::kModule,
                         path + " can be changed by others; run: chmod go-w " + path);
  }
  return absl::OkStatus();
}

// What the key has to be, and what a module that knows no such attribute is taken to have said.
struct Wanted {
  CK_ATTRIBUTE_TYPE type;
  CK_BBOOL value;
  const char* wrong;  // what the key is or does when it has the other value
};
constexpr Wanted kWanted[] = {
    {CKA_TOKEN, CK_TRUE, "it is not kept in the token"},
    {CKA_PRIVATE, CK_TRUE, "it can be used without the PIN"},
    {CKA_SENSITIVE, CK_TRUE, "its bytes can be read"},
    {CKA_EXTRACTABLE, CK_FALSE, "it can leave the token"},
    {CKA_ENCRYPT, CK_TRUE, "it does not encrypt"},
    {CKA_DECRYPT, CK_TRUE, "it does not decrypt"},
    {CKA_WRAP, CK_FALSE, "it wraps other keys"},
    {CKA_UNWRAP, CK_FALSE, "it unwraps other keys"},
    {CKA_SIGN, CK_FALSE, "it signs"},
    {CKA_VERIFY, CK_FALSE, "it verifies"},
    {CKA_DERIVE, CK_FALSE, "other keys are derived from it"},
};

absl::Status Unfit(std::string_view label, std::string_view why) {
  return RefuseOpening(SealTrouble::kKeyUnfit,
                       "key \"" + std::string(label) + "\": " + std::string(why));
}

absl::Status CheckKey(CK_FUNCTION_LIST& functions, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key,
                      std::string_view label) {
  const auto read = [&](CK_ATTRIBUTE attribute) {
    return functions.C_GetAttributeValue(session, key, &attribute, 1);
  };
  CK_KEY_TYPE type = 0;
  CK_ULONG size = 0;
  if (read(Attribute(CKA_KEY_TYPE, type)) != CKR_OK || type != CKK_AES ||
      read(Attribute(CKA_VALUE_LEN, size)) != CKR_OK || size != kKeyBytes) {
    return Unfit(label, "it is no AES key of 256 bits");
  }
  for (const Wanted& wanted : kWanted) {
    CK_BBOOL value = wanted.value;
    const CK_RV got = read(Attribute(wanted.type, value));
    // What a module cannot do it may have no attribute for.
    if (got == CKR_ATTRIBUTE_TYPE_INVALID && wanted.value == CK_FALSE) continue;
    if (got != CKR_OK) return Failed("C_GetAttributeValue", got);
    if ((value == CK_FALSE) != (wanted.value == CK_FALSE)) return Unfit(label, wanted.wrong);
  }
  return absl::OkStatus();
}

}  // namespace

struct Pkcs11Token::Module {
  CK_FUNCTION_LIST* functions = nullptr;

  static absl::StatusOr<const Module*> Load(const std::string& path);
  absl::Status Start() const;
  // The slot of the one token with this label.
  absl::StatusOr<CK_SLOT_ID> FindSlot(std::string_view label, CK_FLAGS& flags) const;
  absl::StatusOr<std::vector<CK_SLOT_ID>> Slots() const;
};

absl::StatusOr<const Pkcs11Token::Module*> Pkcs11Token::Module::Load(const std::string& path) {
  struct Loaded {
    absl::Mutex mutex;
    std::map<std::string, Module> modules ABSL_GUARDED_BY(mutex);
  };
  static Loaded* const loaded = new Loaded;  // as the modules in it, for as long as the process
  absl::MutexLock lock(&loaded->mutex);
  if (const auto found = loaded->modules.find(path); found != loaded->modules.end()) {
    return &found->second;
  }
  RETURN_IF_ERROR(CheckModuleFile(path));
  void* const handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* const why = dlerror();
    return RefuseOpening(SealTrouble::kModule, why == nullptr ? path : why);
  }
  const auto get = reinterpret_cast<CK_C_GetFunctionList>(dlsym(handle, "C_GetFunctionList"));
  if (get == nullptr) {
    dlclose(handle);
    return RefuseOpening(SealTrouble::kModule, path + " is no PKCS#11 module");
  }
  Module module;
  if (const CK_RV got = get(&module.functions); got != CKR_OK || module.functions == nullptr) {
    return RefuseOpening(SealTrouble::kModule, Said("C_GetFunctionList", got));
  }
  return &loaded->modules.emplace(path, module).first->second;
}

absl::Status Pkcs11Token::Module::Start() const {
  CK_C_INITIALIZE_ARGS arguments{};
  arguments.flags = CKF_OS_LOCKING_OK;
  CK_RV started = functions->C_Initialize(&arguments);
  if (started == CKR_CRYPTOKI_ALREADY_INITIALIZED) {
    // It did not carry out the end of the session before, for nobody else here uses it.
    functions->C_Finalize(nullptr);
    started = functions->C_Initialize(&arguments);
  }
  return started == CKR_OK ? absl::OkStatus()
                           : RefuseOpening(SealTrouble::kModule, Said("C_Initialize", started));
}

absl::StatusOr<std::vector<CK_SLOT_ID>> Pkcs11Token::Module::Slots() const {
  // Tokens may be plugged in between the two calls.
  for (int i = 0; i < kSlotTries; ++i) {
    CK_ULONG count = 0;
    if (const CK_RV got = functions->C_GetSlotList(CK_TRUE, nullptr, &count); got != CKR_OK) {
      return Failed("C_GetSlotList", got);
    }
    std::vector<CK_SLOT_ID> slots(count);
    if (count == 0) return slots;
    const CK_RV got = functions->C_GetSlotList(CK_TRUE, slots.data(), &count);
    if (got == CKR_BUFFER_TOO_SMALL) continue;
    if (got != CKR_OK) return Failed("C_GetSlotList", got);
    slots.resize(std::min<size_t>(count, slots.size()));
    return slots;
  }
  return Failed("C_GetSlotList", CKR_BUFFER_TOO_SMALL);
}

absl::StatusOr<CK_SLOT_ID> Pkcs11Token::Module::FindSlot(std::string_view label,
                                                         CK_FLAGS& flags) const {
  ASSIGN_OR_RETURN(const std::vector<CK_SLOT_ID> slots, Slots());
  std::vector<CK_SLOT_ID> found;
  for (const CK_SLOT_ID slot : slots) {
    CK_TOKEN_INFO info{};
    // Another token that is broken is nobody's business here.
    if (functions->C_GetTokenInfo(slot, &info) != CKR_OK ||
        (info.flags & CKF_TOKEN_INITIALIZED) == 0 ||
        Unpadded(info.label, sizeof(info.label)) != label) {
      continue;
    }
    found.push_back(slot);
    flags = info.flags;
  }
  if (found.size() == 1) return found.front();
  return RefuseOpening(SealTrouble::kTokenAbsent,
                       (found.empty() ? "no token is called \"" : "two tokens are called \"") +
                           std::string(label) + "\"; the module shows " +
                           std::to_string(slots.size()) + " slots with a token");
}

Pkcs11Token::Pkcs11Token(const Module* module, unsigned long session, WrongPins wrong_pins)
    : module_(module), session_(session), wrong_pins_(wrong_pins) {}

Pkcs11Token::~Pkcs11Token() {
  // Nobody is left to be told what these return; a token that is gone has forgotten all of it.
  module_->functions->C_Logout(session_);
  module_->functions->C_CloseSession(session_);
  module_->functions->C_Finalize(nullptr);
}

absl::StatusOr<std::unique_ptr<Pkcs11Token>> Pkcs11Token::Open(const std::string& module,
                                                               std::string_view label) {
  ASSIGN_OR_RETURN(const Module* loaded, Module::Load(module));
  RETURN_IF_ERROR(loaded->Start());
  CK_FLAGS flags = 0;
  absl::StatusOr<CK_SLOT_ID> slot = loaded->FindSlot(label, flags);
  CK_SESSION_HANDLE session = 0;
  if (slot.ok()) {
    const CK_RV opened = loaded->functions->C_OpenSession(
        *slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, nullptr, nullptr, &session);
    if (opened != CKR_OK) slot = Failed("C_OpenSession", opened);
  }
  if (!slot.ok()) {
    loaded->functions->C_Finalize(nullptr);
    return slot.status();
  }
  const WrongPins wrong_pins = (flags & CKF_USER_PIN_FINAL_TRY) != 0   ? WrongPins::kLast
                               : (flags & CKF_USER_PIN_COUNT_LOW) != 0 ? WrongPins::kSome
                                                                       : WrongPins::kNone;
  std::unique_ptr<Pkcs11Token> token(new Pkcs11Token(loaded, session, wrong_pins));
  if ((flags & CKF_USER_PIN_LOCKED) != 0) {
    return RefuseOpening(SealTrouble::kPinLocked, "the token says that its PIN is locked");
  }
  return token;
}

absl::Status Pkcs11Token::LogIn(const SecretBytes& pin) {
  const CK_RV said = module_->functions->C_Login(session_, CKU_USER, Bytes(pin), pin.size());
  return said == CKR_OK ? absl::OkStatus() : Failed("C_Login", said);
}

absl::StatusOr<Pkcs11Token::Key> Pkcs11Token::FindKey(std::string_view label) {
  CK_FUNCTION_LIST& functions = *module_->functions;
  CK_OBJECT_CLASS secret = CKO_SECRET_KEY;
  CK_ATTRIBUTE wanted[] = {Attribute(CKA_CLASS, secret), Label(label)};
  if (const CK_RV begun = functions.C_FindObjectsInit(session_, wanted, std::size(wanted));
      begun != CKR_OK) {
    return Failed("C_FindObjectsInit", begun);
  }
  CK_OBJECT_HANDLE handles[kTwo] = {};
  CK_ULONG count = 0;
  // Some modules give one at a time.
  while (count < kTwo) {
    CK_ULONG more = 0;
    const CK_RV got = functions.C_FindObjects(session_, handles + count, kTwo - count, &more);
    if (got != CKR_OK) {
      functions.C_FindObjectsFinal(session_);
      return Failed("C_FindObjects", got);
    }
    if (more == 0) break;
    count += std::min(more, kTwo - count);
  }
  functions.C_FindObjectsFinal(session_);
  if (count == 0) {
    return RefuseOpening(SealTrouble::kKeyMissing,
                         "the token has no key \"" + std::string(label) + "\"");
  }
  if (count > 1) {
    return RefuseOpening(SealTrouble::kKeyAmbiguous,
                         "the token has more than one key \"" + std::string(label) + "\"");
  }
  RETURN_IF_ERROR(CheckKey(functions, session_, handles[0], label));
  Key key;
  key.handle = handles[0];
  return key;
}

absl::Status Pkcs11Token::MakeKey(std::string_view label) {
  CK_OBJECT_CLASS secret = CKO_SECRET_KEY;
  CK_KEY_TYPE type = CKK_AES;
  CK_ULONG size = kKeyBytes;
  std::vector<CK_ATTRIBUTE> attributes = {Attribute(CKA_CLASS, secret),
                                          Attribute(CKA_KEY_TYPE, type),
                                          Attribute(CKA_VALUE_LEN, size), Label(label)};
  for (const Wanted& wanted : kWanted) {
    attributes.push_back({wanted.type, const_cast<CK_BBOOL*>(&wanted.value), sizeof(CK_BBOOL)});
  }
  CK_MECHANISM mechanism = {CKM_AES_KEY_GEN, nullptr, 0};
  CK_OBJECT_HANDLE handle = 0;
  const CK_RV made = module_->functions->C_GenerateKey(session_, &mechanism, attributes.data(),
                                                       attributes.size(), &handle);
  return made == CKR_OK ? absl::OkStatus() : Failed("C_GenerateKey", made);
}

absl::StatusOr<std::string> Pkcs11Token::Encrypt(const Key& key, std::string_view iv,
                                                 std::string_view aad,
                                                 const SecretBytes& plaintext) {
  CK_FUNCTION_LIST& functions = *module_->functions;
  CK_GCM_PARAMS params = GcmParams(iv, aad);
  CK_MECHANISM mechanism = {CKM_AES_GCM, &params, sizeof(params)};
  if (const CK_RV begun = functions.C_EncryptInit(session_, &mechanism, key.handle);
      begun != CKR_OK) {
    return Failed("C_EncryptInit", begun);
  }
  std::string sealed(plaintext.size() + kTokenTagSize, '\0');
  CK_ULONG size = sealed.size();
  const CK_RV done =
      functions.C_Encrypt(session_, Bytes(plaintext), plaintext.size(), Bytes(sealed), &size);
  if (done != CKR_OK) return Failed("C_Encrypt", done);
  if (size != sealed.size()) {
    return RefuseOpening(SealTrouble::kTokenFailed, "C_Encrypt gave another number of bytes");
  }
  return sealed;
}

absl::StatusOr<SecretBytes> Pkcs11Token::DecryptOnce(const Key& key, std::string_view iv,
                                                     std::string_view aad,
                                                     std::string_view sealed) {
  CK_FUNCTION_LIST& functions = *module_->functions;
  if (sealed.size() < kTokenTagSize) {
    return RefuseOpening(SealTrouble::kRecord, "it is too short");
  }
  CK_GCM_PARAMS params = GcmParams(iv, aad);
  CK_MECHANISM mechanism = {CKM_AES_GCM, &params, sizeof(params)};
  if (const CK_RV begun = functions.C_DecryptInit(session_, &mechanism, key.handle);
      begun != CKR_OK) {
    return Failed("C_DecryptInit", begun);
  }
  // Some modules want room for the tag as well.
  SecretBytes opened(sealed.size());
  const std::span<uint8_t> out = opened.RevealMutable(RevealKey::ForCrypto());
  CK_ULONG size = out.size();
  const CK_RV done = functions.C_Decrypt(session_, Bytes(sealed), sealed.size(), out.data(), &size);
  switch (done) {
    case CKR_OK:
      break;
    case CKR_ENCRYPTED_DATA_INVALID:
    case CKR_ENCRYPTED_DATA_LEN_RANGE:
    case CKR_DATA_INVALID:
    case kAeadDecryptFailed:
      return RefuseOpening(SealTrouble::kRecord, Said("C_Decrypt", done));
    default:
      return Failed("C_Decrypt", done);
  }
  if (size != sealed.size() - kTokenTagSize) {
    return RefuseOpening(SealTrouble::kTokenFailed, "C_Decrypt gave another number of bytes");
  }
  return SecretBytes::CopyOf(std::span<const uint8_t>(out.first(size)));
}

bool Pkcs11Token::Works(const Key& key) {
  const std::string iv = RandomBytes(kTokenIvSize);
  const SecretBytes probe = RandomSecret(kKeyBytes);
  const absl::StatusOr<std::string> sealed = Encrypt(key, iv, "probe", probe);
  if (!sealed.ok()) return false;
  const absl::StatusOr<SecretBytes> opened = DecryptOnce(key, iv, "probe", *sealed);
  return opened.ok() && opened->ConstantTimeEquals(probe);
}

absl::StatusOr<SecretBytes> Pkcs11Token::Decrypt(const Key& key, std::string_view iv,
                                                 std::string_view aad, std::string_view sealed) {
  absl::StatusOr<SecretBytes> opened = DecryptOnce(key, iv, aad, sealed);
  // Modules have their own answers to a tag that does not fit, and some have one for everything: a
  // token that can do the same with something of its own found that what it was given is wrong.
  if (TroubleOf(opened.status()) == SealTrouble::kTokenFailed && Works(key)) {
    return RefuseOpening(SealTrouble::kRecord, CauseOf(opened.status()));
  }
  return opened;
}

}  // namespace comity::custody
