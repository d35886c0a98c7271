#include "client/deployment/maker.h"

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "client/deployment/paths.h"
#include "services/common/clock/clock.h"
#include "services/common/crypto/x509.h"
#include "services/common/files/files.h"
#include "services/common/seal/seal_record.h"
#include "services/common/status/check.h"
#include "services/common/topology/topology.h"
#include "tests/testing/deployment.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_dir.h"

namespace comity {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr ServiceKind kKinds[] = {ServiceKind::kStorage, ServiceKind::kCustody,
                                  ServiceKind::kReview};

absl::Status MakeIn(const std::string& directory,
                    const std::string& text = ReadTopologyTemplate()) {
  return MakeDeployment({.template_text = text, .directory = directory, .progress = {}});
}

// Content and time of change of every file.
std::map<std::string, std::pair<std::string, std::filesystem::file_time_type>> FilesOf(
    const std::string& directory) {
  std::map<std::string, std::pair<std::string, std::filesystem::file_time_type>> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    if (!entry.is_regular_file()) continue;
    files[std::filesystem::relative(entry.path(), directory)] = {ReadFile(entry.path()).value(),
                                                                 entry.last_write_time()};
  }
  return files;
}

std::set<std::string> NamesIn(const std::string& directory) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    names.insert(entry.path().filename());
  }
  return names;
}

// One deployment for all tests that only look at it.
class MakerTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    dir_ = new TempDir();
    COMITY_CHECK(MakeIn(Where()).ok());
  }
  static void TearDownTestSuite() {
    delete dir_;
    dir_ = nullptr;
  }
  static std::string Where() { return dir_->path() + "/deployment"; }
  static DeploymentPaths Paths() { return DeploymentPaths(Where()); }
  static Topology LoadTopology() { return Topology::Load(Paths().Topology()).value(); }

  static TempDir* dir_;
};
TempDir* MakerTest::dir_ = nullptr;

TEST_F(MakerTest, TheTopologyLoadsWithTheSignaturesOfAllOperators) {
  ASSERT_OK_AND_ASSIGN(const Topology topology, Topology::Load(Paths().Topology()));
  EXPECT_EQ(topology.deployment(), "icloud-cn-2018.comity.test");
  for (const auto& [id, region] : topology.regions()) {
    for (const ServiceKind kind : kKinds) {
      EXPECT_THAT(region.service(kind).address, HasSubstr("127.0.0.1:")) << id.name();
      EXPECT_THAT(region.service(kind).log_url, HasSubstr("http://127.0.0.1:")) << id.name();
    }
  }
}

TEST_F(MakerTest, NoAddressIsUsedTwice) {
  const Topology topology = LoadTopology();
  std::set<std::string> ports;
  for (const auto& [id, region] : topology.regions()) {
    for (const ServiceKind kind : kKinds) {
      const ServiceInfo& service = region.service(kind);
      ports.insert(service.address.substr(service.address.rfind(':')));
      ports.insert(service.log_url.substr(service.log_url.rfind(':')));
    }
  }
  EXPECT_EQ(ports.size(), 12u);
}

TEST_F(MakerTest, EveryFolderIsItsHoldersAlone) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(Where())) {
    struct stat info {};
    ASSERT_EQ(stat(entry.path().c_str(), &info), 0);
    if (entry.is_directory()) {
      EXPECT_EQ(info.st_mode & 0777, 0700u) << entry.path();
    } else if (entry.path().extension() == ".key") {
      EXPECT_EQ(info.st_mode & 0777, 0600u) << entry.path();
    }
  }
}

TEST_F(MakerTest, AServiceIsGivenOnlyWhatIsItsOwn) {
  const std::set<std::string> common = {"tls.crt", "tls.key",     "statement.key",
                                        "log.key", "endorsement", "roster"};
  std::set<std::string> custody = common;
  custody.insert("root.key");
  for (const char* region : {"us", "cn"}) {
    EXPECT_THAT(NamesIn(Paths().Service(region, ServiceKind::kStorage)),
                ElementsAre("identity", "metrics"));
    EXPECT_EQ(NamesIn(Paths().Identity(region, ServiceKind::kStorage)), common);
    EXPECT_EQ(NamesIn(Paths().Identity(region, ServiceKind::kReview)), common);
    EXPECT_EQ(NamesIn(Paths().Identity(region, ServiceKind::kCustody)), custody);
  }
}

