#include "tests/testing/soft_token.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <vector>

#include <dlfcn.h>
#include <p11-kit/pkcs11.h>

#include "services/common/status/check.h"

namespace comity {
namespace {

namespace fs = std::filesystem;

CK_FUNCTION_LIST& Functions() {
  static CK_FUNCTION_LIST* const functions = [] {
    void* const module = dlopen(COMITY_SOFTHSM_MODULE, RTLD_NOW | RTLD_LOCAL);
    COMITY_CHECK(module != nullptr);
    const auto get = reinterpret_cast<CK_C_GetFunctionList>(dlsym(module, "C_GetFunctionList"));
    COMITY_CHECK(get != nullptr);
    CK_FUNCTION_LIST* list = nullptr;
    COMITY_CHECK(get(&list) == CKR_OK);
    return list;
  }();
  return *functions;
}

unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<unsigned char*>(const_cast<char*>(text.data()));
}

CK_SLOT_ID SlotOf(std::string_view label) {
  std::vector<CK_SLOT_ID> slots(16);
  CK_ULONG count = slots.size();
  COMITY_CHECK(Functions().C_GetSlotList(CK_TRUE, slots.data(), &count) == CKR_OK);
  for (CK_ULONG i = 0; i < count; ++i) {
    CK_TOKEN_INFO info{};
    COMITY_CHECK(Functions().C_GetTokenInfo(slots[i], &info) == CKR_OK);
    std::string name(reinterpret_cast<const char*>(info.label), sizeof(info.label));
    name.resize(name.find_last_not_of(' ') + 1);
    if (name == label) return slots[i];
  }
  COMITY_CHECK(false);
  return 0;
}

// In a session with the token, as its user.
void InSession(std::string_view label, const std::function<void(CK_SESSION_HANDLE)>& act) {
  CK_FUNCTION_LIST& functions = Functions();
  COMITY_CHECK(functions.C_Initialize(nullptr) == CKR_OK);
  CK_SESSION_HANDLE session = 0;
  COMITY_CHECK(functions.C_OpenSession(SlotOf(label), CKF_SERIAL_SESSION | CKF_RW_SESSION, nullptr,
                                       nullptr, &session) == CKR_OK);
  COMITY_CHECK(functions.C_Login(session, CKU_USER, Bytes(SoftToken::kPin),
                                 SoftToken::kPin.size()) == CKR_OK);
  act(session);
  COMITY_CHECK(functions.C_Finalize(nullptr) == CKR_OK);
}

std::vector<CK_OBJECT_HANDLE> KeysCalled(CK_SESSION_HANDLE session, std::string_view label) {
  CK_ATTRIBUTE wanted[] = {{CKA_LABEL, Bytes(label), label.size()}};
  std::vector<CK_OBJECT_HANDLE> keys(16);
  CK_ULONG count = 0;
  COMITY_CHECK(Functions().C_FindObjectsInit(session, wanted, 1) == CKR_OK);
  COMITY_CHECK(Functions().C_FindObjects(session, keys.data(), keys.size(), &count) == CKR_OK);
  COMITY_CHECK(Functions().C_FindObjectsFinal(session) == CKR_OK);
  keys.resize(count);
  return keys;
}

// What custody asks of its key, but for the one respect.
struct Attributes {
  explicit Attributes(std::string_view label, SoftToken::Key key)
      : extractable(key == SoftToken::Key::kExtractable ? CK_TRUE : CK_FALSE),
        wraps(key == SoftToken::Key::kAlsoWraps ? CK_TRUE : CK_FALSE),
        sensitive(key == SoftToken::Key::kReadable ? CK_FALSE : CK_TRUE) {
    list = {{CKA_CLASS, &object_class, sizeof(object_class)},
            {CKA_KEY_TYPE, &type, sizeof(type)},
            {CKA_LABEL, Bytes(label), label.size()},
            {CKA_TOKEN, &yes, sizeof(yes)},
            {CKA_PRIVATE, &yes, sizeof(yes)},
            {CKA_ENCRYPT, &yes, sizeof(yes)},
            {CKA_DECRYPT, &yes, sizeof(yes)},
            {CKA_SENSITIVE, &sensitive, sizeof(sensitive)},
            {CKA_EXTRACTABLE, &extractable, sizeof(extractable)},
            {CKA_WRAP, &wraps, sizeof(wraps)},
            {CKA_UNWRAP, &no, sizeof(no)},
            {CKA_SIGN, &no, sizeof(no)},
            {CKA_VERIFY, &no, sizeof(no)},
            {CKA_DERIVE, &no, sizeof(no)}};
  }
  CK_OBJECT_CLASS object_class = CKO_SECRET_KEY;
  CK_KEY_TYPE type = CKK_AES;
  CK_BBOOL yes = CK_TRUE;
  CK_BBOOL no = CK_FALSE;
  CK_BBOOL extractable;
  CK_BBOOL wraps;
  CK_BBOOL sensitive;
  std::vector<CK_ATTRIBUTE> list;
};

}  // namespace

