#include "services/common/log/log_http.h"

#include <array>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <httplib.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "services/common/log/merkle.h"
#include "services/common/status/reason.h"
#include "tests/fakes/fake_blob_store.h"
#include "tests/fakes/fake_record_store.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_dir.h"
#include "tests/unit/common/log/log_testing.h"

namespace comity {
namespace {

constexpr char kHost[] = "127.0.0.1";

class LogHttpTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(log_, OpenTestLog(&records_, &blobs_));
    ASSERT_THAT(log_->AppendAll(TestLeaves("a", 200)), IsOk());
    ASSERT_THAT(log_->AppendAll(TestLeaves("b", 100)), IsOk());
    ASSERT_OK_AND_ASSIGN(server_, LogHttpServer::Start(log_.get(), kHost, 0));
  }

  httplib::Client Client() { return httplib::Client(kHost, server_->port()); }
  std::string Url() const { return "http://127.0.0.1:" + std::to_string(server_->port()); }

  FakeRecordStore records_;
  FakeBlobStore blobs_;
  std::unique_ptr<TransparencyLog> log_;
  std::unique_ptr<LogHttpServer> server_;
};

TEST_F(LogHttpTest, TheCheckpointIsTextAndNeverCached) {
  const httplib::Result result = Client().Get("/checkpoint");
  ASSERT_TRUE(result);
  EXPECT_EQ(result->status, 200);
  EXPECT_EQ(result->body, log_->checkpoint());
  EXPECT_EQ(result->get_header_value("Content-Type"), "text/plain; charset=utf-8");
  EXPECT_EQ(result->get_header_value("Cache-Control"), "no-store");
  EXPECT_EQ(result->get_header_value_count("Cache-Control"), 1u);
}

TEST_F(LogHttpTest, TilesAndBundlesAreBytesAndImmutable) {
  for (const std::string path : {"tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1",
                                 "tile/entries/000", "tile/entries/001.p/44"}) {
    const httplib::Result result = Client().Get("/" + path);
    ASSERT_TRUE(result) << path;
    EXPECT_EQ(result->status, 200) << path;
    EXPECT_EQ(result->body, log_->ReadFile(path).value()) << path;
    EXPECT_EQ(result->get_header_value("Content-Type"), "application/octet-stream");
    EXPECT_EQ(result->get_header_value("Cache-Control"), "public, max-age=31536000, immutable");
    EXPECT_EQ(result->get_header_value("X-Content-Type-Options"), "nosniff");
  }
}

TEST_F(LogHttpTest, HeadGivesTheHeadersWithoutTheBody) {
  const httplib::Result result = Client().Head("/tile/0/000");
  ASSERT_TRUE(result);
  EXPECT_EQ(result->status, 200);
  EXPECT_EQ(result->get_header_value("Content-Length"), "8192");
  EXPECT_TRUE(result->body.empty());
}

TEST_F(LogHttpTest, EverythingElseIsNotFoundAndNotCached) {
  for (const std::string path :
       {"/", "//checkpoint", "/checkpoint/", "/tile", "/tile/", "/tile/0", "/tile/0/002",
        "/tile/0/001", "/tile/entries/", "/tile/0/000/../000", "/../../etc/passwd",
        "/tile/0/%2e%2e", "/metrics", "/head"}) {
    const httplib::Result result = Client().Get(path);
    ASSERT_TRUE(result) << path;
    EXPECT_EQ(result->status, 404) << path;
    EXPECT_EQ(result->get_header_value("Cache-Control"), "no-store") << path;
    EXPECT_TRUE(result->body.empty()) << path;
  }
  const httplib::Result result = Client().Get("/" + std::string(5000, 'a'));
  ASSERT_TRUE(result);
  EXPECT_EQ(result->status, 404);
}

TEST_F(LogHttpTest, OtherMethodsAreRefused) {
  httplib::Client client = Client();
  const auto refused = [](const httplib::Result& result) {
    return result && result->status == 405 && result->get_header_value("Allow") == "GET, HEAD";
  };
  EXPECT_TRUE(refused(client.Post("/checkpoint", "", "text/plain")));
  EXPECT_TRUE(refused(client.Put("/tile/0/000", "", "text/plain")));
  EXPECT_TRUE(refused(client.Delete("/tile/0/000")));
  EXPECT_TRUE(refused(client.Options("/checkpoint")));
  EXPECT_TRUE(refused(client.Patch("/checkpoint")));
}

