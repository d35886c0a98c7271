#include "services/common/server/service_folder.h"

#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "services/common/files/files.h"
#include "tests/testing/deployment.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_dir.h"

namespace comity {
namespace {

class ServiceFolderTest : public testing::Test {
 protected:
  ServiceFolderTest() {
    const TestService& service = deployment_.service("cn", ServiceKind::kCustody);
    EXPECT_THAT(MakePrivateFolders(File("")), IsOk());
    EXPECT_THAT(WriteFileDurably(File("tls.crt"), service.certificate, FileMode::kPublic), IsOk());
    EXPECT_THAT(WritePrivateFile(File("tls.key"), service.tls_key.ToPem()), IsOk());
    EXPECT_THAT(WritePrivateFile(File("statement.key"), service.statement_key.ToPem()), IsOk());
    EXPECT_THAT(WritePrivateFile(File("log.key"), service.log_key.ToPem()), IsOk());
    EXPECT_THAT(WriteFileDurably(File("endorsement"), EncodeStatement(service.endorsement),
                                 FileMode::kPublic),
                IsOk());
    EXPECT_THAT(
        WriteFileDurably(File("roster"), EncodeStatement(deployment_.roster_statement("cn")),
                         FileMode::kPublic),
        IsOk());
  }
  std::string File(const std::string& name) const {
    return directory_.path() + "/identity/" + name;
  }
  absl::Status LoadStatus() const { return LoadServiceIdentity(directory_.path()).status(); }

  const TestDeployment deployment_;
  const TempDir directory_;
};

TEST_F(ServiceFolderTest, WholeFolderIsLoaded) {
  const TestService& service = deployment_.service("cn", ServiceKind::kCustody);
  ASSERT_OK_AND_ASSIGN(const ServiceIdentity identity, LoadServiceIdentity(directory_.path()));
  EXPECT_EQ(identity.tls.certificate, service.certificate);
  EXPECT_TRUE(identity.tls.private_key.ConstantTimeEquals(service.tls_key.ToPem()));
  EXPECT_EQ(identity.statement_key.public_key().id(), service.statement_key.public_key().id());
  EXPECT_EQ(identity.log_key.public_key().id(), service.log_key.public_key().id());
  EXPECT_EQ(identity.endorsement, service.endorsement);
  EXPECT_EQ(identity.roster, deployment_.roster_statement("cn"));
}

TEST_F(ServiceFolderTest, EachMissingFileIsNamed) {
  for (const char* name :
       {"tls.crt", "tls.key", "statement.key", "log.key", "endorsement", "roster"}) {
    const std::string kept = File(name) + ".kept";
    std::filesystem::rename(File(name), kept);
    const absl::Status status = LoadStatus();
    EXPECT_THAT(status, RefusedWith(Reason::kStoreUnavailable));
    EXPECT_THAT(CauseOf(status), testing::HasSubstr(name));
    std::filesystem::rename(kept, File(name));
  }
  EXPECT_THAT(LoadStatus(), IsOk());
}

TEST_F(ServiceFolderTest, EachKeyFileThatOthersMayReadIsRefused) {
  for (const char* name : {"tls.key", "statement.key", "log.key"}) {
    ASSERT_EQ(chmod(File(name).c_str(), 0640), 0);
    EXPECT_THAT(LoadStatus(), RefusedWith(Reason::kStateNotReady)) << name;
    ASSERT_EQ(chmod(File(name).c_str(), 0600), 0);
  }
  EXPECT_THAT(LoadStatus(), IsOk());
}

TEST_F(ServiceFolderTest, KeyThatIsNotAKeyIsRefused) {
  ASSERT_THAT(WritePrivateFile(File("statement.key"), SecretBytes::CopyOf("no key")), IsOk());
  EXPECT_THAT(LoadStatus(), RefusedWith(Reason::kDataCorrupt));
}

TEST_F(ServiceFolderTest, StatementKeyOfAnotherTypeIsRefused) {
  const PrivateKey p256 = PrivateKey::Generate(SignatureAlgorithm::kEcdsaP256);
  ASSERT_THAT(WritePrivateFile(File("statement.key"), p256.ToPem()), IsOk());
  EXPECT_THAT(LoadStatus(), RefusedWith(Reason::kDataCorrupt));
}

TEST_F(ServiceFolderTest, EndorsementThatIsNoStatementIsRefused) {
  ASSERT_THAT(WriteFileDurably(File("endorsement"), "nothing", FileMode::kPublic), IsOk());
  const absl::Status status = LoadStatus();
  EXPECT_THAT(status, RefusedWith(Reason::kStatementMalformed));
  EXPECT_THAT(CauseOf(status), testing::HasSubstr("endorsement"));
}

}  // namespace
}  // namespace comity
