#include <cstdlib>
#include <memory>
#include <string>

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/files/files.h"
#include "services/custody/pkcs11_seal.h"
#include "services/custody/stored_root_mark.h"
#include "tests/fakes/fake_record_store.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_dir.h"

// A seal whose token is about to lock, has locked, or does not behave.
namespace comity::custody {
namespace {

using testing::HasSubstr;

class WaywardTokenTest : public testing::Test {
 protected:
  WaywardTokenTest() {
    EXPECT_THAT(WritePrivateFile(PinFile(), SecretBytes::CopyOf("12345678\n")), IsOk());
  }
  ~WaywardTokenTest() override { unsetenv("COMITY_WAYWARD_TOKEN"); }

  std::string PinFile() const { return dir_.path() + "/pin"; }
  // Has the token this mood from now on; how a person who unseals fares.
  absl::Status Unseal(const char* mood) {
    setenv("COMITY_WAYWARD_TOKEN", mood, 1);
    return seal_.Enter("ops-evans", SecretBytes(), 0).status();
  }
  absl::Status Start(const char* mood) {
    setenv("COMITY_WAYWARD_TOKEN", mood, 1);
    return seal_.OpenRoot().status();
  }
  static int Logins() {
    void* const module = dlopen(COMITY_WAYWARD_MODULE, RTLD_NOW | RTLD_NOLOAD);
    return module == nullptr ? 0 : *static_cast<int*>(dlsym(module, "ComityLogins"));
  }

  const TempDir dir_;
  FakeRecordStore records_;
  Pkcs11Seal seal_{{.deployment = "x.test",
                    .region = *RegionId::Create("us"),
                    .operator_name = "apple",
                    .labels = {"custody-us", "root-wrapping"},
                    .record = dir_.path() + "/wrapped-root",
                    .module = COMITY_WAYWARD_MODULE,
                    .pin_file = PinFile(),
                    .mark = std::make_unique<StoredRootMark>(&records_)}};
  const int before_ = Logins();
};

TEST_F(WaywardTokenTest, LastTryIsNobodys) {
  EXPECT_THAT(CauseOf(Start("last-try")), HasSubstr("one more wrong PIN locks the token"));
  EXPECT_THAT(CauseOf(Unseal("last-try")), HasSubstr("one more wrong PIN locks the token"));
  EXPECT_EQ(seal_.trouble(), SealTrouble::kPinRefused);
  EXPECT_EQ(Logins(), before_);
}

TEST_F(WaywardTokenTest, AfterAWrongPinOnlyAPersonTries) {
  EXPECT_THAT(Start("some-wrong"), RefusedWith(Reason::kSealed));
  EXPECT_EQ(seal_.trouble(), SealTrouble::kPinRefused);
  EXPECT_EQ(Logins(), before_);
  EXPECT_THAT(Unseal("some-wrong"), RefusedWith(Reason::kSealed));
  EXPECT_EQ(Logins(), before_ + 1);
}

TEST_F(WaywardTokenTest, LockedTokenIsNotAsked) {
  EXPECT_THAT(CauseOf(Unseal("locked")), HasSubstr("security officer"));
  EXPECT_EQ(seal_.trouble(), SealTrouble::kPinLocked);
  EXPECT_EQ(Logins(), before_);
  EXPECT_THAT(CauseOf(Unseal("locks")), HasSubstr("C_Login: CKR_PIN_LOCKED"));
  EXPECT_EQ(seal_.trouble(), SealTrouble::kPinLocked);
}

TEST_F(WaywardTokenTest, WhatTheStandardDoesNotNameIsTold) {
  EXPECT_THAT(CauseOf(Unseal("well")), HasSubstr("C_Login: CKR 0x80000003"));
  EXPECT_EQ(seal_.trouble(), SealTrouble::kTokenFailed);
  EXPECT_THAT(CauseOf(Unseal("pulled-out")), HasSubstr("C_OpenSession: CKR_DEVICE_REMOVED"));
  EXPECT_EQ(seal_.trouble(), SealTrouble::kTokenAbsent);
  EXPECT_THAT(CauseOf(Unseal("does-not-start")), HasSubstr("C_Initialize: CKR_FUNCTION_FAILED"));
  EXPECT_EQ(seal_.trouble(), SealTrouble::kModule);
}

TEST_F(WaywardTokenTest, SessionThatDidNotEndIsEndedByTheNext) {
  EXPECT_THAT(CauseOf(Unseal("does-not-end")), HasSubstr("C_Login"));
  EXPECT_THAT(CauseOf(Unseal("does-not-end")), HasSubstr("C_Login"));
  EXPECT_THAT(CauseOf(Unseal("well")), HasSubstr("C_Login"));
}

}  // namespace
}  // namespace comity::custody