TEST_F(LogHttpTest, OneRangeIsServedAndSeveralAreRefused) {
  const httplib::Result one = Client().Get("/tile/0/000", {{"Range", "bytes=32-63"}});
  ASSERT_TRUE(one);
  EXPECT_EQ(one->status, 206);
  EXPECT_EQ(one->body, merkle::LeafHash("a 1").bytes());
  const httplib::Result many = Client().Get("/tile/0/000", {{"Range", "bytes=0-1,0-1,0-1"}});
  ASSERT_TRUE(many);
  EXPECT_EQ(many->status, 416);
}

TEST_F(LogHttpTest, ErrorsOfTheStoreAreServerErrorsAndTellNothing) {
  blobs_.Overwrite("log/custody/tile/0/000", "short");
  const httplib::Result corrupt = Client().Get("/tile/0/000.p/9");
  ASSERT_TRUE(corrupt);
  EXPECT_EQ(corrupt->status, 500);
  EXPECT_TRUE(corrupt->body.empty());
  blobs_.SetUnavailable(true);
  const httplib::Result unavailable = Client().Get("/tile/0/000");
  ASSERT_TRUE(unavailable);
  EXPECT_EQ(unavailable->status, 503);
  EXPECT_TRUE(unavailable->body.empty());
}

TEST_F(LogHttpTest, AVerifierReadsTheWholeLogOverHttp) {
  ASSERT_OK_AND_ASSIGN(const VerifiedLog log, FetchAndVerifyLog(HttpLogFetcher(Url() + "/"),
                                                                kTestOrigin, log_->public_key()));
  EXPECT_EQ(log.leaves.size(), 300u);
  EXPECT_EQ(log.leaves[299], "b 99");
}

