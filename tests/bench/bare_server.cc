// A bare gRPC server over mTLS: the measure beside which services are put.
//
//   bench_bare_server <service folder> <folder for copies>
//
// Presents the certificate in <service folder>/identity, asks for the client's, and looks at
// neither. Prints its port; ends with its standard input.

#include <atomic>
#include <cstdio>
#include <memory>
#include <string>

#include <fcntl.h>
#include <grpcpp/server_builder.h>
#include <unistd.h>

#include "services/common/server/credentials.h"
#include "services/common/server/grpc_log.h"
#include "services/common/server/limits.h"
#include "services/common/server/service_folder.h"
#include "services/common/status/check.h"
#include "tests/bench/bench.grpc.pb.h"

namespace comity::bench {
namespace {

class Sink final : public grpc::ServerReadReactor<v1::SinkRequest> {
 public:
  explicit Sink(v1::SinkResponse* response) : response_(response) { StartRead(&request_); }
  void OnReadDone(bool ok) override {
    if (!ok) {
      Finish(grpc::Status::OK);
      return;
    }
    response_->set_bytes(response_->bytes() + request_.chunk().size());
    StartRead(&request_);
  }
  void OnDone() override { delete this; }

 private:
  v1::SinkResponse* const response_;
  v1::SinkRequest request_;
};

class Source final : public grpc::ServerWriteReactor<v1::SourceResponse> {
 public:
  explicit Source(const v1::SourceRequest& request) : left_(request.chunks()) {
    response_.mutable_chunk()->assign(request.chunk_bytes(), 'c');
    Next();
  }
  void OnWriteDone(bool ok) override {
    if (ok) {
      Next();
    } else {
      Finish(grpc::Status::CANCELLED);
    }
  }
  void OnDone() override { delete this; }

 private:
  void Next() {
    if (left_ == 0) {
      Finish(grpc::Status::OK);
      return;
    }
    --left_;
    StartWrite(&response_);
  }

  uint64_t left_;
  v1::SourceResponse response_;
};

// A file that is on the disk with its name when this returns.
void WriteDurably(const std::string& folder, const std::string& name, const std::string& content) {
  const std::string path = folder + "/" + name;
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  COMITY_CHECK(file >= 0);
  COMITY_CHECK(write(file, content.data(), content.size()) == static_cast<ssize_t>(content.size()));
  COMITY_CHECK(fsync(file) == 0 && close(file) == 0);
  const int directory = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  COMITY_CHECK(directory >= 0 && fsync(directory) == 0 && close(directory) == 0);
}

class Copy final : public grpc::ServerBidiReactor<v1::CopyRequest, v1::CopyResponse> {
 public:
  explicit Copy(const std::string& folder) : folder_(folder) { StartRead(&request_); }
  void OnReadDone(bool ok) override {
    if (!ok) {
      Finish(grpc::Status::OK);
      return;
    }
    WriteDurably(folder_, request_.name(), request_.content());
    response_.set_name(request_.name());
    StartWrite(&response_);
  }
  void OnWriteDone(bool ok) override {
    if (ok) {
      StartRead(&request_);
    } else {
      Finish(grpc::Status::CANCELLED);
    }
  }
  void OnDone() override { delete this; }

 private:
  const std::string folder_;
  v1::CopyRequest request_;
  v1::CopyResponse response_;
};

class Bare final : public v1::BareService::CallbackService {
 public:
  explicit Bare(std::string folder) : folder_(std::move(folder)) {}

  grpc::ServerUnaryReactor* Echo(grpc::CallbackServerContext* context,
                                 const v1::EchoRequest* request,
                                 v1::EchoResponse* response) override {
    response->mutable_padding()->assign(request->answer_bytes(), 'a');
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
  grpc::ServerReadReactor<v1::SinkRequest>* Sink(grpc::CallbackServerContext*,
                                                 v1::SinkResponse* response) override {
    return new bench::Sink(response);
  }
  grpc::ServerWriteReactor<v1::SourceResponse>* Source(grpc::CallbackServerContext*,
                                                       const v1::SourceRequest* request) override {
    return new bench::Source(*request);
  }
  grpc::ServerBidiReactor<v1::CopyRequest, v1::CopyResponse>* Copy(
      grpc::CallbackServerContext*) override {
    return new bench::Copy(folder_);
  }

 private:
  const std::string folder_;
};

void Serve(const std::string& service_folder, const std::string& copies) {
  InstallGrpcLog(LogFormat::kText);
  absl::StatusOr<ServiceIdentity> identity = LoadServiceIdentity(service_folder);
  COMITY_CHECK(identity.ok());
  Bare bare(copies);
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", MakeServerCredentials(identity->tls), &port);
  builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
  builder.RegisterService(&bare);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  COMITY_CHECK(server != nullptr && port != 0);
  std::printf("%d\n", port);
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  server->Shutdown(std::chrono::system_clock::now());
}

}  // namespace
}  // namespace comity::bench

int main(int argc, char** argv) {
  COMITY_CHECK(argc == 3);
  comity::bench::Serve(argv[1], argv[2]);
}
