#include "tests/hygiene/proto_lint.h"

#include <algorithm>
#include <set>

#include <google/protobuf/descriptor.pb.h>

namespace comity::hygiene {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptor;
using google::protobuf::MethodDescriptor;
using google::protobuf::SourceLocation;

using Findings = std::vector<std::string>;

template <typename D>
void ExpectComment(const D& descriptor, const std::string& name, Findings& findings) {
  SourceLocation location;
  if (!descriptor.GetSourceLocation(&location)) {
    findings.push_back(name + " has no source location");
  } else if (location.leading_comments.empty()) {
    findings.push_back(name + " has no comment before it");
  }
}

void CheckEnumComments(const EnumDescriptor& type, Findings& findings) {
  ExpectComment(type, type.full_name(), findings);
  for (int i = 0; i < type.value_count(); ++i) {
    ExpectComment(*type.value(i), type.value(i)->full_name(), findings);
  }
}

void CheckMessageComments(const Descriptor& message, Findings& findings) {
  if (message.options().map_entry()) return;
  ExpectComment(message, message.full_name(), findings);
  for (int i = 0; i < message.field_count(); ++i) {
    // A field of a oneof may be explained by the comment of the oneof.
    const FieldDescriptor& field = *message.field(i);
    SourceLocation location;
    if (field.real_containing_oneof() != nullptr &&
        field.real_containing_oneof()->GetSourceLocation(&location) &&
        !location.leading_comments.empty()) {
      continue;
    }
    ExpectComment(field, field.full_name(), findings);
  }
  for (int i = 0; i < message.nested_type_count(); ++i) {
    CheckMessageComments(*message.nested_type(i), findings);
  }
  for (int i = 0; i < message.enum_type_count(); ++i) {
    CheckEnumComments(*message.enum_type(i), findings);
  }
}

bool IsRead(const std::string& method) {
  static constexpr std::string_view kVerbs[] = {"Get", "List", "Find", "Read", "Plan", "Download"};
  return std::any_of(std::begin(kVerbs), std::end(kVerbs),
                     [&](std::string_view verb) { return method.starts_with(verb); });
}

// In the request itself or, for a stream, in the header message that its first part holds.
bool HasRequestId(const Descriptor& request) {
  const auto own = [](const Descriptor& message) {
    const FieldDescriptor* field = message.FindFieldByName("request_id");
    return field != nullptr && field->type() == FieldDescriptor::TYPE_BYTES;
  };
  if (own(request)) return true;
  for (int i = 0; i < request.field_count(); ++i) {
    const FieldDescriptor& field = *request.field(i);
    if (field.real_containing_oneof() != nullptr && field.message_type() != nullptr &&
        own(*field.message_type())) {
      return true;
    }
  }
  return false;
}

bool HasField(const Descriptor& message, const char* name) {
  return message.FindFieldByName(name) != nullptr;
}

void CheckPaging(const MethodDescriptor& method, Findings& findings) {
  const Descriptor& request = *method.input_type();
  const Descriptor& response = *method.output_type();
  const bool size = HasField(request, "page_size");
  const bool token = HasField(request, "page_token");
  const bool next = HasField(response, "next_page_token");
  if (size != token || size != next) {
    findings.push_back(method.full_name() +
                       ": page_size, page_token and next_page_token belong together");
  }
  if (method.name().starts_with("List") && !size) {
    findings.push_back(method.full_name() + " lists without pages");
  }
}

void CheckBools(const Descriptor& message, const ProtoExemptions& exemptions, Findings& findings) {
  for (int i = 0; i < message.field_count(); ++i) {
    const FieldDescriptor& field = *message.field(i);
    if (field.type() == FieldDescriptor::TYPE_BOOL &&
        !exemptions.bool_field.contains(field.full_name())) {
      findings.push_back(field.full_name() + " is a bool in a request");
    }
  }
}

}  // namespace

ProtoExemptions ParseProtoExemptions(const SourceFile& text) {
  ProtoExemptions exemptions;
  for (size_t i = 0; i < text.lines.size(); ++i) {
    const std::string& line = text.lines[i];
    if (line.empty() || line.front() == '#') continue;
    const size_t space = line.find(' ');
    const size_t colon = line.find(": ", space == std::string::npos ? 0 : space);
    const std::string rule = line.substr(0, space);
    if (space == std::string::npos || colon == std::string::npos || colon + 2 >= line.size() ||
        (rule != "request_id" && rule != "bool")) {
      exemptions.errors.push_back(Finding(text, i + 1, "not RULE SYMBOL: REASON"));
      continue;
    }
    auto& symbols = rule == "bool" ? exemptions.bool_field : exemptions.request_id;
    symbols[line.substr(space + 1, colon - space - 1)] = line.substr(colon + 2);
  }
  return exemptions;
}

std::vector<std::string> CheckComments(const FileDescriptor& file) {
  Findings findings;
  for (int i = 0; i < file.service_count(); ++i) {
    ExpectComment(*file.service(i), file.service(i)->full_name(), findings);
    for (int j = 0; j < file.service(i)->method_count(); ++j) {
      const MethodDescriptor& method = *file.service(i)->method(j);
      ExpectComment(method, method.full_name(), findings);
    }
  }
  for (int i = 0; i < file.message_type_count(); ++i) {
    CheckMessageComments(*file.message_type(i), findings);
  }
  for (int i = 0; i < file.enum_type_count(); ++i) {
    CheckEnumComments(*file.enum_type(i), findings);
  }
  return findings;
}

std::vector<std::string> CheckRequests(const FileDescriptor& file,
                                       const ProtoExemptions& exemptions) {
  Findings findings;
  const bool store = file.package().find(".store.") != std::string::npos;
  for (int i = 0; i < file.dependency_count(); ++i) {
    if (!store && file.dependency(i)->package().find(".store.") != std::string::npos) {
      findings.push_back(file.name() +
                         " imports what belongs on disk: " + file.dependency(i)->name());
    }
  }
  if (store && file.service_count() > 0) {
    findings.push_back(file.name() + " belongs on disk and has a service");
  }
  for (int i = 0; i < file.service_count(); ++i) {
    for (int j = 0; j < file.service(i)->method_count(); ++j) {
      const MethodDescriptor& method = *file.service(i)->method(j);
      CheckPaging(method, findings);
      CheckBools(*method.input_type(), exemptions, findings);
      if (!IsRead(method.name()) && !HasRequestId(*method.input_type()) &&
          !exemptions.request_id.contains(method.full_name())) {
        findings.push_back(method.full_name() + " changes something without bytes request_id");
      }
    }
  }
  return findings;
}

std::vector<std::string> CheckExemptionsUsed(const DescriptorPool& pool,
                                             const ProtoExemptions& exemptions) {
  Findings findings;
  for (const auto& [symbol, reason] : exemptions.request_id) {
    const MethodDescriptor* method = pool.FindMethodByName(symbol);
    if (method == nullptr || IsRead(method->name()) || HasRequestId(*method->input_type())) {
      findings.push_back("request_id " + symbol + " exempts nothing");
    }
  }
  for (const auto& [symbol, reason] : exemptions.bool_field) {
    const FieldDescriptor* field = pool.FindFieldByName(symbol);
    if (field == nullptr || field->type() != FieldDescriptor::TYPE_BOOL) {
      findings.push_back("bool " + symbol + " exempts nothing");
    }
  }
  return findings;
}

}  // namespace comity::hygiene
