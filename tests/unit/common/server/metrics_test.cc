#include "services/common/server/metrics.h"

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include "comity/custody/v1/custody.pb.h"
#include "comity/storage/v1/storage.pb.h"
#include "services/common/server/measured_record_store.h"
#include "tests/fakes/fake_record_store.h"
#include "tests/testing/matchers.h"
#include "tests/testing/numbered_request.h"

namespace comity {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::Not;

constexpr char kUnwrap[] = "/comity.custody.v1.CustodyService/UnwrapDataKey";
constexpr char kPut[] = "/comity.storage.v1.StorageService/PutObject";
constexpr char kUnknown[] = "/comity.custody.v1.CustodyService/Nothing";

// As a service has it: linked with the protos that describe its methods.
MethodRules Rules() {
  EXPECT_NE(custody::v1::UnwrapDataKeyRequest::descriptor(), nullptr);
  EXPECT_NE(storage::v1::PutObjectRequest::descriptor(), nullptr);
  return {{kUnwrap, kAllowDevice}, {kPut, kAllowDevice}};
}

TEST(LatencyHistogramTest, EachObservationIsInTheFirstBucketThatHoldsIt) {
  LatencyHistogram histogram;
  histogram.Observe(microseconds(0));
  histogram.Observe(microseconds(50));
  histogram.Observe(microseconds(51));
  histogram.Observe(std::chrono::nanoseconds(50'001));
  histogram.Observe(std::chrono::hours(1));
  histogram.Observe(microseconds(-5));  // a clock that went back
  const LatencyHistogram::Totals totals = histogram.Sum();
  EXPECT_EQ(totals.counts[0], 3u);
  EXPECT_EQ(totals.counts[1], 2u);
  EXPECT_EQ(totals.counts.back(), 1u);
  EXPECT_EQ(totals.count, 6u);
  EXPECT_NEAR(totals.seconds, 3600, 0.001);
}

TEST(LatencyHistogramTest, NoObservationOfAnyThreadIsLost) {
  LatencyHistogram histogram;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 1'000; ++n) histogram.Observe(milliseconds(1));
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(histogram.Sum().count, 8'000u);
  EXPECT_NEAR(histogram.Sum().seconds, 8, 1e-6);
}

TEST(CallStatsTest, CallsAreCountedByMethodAndReason) {
  CallStats stats(Rules());
  MethodStats* unwrap = stats.Find(kUnwrap);
  EXPECT_EQ(stats.Find(kUnwrap), unwrap);
  EXPECT_NE(stats.Find(kPut), unwrap);
  unwrap->Begin();
  unwrap->Begin();
  unwrap->Begin();
  EXPECT_EQ(unwrap->running(), 3u);
  unwrap->End(Reason::kUnspecified, microseconds(20));
  unwrap->End(Reason::kSealed, microseconds(20));
  EXPECT_EQ(unwrap->running(), 1u);
  EXPECT_EQ(unwrap->Count(Reason::kUnspecified), 1u);
  EXPECT_EQ(unwrap->Count(Reason::kSealed), 1u);
  EXPECT_EQ(stats.Count(Reason::kSealed), 1u);
  EXPECT_EQ(stats.running(), 1u);
}

TEST(CallStatsTest, MethodWithoutARuleIsOneOfTheOthers) {
  CallStats stats(Rules());
  EXPECT_EQ(stats.Find(kUnknown)->name(), "other");
}

TEST(CallStatsTest, LookingUpIsNotConfusedByAnotherServer) {
  // Also when the second lies where the first one was.
  for (int i = 0; i < 3; ++i) {
    CallStats stats(Rules());
    stats.Find(kUnwrap)->Begin();
    EXPECT_EQ(stats.running(), 1u);
  }
}

TEST(CallStatsTest, StreamsAreKnownFromTheirDescription) {
  CallStats stats(Rules());
  EXPECT_TRUE(stats.Find(kPut)->streams());
  EXPECT_FALSE(stats.Find(kUnwrap)->streams());
}

class MetricsTest : public testing::Test {
 protected:
  MetricsTest() { metrics_.AddCalls(&stats_); }
  CallStats stats_{Rules()};
  Metrics metrics_;
};

TEST_F(MetricsTest, CallsAreToldByMethodAndReason) {
  MethodStats* unwrap = stats_.Find(kUnwrap);
  unwrap->Begin();
  unwrap->End(Reason::kUnspecified, microseconds(80));
  unwrap->Begin();
  unwrap->End(Reason::kAccountNotYours, microseconds(80));
  stats_.Find(kPut)->Begin();
  const std::string text = metrics_.Text();
  EXPECT_THAT(text, HasSubstr("# TYPE comity_calls_total counter"));
  EXPECT_THAT(text, HasSubstr("comity_calls_total{method=\"UnwrapDataKey\",reason=\"OK\"} 1"));
  EXPECT_THAT(
      text,
      HasSubstr("comity_calls_total{method=\"UnwrapDataKey\",reason=\"ACCOUNT_NOT_YOURS\"} 1"));
  EXPECT_THAT(text, Not(HasSubstr("reason=\"SEALED\"")));
  EXPECT_THAT(text, HasSubstr("comity_call_seconds_bucket{method=\"UnwrapDataKey\",le=\"0.0001\"} "
                              "2"));
  EXPECT_THAT(text, HasSubstr("comity_call_seconds_count{method=\"UnwrapDataKey\"} 2"));
  EXPECT_THAT(text, HasSubstr("comity_calls_running{method=\"PutObject\"} 1"));
  EXPECT_THAT(text, HasSubstr("comity_streams_open 1"));
}

TEST_F(MetricsTest, ValuesAreReadWhenSomebodyAsks) {
  double value = 1;
  metrics_.AddGauge("comity_test_level", "A level.", [&] { return value; }, {{"side", "left"}});
  EXPECT_THAT(metrics_.Text(), HasSubstr("comity_test_level{side=\"left\"} 1"));
  value = 2;
  EXPECT_THAT(metrics_.Text(), HasSubstr("comity_test_level{side=\"left\"} 2"));
}

TEST_F(MetricsTest, ProcessIsDescribed) {
  metrics_.AddProcess();
  const std::string text = metrics_.Text();
  for (const char* name : {"process_resident_memory_bytes ", "process_open_fds ",
                           "process_start_time_seconds ", "comity_secret_memory_locked "}) {
    EXPECT_THAT(text, HasSubstr(std::string("\n") + name));
  }
  EXPECT_THAT(text, Not(HasSubstr("process_open_fds 0\n")));
  EXPECT_THAT(text, Not(HasSubstr("process_resident_memory_bytes 0\n")));
}

TEST_F(MetricsTest, ServerTellsThisMachineAlone) {
  ASSERT_OK_AND_ASSIGN(const auto server, MetricsServer::Start(&metrics_, 0));
  httplib::Client client("127.0.0.1", server->port());
  const auto answer = client.Get("/metrics");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_THAT(answer->get_header_value("Content-Type"), HasSubstr("version=0.0.4"));
  EXPECT_THAT(answer->body, HasSubstr("comity_calls_total{method=\"PutObject\",reason=\"OK\"} 0"));
  EXPECT_EQ(client.Get("/")->status, 404);
  EXPECT_EQ(client.Post("/metrics", "", "text/plain")->status, 405);
  EXPECT_THAT(MetricsServer::Start(&metrics_, server->port()), RefusedWith(Reason::kStateNotReady));
}

TEST(MeasuredRecordStoreTest, CommitsAreCountedByHowTheyEnd) {
  const auto fake = std::make_shared<FakeRecordStore>();
  MeasuredRecordStore store(fake);
  const std::vector<Mutation> put = {Mutation::Put("key", "value")};
  EXPECT_THAT(store.Commit("p", NumberedRequest(1), {Precondition::PartitionAbsent()}, put),
              IsOk());
  EXPECT_THAT(store.Commit("p", NumberedRequest(2), {Precondition::PartitionAbsent()}, put),
              RefusedWith(Reason::kConflict));
  fake->FailNextCommit(FakeRecordStore::Fate::kApplied);
  EXPECT_THAT(store.Commit("p", NumberedRequest(3), {}, put),
              RefusedWith(Reason::kStoreUnavailable));
  EXPECT_EQ(store.commits().Sum().count, 3u);
  EXPECT_EQ(store.conflicts(), 1u);
  EXPECT_EQ(store.failures(), 1u);
  EXPECT_EQ(*store.Get("p", {"key"})->Find("key"), "value");
}

}  // namespace
}  // namespace comity
