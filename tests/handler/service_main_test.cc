#include "services/common/server/service_main.h"

#include <chrono>
#include <csignal>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <grpcpp/client_context.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "comity/custody/v1/custody.grpc.pb.h"
#include "comity/storage/v1/storage.grpc.pb.h"
#include "services/common/clock/clock.h"
#include "services/common/files/files.h"
#include "services/common/log/log_http.h"
#include "services/common/server/peers.h"
#include "services/common/server/status_codec.h"
#include "services/common/statement/leaf.h"
#include "tests/fakes/manual_clock.h"
#include "tests/handler/service_process.h"
#include "tests/testing/deployment.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_dir.h"

// A service from its folder to its exit code, as an operator meets it.
namespace comity {
namespace {

using testing::HasSubstr;

constexpr std::chrono::seconds kPatience{60};

class ServiceMainTest : public testing::Test {
 protected:
  ServiceMainTest() {
    deployment_.SetAddress("cn", ServiceKind::kCustody, FreeAddress());
    deployment_.SetLogUrl("cn", ServiceKind::kCustody, "http://" + FreeAddress());
    Write("topology.txtpb", deployment_.topology_text());
    Write("topology.txtpb.sig", EncodeStatement(deployment_.topology_signature()));
    EXPECT_THAT(FileClock::Create(File("clock"), TestDeployment::kStart), IsOk());
    const TestService& service = deployment_.service("cn", ServiceKind::kCustody);
    EXPECT_THAT(MakePrivateFolders(File("custody/identity")), IsOk());
    Write("custody/identity/tls.crt", service.certificate);
    Write("custody/identity/endorsement", EncodeStatement(service.endorsement));
    Write("custody/identity/roster", EncodeStatement(deployment_.roster_statement("cn")));
    WriteKey("custody/identity/tls.key", service.tls_key);
    WriteKey("custody/identity/statement.key", service.statement_key);
    WriteKey("custody/identity/log.key", service.log_key);
  }

  std::string File(const std::string& name) const { return directory_.path() + "/" + name; }
  void Write(const std::string& name, const std::string& bytes) const {
    EXPECT_THAT(WriteFileDurably(File(name), bytes, FileMode::kPublic), IsOk());
  }
  void WriteKey(const std::string& name, const PrivateKey& key) const {
    EXPECT_THAT(WritePrivateFile(File(name), key.ToPem()), IsOk());
  }
  std::vector<std::string> Arguments(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> all = {
        "--topology", File("topology.txtpb"), "--region",     "cn",
        "--dir",      File("custody"),        "--test-clock", File("clock")};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  std::unique_ptr<ServiceProcess> Start(const std::vector<std::string>& more = {}) const {
    return std::make_unique<ServiceProcess>(COMITY_SERVER_PROBE, Arguments(more));
  }
  // A start that is refused: its exit code is 1 and it says why.
  std::string RefusedStart(const std::vector<std::string>& more = {}) const {
    const std::unique_ptr<ServiceProcess> process = Start(more);
    EXPECT_EQ(process->Wait(), 1);
    return process->Output();
  }
  absl::Status AskStatus() const {
    const TestDevice device = MakeTestDevice();
    Peers peers({.topology = deployment_.topology(),
                 .identity = {device.certificate, device.key.ToPem()},
                 .clock = &clock_});
    grpc::ClientContext context;
    peers.Prepare(context, kPatience);
    custody::v1::GetStatusResponse response;
    const RegionId cn = *RegionId::Create("cn");
    const grpc::Status status =
        peers.StubTo<custody::v1::CustodyService>(cn, ServiceKind::kCustody)
            ->GetStatus(&context, {}, &response);
    return peers.Outcome(status, context, cn, ServiceKind::kCustody);
  }
  VerifiedLog ReadLog() const {
    const ServiceInfo& info =
        deployment_.topology().FindRegion(*RegionId::Create("cn"))->service(ServiceKind::kCustody);
    absl::StatusOr<VerifiedLog> log = FetchAndVerifyLog(
        HttpLogFetcher(info.log_url),
        deployment_.topology().LogOrigin(*RegionId::Create("cn"), ServiceKind::kCustody),
        *info.log_key);
    EXPECT_THAT(log, IsOk());
    return log.ok() ? *log : VerifiedLog();
  }

  const TempDir directory_;
  const ManualClock clock_{TestDeployment::kStart};
  TestDeployment deployment_;
};

TEST_F(ServiceMainTest, ServiceServesUntilItIsToldToStop) {
  const std::unique_ptr<ServiceProcess> process = Start();
  ASSERT_EQ(process->NextNotification(), "READY=1") << process->Output();
  EXPECT_THAT(AskStatus(), IsOk());
  const VerifiedLog log = ReadLog();
  ASSERT_EQ(log.leaves.size(), 1U);
  ASSERT_OK_AND_ASSIGN(const Leaf leaf, DecodeLeaf(log.leaves.front()));
  EXPECT_EQ(leaf.type, "service.started");
  EXPECT_EQ(leaf.day, TestDeployment::kStart);
  EXPECT_EQ(leaf.clear.at("topology_serial"), "1");
  process->Signal(SIGTERM);
  EXPECT_EQ(process->NextNotification(),
            "STOPPING=1\nSTATUS=0 calls may end within 10 s\nEXTEND_TIMEOUT_USEC=20000000");
  EXPECT_EQ(process->Wait(), 0) << process->Output();
  EXPECT_THAT(process->Output(), HasSubstr(" info ready service=custody region=cn"));
  EXPECT_THAT(process->Output(), HasSubstr(" info stopped"));
  EXPECT_THAT(AskStatus(), RefusedWith(Reason::kPeerUnavailable));
}

TEST_F(ServiceMainTest, AServiceWhoseBackupNobodyCouldOpenHasNone) {
  EXPECT_THAT(RefusedStart({"--backup", File("backup")}), HasSubstr("this service has no backups"));
  EXPECT_THAT(RefusedStart({"--restore", File("backup")}), HasSubstr("cannot restore: "));
  EXPECT_FALSE(FileExists(File("backup")));
}

TEST_F(ServiceMainTest, WhatARestoreHasLeftUnfinishedDoesNotStart) {
  Write("custody/restore-unfinished", "1\n");
  EXPECT_THAT(RefusedStart(), HasSubstr("run the restore again"));
  EXPECT_THAT(RefusedStart({"--check-store"}), HasSubstr("run the restore again"));
}

// A service with an upload under way, which its metrics show.
class DrainTest : public ServiceMainTest {
 protected:
  DrainTest()
      : metrics_(FreeAddress()),
        peers_({.topology = deployment_.topology(),
                .identity = {device_.certificate, device_.key.ToPem()},
                .clock = &clock_}) {}

