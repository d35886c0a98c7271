#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <grpcpp/client_context.h>
#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include "services/common/crypto/x509.h"
#include "services/common/server/peers.h"
#include "services/common/server/status_codec.h"
#include "services/common/server/topology_mark.h"
#include "tests/fakes/manual_clock.h"
#include "tests/handler/server_probe.h"
#include "tests/testing/closed_by_default.h"
#include "tests/testing/deployment.h"
#include "tests/testing/matchers.h"
#include "tests/testing/test_server.h"

// Who is at the other end, over real TLS.
namespace comity {
namespace {

using testing::HasSubstr;

constexpr std::chrono::seconds kPatience{60};

class ServerIdentityTest : public testing::Test {
 protected:
  ServerIdentityTest()
      : server_(TestServer::Start(
            deployment_,
            {.region = "cn", .definition = ProbeDefinition(), .addresses = &addresses_})) {}

  // A call that everybody may make whose certificate verifies.
  static absl::Status Ask(const std::shared_ptr<grpc::Channel>& channel) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kPatience);
    custody::v1::GetStatusResponse response;
    const grpc::Status status =
        custody::v1::CustodyService::NewStub(channel)->GetStatus(&context, {}, &response);
    return FromGrpcStatus(status, context);
  }
  // A call that custody of another region may make.
  static absl::Status AskAsForeign(const std::shared_ptr<grpc::Channel>& channel,
                                   const std::string& mark) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kPatience);
    if (!mark.empty()) {
      context.AddMetadata(kTopologyMetadata, mark);
    }
    custody::v1::GetTransportKeyResponse response;
    const grpc::Status status =
        custody::v1::CustodyService::NewStub(channel)->GetTransportKey(&context, {}, &response);
    return FromGrpcStatus(status, context);
  }
  std::string Uri(const std::string& region, const std::string& path) const {
    return "spiffe://" + region + "." + deployment_.topology().deployment() + path;
  }
  std::shared_ptr<grpc::Channel> AsCertified(const std::string& uri) const {
    return server_->As(deployment_.Certify("cn", key_.public_key(), uri), key_);
  }
  // Peers of a device, which reach every service at the address of the test server.
  Peers DevicePeers(const TestDevice& device) const {
    return Peers(
        {.topology = deployment_.topology(),
         .identity = {device.certificate, device.key.ToPem()},
         .clock = &clock_,
         .addresses = [this](const RegionId&, ServiceKind) { return server_->address(); }});
  }

  const TestDeployment deployment_;
  const PrivateKey key_ = PrivateKey::Generate(SignatureAlgorithm::kEcdsaP256);
  const ManualClock clock_{TestDeployment::kStart};
  TestAddresses addresses_;
  std::unique_ptr<TestServer> server_;
};

TEST_F(ServerIdentityTest, EveryKindOfVerifiedCallerIsAnswered) {
  EXPECT_THAT(Ask(server_->AsDevice(MakeTestDevice())), IsOk());
  EXPECT_THAT(Ask(server_->AsService("cn", ServiceKind::kReview)), IsOk());
  EXPECT_THAT(Ask(server_->AsService("us", ServiceKind::kStorage)), IsOk());
  EXPECT_THAT(Ask(server_->AsPerson("cn", "agent-lin")), IsOk());
}

TEST_F(ServerIdentityTest, CallerWithoutCertificateIsRefusedInTheHandshake) {
  EXPECT_THAT(Ask(server_->WithoutCertificate()), RefusedWith(Reason::kPeerUnavailable));
}

TEST_F(ServerIdentityTest, NameOfOneRegionUnderAnothersRootIsRefused) {
  EXPECT_THAT(AskAsForeign(AsCertified(Uri("us", "/operator/apple/custody/0")), ""),
              RefusedWith(Reason::kCertificateInvalid));
}

TEST_F(ServerIdentityTest, DeviceMadeByARegionsRootIsRefused) {
  const TestRoot& root = deployment_.root("cn");
  ASSERT_OK_AND_ASSIGN(const std::string issued,
                       IssueCertificate(root.key, root.certificate, key_.public_key(),
                                        {.common_name = "device",
                                         .not_before = TestDeployment::kNotBefore,
                                         .not_after = TestDeployment::kNotAfter}));
  EXPECT_THAT(Ask(server_->As(issued, key_)), RefusedWith(Reason::kCertificateInvalid));
}

TEST_F(ServerIdentityTest, ExpiredCertificateIsRefusedWithAReason) {
  const std::string expired =
      SelfSignedCertificate(key_, {.common_name = "device",
                                   .not_before = TestDeployment::kNotBefore,
                                   .not_after = TestDeployment::kStart - kDayMs});
  EXPECT_THAT(Ask(server_->As(expired, key_)), RefusedWith(Reason::kCertificateInvalid));
}

