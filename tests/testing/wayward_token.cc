#include <cstdlib>
#include <cstring>
#include <string_view>

#include <p11-kit/pkcs11.h>

// A PKCS#11 module with one token "custody-us", which does what SoftHSM never does: it has the mood
// that the environment variable COMITY_WAYWARD_TOKEN names. Nobody gets beyond C_Login, and how
// often that was called stands in ComityLogins.
extern "C" {
__attribute__((visibility("default"))) int ComityLogins = 0;
}

namespace {

bool started = false;

bool Mood(std::string_view mood) {
  const char* const now = std::getenv("COMITY_WAYWARD_TOKEN");
  return now != nullptr && now == mood;
}

CK_RV Initialize(void*) {
  if (Mood("does-not-start")) return CKR_FUNCTION_FAILED;
  if (started) return CKR_CRYPTOKI_ALREADY_INITIALIZED;
  started = true;
  return CKR_OK;
}

CK_RV Finalize(void*) {
  // The first end of a session is not carried out.
  static int ends = 0;
  if (Mood("does-not-end") && ends++ == 0) return CKR_FUNCTION_FAILED;
  started = false;
  return CKR_OK;
}

CK_RV GetSlotList(unsigned char, CK_SLOT_ID* slots, CK_ULONG* count) {
  if (slots != nullptr) slots[0] = 7;
  *count = 1;
  return CKR_OK;
}

CK_RV GetTokenInfo(CK_SLOT_ID, CK_TOKEN_INFO* info) {
  std::memset(info->label, ' ', sizeof(info->label));
  std::memcpy(info->label, "custody-us", 10);
  info->flags = CKF_TOKEN_INITIALIZED | CKF_USER_PIN_INITIALIZED;
  if (Mood("some-wrong")) info->flags |= CKF_USER_PIN_COUNT_LOW;
  if (Mood("last-try")) info->flags |= CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY;
  if (Mood("locked")) info->flags |= CKF_USER_PIN_LOCKED;
  return CKR_OK;
}

CK_RV OpenSession(CK_SLOT_ID, CK_FLAGS, void*, CK_NOTIFY, CK_SESSION_HANDLE* session) {
  if (Mood("pulled-out")) return CKR_DEVICE_REMOVED;
  *session = 1;
  return CKR_OK;
}

CK_RV CloseSession(CK_SESSION_HANDLE) { return CKR_OK; }
CK_RV Logout(CK_SESSION_HANDLE) { return CKR_OK; }

CK_RV Login(CK_SESSION_HANDLE, CK_USER_TYPE, unsigned char*, CK_ULONG) {
  ++ComityLogins;
  return Mood("locks") ? CKR_PIN_LOCKED : CKR_VENDOR_DEFINED + 3;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) CK_RV C_GetFunctionList(CK_FUNCTION_LIST** list) {
  static CK_FUNCTION_LIST functions = [] {
    CK_FUNCTION_LIST made{};
    made.C_Initialize = Initialize;
    made.C_Finalize = Finalize;
    made.C_GetSlotList = GetSlotList;
    made.C_GetTokenInfo = GetTokenInfo;
    made.C_OpenSession = OpenSession;
    made.C_CloseSession = CloseSession;
    made.C_Login = Login;
    made.C_Logout = Logout;
    return made;
  }();
  *list = &functions;
  return CKR_OK;
}
