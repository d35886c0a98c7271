#include "services/common/server/reflection.h"

#include <set>
#include <string>
#include <utility>
#include <vector>

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>

#include "grpc/reflection/v1alpha/reflection.grpc.pb.h"

#include "services/common/server/handler.h"
#include "services/common/status/reason.h"

namespace comity {
namespace {

namespace pb = grpc::reflection::v1alpha;
using google::protobuf::DescriptorPool;
using google::protobuf::FileDescriptor;

// What may be told: the services and the files they are described in.
class Catalogue final {
 public:
  explicit Catalogue(const MethodRules& rules) {
    const DescriptorPool& pool = *DescriptorPool::generated_pool();
    for (const auto& [method, rule] : rules) {
      // "/comity.custody.v1.CustodyService/UnwrapDataKey"
      const size_t begin = method.starts_with('/') ? 1 : 0;
      const std::string service = method.substr(begin, method.rfind('/') - begin);
      const auto* described = pool.FindServiceByName(service);
      if (described == nullptr) continue;
      services_.insert(service);
      Add(described->file());
    }
  }

  const std::set<std::string>& services() const { return services_; }
  const FileDescriptor* Known(const FileDescriptor* file) const {
    return files_.contains(file) ? file : nullptr;
  }

 private:
  void Add(const FileDescriptor* file) {
    if (!files_.insert(file).second) return;
    for (int i = 0; i < file->dependency_count(); ++i) Add(file->dependency(i));
  }
  std::set<std::string> services_;
  std::set<const FileDescriptor*> files_;
};

void WriteFiles(const FileDescriptor* file, std::set<const FileDescriptor*>& written,
                pb::FileDescriptorResponse& out) {
  if (!written.insert(file).second) return;
  google::protobuf::FileDescriptorProto description;
  file->CopyTo(&description);
  description.SerializeToString(out.add_file_descriptor_proto());
  for (int i = 0; i < file->dependency_count(); ++i) WriteFiles(file->dependency(i), written, out);
}

void NotFound(const std::string& what, pb::ServerReflectionResponse& answer) {
  answer.mutable_error_response()->set_error_code(grpc::StatusCode::NOT_FOUND);
  answer.mutable_error_response()->set_error_message("there is no " + what + " here");
}

void AnswerFile(const FileDescriptor* file, const std::string& what,
                pb::ServerReflectionResponse& answer) {
  if (file == nullptr) return NotFound(what, answer);
  std::set<const FileDescriptor*> written;
  WriteFiles(file, written, *answer.mutable_file_descriptor_response());
}

pb::ServerReflectionResponse Answer(const Catalogue& catalogue,
                                    const pb::ServerReflectionRequest& question) {
  using Question = pb::ServerReflectionRequest;
  const DescriptorPool& pool = *DescriptorPool::generated_pool();
  pb::ServerReflectionResponse answer;
  answer.set_valid_host(question.host());
  *answer.mutable_original_request() = question;
  switch (question.message_request_case()) {
    case Question::kListServices:
      for (const std::string& service : catalogue.services()) {
        answer.mutable_list_services_response()->add_service()->set_name(service);
      }
      return answer;
    case Question::kFileByFilename:
      AnswerFile(catalogue.Known(pool.FindFileByName(question.file_by_filename())), "such file",
                 answer);
      return answer;
    case Question::kFileContainingSymbol:
      AnswerFile(catalogue.Known(pool.FindFileContainingSymbol(question.file_containing_symbol())),
                 "such symbol", answer);
      return answer;
    case Question::kFileContainingExtension:
    case Question::kAllExtensionNumbersOfType:
      NotFound("extension", answer);
      return answer;
    case Question::MESSAGE_REQUEST_NOT_SET:
      break;
  }
  answer.mutable_error_response()->set_error_code(grpc::StatusCode::INVALID_ARGUMENT);
  answer.mutable_error_response()->set_error_message("the question is missing");
  return answer;
}

class ReflectionService final : public pb::ServerReflection::Service {
 public:
  explicit ReflectionService(CallEnvironment* calls)
      : calls_(calls), catalogue_(calls->options().guard->rules()) {}

  grpc::Status ServerReflectionInfo(
      grpc::ServerContext* context,
      grpc::ServerReaderWriter<pb::ServerReflectionResponse, pb::ServerReflectionRequest>* stream)
      override {
    return Handle(*calls_, context, kReflectionMethod, [&](const Authorization&) -> absl::Status {
      pb::ServerReflectionRequest question;
      while (stream->Read(&question)) {
        if (!stream->Write(Answer(catalogue_, question))) {
          return Refuse(Reason::kCancelled, "the caller went away");
        }
      }
      return absl::OkStatus();
    });
  }

 private:
  CallEnvironment* const calls_;
  const Catalogue catalogue_;
};

}  // namespace

MethodRules WithReflection(MethodRules rules) {
  rules.emplace(kReflectionMethod, kAllowAnyVerified);
  return rules;
}

std::unique_ptr<grpc::Service> MakeReflectionService(CallEnvironment* calls) {
  return std::make_unique<ReflectionService>(calls);
}

}  // namespace comity
