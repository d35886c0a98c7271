// Opens an account in the stores of a folder and puts objects into it, from several threads, until
// it is killed. Reports on standard output, one line each: "account <id>"; "put <object> <digest>"
// when a put is acknowledged; "delete <object>" before it deletes one.
#include <cstdio>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "services/common/clock/clock.h"
#include "services/common/crypto/digest.h"
#include "services/common/crypto/random.h"
#include "services/common/status/check.h"
#include "services/common/store/open.h"
#include "services/storage/storage_node.h"
#include "tests/fakes/direct_peer_storage.h"
#include "tests/fakes/fake_event_log.h"
#include "tests/fakes/fake_move_custody.h"
#include "tests/fakes/manual_clock.h"
#include "tests/testing/deployment.h"
#include "tests/testing/unsafe_authorization.h"

namespace comity::storage {
namespace {

constexpr int kThreads = 3;

template <typename T>
T Must(absl::StatusOr<T> value) {
  COMITY_CHECK(value.ok());
  return *std::move(value);
}

// One write, so that a line is whole or not there.
void Report(const std::string& line) {
  const std::string text = line + "\n";
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

void PutForEver(StorageNode& node, const Authorization& device, const AccountId& account,
                uint32_t seed) {
  std::minstd_rand random(seed);
  std::vector<ObjectId> objects;
  for (;;) {
    const OwnerAccess access = Must(node.accounts().Owner(device, account, Access::kWrite));
    PutCommand command;
    command.request = RandomId<RequestId>();
    command.object = RandomId<ObjectId>();
    command.content = RandomId<ContentId>();
    command.wrapped_content_key = "c";
    command.wrapped_attributes_key = "a";
    command.sealed_attributes = "s";
    // Mostly small, now and then of several segments.
    const std::string bytes = RandomBytes(random() % 8 == 0 ? 4'500'000 : 1 + random() % 5000);
    const auto upload = Must(node.objects().BeginPut(access, command));
    COMITY_CHECK(upload->Write(bytes).ok());
    const ObjectRecord record = Must(upload->Finish());
    Report("put " + record.object.ToString() + " " + record.digest.ToString());
    objects.push_back(record.object);
    if (random() % 4 != 0) continue;
    const ObjectId gone = objects[random() % objects.size()];
    std::erase(objects, gone);
    Report("delete " + gone.ToString());
    COMITY_CHECK(node.objects().Delete(access, RandomId<RequestId>(), gone, 0).ok());
  }
}

int Run(const std::string& directory, uint32_t seed) {
  const TestDeployment deployment;
  const ManualClock clock(TestDeployment::kStart);
  const SystemClock real_time;
  const auto records = Must(OpenRocksRecordStore(directory));
  const auto blobs = Must(OpenFileBlobStore(directory));
  const TestService& service = deployment.service("us", ServiceKind::kStorage);
  const auto signer = Must(ServiceSigner::Open(
      deployment.topology().deployment(), TestDeployment::Region("us"), ServiceKind::kStorage,
      Must(PrivateKey::FromPem(service.statement_key.ToPem())), service.endorsement, records.get(),
      &clock));
  FakeEventLog log;
  FakeMoveCustody custody(&deployment, &clock);
  DirectPeerStorage peer([] { return nullptr; },
                         UnsafeAuthorizationForTest::Service("us", ServiceKind::kStorage, "apple"));
  StorageNode::Ports ports;
  ports.topology = &deployment.topology();
  ports.region = TestDeployment::Region("us");
  ports.clock = &clock;
  ports.real_time = &real_time;
  ports.signer = signer.get();
  ports.roster = &deployment.roster("us");
  ports.log = &log;
  ports.records = records.get();
  ports.blobs = blobs.get();
  ports.peer = &peer;
  ports.custody = &custody;
  const auto node = Must(StorageNode::Create(ports, {.mover_threads = 0}));

  TestAccount account = deployment.NewAccount();
  const std::string metadata_key = RandomBytes(32);
  CreateCommand create;
  create.chain = account.entries();
  create.record = account.SignRecord(deployment.topology(), "HK", clock.Now());
  create.activations = {custody.Activate(account.id(), account.chain().head(), metadata_key)};
  create.endorsements = {custody.endorsement("us")};
  create.metadata_key = account.Sign(MetadataKey{metadata_key}, clock.Now());
  const Authorization device =
      UnsafeAuthorizationForTest::Device(account.device().key.public_key());
  Must(node->accounts().Create(device, create));
  Report("account " + account.id().ToString());

  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      PutForEver(*node, device, account.id(), seed * kThreads + static_cast<uint32_t>(i) + 1);
    });
  }
  for (std::thread& thread : threads) thread.join();
  return 0;
}

}  // namespace
}  // namespace comity::storage

int main(int argc, char** argv) {
  COMITY_CHECK(argc == 3);
  return comity::storage::Run(argv[1], static_cast<uint32_t>(std::stoul(argv[2])));
}