TEST_F(ServerIdentityTest, ServiceOfAnotherOperatorIsRefused) {
  EXPECT_THAT(Ask(AsCertified(Uri("cn", "/operator/apple/storage/0"))),
              RefusedWith(Reason::kCertificateInvalid));
}

TEST_F(ServerIdentityTest, OtherKindIsRefusedAcrossTheBorder) {
  EXPECT_THAT(AskAsForeign(server_->AsService("us", ServiceKind::kStorage),
                           FormatTopologyMark(MarkOf(deployment_.topology()))),
              RefusedWith(Reason::kCallerNotAllowed));
}

TEST_F(ServerIdentityTest, StaleTopologyIsRefusedAcrossTheBorder) {
  const auto us = server_->AsService("us", ServiceKind::kCustody);
  const std::string digest(64, 'a');
  EXPECT_THAT(AskAsForeign(us, FormatTopologyMark(MarkOf(deployment_.topology()))), IsOk());
  EXPECT_THAT(AskAsForeign(us, ""), RefusedWith(Reason::kTopologyStale));
  EXPECT_THAT(AskAsForeign(us, "3:" + digest), IsOk());
  EXPECT_THAT(AskAsForeign(us, "2:" + digest), RefusedWith(Reason::kTopologyStale));
}

TEST_F(ServerIdentityTest, ForeignServiceCallsThroughItsPeers) {
  const std::unique_ptr<TestServer> us = TestServer::Start(
      deployment_, {.region = "us", .definition = ProbeDefinition(), .addresses = &addresses_});
  ASSERT_NE(us, nullptr);
  Peers& peers = us->environment().peers();
  const RegionId cn = *RegionId::Create("cn");
  grpc::ClientContext context;
  peers.Prepare(context, kPatience);
  custody::v1::GetTransportKeyResponse response;
  const grpc::Status status = peers.StubTo<custody::v1::CustodyService>(cn, ServiceKind::kCustody)
                                  ->GetTransportKey(&context, {}, &response);
  EXPECT_THAT(peers.Outcome(status, context, cn, ServiceKind::kCustody), IsOk());
}

TEST_F(ServerIdentityTest, ClientRefusesAServerOfAnotherRegionBeforeItSendsAnything) {
  bool reached = false;
  static_cast<Probe&>(server_->instance()).custody.SetWork([&](const Authorization&) {
    reached = true;
    return absl::OkStatus();
  });
  Peers peers = DevicePeers(MakeTestDevice());
  const RegionId us = *RegionId::Create("us");
  // gRPC does not try again at once: each call has to say why it failed.
  for (int i = 0; i < 2; ++i) {
    grpc::ClientContext context;
    peers.Prepare(context, kPatience);
    custody::v1::GetStatusResponse response;
    const grpc::Status status =
        peers.StubTo<custody::v1::CustodyService>(us, ServiceKind::kCustody)
            ->GetStatus(&context, {}, &response);
    const absl::Status outcome = peers.Outcome(status, context, us, ServiceKind::kCustody);
    EXPECT_THAT(outcome, RefusedWith(Reason::kCertificateInvalid)) << status.error_message();
    EXPECT_THAT(CauseOf(outcome), HasSubstr("the server is not custody of region us"));
  }
  EXPECT_FALSE(reached);
}

TEST_F(ServerIdentityTest, ClientRefusesAServerOfAnotherKind) {
  Peers peers = DevicePeers(MakeTestDevice());
  const RegionId cn = *RegionId::Create("cn");
  grpc::ClientContext context;
  peers.Prepare(context, kPatience);
  custody::v1::GetStatusResponse response;
  const grpc::Status status = peers.StubTo<custody::v1::CustodyService>(cn, ServiceKind::kStorage)
                                  ->GetStatus(&context, {}, &response);
  EXPECT_THAT(peers.Outcome(status, context, cn, ServiceKind::kStorage),
              RefusedWith(Reason::kCertificateInvalid));
}

TEST_F(ServerIdentityTest, ServerThatIsDownIsUnavailable) {
  Peers peers = DevicePeers(MakeTestDevice());
  const RegionId cn = *RegionId::Create("cn");
  const auto stub = peers.StubTo<custody::v1::CustodyService>(cn, ServiceKind::kCustody);
  for (const Reason expected : {Reason::kUnspecified, Reason::kPeerUnavailable}) {
    grpc::ClientContext context;
    peers.Prepare(context, kPatience);
    custody::v1::GetStatusResponse response;
    const grpc::Status status = stub->GetStatus(&context, {}, &response);
    EXPECT_EQ(ReasonOf(peers.Outcome(status, context, cn, ServiceKind::kCustody)), expected);
    EXPECT_EQ(Peers::Broke(status, context), expected == Reason::kPeerUnavailable);
    server_->server().Drain(std::chrono::milliseconds(0));
  }
}