SoftToken::SoftToken(const std::string& label) : label_(label) {
  fs::create_directory(directory_.path() + "/tokens");
  const std::string config = directory_.path() + "/softhsm2.conf";
  std::ofstream(config) << "directories.tokendir = " << directory_.path() << "/tokens\n"
                        << "objectstore.backend = file\nlog.level = ERROR\n";
  setenv("SOFTHSM2_CONF", config.c_str(), 1);
  AddToken(label);
  WritePin(std::string(kPin) + "\n");
}

SoftToken::~SoftToken() { unsetenv("SOFTHSM2_CONF"); }

std::string SoftToken::Module() { return COMITY_SOFTHSM_MODULE; }

void SoftToken::WritePin(std::string_view pin) const {
  // A new file each time, as an administrator's editor makes one.
  const std::string next = pin_file() + ".next";
  std::ofstream(next) << pin;
  fs::permissions(next, fs::perms::owner_read | fs::perms::owner_write);
  fs::rename(next, pin_file());
}

void SoftToken::AddToken(const std::string& label) const {
  const std::string command = "softhsm2-util --init-token --free --label '" + label +
                              "' --so-pin so-pin-of-a-test --pin '" + std::string(kPin) +
                              "' > /dev/null";
  COMITY_CHECK(std::system(command.c_str()) == 0);
}

void SoftToken::TakeOut() const {
  fs::rename(directory_.path() + "/tokens", directory_.path() + "/elsewhere");
  fs::create_directory(directory_.path() + "/tokens");
}

void SoftToken::PutBack() const {
  fs::remove_all(directory_.path() + "/tokens");
  fs::rename(directory_.path() + "/elsewhere", directory_.path() + "/tokens");
}

void SoftToken::AddKey(std::string_view label, Key key) const {
  InSession(label_, [&](CK_SESSION_HANDLE session) {
    Attributes attributes(label, key);
    CK_ULONG size = 32;
    attributes.list.push_back({CKA_VALUE_LEN, &size, sizeof(size)});
    CK_MECHANISM mechanism = {CKM_AES_KEY_GEN, nullptr, 0};
    CK_OBJECT_HANDLE handle = 0;
    COMITY_CHECK(Functions().C_GenerateKey(session, &mechanism, attributes.list.data(),
                                           attributes.list.size(), &handle) == CKR_OK);
  });
}

void SoftToken::ImportKey(std::string_view label, std::string_view bytes) const {
  InSession(label_, [&](CK_SESSION_HANDLE session) {
    Attributes attributes(label, Key::kFit);
    attributes.list.push_back({CKA_VALUE, Bytes(bytes), bytes.size()});
    CK_OBJECT_HANDLE handle = 0;
    COMITY_CHECK(Functions().C_CreateObject(session, attributes.list.data(), attributes.list.size(),
                                            &handle) == CKR_OK);
  });
}

size_t SoftToken::CountKeys(std::string_view label) const {
  size_t count = 0;
  InSession(label_, [&](CK_SESSION_HANDLE session) { count = KeysCalled(session, label).size(); });
  return count;
}

void SoftToken::DeleteKeys(std::string_view label) const {
  InSession(label_, [&](CK_SESSION_HANDLE session) {
    for (const CK_OBJECT_HANDLE key : KeysCalled(session, label)) {
      COMITY_CHECK(Functions().C_DestroyObject(session, key) == CKR_OK);
    }
  });
}

}  // namespace comity
