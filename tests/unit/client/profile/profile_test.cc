#include "client/profile/profile.h"

#include <filesystem>
#include <optional>
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>
#include <stdlib.h>
#include <sys/stat.h>

#include "services/common/crypto/x509.h"
#include "services/common/files/files.h"
#include "services/common/statement/account.h"
#include "services/common/statement/device_chain.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_dir.h"

namespace comity {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::MatchesRegex;

constexpr UnixMillis kNow = 1'512'086'400'000;
constexpr char kDeployment[] = "icloud-cn-2018.comity.test";

mode_t ModeOf(const std::string& path) {
  struct stat info {};
  EXPECT_EQ(stat(path.c_str(), &info), 0) << path;
  return info.st_mode & 0777;
}

class ProfileTest : public testing::Test {
 protected:
  Profile Make() {
    absl::StatusOr<Profile> profile = Profile::Create(folder_, kDeployment, kNow);
    EXPECT_THAT(profile.status(), IsOk());
    return *std::move(profile);
  }
  json ReadAccount() const { return json::parse(ReadFile(folder_ + "/account.json").value()); }
  void WriteAccount(const json& value) {
    ASSERT_THAT(WriteFileDurably(folder_ + "/account.json", value.dump(), FileMode::kPrivate),
                IsOk());
  }

  TempDir dir_;
  const std::string folder_ = dir_.path() + "/profiles/mei";
};

TEST_F(ProfileTest, EveryFileIsTheOwnersAlone) {
  Make();
  EXPECT_EQ(ModeOf(folder_), 0700u);
  EXPECT_EQ(ModeOf(dir_.path() + "/profiles"), 0700u);
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
    EXPECT_EQ(ModeOf(entry.path()), 0600u) << entry.path();
    names.insert(entry.path().filename());
  }
  EXPECT_EQ(names, (std::set<std::string>{"account.json", "device.crt", "device.key", "sealing.key",
                                          "sealing.pub"}));
}

TEST_F(ProfileTest, AccountAndChainComeFromTheDeviceKey) {
  const Profile profile = Make();
  EXPECT_EQ(profile.account(), AccountIdOf(profile.device_key().public_key().spki()));
  EXPECT_EQ(profile.chain().entries().size(), 1u);
  EXPECT_EQ(profile.chain().deployment(), kDeployment);
  EXPECT_NE(profile.chain().FindActive(profile.device_key().public_key().id()), nullptr);
}

TEST_F(ProfileTest, AllOfItIsOnDiskWhenCreateReturns) {
  const Profile made = Make();
  ASSERT_OK_AND_ASSIGN(const Profile loaded, Profile::Load(folder_));
  EXPECT_EQ(loaded.account(), made.account());
  EXPECT_EQ(loaded.deployment(), kDeployment);
  EXPECT_EQ(loaded.chain().entries(), made.chain().entries());
  EXPECT_EQ(loaded.device_key().public_key().spki(), made.device_key().public_key().spki());
  EXPECT_EQ(loaded.state().epoch, 0u);
}

TEST_F(ProfileTest, ASecondProfileInAFolderIsRefusedAndChangesNothing) {
  Make();
  const std::string key = ReadFile(folder_ + "/device.key").value();
  EXPECT_THAT(Profile::Create(folder_, kDeployment, kNow), RefusedWith(Reason::kStateNotReady));
  EXPECT_EQ(ReadFile(folder_ + "/device.key").value(), key);
}

TEST_F(ProfileTest, TheRecoveryCodeIsToldOnceAndNotStored) {
  const Profile made = Make();
  const std::string& code = made.recovery_code();
  EXPECT_THAT(code, MatchesRegex("([a-z2-7]{4}-){7}[a-z2-7]{4}"));
  EXPECT_EQ(Profile::Load(folder_).value().recovery_code(), "");
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
    EXPECT_THAT(ReadFile(entry.path()).value(), testing::Not(HasSubstr(code))) << entry.path();
  }
}

