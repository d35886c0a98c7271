#include "services/common/topology/reader_text.h"

#include <google/protobuf/io/tokenizer.h>

#include "services/common/status/check.h"
#include "services/common/status/reason.h"

namespace comity::internal {
namespace {

using google::protobuf::FieldDescriptor;

// Keeps the first error: those after it are mostly its consequences.
class FirstError final : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int line, google::protobuf::io::ColumnNumber column,
                const std::string& message) override {
    if (!text_.empty()) return;
    text_ = line < 0 ? message
                     : "line " + std::to_string(line + 1) + ", column " +
                           std::to_string(column + 1) + ": " + message;
  }
  void AddWarning(int, google::protobuf::io::ColumnNumber, const std::string&) override {}
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace

absl::Status ParseTopologyText(std::string_view text, comity::topology::v1::Topology& message,
                               google::protobuf::TextFormat::ParseInfoTree& lines) {
  if (text.size() > kMaxTopologyText) {
    return Refuse(Reason::kTopologyInvalid, "the file is larger than 1 MiB");
  }
  FirstError error;
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&error);
  parser.WriteLocationsTo(&lines);
  if (!parser.ParseFromString(std::string(text), &message)) {
    return Refuse(Reason::kTopologyInvalid, error.text());
  }
  return absl::OkStatus();
}

Place Place::Of(std::string_view field, int index) const {
  const FieldDescriptor* descriptor = descriptor_->FindFieldByName(std::string(field));
  COMITY_CHECK(descriptor != nullptr && descriptor->message_type() != nullptr);
  return {tree_ == nullptr ? nullptr : tree_->GetTreeForNested(descriptor, index),
          descriptor->message_type(), Line(descriptor, index)};
}

absl::Status Place::Broken(std::string_view field, const std::string& what, int index) const {
  const FieldDescriptor* descriptor = descriptor_->FindFieldByName(std::string(field));
  COMITY_CHECK(descriptor != nullptr);
  return Refuse(Reason::kTopologyInvalid,
                "line " + std::to_string(Line(descriptor, index)) + ": " + what);
}

int Place::Line(const FieldDescriptor* field, int index) const {
  if (tree_ == nullptr) return line_;
  if (!field->is_repeated()) {
    const int line = tree_->GetLocation(field, -1).line;
    return line < 0 ? line_ : line + 1;
  }
  // Of a list in brackets only the first element has a line.
  for (int i = index < 0 ? 0 : index; i >= 0; --i) {
    if (const int line = tree_->GetLocation(field, i).line; line >= 0) return line + 1;
  }
  return line_;
}

}  // namespace comity::internal
