#ifndef COMITY_TESTS_HANDLER_SERVER_PROBE_H_
#define COMITY_TESTS_HANDLER_SERVER_PROBE_H_

#include <functional>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

#include "comity/custody/v1/custody.grpc.pb.h"
#include "comity/storage/v1/storage.grpc.pb.h"
#include "services/common/server/handler.h"
#include "services/common/server/service_environment.h"

// A service whose handlers do what a test says: one method for each way to handle a call.
namespace comity {

inline constexpr char kInlineMethod[] = "/comity.custody.v1.CustodyService/GetStatus";
inline constexpr char kPoolMethod[] = "/comity.custody.v1.CustodyService/GetAccountKey";
inline constexpr char kSyncMethod[] = "/comity.custody.v1.CustodyService/GetKeyLocation";
inline constexpr char kForeignMethod[] = "/comity.custody.v1.CustodyService/GetTransportKey";
inline constexpr char kUploadMethod[] = "/comity.storage.v1.StorageService/PutObject";
inline constexpr char kStreamMethod[] = "/comity.storage.v1.StorageService/GetObject";

using Work = std::function<absl::Status(const Authorization&)>;

class ProbeCustody final : public custody::v1::CustodyService::WithCallbackMethod_GetStatus<
                               custody::v1::CustodyService::WithCallbackMethod_GetAccountKey<
                                   custody::v1::CustodyService::Service>> {
 public:
  explicit ProbeCustody(CallEnvironment* calls) : calls_(calls) {}

  grpc::ServerUnaryReactor* GetStatus(grpc::CallbackServerContext* context,
                                      const custody::v1::GetStatusRequest*,
                                      custody::v1::GetStatusResponse*) override {
    return HandleInline(*calls_, context, kInlineMethod, work());
  }
  grpc::ServerUnaryReactor* GetAccountKey(grpc::CallbackServerContext* context,
                                          const custody::v1::GetAccountKeyRequest*,
                                          custody::v1::GetAccountKeyResponse* response) override {
    return HandleOnPool(*calls_, context, kPoolMethod, [this, response](const Authorization& a) {
      response->set_account_epoch(1);
      return work()(a);
    });
  }
  grpc::Status GetKeyLocation(grpc::ServerContext* context,
                              const custody::v1::GetKeyLocationRequest*,
                              custody::v1::GetKeyLocationResponse*) override {
    return Handle(*calls_, context, kSyncMethod, work());
  }
  grpc::Status GetTransportKey(grpc::ServerContext* context,
                               const custody::v1::GetTransportKeyRequest*,
                               custody::v1::GetTransportKeyResponse*) override {
    return Handle(*calls_, context, kForeignMethod, work());
  }

  void SetWork(Work work) {
    absl::MutexLock lock(&mutex_);
    work_ = std::move(work);
  }

 private:
  Work work() {
    absl::MutexLock lock(&mutex_);
    return work_;
  }

  CallEnvironment* const calls_;
  absl::Mutex mutex_;
  Work work_ ABSL_GUARDED_BY(mutex_) = [](const Authorization&) { return absl::OkStatus(); };
};

// Streams until the caller, or the watch, has had enough; takes what is sent until the end.
class ProbeStorage final : public storage::v1::StorageService::Service {
 public:
  explicit ProbeStorage(CallEnvironment* calls) : calls_(calls) {}
  grpc::Status GetObject(grpc::ServerContext* context, const storage::v1::GetObjectRequest*,
                         grpc::ServerWriter<storage::v1::GetObjectResponse>* writer) override {
    return Handle(*calls_, context, kStreamMethod, [&](const Authorization&) {
      while (writer->Write(storage::v1::GetObjectResponse())) {
      }
      return Refuse(Reason::kCancelled);
    });
  }

  grpc::Status PutObject(grpc::ServerContext* context,
                         grpc::ServerReader<storage::v1::PutObjectRequest>* reader,
                         storage::v1::PutObjectResponse*) override {
    return Handle(*calls_, context, kUploadMethod, [&](const Authorization&) {
      storage::v1::PutObjectRequest part;
      while (reader->Read(&part)) {
      }
      return context->IsCancelled() ? Refuse(Reason::kCancelled) : absl::OkStatus();
    });
  }

 private:
  CallEnvironment* const calls_;
};

class Probe final : public ServiceInstance {
 public:
  explicit Probe(ServiceEnvironment& environment)
      : custody(&environment.calls()), storage(&environment.calls()) {}
  std::vector<grpc::Service*> GrpcServices() override { return {&custody, &storage}; }

  ProbeCustody custody;
  ProbeStorage storage;
};

inline ServiceDefinition ProbeDefinition() {
  return {.kind = ServiceKind::kCustody,
          .rules = {{kInlineMethod, kAllowAnyVerified},
                    {kPoolMethod, kAllowDevice},
                    {kSyncMethod, kAllowDevice},
                    {kForeignMethod, kAllowForeignSame},
                    {kStreamMethod, kAllowDevice},
                    {kUploadMethod, kAllowDevice}},
          .make = [](ServiceEnvironment& environment) {
            return absl::StatusOr<std::unique_ptr<ServiceInstance>>(
                std::make_unique<Probe>(environment));
          }};
}

}  // namespace comity

#endif  // COMITY_TESTS_HANDLER_SERVER_PROBE_H_
