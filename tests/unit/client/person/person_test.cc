#include "client/person/person.h"

#include <string>

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/deployment/paths.h"
#include "services/common/files/files.h"
#include "services/common/status/reason.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_dir.h"

namespace comity {
namespace {

using testing::HasSubstr;

class PersonTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_THAT(MakePrivateFolders(folder_), IsOk());
    ASSERT_THAT(WritePrivateFile(folder_ + "/person.key", key_.ToPem()), IsOk());
    ASSERT_THAT(WriteFileDurably(folder_ + "/person.crt", "certificate", FileMode::kPublic),
                IsOk());
  }
  TempDir dir_;
  const std::string folder_ = DeploymentPaths(dir_.path()).Person("cn", "agent-lin");
  const PrivateKey key_ = PrivateKey::Generate(SignatureAlgorithm::kEcdsaP256);
};

TEST_F(PersonTest, IsFoundByRegionAndName) {
  ASSERT_OK_AND_ASSIGN(const Person person, LoadPerson(dir_.path(), "cn/agent-lin"));
  EXPECT_EQ(person.region, "cn");
  EXPECT_EQ(person.name, "agent-lin");
  EXPECT_EQ(person.key.public_key().spki(), key_.public_key().spki());
  EXPECT_EQ(person.Tls().certificate, "certificate");
}

TEST_F(PersonTest, IsFoundByFolderWhereverItIs) {
  ASSERT_OK_AND_ASSIGN(const Person person, LoadPerson("/nowhere", folder_ + "/"));
  EXPECT_EQ(person.name, "agent-lin");
  EXPECT_EQ(person.region, "cn");
}

TEST_F(PersonTest, ANameWithoutRegionIsRefusedAndTellsTheForm) {
  const absl::Status status = LoadPerson(dir_.path(), "agent-lin").status();
  EXPECT_THAT(status, RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(CauseOf(status), HasSubstr("<region>/<name>"));
}

TEST_F(PersonTest, AnUnknownPersonIsRefusedAndNamesTheFile) {
  const absl::Status status = LoadPerson(dir_.path(), "cn/agent-wu").status();
  EXPECT_THAT(status, RefusedWith(Reason::kStoreUnavailable));
  EXPECT_THAT(CauseOf(status), HasSubstr("cn/agent-wu/person.key"));
}

TEST_F(PersonTest, AKeyThatOthersMayReadIsRefused) {
  ASSERT_EQ(chmod((folder_ + "/person.key").c_str(), 0640), 0);
  EXPECT_THAT(LoadPerson(dir_.path(), "cn/agent-lin"), RefusedWith(Reason::kStateNotReady));
}

TEST_F(PersonTest, AKeyThatIsNoKeyIsRefused) {
  ASSERT_THAT(WritePrivateFile(folder_ + "/person.key", SecretBytes::CopyOf("no key")), IsOk());
  EXPECT_THAT(LoadPerson(dir_.path(), "cn/agent-lin"), RefusedWith(Reason::kDataCorrupt));
}

TEST_F(PersonTest, AMissingCertificateIsRefused) {
  ASSERT_EQ(unlink((folder_ + "/person.crt").c_str()), 0);
  EXPECT_THAT(LoadPerson(dir_.path(), "cn/agent-lin"), RefusedWith(Reason::kStoreUnavailable));
}

}  // namespace
}  // namespace comity