TEST_F(ProfileTest, TwoProfilesHaveDifferentKeysAndCodes) {
  const Profile one = Make();
  ASSERT_OK_AND_ASSIGN(const Profile other,
                       Profile::Create(dir_.path() + "/profiles/li", kDeployment, kNow));
  EXPECT_NE(one.account(), other.account());
  EXPECT_NE(one.recovery_code(), other.recovery_code());
}

TEST_F(ProfileTest, ANumberIsNeverUsedTwiceAcrossReloads) {
  uint64_t first = 0;
  {
    Profile profile = Make();
    ASSERT_OK_AND_ASSIGN(const Statement statement, profile.Sign(TerritoryChange{"HK"}, kNow));
    first = PeekEnvelope(statement).value().number;
  }
  ASSERT_OK_AND_ASSIGN(Profile again, Profile::Load(folder_));
  ASSERT_OK_AND_ASSIGN(const Statement statement, again.Sign(TerritoryChange{"MO"}, kNow));
  EXPECT_EQ(first, 1u);
  EXPECT_EQ(PeekEnvelope(statement).value().number, 2u);
}

TEST_F(ProfileTest, ANumberStaysUsedWhenTheStatementCouldNotBeSaved) {
  Profile profile = Make();
  // A folder in the way of the file: nothing can be renamed over it.
  std::filesystem::remove(folder_ + "/account.json");
  std::filesystem::create_directories(folder_ + "/account.json/in-the-way");
  EXPECT_THAT(profile.Sign(TerritoryChange{"HK"}, kNow), RefusedWith(Reason::kStoreUnavailable));
  std::filesystem::remove_all(folder_ + "/account.json");
  ASSERT_OK_AND_ASSIGN(const Statement statement, profile.Sign(TerritoryChange{"HK"}, kNow));
  EXPECT_EQ(PeekEnvelope(statement).value().number, 2u);
}

TEST_F(ProfileTest, ASignedStatementIsOfTheDeviceAndKeptUnderItsType) {
  Profile profile = Make();
  ASSERT_OK_AND_ASSIGN(const Statement statement,
                       profile.Sign(TerritoryChange{"HK"}, kNow, kNow + kDayMs));
  EXPECT_THAT(profile.chain().VerifyDeviceStatement(statement), IsOk());
  EXPECT_EQ(PeekEnvelope(statement).value().expiry, kNow + kDayMs);
  ASSERT_OK_AND_ASSIGN(const Profile loaded, Profile::Load(folder_));
  EXPECT_EQ(loaded.state().statements.at("account.territory"), statement);
}

TEST_F(ProfileTest, WhatItFollowsSurvivesSaveAndLoad) {
  Profile profile = Make();
  profile.state().territory = "CN";
  profile.state().home_region = "us";
  profile.state().epoch = 7;
  ASSERT_THAT(profile.Save(), IsOk());
  ASSERT_OK_AND_ASSIGN(const Profile loaded, Profile::Load(folder_));
  EXPECT_EQ(loaded.state().territory, "CN");
  EXPECT_EQ(loaded.state().home_region, "us");
  EXPECT_EQ(loaded.state().epoch, 7u);
}

TEST_F(ProfileTest, TlsPresentsASelfSignedCertificateOfTheDeviceKey) {
  const Profile profile = Make();
  ASSERT_OK_AND_ASSIGN(const TlsIdentity identity, profile.Tls());
  ASSERT_OK_AND_ASSIGN(const ParsedCertificate certificate, ParseCertificate(identity.certificate));
  EXPECT_TRUE(certificate.self_signed);
  EXPECT_TRUE(certificate.uris.empty());
  EXPECT_EQ(certificate.spki, profile.device_key().public_key().spki());
}

TEST_F(ProfileTest, AFolderWithoutAProfileIsRefused) {
  EXPECT_THAT(Profile::Load(folder_), RefusedWith(Reason::kStoreUnavailable));
}