  void StartUpload(int drain_seconds) {
    process_ = Start({"--metrics-port", metrics_.substr(metrics_.find(':') + 1), "--drain-seconds",
                      std::to_string(drain_seconds)});
    ASSERT_EQ(process_->NextNotification(), "READY=1") << process_->Output();
    context_.set_deadline(std::chrono::system_clock::now() + kPatience);
    const auto channel = peers_.ChannelTo(cn_, ServiceKind::kCustody);
    upload_ = storage::v1::StorageService::NewStub(channel)->PutObject(&context_, &response_);
    ASSERT_TRUE(upload_->Write(storage::v1::PutObjectRequest()));
    AwaitMetric("comity_streams_open 1\n");
  }
  std::string ReadMetrics() const {
    httplib::Client client("http://" + metrics_);
    const auto answer = client.Get("/metrics");
    return answer ? answer->body : "";
  }
  void AwaitMetric(const std::string& line) const {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (ReadMetrics().find(line) == std::string::npos) {
      ASSERT_LT(std::chrono::steady_clock::now(), end) << ReadMetrics();
      std::this_thread::yield();
    }
  }
  absl::Status AskAgain() {
    grpc::ClientContext context;
    peers_.Prepare(context, kPatience);
    custody::v1::GetStatusResponse response;
    const grpc::Status status =
        peers_.StubTo<custody::v1::CustodyService>(cn_, ServiceKind::kCustody)
            ->GetStatus(&context, {}, &response);
    return FromGrpcStatus(status, context);
  }

