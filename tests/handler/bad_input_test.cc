#include <chrono>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/dynamic_message.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/support/byte_buffer.h>
#include <gtest/gtest.h>

#include "absl/synchronization/notification.h"

#include "services/common/crypto/x509.h"
#include "services/common/server/status_codec.h"
#include "services/common/server/topology_mark.h"
#include "services/custody/custody_service_definition.h"
#include "services/review/review_service_definition.h"
#include "services/storage/storage_service_definition.h"
#include "tests/fakes/fake_blob_store.h"
#include "tests/fakes/fake_record_store.h"
#include "tests/fakes/fake_seal.h"
#include "tests/fakes/manual_clock.h"
#include "tests/testing/deployment.h"
#include "tests/testing/matchers.h"
#include "tests/testing/sanitizers.h"
#include "tests/testing/spoilt_messages.h"
#include "tests/testing/test_server.h"

// What no client of ours sends, to every method of every service, over real gRPC and by somebody
// whom the guard lets in: a refusal with reason and remedy, nothing done, and the service goes on.
namespace comity {
namespace {

using google::protobuf::Message;
using google::protobuf::MethodDescriptor;
using google::protobuf::ServiceDescriptor;

constexpr std::chrono::seconds kPatience{60};

const TestDeployment& Deployment() {
  static const TestDeployment deployment;
  return deployment;
}

ServiceDefinition DefinitionOf(ServiceKind kind) {
  switch (kind) {
    case ServiceKind::kStorage:
      return storage::StorageDefinition({.mover_threads = 0});
    case ServiceKind::kCustody:
      return custody::CustodyDefinition(
          [](const ServiceEnvironment&) -> absl::StatusOr<std::unique_ptr<custody::Seal>> {
            return std::make_unique<custody::FakeSeal>();
          });
    case ServiceKind::kReview:
      return review::ReviewDefinition();
  }
  return {};
}

std::string ServiceNameOf(ServiceKind kind) {
  switch (kind) {
    case ServiceKind::kStorage:
      return "comity.storage.v1.StorageService";
    case ServiceKind::kCustody:
      return "comity.custody.v1.CustodyService";
    case ServiceKind::kReview:
      return "comity.review.v1.ReviewService";
  }
  return {};
}

std::string NameOf(const MethodDescriptor& method) {
  return "/" + method.service()->full_name() + "/" + method.name();
}

struct Answer {
  grpc::Status status;
  bool has_reason = false;  // in the metadata, where clients in any language find it
  absl::Status refusal;     // as our client reads it
};

Answer Send(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
            std::string_view bytes) {
  grpc::GenericStub stub(channel);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kPatience);
  context.AddMetadata(kTopologyMetadata, FormatTopologyMark(MarkOf(Deployment().topology())));
  const grpc::Slice slice(bytes.data(), bytes.size());
  const grpc::ByteBuffer request(&slice, 1);
  grpc::ByteBuffer response;
  Answer answer;
  absl::Notification done;
  stub.UnaryCall(&context, method, {}, &request, &response, [&](grpc::Status outcome) {
    answer.status = std::move(outcome);
    done.Notify();
  });
  done.WaitForNotification();
  answer.has_reason = context.GetServerTrailingMetadata().count(kErrorMetadata) == 1;
  answer.refusal = FromGrpcStatus(answer.status, context);
  return answer;
}

// The most that this process has had in memory so far.
uint64_t PeakBytes() {
  std::ifstream status("/proc/self/status");
  uint64_t kib = 0;
  for (std::string word; status >> word;) {
    if (word == "VmHWM:") status >> kib;
  }
  return kib << 10;
}

class BadInputTest : public testing::TestWithParam<ServiceKind> {
 protected:
  void SetUp() override {
    for (const ServiceKind kind :
         {ServiceKind::kCustody, ServiceKind::kStorage, ServiceKind::kReview}) {
      const bool tested = kind == GetParam();
      servers_.push_back(TestServer::Start(Deployment(), {.region = "cn",
                                                          .definition = DefinitionOf(kind),
                                                          .clock = clock_,
                                                          .records = tested ? records_ : nullptr,
                                                          .blobs = tested ? blobs_ : nullptr,
                                                          .addresses = &addresses_}));
      ASSERT_NE(servers_.back(), nullptr);
      if (tested) server_ = servers_.back().get();
    }
    service_ = google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(
        ServiceNameOf(GetParam()));
    ASSERT_NE(service_, nullptr);
    device_channel_ = server_->AsDevice(device_);
  }

