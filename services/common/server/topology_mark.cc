#include "services/common/server/topology_mark.h"

#include <algorithm>
#include <charconv>

namespace comity {
namespace {

constexpr size_t kDigestHexSize = 2 * Digest::kSize;
constexpr std::string_view kHexDigits = "0123456789abcdef";

std::string Hex(std::string_view bytes) {
  std::string hex;
  hex.reserve(2 * bytes.size());
  for (const char c : bytes) {
    const auto byte = static_cast<uint8_t>(c);
    hex.push_back(kHexDigits[byte >> 4]);
    hex.push_back(kHexDigits[byte & 15]);
  }
  return hex;
}

}  // namespace

TopologyMark MarkOf(const Topology& topology) {
  return {topology.serial(), Hex(topology.digest().bytes())};
}

std::string FormatTopologyMark(const TopologyMark& mark) {
  return std::to_string(mark.serial) + ":" + mark.digest_hex;
}

std::optional<TopologyMark> ParseTopologyMark(std::string_view text) {
  TopologyMark mark;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), mark.serial, 10);
  const auto colon = static_cast<size_t>(end - text.data());
  if (error != std::errc() || text.front() == '0' || colon >= text.size() || text[colon] != ':') {
    return std::nullopt;
  }
  mark.digest_hex = text.substr(colon + 1);
  const bool is_hex = std::ranges::all_of(
      mark.digest_hex, [](char c) { return kHexDigits.find(c) != std::string_view::npos; });
  return is_hex && mark.digest_hex.size() == kDigestHexSize ? std::make_optional(mark)
                                                            : std::nullopt;
}

}  // namespace comity
