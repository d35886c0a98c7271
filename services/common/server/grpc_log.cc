#include "services/common/server/grpc_log.h"

#include <string>

#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>

namespace comity {
namespace {

template <LogFormat kFormat>
void WriteGrpcLine(gpr_log_func_args* args) {
  if (args->severity < GPR_LOG_SEVERITY_ERROR || IsGrpcNoise(args->message)) {
    return;
  }
  ServiceLog(LogLevel::kError, kFormat).Error("grpc", {{"message", args->message}});
}

}  // namespace

bool IsGrpcNoise(std::string_view message) {
  return message.starts_with("No match found for server name") ||
         message.starts_with("Handshake failed");
}

void InstallGrpcLog(LogFormat format) {
  // It prints a line for each text of a message that is no UTF-8: whoever sends one would write
  // into the log, before anybody asked who that is.
  google::protobuf::SetLogHandler(nullptr);
  gpr_set_log_function(format == LogFormat::kJson ? &WriteGrpcLine<LogFormat::kJson>
                                                  : &WriteGrpcLine<LogFormat::kText>);
}

}  // namespace comity