TEST_F(MakerTest, NoPrivateKeyLiesInTwoPlaces) {
  std::set<std::string> keys;
  size_t files = 0;
  for (const auto& [path, file] : FilesOf(Where())) {
    if (!path.ends_with(".key")) continue;
    ++files;
    keys.insert(file.first);
  }
  EXPECT_EQ(keys.size(), files);
  // 2 roots, 2 operators, 6 services with 3 each, 2 custody roots, 14 persons.
  EXPECT_EQ(files, 38u);
}

TEST_F(MakerTest, EveryServiceIsEndorsedByTheOperatorThatRunsIt) {
  const Topology topology = LoadTopology();
  for (const auto& [id, region] : topology.regions()) {
    for (const ServiceKind kind : kKinds) {
      const std::string folder = Paths().Identity(id.name(), kind);
      ASSERT_OK_AND_ASSIGN(const Statement endorsement,
                           DecodeStatement(ReadFile(folder + "/endorsement").value()));
      ASSERT_OK_AND_ASSIGN(const SecretBytes pem, ReadPrivateFile(folder + "/statement.key"));
      ASSERT_OK_AND_ASSIGN(const PrivateKey key, PrivateKey::FromPem(pem));
      ASSERT_OK_AND_ASSIGN(
          const PublicKey endorsed,
          topology.VerifyEndorsement(endorsement, id, kind, TestDeployment::kStart));
      EXPECT_EQ(endorsed.spki(), key.public_key().spki());
    }
  }
}

TEST_F(MakerTest, ALogKeyInTheTopologyIsTheOneOfItsService) {
  const Topology topology = LoadTopology();
  for (const auto& [id, region] : topology.regions()) {
    for (const ServiceKind kind : kKinds) {
      ASSERT_OK_AND_ASSIGN(const SecretBytes pem,
                           ReadPrivateFile(Paths().Identity(id.name(), kind) + "/log.key"));
      EXPECT_EQ(region.service(kind).log_key->spki(),
                PrivateKey::FromPem(pem).value().public_key().spki());
    }
  }
}

TEST_F(MakerTest, TheServicesOfARegionShareOneRoster) {
  for (const char* region : {"us", "cn"}) {
    const std::string roster =
        ReadFile(Paths().Identity(region, ServiceKind::kStorage) + "/roster").value();
    for (const ServiceKind kind : kKinds) {
      EXPECT_EQ(ReadFile(Paths().Identity(region, kind) + "/roster").value(), roster);
    }
  }
}

TEST_F(MakerTest, ARosterIsSignedByTheOperatorsOfCustodyAndReview) {
  const auto signers = [](const char* region) {
    return DecodeStatement(
               ReadFile(Paths().Identity(region, ServiceKind::kReview) + "/roster").value())
        .value()
        .signatures.size();
  };
  EXPECT_EQ(signers("us"), 1u);  // one operator runs both
  EXPECT_EQ(signers("cn"), 2u);
}

TEST_F(MakerTest, APersonsCertificateNamesThePersonInItsRegion) {
  ASSERT_OK_AND_ASSIGN(
      const ParsedCertificate certificate,
      ParseCertificate(ReadFile(Paths().Person("cn", "agent-lin") + "/person.crt").value()));
  EXPECT_THAT(certificate.uris,
              ElementsAre("spiffe://cn.icloud-cn-2018.comity.test/authority/guiyang-police/agent/"
                          "agent-lin"));
}

