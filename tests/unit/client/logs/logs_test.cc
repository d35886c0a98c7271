#include "client/logs/logs.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "services/common/files/files.h"
#include "services/common/log/log_http.h"
#include "services/common/log/transparency_log.h"
#include "services/common/status/reason.h"
#include "tests/fakes/fake_blob_store.h"
#include "tests/fakes/fake_record_store.h"
#include "tests/testing/deployment.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_dir.h"

namespace comity {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr char kHost[] = "127.0.0.1";
constexpr ServiceKind kKind = ServiceKind::kReview;

// A log with stores and a public address of its own.
struct ServedLog {
  FakeRecordStore records;
  FakeBlobStore blobs;
  std::unique_ptr<TransparencyLog> log;
  std::unique_ptr<LogHttpServer> server;
  std::string Url() const { return "http://127.0.0.1:" + std::to_string(server->port()); }
};

class ServiceLogVerifyTest : public testing::Test {
 protected:
  // The log of a service that signs with the key that the topology names.
  std::unique_ptr<ServedLog> Serve(const std::vector<std::string>& leaves,
                                   ServiceKind key_of = kKind) {
    auto served = std::make_unique<ServedLog>();
    PrivateKey key = PrivateKey::FromPem(deployment_.service("cn", key_of).log_key.ToPem()).value();
    const std::string origin =
        deployment_.topology().LogOrigin(TestDeployment::Region("cn"), kKind);
    served->log = TransparencyLog::Open({origin, "log/review"}, std::move(key), &served->records,
                                        &served->blobs)
                      .value();
    EXPECT_THAT(served->log->AppendAll(leaves), IsOk());
    served->server = LogHttpServer::Start(served->log.get(), kHost, 0).value();
    deployment_.SetLogUrl("cn", kKind, served->Url());
    return served;
  }
  absl::StatusOr<VerifiedLog> Verify() {
    return VerifyServiceLog(deployment_.topology(), TestDeployment::Region("cn"), kKind, memory_);
  }

  TestDeployment deployment_;
  TempDir dir_;
  std::string memory_ = dir_.path() + "/checkpoints";
};

TEST_F(ServiceLogVerifyTest, AnHonestLogVerifiesAndIsRemembered) {
  const auto served = Serve({"a", "b", "c"});
  ASSERT_OK_AND_ASSIGN(const VerifiedLog log, Verify());
  EXPECT_THAT(log.leaves, ElementsAre("a", "b", "c"));
  struct stat info {};
  ASSERT_EQ(stat((memory_ + "/cn-review").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(ServiceLogVerifyTest, ALogThatOnlyGrewVerifiesAgain) {
  const auto served = Serve({"a", "b", "c"});
  ASSERT_THAT(Verify(), IsOk());
  ASSERT_THAT(Verify(), IsOk());  // nothing new is fine too
  ASSERT_THAT(served->log->Append("d"), IsOk());
  ASSERT_OK_AND_ASSIGN(const VerifiedLog log, Verify());
  EXPECT_EQ(log.checkpoint.size, 4u);
}

TEST_F(ServiceLogVerifyTest, AnEmptyLogIsAPrefixOfEveryLog) {
  const auto served = Serve({});
  ASSERT_THAT(Verify(), IsOk());
  ASSERT_THAT(served->log->Append("a"), IsOk());
  EXPECT_THAT(Verify(), IsOk());
}

TEST_F(ServiceLogVerifyTest, AShorterLogThanSeenBeforeIsRefused) {
  const auto before = Serve({"a", "b", "c"});
  ASSERT_THAT(Verify(), IsOk());
  const auto rolled_back = Serve({"a", "b"});
  const absl::Status status = Verify().status();
  EXPECT_THAT(status, RefusedWith(Reason::kDataCorrupt));
  EXPECT_THAT(CauseOf(status), HasSubstr("is shorter than it was before"));
}

TEST_F(ServiceLogVerifyTest, AChangedLeafOfThePastIsRefused) {
  const auto before = Serve({"a", "b", "c"});
  ASSERT_THAT(Verify(), IsOk());
  const auto rewritten = Serve({"a", "another", "c", "d"});
  const absl::Status status = Verify().status();
  EXPECT_THAT(status, RefusedWith(Reason::kDataCorrupt));
  EXPECT_THAT(CauseOf(status), HasSubstr("does not extend the tree"));
}

TEST_F(ServiceLogVerifyTest, ARefusedLogDoesNotReplaceWhatIsRemembered) {
  const auto before = Serve({"a", "b", "c"});
  ASSERT_THAT(Verify(), IsOk());
  const std::string remembered = ReadFile(memory_ + "/cn-review").value();
  const auto rewritten = Serve({"x", "y", "z", "w"});
  ASSERT_THAT(Verify(), RefusedWith(Reason::kDataCorrupt));
  EXPECT_EQ(ReadFile(memory_ + "/cn-review").value(), remembered);
  EXPECT_THAT(Verify(), RefusedWith(Reason::kDataCorrupt));
}

TEST_F(ServiceLogVerifyTest, WithoutMemoryNothingIsComparedOrKept) {
  memory_.clear();
  const auto before = Serve({"a", "b", "c"});
  ASSERT_THAT(Verify(), IsOk());
  const auto shorter = Serve({"a"});
  EXPECT_THAT(Verify(), IsOk());
}

TEST_F(ServiceLogVerifyTest, AnotherServicesKeyIsRefused) {
  const auto served = Serve({"a"}, ServiceKind::kCustody);
  EXPECT_THAT(Verify(), RefusedWith(Reason::kSignatureInvalid));
}

TEST_F(ServiceLogVerifyTest, ATileThatDisagreesIsRefused) {
  std::vector<std::string> leaves;
  for (int i = 0; i < 256; ++i) leaves.push_back(std::to_string(i));  // a full tile
  const auto served = Serve(leaves);
  ASSERT_THAT(Verify(), IsOk());
  served->blobs.Overwrite("log/review/tile/0/000", std::string(256 * 32, 'x'));
  EXPECT_THAT(Verify(), RefusedWith(Reason::kDataCorrupt));
}

TEST_F(ServiceLogVerifyTest, AServiceThatIsDownIsUnavailable) {
  EXPECT_THAT(Verify(), RefusedWith(Reason::kPeerUnavailable));
}

TEST_F(ServiceLogVerifyTest, ADamagedMemoryIsRefused) {
  const auto served = Serve({"a"});
  ASSERT_THAT(MakePrivateFolders(memory_), IsOk());
  ASSERT_THAT(WriteFileDurably(memory_ + "/cn-review", "nonsense", FileMode::kPrivate), IsOk());
  EXPECT_THAT(Verify(), RefusedWith(Reason::kDataCorrupt));
}

}  // namespace
}  // namespace comity