TEST_F(ProfileTest, AKeyThatOthersMayReadIsRefused) {
  Make();
  ASSERT_EQ(chmod((folder_ + "/device.key").c_str(), 0644), 0);
  EXPECT_THAT(Profile::Load(folder_), RefusedWith(Reason::kStateNotReady));
}

TEST_F(ProfileTest, AnotherVersionIsRefused) {
  Make();
  json account = ReadAccount();
  account["version"] = 2;
  WriteAccount(account);
  EXPECT_THAT(Profile::Load(folder_), RefusedWith(Reason::kDataCorrupt));
}

TEST_F(ProfileTest, EveryFieldIsRequired) {
  Make();
  const json whole = ReadAccount();
  for (const auto& [field, value] : whole.items()) {
    json account = whole;
    account.erase(field);
    WriteAccount(account);
    EXPECT_THAT(Profile::Load(folder_), RefusedWith(Reason::kDataCorrupt)) << field;
  }
}

TEST_F(ProfileTest, AnotherAccountThanTheChainsIsRefused) {
  Make();
  json account = ReadAccount();
  account["account"] = AccountId().ToString();
  WriteAccount(account);
  EXPECT_THAT(Profile::Load(folder_), RefusedWith(Reason::kDataCorrupt));
}

TEST_F(ProfileTest, ADeviceKeyOfAnotherAccountIsRefused) {
  Make();
  ASSERT_OK_AND_ASSIGN(const Profile other,
                       Profile::Create(dir_.path() + "/other", kDeployment, kNow));
  ASSERT_THAT(WritePrivateFile(folder_ + "/device.key", other.device_key().ToPem()), IsOk());
  const absl::Status status = Profile::Load(folder_).status();
  EXPECT_THAT(status, RefusedWith(Reason::kDataCorrupt));
  EXPECT_THAT(CauseOf(status), HasSubstr("no device of the account"));
}

TEST_F(ProfileTest, TextThatIsNotJsonIsRefused) {
  Make();
  ASSERT_THAT(WriteFileDurably(folder_ + "/account.json", "{", FileMode::kPrivate), IsOk());
  EXPECT_THAT(Profile::Load(folder_), RefusedWith(Reason::kDataCorrupt));
}

// Sets environment variables for one test; an empty value unsets.
class ScopedEnvironment final {
 public:
  ScopedEnvironment(const char* name, const char* value) : name_(name) {
    if (const char* before = getenv(name); before != nullptr) before_ = before;
    *value == '\0' ? unsetenv(name) : setenv(name, value, 1);
  }
  ~ScopedEnvironment() {
    before_.has_value() ? setenv(name_, before_->c_str(), 1) : unsetenv(name_);
  }

 private:
  const char* name_;
  std::optional<std::string> before_;
};

TEST(ComityHomeTest, TheNamedFolderComesFirstThenXdgThenHome) {
  const ScopedEnvironment home("HOME", "/home/mei");
  const ScopedEnvironment xdg("XDG_CONFIG_HOME", "");
  const ScopedEnvironment comity("COMITY_HOME", "");
  EXPECT_THAT(ComityHome(), IsOkAndHolds("/home/mei/.config/comity"));
  const ScopedEnvironment with_xdg("XDG_CONFIG_HOME", "/config");
  EXPECT_THAT(ComityHome(), IsOkAndHolds("/config/comity"));
  const ScopedEnvironment with_comity("COMITY_HOME", "/keys");
  EXPECT_THAT(ComityHome(), IsOkAndHolds("/keys"));
}

TEST(ComityHomeTest, WithoutAnyHomeItIsRefused) {
  const ScopedEnvironment home("HOME", "");
  const ScopedEnvironment xdg("XDG_CONFIG_HOME", "");
  const ScopedEnvironment comity("COMITY_HOME", "");
  EXPECT_THAT(ComityHome(), RefusedWith(Reason::kFieldInvalid));
}

}  // namespace
}  // namespace comity