TEST_F(MakerTest, ARootVouchesForItsOwnRegionOnly) {
  ASSERT_OK_AND_ASSIGN(const ParsedCertificate root,
                       ParseCertificate(ReadFile(Paths().Root("us") + "/root.crt").value()));
  EXPECT_TRUE(root.is_ca);
  EXPECT_EQ(root.permitted_uri_host, "us.icloud-cn-2018.comity.test");
}

TEST_F(MakerTest, TheTestClockStartsWhereTheTopologySays) {
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<FileClock> clock, FileClock::Open(Paths().Clock()));
  EXPECT_GE(clock->Now(), TestDeployment::kStart);
  EXPECT_LT(clock->Now(), TestDeployment::kStart + kDayMs);
}

TEST_F(MakerTest, ASecondRunChangesNoFile) {
  const auto before = FilesOf(Where());
  ASSERT_THAT(MakeIn(Where()), IsOk());
  EXPECT_EQ(FilesOf(Where()), before);
}

TEST(MakerRunTest, TellsEachStepInOrder) {
  const TempDir dir;
  std::vector<std::string> steps;
  ASSERT_THAT(MakeDeployment({ReadTopologyTemplate(), dir.path() + "/d",
                              [&](const std::string& step) { steps.push_back(step); }}),
              IsOk());
  EXPECT_THAT(
      steps,
      ElementsAre("operator keys", "root and service identities of region us",
                  "root and service identities of region cn", "certificates of 14 persons",
                  "topology, signed by 2 operators", "endorsements and first rosters",
                  "test clock, starting at 2017-12-01", "client bundle", "addresses for metrics"));
}

TEST(MakerRunTest, CompletesWhatACrashLeftUndoneWithoutReplacingAKey) {
  const TempDir dir;
  const DeploymentPaths paths(dir.path() + "/d");
  ASSERT_THAT(MakeIn(paths.directory()), IsOk());
  const std::string kept =
      ReadFile(paths.Identity("cn", ServiceKind::kCustody) + "/root.key").value();
  const std::string topology = ReadFile(paths.Topology()).value();
  for (const std::string& lost : {paths.Clock(), paths.TopologySignature(),
                                  paths.Identity("cn", ServiceKind::kReview) + "/roster",
                                  paths.Identity("cn", ServiceKind::kCustody) + "/endorsement",
                                  paths.Person("us", "agent-miller") + "/person.crt"}) {
    ASSERT_TRUE(std::filesystem::remove(lost)) << lost;
  }
  ASSERT_THAT(MakeIn(paths.directory()), IsOk());
  EXPECT_THAT(Topology::Load(paths.Topology()), IsOk());
  EXPECT_EQ(ReadFile(paths.Topology()).value(), topology);
  EXPECT_EQ(ReadFile(paths.Identity("cn", ServiceKind::kCustody) + "/root.key").value(), kept);
  EXPECT_EQ(ReadFile(paths.Identity("cn", ServiceKind::kReview) + "/roster").value(),
            ReadFile(paths.Identity("cn", ServiceKind::kStorage) + "/roster").value());
  EXPECT_TRUE(FileExists(paths.Clock()));
  EXPECT_TRUE(FileExists(paths.Person("us", "agent-miller") + "/person.crt"));
}

TEST(MakerRunTest, ATopologyThatIsNotOfDevelopmentIsRefusedAndMakesNothing) {
  const TempDir dir;
  std::string text = ReadTopologyTemplate();
  for (const std::string line :
       {"development: true", "test_clock_start: \"2017-12-01\"", "log_quorum: \"none\""}) {
    const size_t at = text.find(line);
    ASSERT_NE(at, std::string::npos) << line;
    text.erase(at, line.size());
  }
  EXPECT_THAT(MakeIn(dir.path() + "/d", text), RefusedWith(Reason::kTopologyInvalid));
  EXPECT_FALSE(FileExists(dir.path() + "/d"));
}