  // Somebody whom the guard lets call this method.
  std::shared_ptr<grpc::Channel> CallerOf(const MethodDescriptor& method) {
    const auto& rules = server_->environment().guard().rules();
    const uint32_t rule = rules.find(NameOf(method))->second;
    if ((rule & (kAllowDevice | kAllowAnyVerified)) != 0) return device_channel_;
    const std::pair<uint32_t, ServiceKind> own[] = {{kAllowOwnStorage, ServiceKind::kStorage},
                                                    {kAllowOwnCustody, ServiceKind::kCustody},
                                                    {kAllowOwnReview, ServiceKind::kReview}};
    for (const auto& [allowed, kind] : own) {
      if ((rule & allowed) != 0) return server_->AsService("cn", kind);
    }
    if ((rule & kAllowForeignSame) != 0) return server_->AsService("us", GetParam());
    for (const RosterPerson& person : Deployment().roster("cn").persons()) {
      const bool fits =
          ((rule & kAllowAgent) != 0 && HasRole(person, PersonRole::kAgent)) ||
          ((rule & kAllowReviewer) != 0 && HasRole(person, PersonRole::kReviewer)) ||
          ((rule & kAllowOwnOperatorPerson) != 0 && HasRole(person, PersonRole::kOperatorPerson) &&
           person.organisation == server_->environment().operator_name());
      if (fits) return server_->AsPerson("cn", person.name);
    }
    ADD_FAILURE() << "nobody may call " << method.name();
    return device_channel_;
  }

  std::unique_ptr<Message> Filled(const MethodDescriptor& method) {
    std::unique_ptr<Message> message(factory_.GetPrototype(method.input_type())->New());
    FillMessage(*message);
    return message;
  }

