#include <chrono>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <grpcpp/client_context.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "comity/custody/v1/custody.grpc.pb.h"
#include "services/common/clock/clock.h"
#include "services/common/crypto/random.h"
#include "services/common/files/files.h"
#include "services/common/seal/seal_record.h"
#include "services/common/server/peers.h"
#include "services/common/statement/proto_codec.h"
#include "services/common/store/open.h"
#include "services/custody/key_sealer.h"
#include "services/custody/pkcs11_seal.h"
#include "services/custody/stored_account_store.h"
#include "services/custody/stored_root_mark.h"
#include "tests/fakes/fake_record_store.h"
#include "tests/fakes/manual_clock.h"
#include "tests/handler/service_process.h"
#include "tests/testing/deployment.h"
#include "tests/testing/matchers.h"
#include "tests/testing/memory_scan.h"
#include "tests/testing/root_needles.h"
#include "tests/testing/soft_token.h"
#include "tests/testing/temp_dir.h"

// The keys in the memory of the real program. What a call carries is not looked for: gRPC keeps
// copies that nobody can wipe (docs/threat-model.md). Keys of accounts and the root are in no call.
namespace comity::custody {
namespace {

namespace pb = comity::custody::v1;
using testing::Contains;
using testing::IsEmpty;
using testing::StartsWith;
using Stub = pb::CustodyService::Stub;

constexpr std::chrono::seconds kPatience{60};

std::string Hex(const SecretBytes& bytes) {
  std::string hex;
  for (const uint8_t byte : bytes.Reveal(RevealKey::ForTest())) {
    hex += "0123456789abcdef"[byte >> 4];
    hex += "0123456789abcdef"[byte & 15];
  }
  return hex;
}

// comity-custody of one region, and who calls it.
class CustodyProcessMemoryTest : public testing::Test {
 protected:
  void StartAt(const std::string& region, const std::string& person, UnixMillis time) {
    clock_.Advance(time - clock_.Now());
    region_ = TestDeployment::Region(region);
    person_ = person;
    deployment_.SetAddress(region, ServiceKind::kCustody, FreeAddress());
    deployment_.SetLogUrl(region, ServiceKind::kCustody, "http://" + FreeAddress());
    Write("topology.txtpb", deployment_.topology_text());
    Write("topology.txtpb.sig", EncodeStatement(deployment_.topology_signature()));
    ASSERT_THAT(FileClock::Create(File("clock"), time), IsOk());
    const TestService& service = deployment_.service(region, ServiceKind::kCustody);
    ASSERT_THAT(MakePrivateFolders(File("custody/identity")), IsOk());
    Write("custody/identity/tls.crt", service.certificate);
    Write("custody/identity/endorsement", EncodeStatement(service.endorsement));
    Write("custody/identity/roster", EncodeStatement(deployment_.roster_statement(region)));
    WritePrivate("tls.key", service.tls_key.ToPem());
    WritePrivate("statement.key", service.statement_key.ToPem());
    WritePrivate("log.key", service.log_key.ToPem());
    std::vector<std::string> arguments = {
        "--topology", File("topology.txtpb"), "--region",     region,
        "--dir",      File("custody"),        "--test-clock", File("clock")};
    arguments.insert(arguments.end(), more_.begin(), more_.end());
    process_ = std::make_unique<ServiceProcess>(COMITY_CUSTODY_PROGRAM, std::move(arguments));
    ASSERT_EQ(process_->NextNotification(), "READY=1") << process_->Output();
    owner_ = std::make_unique<TestAccount>(deployment_.NewAccount());
  }
  std::string File(const std::string& name) const { return directory_.path() + "/" + name; }
  void Write(const std::string& name, const std::string& bytes) const {
    ASSERT_THAT(WriteFileDurably(File(name), bytes, FileMode::kPublic), IsOk());
  }
  void WritePrivate(const std::string& name, const SecretBytes& bytes) const {
    ASSERT_THAT(WritePrivateFile(File("custody/identity/" + name), bytes), IsOk());
  }

