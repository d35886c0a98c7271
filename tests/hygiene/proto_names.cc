#include <map>
#include <regex>

#include <google/protobuf/descriptor.pb.h>

#include "tests/hygiene/proto_lint.h"

namespace comity::hygiene {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptor;
using google::protobuf::MethodDescriptor;
using google::protobuf::ServiceDescriptor;

class NameChecker {
 public:
  explicit NameChecker(const FileDescriptor& file) : file_(file) {}

  std::vector<std::string> Run() {
    CheckPackage();
    for (int i = 0; i < file_.message_type_count(); ++i) CheckMessage(*file_.message_type(i));
    for (int i = 0; i < file_.enum_type_count(); ++i) CheckEnum(*file_.enum_type(i));
    for (int i = 0; i < file_.service_count(); ++i) CheckService(*file_.service(i));
    return std::move(findings_);
  }

 private:
  void Report(const std::string& symbol, const std::string& what) {
    findings_.push_back(file_.name() + ": " + symbol + " " + what);
  }

  void Expect(const std::string& name, const std::string& symbol, const char* pattern,
              const std::string& style) {
    if (!std::regex_match(name, std::regex(pattern))) Report(symbol, "is not " + style);
  }

  void CheckPackage() {
    const size_t slash = file_.name().rfind('/');
    std::string folder = slash == std::string::npos ? "" : file_.name().substr(0, slash);
    for (char& c : folder) c = c == '/' ? '.' : c;
    if (file_.package() != folder) Report(file_.package(), "is not the package of its folder");
    Expect(file_.package(), file_.package(), R"(comity(\.[a-z]+)+\.v[1-9][0-9]*)",
           "comity.<service>.v<n>");
    Expect(file_.name().substr(slash + 1), file_.name(), R"([a-z][a-z0-9_]*\.proto)",
           "lower_snake_case.proto");
    if (file_.syntax() != FileDescriptor::SYNTAX_PROTO3) Report(file_.name(), "is not proto3");
  }

  void CheckMessage(const Descriptor& message) {
    if (message.options().map_entry()) return;
    Expect(message.name(), message.full_name(), "([A-Z][a-z0-9]*)+", "CamelCase");
    for (int i = 0; i < message.field_count(); ++i) {
      Expect(message.field(i)->name(), message.field(i)->full_name(), "[a-z][a-z0-9]*(_[a-z0-9]+)*",
             "lower_snake_case");
    }
    for (int i = 0; i < message.nested_type_count(); ++i) CheckMessage(*message.nested_type(i));
    for (int i = 0; i < message.enum_type_count(); ++i) CheckEnum(*message.enum_type(i));
  }

  void CheckEnum(const EnumDescriptor& type) {
    Expect(type.name(), type.full_name(), "([A-Z][a-z0-9]*)+", "CamelCase");
    std::string prefix;
    for (const char c : type.name()) {
      if (c >= 'A' && c <= 'Z' && !prefix.empty()) prefix += '_';
      prefix += static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    }
    prefix += '_';
    for (int i = 0; i < type.value_count(); ++i) {
      const std::string& name = type.value(i)->name();
      Expect(name, type.value(i)->full_name(), "[A-Z][A-Z0-9]*(_[A-Z0-9]+)*", "UPPER_SNAKE_CASE");
      if (!name.starts_with(prefix)) Report(name, "does not start with " + prefix);
    }
    if (type.value(0)->number() != 0 || type.value(0)->name() != prefix + "UNSPECIFIED") {
      Report(type.full_name(), "does not start with " + prefix + "UNSPECIFIED = 0");
    }
  }

  void CheckService(const ServiceDescriptor& service) {
    Expect(service.name(), service.full_name(), "([A-Z][a-z0-9]*)+Service", "CamelCaseService");
    for (int i = 0; i < service.method_count(); ++i) {
      const MethodDescriptor& method = *service.method(i);
      Expect(method.name(), method.full_name(), "([A-Z][a-z0-9]*)+", "CamelCase");
      CheckOwn(method, *method.input_type(), "Request");
      CheckOwn(method, *method.output_type(), "Response");
    }
  }

  // A message shared by two methods could not change for one of them alone.
  void CheckOwn(const MethodDescriptor& method, const Descriptor& message,
                const std::string& suffix) {
    if (message.full_name() != file_.package() + "." + method.name() + suffix) {
      Report(method.full_name(), "takes or gives " + message.full_name() + ", not " +
                                     method.name() + suffix + " of its package");
    }
  }

  const FileDescriptor& file_;
  std::vector<std::string> findings_;
};

}  // namespace

std::vector<std::string> CheckNames(const FileDescriptor& file) { return NameChecker(file).Run(); }

}  // namespace comity::hygiene
