#ifndef COMITY_TESTS_HYGIENE_PROTO_LINT_H_
#define COMITY_TESTS_HYGIENE_PROTO_LINT_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <google/protobuf/descriptor.h>

#include "tests/hygiene/source_tree.h"

// The rules of the wire contract: those of buf's STANDARD set and the API design rules that a
// program can check.
namespace comity::hygiene {

// Why a symbol may break one rule: symbol -> reason. From proto_exemptions.txt, whose head explains
// the form.
struct ProtoExemptions {
  std::map<std::string, std::string, std::less<>> request_id;
  std::map<std::string, std::string, std::less<>> bool_field;
  std::vector<std::string> errors;
};

ProtoExemptions ParseProtoExemptions(const SourceFile& text);

// Package of the folder, names, service, request and response of their own, enum zero values.
std::vector<std::string> CheckNames(const google::protobuf::FileDescriptor& file);

// A comment before every service, method, message, field, enum and value. Needs source info.
std::vector<std::string> CheckComments(const google::protobuf::FileDescriptor& file);

// Repetition and paging: request_id on what changes something, page_size with page_token; no bool
// in a request, since a command has a name of its own; nothing of the store on the wire.
std::vector<std::string> CheckRequests(const google::protobuf::FileDescriptor& file,
                                       const ProtoExemptions& exemptions);

// Exemptions that exempt nothing any more.
std::vector<std::string> CheckExemptionsUsed(const google::protobuf::DescriptorPool& pool,
                                             const ProtoExemptions& exemptions);

}  // namespace comity::hygiene

#endif  // COMITY_TESTS_HYGIENE_PROTO_LINT_H_