  const RegionId cn_ = *RegionId::Create("cn");
  const TestDevice device_ = MakeTestDevice();
  const std::string metrics_;
  Peers peers_;
  std::unique_ptr<ServiceProcess> process_;
  grpc::ClientContext context_;
  storage::v1::PutObjectResponse response_;
  std::unique_ptr<grpc::ClientWriter<storage::v1::PutObjectRequest>> upload_;
};

TEST_F(DrainTest, OpenUploadEndsAndNewCallsAreToldToComeBack) {
  ASSERT_NO_FATAL_FAILURE(StartUpload(/*drain_seconds=*/60));
  process_->Signal(SIGTERM);
  EXPECT_THAT(process_->NextNotification(), HasSubstr("STATUS=1 calls may end within 60 s"));
  ASSERT_NO_FATAL_FAILURE(AwaitMetric("comity_draining 1\n"));
  const absl::Status refused = AskAgain();
  EXPECT_THAT(refused, RefusedWith(Reason::kDraining));
  EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(upload_->Write(storage::v1::PutObjectRequest()));
  EXPECT_TRUE(upload_->WritesDone());
  EXPECT_TRUE(upload_->Finish().ok());
  EXPECT_EQ(process_->Wait(), 0) << process_->Output();
}

TEST_F(DrainTest, UploadThatDoesNotEndIsCutAfterItsTime) {
  ASSERT_NO_FATAL_FAILURE(StartUpload(/*drain_seconds=*/1));
  process_->Signal(SIGTERM);
  EXPECT_EQ(process_->Wait(), 0) << process_->Output();
  EXPECT_FALSE(upload_->Finish().ok());
}

TEST_F(DrainTest, SecondSignalCutsWhatStillRuns) {
  ASSERT_NO_FATAL_FAILURE(StartUpload(/*drain_seconds=*/600));
  process_->Signal(SIGTERM);
  ASSERT_NO_FATAL_FAILURE(AwaitMetric("comity_draining 1\n"));
  process_->Signal(SIGTERM);
  EXPECT_EQ(process_->Wait(), 0) << process_->Output();
  EXPECT_THAT(process_->Output(), HasSubstr("a second signal"));
  EXPECT_FALSE(upload_->Finish().ok());
}

TEST_F(ServiceMainTest, MetricsPortThatIsTakenIsRefused) {
  const std::string address = deployment_.topology()
                                  .FindRegion(*RegionId::Create("cn"))
                                  ->service(ServiceKind::kCustody)
                                  .log_url;
  EXPECT_THAT(RefusedStart({"--metrics-port", address.substr(address.rfind(':') + 1)}),
              HasSubstr("cannot start"));
}

TEST_F(ServiceMainTest, SecondStartGoesOnWhereTheFirstWasKilled) {
  const std::unique_ptr<ServiceProcess> first = Start();
  ASSERT_EQ(first->NextNotification(), "READY=1") << first->Output();
  first->Signal(SIGKILL);
  EXPECT_EQ(first->Wait(), -1);
  const std::unique_ptr<ServiceProcess> second = Start();
  ASSERT_EQ(second->NextNotification(), "READY=1") << second->Output();
  EXPECT_EQ(ReadLog().leaves.size(), 2U);
  second->Signal(SIGINT);
  EXPECT_EQ(second->Wait(), 0);
}

TEST_F(ServiceMainTest, SecondProcessOverOneFolderIsRefused) {
  const std::unique_ptr<ServiceProcess> first = Start();
  ASSERT_EQ(first->NextNotification(), "READY=1") << first->Output();
  EXPECT_THAT(RefusedStart(), HasSubstr("cannot start"));
  EXPECT_THAT(AskStatus(), IsOk());
}

TEST_F(ServiceMainTest, ConfigurationIsCheckedWithoutTouchingTheStore) {
  const std::unique_ptr<ServiceProcess> process = Start({"--check-config"});
  EXPECT_EQ(process->Wait(), 0);
  EXPECT_THAT(process->Output(), HasSubstr("The configuration is valid."));
  EXPECT_FALSE(FileExists(File("custody/store")));
}

TEST_F(ServiceMainTest, WrongFlagsHaveTheirOwnExitCode) {
  EXPECT_EQ(Start({"--port", "1"})->Wait(), 2);
}

TEST_F(ServiceMainTest, LogLinesAreJsonOnDemand) {
  const std::unique_ptr<ServiceProcess> process = Start({"--log-format", "json"});
  ASSERT_EQ(process->NextNotification(), "READY=1") << process->Output();
  process->Signal(SIGTERM);
  EXPECT_EQ(process->Wait(), 0);
  EXPECT_THAT(process->Output(), HasSubstr("\"event\":\"ready\""));
}

TEST_F(ServiceMainTest, ServiceWithoutAnEndorsementIsRefused) {
  std::filesystem::remove(File("custody/identity/endorsement"));
  EXPECT_THAT(RefusedStart(), HasSubstr("endorsement"));
}

TEST_F(ServiceMainTest, EndorsementByTheWrongOperatorIsRefused) {
  Write("custody/identity/endorsement",
        EncodeStatement(deployment_.Endorse(
            "cn", ServiceKind::kCustody,
            deployment_.service("cn", ServiceKind::kCustody).statement_key.public_key(), "gcbd")));
  EXPECT_THAT(RefusedStart({"--check-config"}),
              HasSubstr(std::string(Describe(Reason::kEndorsementMissing).text)));
}

TEST_F(ServiceMainTest, KeyFileThatOthersMayReadIsRefused) {
  ASSERT_EQ(chmod(File("custody/identity/statement.key").c_str(), 0644), 0);
  EXPECT_THAT(RefusedStart({"--check-config"}), HasSubstr("statement.key"));
}

TEST_F(ServiceMainTest, TokenThatTheTopologyDoesNotNameIsRefused) {
  EXPECT_THAT(RefusedStart({"--check-config", "--pkcs11-module", "/lib/m.so", "--pkcs11-pin-file",
                            "/etc/pin"}),
              HasSubstr("leave out --pkcs11-module and --pkcs11-pin-file"));
}

TEST_F(ServiceMainTest, TokenThatTheTopologyNamesHasToBeNamedHereToo) {
  TestDeployment guarded(TokenTopologyTemplate());
  guarded.SetLogUrl("us", ServiceKind::kCustody, "http://" + FreeAddress());
  Write("topology.txtpb", guarded.topology_text());
  Write("topology.txtpb.sig", EncodeStatement(guarded.topology_signature()));
  const TestService& service = guarded.service("us", ServiceKind::kCustody);
  Write("custody/identity/tls.crt", service.certificate);
  Write("custody/identity/endorsement", EncodeStatement(service.endorsement));
  Write("custody/identity/roster", EncodeStatement(guarded.roster_statement("us")));
  WriteKey("custody/identity/tls.key", service.tls_key);
  WriteKey("custody/identity/statement.key", service.statement_key);
  WriteKey("custody/identity/log.key", service.log_key);
  std::vector<std::string> arguments = Arguments({"--check-config"});
  arguments[3] = "us";
  ServiceProcess without(COMITY_SERVER_PROBE, arguments);
  EXPECT_EQ(without.Wait(), 1);
  EXPECT_THAT(without.Output(), HasSubstr("pass --pkcs11-module and --pkcs11-pin-file"));
  arguments.insert(arguments.end(),
                   {"--pkcs11-module", "/lib/m.so", "--pkcs11-pin-file", "/etc/pin"});
  ServiceProcess with(COMITY_SERVER_PROBE, arguments);
  EXPECT_EQ(with.Wait(), 0) << with.Output();
}

TEST_F(ServiceMainTest, LogKeyThatTheTopologyDoesNotNameIsRefused) {
  WriteKey("custody/identity/log.key", PrivateKey::Generate(SignatureAlgorithm::kEd25519));
  EXPECT_THAT(RefusedStart({"--check-config"}), HasSubstr("log.key"));
}

TEST_F(ServiceMainTest, RosterOfAnotherRegionIsRefused) {
  Write("custody/identity/roster", EncodeStatement(deployment_.roster_statement("us")));
  EXPECT_THAT(RefusedStart({"--check-config"}), HasSubstr("cannot start"));
}

TEST_F(ServiceMainTest, TopologyThatItsOperatorsDidNotSignIsRefused) {
  Write("topology.txtpb", deployment_.topology_text() + "# changed\n");
  EXPECT_THAT(RefusedStart(), HasSubstr(std::string(Describe(Reason::kTopologyInvalid).text)));
}

TEST_F(ServiceMainTest, OtherTopologyOfTheSerialThatWasPinnedIsRefused) {
  const std::unique_ptr<ServiceProcess> first = Start();
  ASSERT_EQ(first->NextNotification(), "READY=1") << first->Output();
  first->Signal(SIGTERM);
  ASSERT_EQ(first->Wait(), 0);
  const std::string changed = deployment_.topology_text() + "# changed\n";
  Write("topology.txtpb", changed);
  Write("topology.txtpb.sig",
        EncodeStatement(deployment_.SignTopology(changed, 1, Digest(), {"apple", "gcbd"})));
  EXPECT_THAT(RefusedStart(), HasSubstr("same serial"));
}

TEST_F(ServiceMainTest, TestClockOfTheTopologyIsNotForgotten) {
  const std::unique_ptr<ServiceProcess> process = std::make_unique<ServiceProcess>(
      COMITY_SERVER_PROBE, std::vector<std::string>{"--topology", File("topology.txtpb"),
                                                    "--region", "cn", "--dir", File("custody")});
  EXPECT_EQ(process->Wait(), 1);
  EXPECT_THAT(process->Output(), HasSubstr("--test-clock"));
}

TEST_F(ServiceMainTest, UnknownRegionIsRefused) {
  const std::unique_ptr<ServiceProcess> process = std::make_unique<ServiceProcess>(
      COMITY_SERVER_PROBE,
      std::vector<std::string>{"--topology", File("topology.txtpb"), "--region", "eu", "--dir",
                               File("custody"), "--test-clock", File("clock")});
  EXPECT_EQ(process->Wait(), 1);
  EXPECT_THAT(process->Output(), HasSubstr("no region \"eu\""));
}

}  // namespace
}  // namespace comity