TEST_F(ServerIdentityTest, WhoSaysThatAnotherIsDownIsNotTakenForDownItself) {
  Peers peers = DevicePeers(MakeTestDevice());
  const RegionId cn = *RegionId::Create("cn");
  static_cast<Probe&>(server_->instance()).custody.SetWork([](const Authorization&) {
    return Refuse(Reason::kPeerUnavailable, "its neighbour is down");
  });
  const auto stub = peers.StubTo<custody::v1::CustodyService>(cn, ServiceKind::kCustody);
  EXPECT_TRUE(peers.Connected(cn, ServiceKind::kCustody));
  grpc::ClientContext context;
  peers.Prepare(context, kPatience);
  custody::v1::GetStatusResponse response;
  const grpc::Status status = stub->GetStatus(&context, {}, &response);
  EXPECT_FALSE(Peers::Broke(status, context));
  const absl::Status outcome = peers.Outcome(status, context, cn, ServiceKind::kCustody);
  EXPECT_THAT(outcome, RefusedWith(Reason::kPeerUnavailable));
  EXPECT_EQ(CauseOf(outcome), "custody of region cn says so");
}

TEST_F(ServerIdentityTest, CallOnBehalfOfAnotherIsNotDueLaterThanIt) {
  const Peers peers = DevicePeers(MakeTestDevice());
  Authorization::Deadline due;
  static_cast<Probe&>(server_->instance()).custody.SetWork([&](const Authorization& served) {
    grpc::ClientContext context;
    peers.Prepare(context, std::chrono::hours(10), served);
    due = context.deadline();
    return absl::OkStatus();
  });
  EXPECT_THAT(Ask(server_->AsDevice(MakeTestDevice())), IsOk());
  EXPECT_LE(due, std::chrono::system_clock::now() + kPatience);
}

TEST_F(ServerIdentityTest, CertificateOfAServerIsJudgedByRegionKindOperatorAndDate) {
  const Topology& topology = deployment_.topology();
  const RegionId cn = *RegionId::Create("cn");
  const auto check = [&](const std::string& pem, UnixMillis now = TestDeployment::kStart) {
    return CheckServerCertificate(pem, topology, cn, ServiceKind::kStorage, now);
  };
  EXPECT_THAT(check(deployment_.service("cn", ServiceKind::kStorage).certificate), IsOk());
  EXPECT_THAT(check(deployment_.service("cn", ServiceKind::kCustody).certificate),
              RefusedWith(Reason::kCertificateInvalid));
  EXPECT_THAT(check(deployment_.service("us", ServiceKind::kStorage).certificate),
              RefusedWith(Reason::kCertificateInvalid));
  EXPECT_THAT(
      check(deployment_.Certify("cn", key_.public_key(), Uri("cn", "/operator/apple/storage/0"))),
      RefusedWith(Reason::kCertificateInvalid));
  EXPECT_THAT(
      check(deployment_.Certify("cn", key_.public_key(), Uri("us", "/operator/apple/storage/0"))),
      RefusedWith(Reason::kCertificateInvalid));
  EXPECT_THAT(check(MakeTestDevice().certificate), RefusedWith(Reason::kCertificateInvalid));
  EXPECT_THAT(check(deployment_.service("cn", ServiceKind::kStorage).certificate,
                    TestDeployment::kNotAfter + kDayMs),
              RefusedWith(Reason::kCertificateInvalid));
}

TEST_F(ServerIdentityTest, MethodsThatAreNotBehindTheGuardAreFound) {
  const google::protobuf::ServiceDescriptor* service =
      custody::v1::GetStatusRequest::descriptor()->file()->FindServiceByName("CustodyService");
  ASSERT_NE(service, nullptr);
  testing::TestPartResultArray failures;
  {
    const testing::ScopedFakeTestPartResultReporter reporter(
        testing::ScopedFakeTestPartResultReporter::INTERCEPT_ONLY_CURRENT_THREAD, &failures);
    ExpectEveryMethodHasRule(*service, ProbeDefinition().rules);
  }
  // All methods but four have no rule, and two rules are of another service's methods.
  EXPECT_EQ(failures.size(), service->method_count() - 4 + 2);
}

}  // namespace
}  // namespace comity