TEST_F(LogHttpTest, ManyClientsAreServedAtOnce) {
  std::vector<std::thread> threads;
  std::atomic<int> verified = 0;
  for (int i = 0; i < 24; ++i) {
    threads.emplace_back([&] {
      verified += FetchAndVerifyLog(HttpLogFetcher(Url()), kTestOrigin, log_->public_key()).ok();
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(verified, 24);
}

TEST_F(LogHttpTest, StartFailsWhenThePortIsTaken) {
  EXPECT_THAT(LogHttpServer::Start(log_.get(), kHost, server_->port()),
              RefusedWith(Reason::kStateNotReady));
}

TEST_F(LogHttpTest, StartFailsForAHostThatIsNotHere) {
  EXPECT_THAT(LogHttpServer::Start(log_.get(), "192.0.2.1", 0),
              RefusedWith(Reason::kStateNotReady));
}

TEST_F(LogHttpTest, ANamedPortIsTakenAndIsFreeAgainAfterTheServer) {
  const int port = server_->port();
  server_.reset();
  ASSERT_OK_AND_ASSIGN(server_, LogHttpServer::Start(log_.get(), kHost, port));
  EXPECT_EQ(server_->port(), port);
  EXPECT_THAT(HttpLogFetcher(Url())("checkpoint"), IsOkAndHolds(log_->checkpoint()));
}

// A client that speaks as it likes.
class RawClient final {
 public:
  explicit RawClient(int port) : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;
  ~RawClient() { close(socket_); }

  // False when the server has gone.
  bool Send(const std::string& bytes) {
    return send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(bytes.size());
  }
  // All that comes until the server closes.
  std::string Drain() {
    std::string all;
    std::array<char, 4096> buffer;
    for (ssize_t n; (n = recv(socket_, buffer.data(), buffer.size(), 0)) > 0;) {
      all.append(buffer.data(), static_cast<size_t>(n));
    }
    return all;
  }

 private:
  const int socket_;
};

TEST_F(LogHttpTest, StopsAtOnceWhileClientsHoldEveryThreadInTheMiddleOfARequest) {
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 100; ++i) {  // more than threads and queue take
    clients.push_back(std::make_unique<RawClient>(server_->port()));
    clients.back()->Send("GET /checkpoint HTT");
  }
  const auto start = std::chrono::steady_clock::now();
  server_.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
  for (const auto& client : clients) {
    EXPECT_EQ(client->Drain(), "");
  }
}

TEST_F(LogHttpTest, ARequestWithoutEndIsCutOff) {
  RawClient line(server_->port());
  line.Send("GET /" + std::string(1 << 20, 'a'));
  EXPECT_EQ(line.Drain().find("200 OK"), std::string::npos);
  RawClient headers(server_->port());
  headers.Send("GET /checkpoint HTTP/1.1\r\n");
  std::string many;
  for (int i = 0; i < 50'000; ++i) {
    many += "X-" + std::to_string(i) + ": y\r\n";
  }
  headers.Send(many);
  EXPECT_EQ(headers.Drain().find("200 OK"), std::string::npos);
}

TEST_F(LogHttpTest, SeveralRequestsOfOneConnectionAreAnsweredInTurn) {
  RawClient client(server_->port());
  const std::string request = "GET /checkpoint HTTP/1.1\r\nHost: x\r\n";
  client.Send(request + "\r\n" + request + "\r\n" + request + "Connection: close\r\n\r\n");
  const std::string all = client.Drain();
  size_t answers = 0;
  for (size_t at = 0; (at = all.find(log_->checkpoint(), at)) != std::string::npos; ++at) {
    ++answers;
  }
  EXPECT_EQ(answers, 3u);
}

TEST_F(LogHttpTest, FetchingFailsForWhatIsNotThere) {
  EXPECT_THAT(HttpLogFetcher(Url())("tile/0/009"), RefusedWith(Reason::kObjectNotFound));
  EXPECT_THAT(HttpLogFetcher(Url())("../secret"), RefusedWith(Reason::kObjectNotFound));
}

TEST_F(LogHttpTest, FetchingFailsWhenTheServerReportsAnError) {
  blobs_.SetUnavailable(true);
  EXPECT_THAT(HttpLogFetcher(Url())("tile/0/000"), RefusedWith(Reason::kPeerUnavailable));
}

TEST_F(LogHttpTest, FetchingFailsWhenNobodyListens) {
  const std::string url = Url();
  server_.reset();
  EXPECT_THAT(HttpLogFetcher(url)("checkpoint"), RefusedWith(Reason::kPeerUnavailable));
}

TEST_F(LogHttpTest, FetchingFailsForAnAddressThatIsNone) {
  for (const char* url : {"", "127.0.0.1:80", "https://127.0.0.1", "http://", "http://:80",
                          "http://a:0", "http://a:65536", "http://a:b", "file:///etc"}) {
    EXPECT_THAT(HttpLogFetcher(url)("checkpoint"), RefusedWith(Reason::kFieldInvalid)) << url;
  }
}

TEST_F(LogHttpTest, FetchingFailsForAFileLargerThanAnyOfALog) {
  httplib::Server huge;
  huge.Get("/prefix/checkpoint", [](const httplib::Request&, httplib::Response& response) {
    response.set_content(std::string(17 << 20, 'x'), "text/plain");
  });
  const int port = huge.bind_to_any_port(kHost);
  std::thread thread([&huge] { huge.listen_after_bind(); });
  const LogFetcher fetch = HttpLogFetcher("http://127.0.0.1:" + std::to_string(port) + "/prefix/");
  EXPECT_THAT(fetch("checkpoint"), RefusedWith(Reason::kDataCorrupt));
  huge.stop();
  thread.join();
}

class DirectoryLogFetcherTest : public testing::Test {
 protected:
  void Write(const std::string& path, const std::string& bytes) {
    const std::filesystem::path file = std::filesystem::path(directory_.path()) / path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << bytes;
  }

  const TempDir directory_;
  const LogFetcher fetch_ = DirectoryLogFetcher(directory_.path());
};

TEST_F(DirectoryLogFetcherTest, AMirrorOfALogVerifies) {
  FakeRecordStore records;
  FakeBlobStore blobs;
  ASSERT_OK_AND_ASSIGN(const auto log, OpenTestLog(&records, &blobs));
  ASSERT_THAT(log->AppendAll(TestLeaves("a", 20)), IsOk());
  for (const std::string path : {"checkpoint", "tile/0/000.p/20", "tile/entries/000.p/20"}) {
    Write(path, log->ReadFile(path).value());
  }
  ASSERT_OK_AND_ASSIGN(const VerifiedLog verified,
                       FetchAndVerifyLog(fetch_, kTestOrigin, log->public_key()));
  EXPECT_EQ(verified.leaves, TestLeaves("a", 20));
}

TEST_F(DirectoryLogFetcherTest, FetchingFailsForWhatIsNotThere) {
  EXPECT_THAT(fetch_("checkpoint"), RefusedWith(Reason::kObjectNotFound));
}

TEST_F(DirectoryLogFetcherTest, FetchingFailsForNamesThatAreNotOfALog) {
  Write("secret", "x");
  EXPECT_THAT(fetch_("secret"), RefusedWith(Reason::kObjectNotFound));
  EXPECT_THAT(fetch_("tile/../secret"), RefusedWith(Reason::kObjectNotFound));
}

TEST_F(DirectoryLogFetcherTest, FetchingFailsForAFileLargerThanAnyOfALog) {
  Write("tile/entries/000", std::string(17 << 20, 'x'));
  EXPECT_THAT(fetch_("tile/entries/000"), RefusedWith(Reason::kDataCorrupt));
}

}  // namespace
}  // namespace comity