  template <typename Request, typename Response>
  absl::StatusOr<Response> CallAs(const std::string& certificate, const PrivateKey& key,
                                  grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                               Response*),
                                  const Request& request) {
    Peers peers({.topology = deployment_.topology(),
                 .identity = {certificate, key.ToPem()},
                 .clock = &clock_});
    grpc::ClientContext context;
    peers.Prepare(context, kPatience);
    Response response;
    const auto stub = peers.StubTo<pb::CustodyService>(region_, ServiceKind::kCustody);
    const grpc::Status status = (*stub.*method)(&context, request, &response);
    if (!status.ok()) return peers.Outcome(status, context, region_, ServiceKind::kCustody);
    return response;
  }
  template <typename Method, typename Request>
  auto Call(Method method, const Request& request) {
    return CallAs(owner_->device().certificate, owner_->device().key, method, request);
  }
  template <typename Method, typename Request>
  auto CallAsPerson(const std::string& name, Method method, const Request& request) {
    const TestPerson& person = deployment_.person(region_.name(), name);
    return CallAs(person.certificate, person.key, method, request);
  }

  // An account with two key versions, both of them in use.
  void UseAnAccount(const std::string& territory) {
    pb::CreateAccountRequest create;
    create.set_request_id(RandomBytes(16));
    for (const Statement& entry : owner_->entries()) *create.add_chain() = ToProto(entry);
    *create.mutable_account_record() =
        ToProto(owner_->SignRecord(deployment_.topology(), territory, clock_.Now()));
    ASSERT_THAT(Call(&Stub::CreateAccount, create), IsOk());
    pb::RotateAccountKeyRequest rotate;
    rotate.set_request_id(RandomBytes(16));
    rotate.set_account_id(std::string(owner_->id().bytes()));
    ASSERT_THAT(Call(&Stub::RotateAccountKey, rotate), IsOk());
    pb::GenerateDataKeyRequest generate;
    generate.set_account_id(std::string(owner_->id().bytes()));
    generate.mutable_context()->set_object_id(std::string(16, 'o'));
    generate.mutable_context()->set_content_id(std::string(16, 'c'));
    generate.mutable_context()->set_purpose(comity::common::v1::PURPOSE_CONTENT);
    generate.set_reason(pb::USE_REASON_OWNER_ACCESS);
    ASSERT_THAT(Call(&Stub::GenerateDataKey, generate), IsOk());
  }

  // Opens the account's keys, from a copy of the disk, with the root that the test knows.
  void AddKeys(const SecretBytes& root) {
    std::filesystem::copy(File("custody/store"), File("copy"),
                          std::filesystem::copy_options::recursive);
    ASSERT_OK_AND_ASSIGN(ReadOnlyStores stores, OpenStoresReadOnly(File("copy")));
    ASSERT_OK_AND_ASSIGN(const Account account,
                         StoredAccountStore(stores.records.get()).Load(owner_->id(), nullptr));
    const KeySealer sealer(*RootKey::Create(root.Clone(), region_),
                           deployment_.topology().deployment(), region_);
    ASSERT_EQ(account.keys.size(), 2u);
    for (const KeyRecord& key : account.keys) {
      needles_.Add("version " + std::to_string(key.version),
                   sealer.OpenAccountKey(account.id, key.epoch, key.version, key.sealed)
                       ->RevealView(RevealKey::ForTest()));
    }
    for (const auto& [epoch, sealed] : account.metadata_keys) {
      needles_.Add(
          "metadata key",
          sealer.OpenMetadataKey(account.id, epoch, sealed)->RevealView(RevealKey::ForTest()));
    }
    AddRootNeedles(root, region_, needles_);
    needles_.Add("root key in its file", Hex(root));
  }

  void ExpectKeysUntilItIsSealed() {
    const auto open = needles_.FindIn(process_->pid());
    if (!open.ok()) {
      GTEST_SKIP() << "the system lets nobody read a child's memory: " << CauseOf(open.status());
    }
    EXPECT_THAT(*open, Contains(StartsWith("account-key in ")));
    EXPECT_THAT(*open, Contains(StartsWith("version 1 in ")));
    EXPECT_THAT(*open, Contains(StartsWith("version 2 in ")));
    ASSERT_THAT(CallAsPerson(person_, &Stub::SealCustody, pb::SealCustodyRequest()), IsOk());
    ASSERT_OK_AND_ASSIGN(const auto sealed, needles_.FindIn(process_->pid()));
    EXPECT_THAT(sealed, IsEmpty());
    process_->Signal(SIGTERM);
    EXPECT_EQ(process_->NextNotification().substr(0, 10), "STOPPING=1");
    EXPECT_EQ(process_->Wait(), 0) << process_->Output();
  }

