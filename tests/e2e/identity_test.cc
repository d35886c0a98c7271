#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "client/deployment/paths.h"
#include "client/deployment/supervisor.h"
#include "client/deployment/templates.h"
#include "client/session/session.h"
#include "comity/review/v1/review.grpc.pb.h"
#include "services/common/crypto/signing.h"
#include "services/common/crypto/x509.h"
#include "services/common/files/files.h"
#include "services/common/server/status_codec.h"
#include "services/common/status/reason.h"
#include "tests/testing/temp_dir.h"

// Who is not let in by real services, and what they are told.
namespace comity::testing {
namespace {

namespace rpb = comity::review::v1;

constexpr char kTemplate[] = COMITY_SOURCE_DIR "/deploy/topologies/icloud-cn-2018.txtpb";
constexpr char kAgentOfCn[] =
    "spiffe://cn.icloud-cn-2018.comity.test/authority/guiyang-police/agent/agent-lin";

class IdentityTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    dir_ = std::make_unique<TempDir>();
    ASSERT_TRUE(MakeFromTemplate(kTemplate, Directory(), nullptr).ok());
    absl::StatusOr<Supervisor> supervisor = Supervisor::Open(Directory());
    ASSERT_TRUE(supervisor.ok()) << CauseOf(supervisor.status());
    const absl::Status started = supervisor->Start();
    ASSERT_TRUE(started.ok()) << CauseOf(started);
  }
  static void TearDownTestSuite() {
    if (absl::StatusOr<Supervisor> supervisor = Supervisor::Open(Directory()); supervisor.ok()) {
      EXPECT_TRUE(supervisor->Stop().ok());
    }
    dir_.reset();
  }
  static std::string Directory() { return dir_->path() + "/world"; }

  static CertificateSpec Spec(const std::string& uri) {
    CertificateSpec spec;
    spec.common_name = "somebody";
    if (!uri.empty()) spec.uris = {uri};
    spec.not_before = 1'483'228'800'000;
    spec.not_after = 2'114'380'800'000;
    return spec;
  }

  // A certificate of that name, issued by the root of `region`.
  static TlsIdentity IssuedBy(const std::string& region, const std::string& uri) {
    const std::string folder = DeploymentPaths(Directory()).Root(region);
    const PrivateKey root_key =
        PrivateKey::FromPem(ReadPrivateFile(folder + "/root.key").value()).value();
    const PrivateKey key = PrivateKey::Generate(SignatureAlgorithm::kEcdsaP256);
    absl::StatusOr<std::string> certificate = IssueCertificate(
        root_key, ReadFile(folder + "/root.crt").value(), key.public_key(), Spec(uri));
    EXPECT_TRUE(certificate.ok());
    return {certificate.value_or(""), key.ToPem()};
  }

  // What the review of cn answers to a request of whoever holds `identity`.
  static grpc::Status Submit(TlsIdentity identity) {
    absl::StatusOr<std::unique_ptr<Session>> session =
        Session::Open(Directory(), std::move(identity));
    EXPECT_TRUE(session.ok());
    const RegionId cn = RegionId::Create("cn").value();
    const auto stub = (*session)->peers().StubTo<rpb::ReviewService>(cn, ServiceKind::kReview);
    grpc::ClientContext context;
    (*session)->peers().Prepare(context, std::chrono::seconds(30));
    rpb::SubmitRequestResponse response;
    const grpc::Status status = stub->SubmitRequest(&context, {}, &response);
    reason_ = ReasonOf(FromGrpcStatus(status, context));
    return status;
  }

  static void ExpectUnauthenticated(const grpc::Status& status, Reason reason) {
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED);
    EXPECT_EQ(reason_, reason);
    const std::string& message = status.error_message();
    EXPECT_NE(message.find(std::string(Describe(reason).text)), std::string::npos) << message;
    EXPECT_NE(message.find(std::string(Describe(reason).remedy)), std::string::npos) << message;
  }

  static std::unique_ptr<TempDir> dir_;
  static Reason reason_;
};

std::unique_ptr<TempDir> IdentityTest::dir_;
Reason IdentityTest::reason_ = Reason::kUnspecified;

TEST_F(IdentityTest, StrangerWhoNamesAnAgentIsToldWhyAndWhatToDo) {
  const PrivateKey key = PrivateKey::Generate(SignatureAlgorithm::kEcdsaP256);
  ExpectUnauthenticated(Submit({SelfSignedCertificate(key, Spec(kAgentOfCn)), key.ToPem()}),
                        Reason::kCertificateInvalid);
}

TEST_F(IdentityTest, NameOfOneRegionUnderTheRootOfAnotherIsRefused) {
  ExpectUnauthenticated(Submit(IssuedBy("us", kAgentOfCn)), Reason::kCertificateInvalid);
}

TEST_F(IdentityTest, DeviceMadeByARegionIsRefused) {
  ExpectUnauthenticated(Submit(IssuedBy("cn", "")), Reason::kCertificateInvalid);
}

TEST_F(IdentityTest, AgentWithAKeyThatIsNotInTheRosterIsRefused) {
  ExpectUnauthenticated(Submit(IssuedBy("cn", kAgentOfCn)), Reason::kCallerUnknown);
}

TEST_F(IdentityTest, SecondStartRepeatsNothing) {
  const std::string before = ReadFile(DeploymentPaths(Directory()).Topology()).value();
  ASSERT_TRUE(MakeFromTemplate(kTemplate, Directory(), nullptr).ok());
  EXPECT_EQ(ReadFile(DeploymentPaths(Directory()).Topology()).value(), before);
  absl::StatusOr<Supervisor> supervisor = Supervisor::Open(Directory());
  ASSERT_TRUE(supervisor.ok());
  const std::vector<ServiceReport> first = supervisor->Report();
  ASSERT_EQ(supervisor->Start(), absl::OkStatus());
  const std::vector<ServiceReport> second = supervisor->Report();
  ASSERT_EQ(first.size(), 6U);
  ASSERT_EQ(second.size(), 6U);
  for (size_t i = 0; i < first.size(); ++i) {
    EXPECT_TRUE(second[i].answers);
    EXPECT_EQ(second[i].pid, first[i].pid);
    EXPECT_EQ(second[i].log_quorum, "none");
  }
}

}  // namespace
}  // namespace comity::testing