  // Something that a person and a program can act on; nothing of it breaks a line or a terminal.
  static void ExpectClear(const Answer& answer, const std::string& what) {
    const ReasonInfo& info = Describe(ReasonOf(answer.refusal));
    const std::string& text = answer.status.error_message();
    EXPECT_NE(info.reason, Reason::kInternal) << what << ": " << text;
    EXPECT_EQ(static_cast<int>(answer.status.error_code()), static_cast<int>(info.code)) << what;
    EXPECT_TRUE(answer.has_reason) << what << ": " << text;
    EXPECT_NE(text.find(info.text), std::string::npos) << what << ": " << text;
    EXPECT_NE(text.find(info.remedy), std::string::npos) << what << ": " << text;
    for (const char c : text) EXPECT_GE(static_cast<uint8_t>(c), 0x20) << what;
    EXPECT_LT(text.size(), 1'000u) << what;
  }

  void ExpectStillServed() {
    const Answer answer = Send(device_channel_, "/" + service_->full_name() + "/GetStatus", "");
    EXPECT_TRUE(answer.status.ok()) << answer.status.error_message();
  }

  std::shared_ptr<ManualClock> clock_ =
      std::make_shared<ManualClock>(TestDeployment::kHandover + kDayMs);
  const std::shared_ptr<FakeRecordStore> records_ = std::make_shared<FakeRecordStore>(clock_.get());
  const std::shared_ptr<FakeBlobStore> blobs_ = std::make_shared<FakeBlobStore>();
  TestAddresses addresses_;
  const TestDevice device_ = MakeTestDevice();
  std::vector<std::unique_ptr<TestServer>> servers_;
  TestServer* server_ = nullptr;
  const ServiceDescriptor* service_ = nullptr;
  std::shared_ptr<grpc::Channel> device_channel_;
  google::protobuf::DynamicMessageFactory factory_{
      google::protobuf::DescriptorPool::generated_pool()};
};

INSTANTIATE_TEST_SUITE_P(Services, BadInputTest,
                         testing::Values(ServiceKind::kStorage, ServiceKind::kCustody,
                                         ServiceKind::kReview),
                         [](const auto& tested) { return std::string(Name(tested.param)); });

TEST_P(BadInputTest, AMessageThatCannotBeReadIsRefusedAndNothingIsDone) {
  const uint64_t commits = records_->applied();
  for (int i = 0; i < service_->method_count(); ++i) {
    const MethodDescriptor& method = *service_->method(i);
    const std::shared_ptr<grpc::Channel> caller = CallerOf(method);
    std::string whole = Filled(method)->SerializePartialAsString();
    if (whole.empty()) whole = std::string("\x0a\x01", 2) + "x";
    for (const std::string& bytes :
         {whole.substr(0, whole.size() - 1), whole + "\x0a", std::string(11, '\xff'),
          std::string("\x0a\xff\xff\xff\xff\x07", 6)}) {
      const std::string what = method.name() + ", " + std::to_string(bytes.size()) + " bytes";
      const Answer answer = Send(caller, NameOf(method), bytes);
      EXPECT_THAT(answer.refusal, RefusedWith(Reason::kFieldInvalid)) << what;
      if (!method.client_streaming()) {  // of a stream, the end is seen
        EXPECT_THAT(answer.status.error_message(), testing::HasSubstr("no message of this method"))
            << what;
      }
      ExpectClear(answer, what);
    }
  }
  EXPECT_EQ(records_->applied(), commits);
  ExpectStillServed();
}

TEST_P(BadInputTest, AStrangerIsToldOfTheCertificateFirst) {
  const PrivateKey key = PrivateKey::Generate(SignatureAlgorithm::kEcdsaP256);
  const CertificateSpec expired{.common_name = "device",
                                .not_before = TestDeployment::kNotBefore,
                                .not_after = TestDeployment::kNotBefore + kDayMs};
  const std::shared_ptr<grpc::Channel> stranger =
      server_->As(SelfSignedCertificate(key, expired), key);
  CallEnvironment& calls = server_->environment().calls();
  const uint64_t counted = calls.Count(Reason::kCertificateInvalid);
  for (int i = 0; i < service_->method_count(); ++i) {
    const std::string method = NameOf(*service_->method(i));
    EXPECT_THAT(Send(stranger, method, std::string(11, '\xff')).refusal,
                RefusedWith(Reason::kCertificateInvalid))
        << method;
  }
  EXPECT_EQ(calls.Count(Reason::kCertificateInvalid) - counted,
            static_cast<uint64_t>(service_->method_count()));
}

TEST_P(BadInputTest, AMessageThatIsTooLargeIsRefused) {
  // A field that nobody knows, so that only its size can be wrong: 3 MiB.
  const std::string huge = std::string("\xfa\x7f\x80\x80\xc0\x01", 6) + std::string(3 << 20, 'x');
  const uint64_t commits = records_->applied();
  for (int i = 0; i < service_->method_count(); ++i) {
    const MethodDescriptor& method = *service_->method(i);
    EXPECT_THAT(Send(CallerOf(method), NameOf(method), huge).refusal,
                RefusedWith(Reason::kMessageTooLarge))
        << method.name();
  }
  EXPECT_EQ(records_->applied(), commits);
  ExpectStillServed();
}

TEST_P(BadInputTest, EverySpoiltFieldIsRefusedClearlyAndNothingIsDone) {
  std::map<std::string, size_t> refused;
  // What is made at first use is made.
  for (int i = 0; i < service_->method_count(); ++i) {
    const MethodDescriptor& method = *service_->method(i);
    Send(CallerOf(method), NameOf(method), Filled(method)->SerializePartialAsString());
  }
  const uint64_t memory = PeakBytes();
  for (int i = 0; i < service_->method_count(); ++i) {
    const MethodDescriptor& method = *service_->method(i);
    const std::shared_ptr<grpc::Channel> caller = CallerOf(method);
    for (const SpoiltMessage& spoilt : SpoilEachField(*Filled(method))) {
      const uint64_t commits = records_->applied();
      const Answer answer = Send(caller, NameOf(method), spoilt.bytes);
      if (answer.status.ok()) continue;  // what was spoilt decides nothing
      if (ReasonOf(answer.refusal) == Reason::kMessageTooLarge && !answer.has_reason) continue;
      ExpectClear(answer, spoilt.what);
      EXPECT_EQ(records_->applied(), commits) << spoilt.what;
      ++refused[method.name()];
    }
    EXPECT_EQ(blobs_->List("objects/", "", 10).value().size(), 0u) << method.name();
    const bool has_fields = method.input_type()->field_count() > 0;
    EXPECT_EQ(refused.contains(method.name()), has_fields) << method.name();
  }
  EXPECT_GT(refused.size(), 8u);
  // Both ends of every call, and a message of megabytes for each list.
  EXPECT_LT(PeakBytes() - memory, kSanitizerMemory * (uint64_t{100} << 20));
  ExpectStillServed();
}

}  // namespace
}  // namespace comity
