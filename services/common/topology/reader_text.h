#ifndef COMITY_COMMON_TOPOLOGY_READER_TEXT_H_
#define COMITY_COMMON_TOPOLOGY_READER_TEXT_H_

#include <string>
#include <string_view>

#include <google/protobuf/descriptor.h>
#include <google/protobuf/text_format.h>

#include "absl/status/status.h"

#include "comity/topology/v1/topology.pb.h"

// Internal to services/common/topology: the file as protobuf text, with the lines of its fields.
namespace comity::internal {

inline constexpr size_t kMaxTopologyText = 1 << 20;

// TOPOLOGY_INVALID with line and column when it is not protobuf text of this schema.
absl::Status ParseTopologyText(std::string_view text, comity::topology::v1::Topology& message,
                               google::protobuf::TextFormat::ParseInfoTree& lines);

// Where one message stands in the file. Cheap to copy; the tree outlives it.
class Place final {
 public:
  Place(const google::protobuf::TextFormat::ParseInfoTree* tree,
        const google::protobuf::Descriptor* descriptor, int line)
      : tree_(tree), descriptor_(descriptor), line_(line) {}

  // Of a nested message; `index` for repeated fields.
  Place Of(std::string_view field, int index) const;
  // TOPOLOGY_INVALID "line 41: <what>": the line of the field, or of the message when the field is
  // not there.
  absl::Status Broken(std::string_view field, const std::string& what, int index = -1) const;

 private:
  int Line(const google::protobuf::FieldDescriptor* field, int index) const;

  const google::protobuf::TextFormat::ParseInfoTree* tree_;  // null: nothing was written inside
  const google::protobuf::Descriptor* descriptor_;
  int line_;  // from 1
};

}  // namespace comity::internal

#endif  // COMITY_COMMON_TOPOLOGY_READER_TEXT_H_
