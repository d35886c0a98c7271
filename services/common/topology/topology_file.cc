#include <fstream>
#include <iterator>

#include "services/common/status/macros.h"
#include "services/common/topology/reader_text.h"
#include "services/common/topology/succession.h"
#include "services/common/topology/topology.h"

namespace comity {
namespace {

constexpr size_t kMaxSignatureFile = 128 << 10;

absl::StatusOr<std::string> ReadLimited(const std::string& path, size_t limit) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Refuse(Reason::kTopologyInvalid, path + ": cannot be read");
  std::string bytes(limit + 1, '\0');
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<size_t>(file.gcount()));
  if (file.bad()) return Refuse(Reason::kTopologyInvalid, path + ": cannot be read");
  if (bytes.size() > limit) return Refuse(Reason::kTopologyInvalid, path + ": too large");
  return bytes;
}

}  // namespace

absl::StatusOr<Topology> Topology::Load(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadLimited(path, internal::kMaxTopologyText));
  ASSIGN_OR_RETURN(Topology topology, Parse(text));
  ASSIGN_OR_RETURN(const std::string bytes, ReadLimited(path + ".sig", kMaxSignatureFile));
  const absl::StatusOr<Statement> signature = DecodeStatement(bytes);
  if (!signature.ok()) {
    return Refuse(Reason::kTopologyInvalid, path + ".sig: is not a statement");
  }
  RETURN_IF_ERROR(CheckTopologySignature(topology, *signature));
  return topology;
}

}  // namespace comity