TEST(MakerRunTest, ATemplateThatBreaksARuleIsRefusedAndMakesNothing) {
  const TempDir dir;
  EXPECT_THAT(MakeIn(dir.path() + "/d", "serial: 1"), RefusedWith(Reason::kTopologyInvalid));
  EXPECT_THAT(MakeIn(dir.path() + "/d", "{"), RefusedWith(Reason::kTopologyInvalid));
  EXPECT_FALSE(FileExists(dir.path() + "/d"));
}

TEST(MakerRunTest, SplitRootKeyIsNowhereAndEveryHolderHasAShare) {
  const TempDir dir;
  const DeploymentPaths paths(dir.path() + "/d");
  ASSERT_THAT(MakeIn(paths.directory(), SealedTopologyTemplate()), IsOk());
  const std::string identity = paths.Identity("us", ServiceKind::kCustody);
  EXPECT_FALSE(FileExists(identity + "/root.key"));
  EXPECT_TRUE(FileExists(paths.Identity("cn", ServiceKind::kCustody) + "/root.key"));
  ASSERT_OK_AND_ASSIGN(const std::string bytes, ReadFile(identity + "/seal"));
  ASSERT_OK_AND_ASSIGN(const SealRecord record, DecodeSealRecord(bytes));
  EXPECT_EQ(record.threshold, 2);
  std::vector<SealShare> shares;
  for (const std::string person : {"ops-evans", "ops-fox", "ops-grant"}) {
    ASSERT_OK_AND_ASSIGN(const SecretBytes text, ReadPrivateFile(paths.SealShare("us", person)));
    ASSERT_OK_AND_ASSIGN(SealShare share, ParseSealShare(text));
    EXPECT_THAT(CheckSealShare(record, person, share), IsOk());
    shares.push_back(std::move(share));
  }
  EXPECT_THAT(JoinRoot(record, {&shares[0], &shares[2]}), IsOk());
  EXPECT_FALSE(FileExists(paths.SealShare("us", "agent-miller")));
}

TEST(MakerRunTest, ASecondUpMakesNoOtherShares) {
  const TempDir dir;
  const DeploymentPaths paths(dir.path() + "/d");
  ASSERT_THAT(MakeIn(paths.directory(), SealedTopologyTemplate()), IsOk());
  const auto before = FilesOf(paths.directory());
  ASSERT_THAT(MakeIn(paths.directory(), SealedTopologyTemplate()), IsOk());
  EXPECT_EQ(FilesOf(paths.directory()), before);
}

// Shares are written before the record that makes them count.
TEST(MakerRunTest, ASplitThatWasInterruptedIsMadeAnewAndWhole) {
  const TempDir dir;
  const DeploymentPaths paths(dir.path() + "/d");
  ASSERT_THAT(MakeIn(paths.directory(), SealedTopologyTemplate()), IsOk());
  const std::string seal = paths.Identity("us", ServiceKind::kCustody) + "/seal";
  std::filesystem::remove(seal);
  std::filesystem::remove(paths.SealShare("us", "ops-grant"));
  ASSERT_THAT(MakeIn(paths.directory(), SealedTopologyTemplate()), IsOk());
  ASSERT_OK_AND_ASSIGN(const SealRecord record, DecodeSealRecord(ReadFile(seal).value()));
  for (const SealHolder& holder : record.holders) {
    ASSERT_OK_AND_ASSIGN(const SecretBytes text,
                         ReadPrivateFile(paths.SealShare("us", holder.person)));
    ASSERT_OK_AND_ASSIGN(const SealShare share, ParseSealShare(text));
    EXPECT_THAT(CheckSealShare(record, holder.person, share), IsOk());
  }
}

TEST(MakerRunTest, AKeyThatOthersMayReadIsRefused) {
  const TempDir dir;
  const DeploymentPaths paths(dir.path() + "/d");
  ASSERT_THAT(MakeIn(paths.directory()), IsOk());
  ASSERT_EQ(chmod((paths.Operator("apple") + "/operator.key").c_str(), 0644), 0);
  EXPECT_THAT(MakeIn(paths.directory()), RefusedWith(Reason::kStateNotReady));
}

}  // namespace
}  // namespace comity