  const TempDir directory_;
  ManualClock clock_{TestDeployment::kStart};
  TestDeployment deployment_{SealedTopologyTemplate()};
  std::vector<std::string> more_;  // flags
  RegionId region_;
  std::string person_;
  std::unique_ptr<TestAccount> owner_;
  std::unique_ptr<ServiceProcess> process_;
  MemoryNeedles needles_;
};

TEST_F(CustodyProcessMemoryTest, SealingASplitRootLeavesNoKey) {
  const SecretBytes root = RandomSecret(kRootKeySize);
  ASSERT_OK_AND_ASSIGN(const NewSeal split, SplitRoot(root, deployment_.topology().deployment(),
                                                      TestDeployment::Region("us"), 2,
                                                      {"ops-evans", "ops-fox", "ops-grant"}));
  ASSERT_THAT(MakePrivateFolders(File("custody/identity")), IsOk());
  Write("custody/identity/seal", EncodeSealRecord(split.record));
  StartAt("us", "ops-grant", TestDeployment::kStart);
  for (const size_t holder : {0, 1}) {
    pb::EnterShareRequest request;
    const SecretBytes share = EncodeSealShare(split.shares[holder]);
    request.set_share(std::string(share.RevealView(RevealKey::ForTest())));
    ASSERT_THAT(CallAsPerson(split.record.holders[holder].person, &Stub::EnterShare, request),
                IsOk());
  }
  UseAnAccount("US");
  AddKeys(root);
  ExpectKeysUntilItIsSealed();
}

TEST_F(CustodyProcessMemoryTest, SealingAKeyFileLeavesNoKey) {
  const SecretBytes root = RandomSecret(kRootKeySize);
  ASSERT_THAT(MakePrivateFolders(File("custody/identity")), IsOk());
  WritePrivate("root.key", SecretBytes::CopyOf(Hex(root) + "\n"));
  StartAt("cn", "ops-kelly", TestDeployment::kHandover + kDayMs);
  UseAnAccount("CN");
  AddKeys(root);
  ExpectKeysUntilItIsSealed();
}

// Not only when it is sealed: no PIN and no session with the token outlive the opening.
TEST_F(CustodyProcessMemoryTest, SealingARootThatATokenWrapsLeavesNoKey) {
  deployment_ = TestDeployment(TokenTopologyTemplate());
  const SoftToken soft;
  soft.AddKey("root-wrapping");
  const SecretBytes root = RandomSecret(kRootKeySize);
  ASSERT_THAT(MakePrivateFolders(File("custody/identity")), IsOk());
  {
    FakeRecordStore records;
    Pkcs11Seal seal({.deployment = deployment_.topology().deployment(),
                     .region = TestDeployment::Region("us"),
                     .operator_name = "apple",
                     .labels = {"custody-us", "root-wrapping"},
                     .record = File("custody/identity/wrapped-root"),
                     .module = SoftToken::Module(),
                     .pin_file = soft.pin_file(),
                     .mark = std::make_unique<StoredRootMark>(&records)});
    ASSERT_THAT(seal.Prepare(root, ""), IsOk());
    ASSERT_THAT(seal.Replace(root, ""), IsOk());
  }
  more_ = {"--pkcs11-module", SoftToken::Module(), "--pkcs11-pin-file", soft.pin_file()};
  StartAt("us", "ops-evans", TestDeployment::kStart);
  UseAnAccount("US");
  AddKeys(root);
  MemoryNeedles pin;
  pin.Add("PIN", SoftToken::kPin);
  if (const auto found = pin.FindIn(process_->pid()); found.ok()) {
    EXPECT_THAT(*found, IsEmpty());
  }
  ExpectKeysUntilItIsSealed();
}

}  // namespace
}  // namespace comity::custody
