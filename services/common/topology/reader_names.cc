#include <algorithm>

#include "services/common/topology/reader_rules.h"

namespace comity::internal {
namespace {

bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// [a-z0-9-], a letter or digit at both ends.
bool IsLabel(std::string_view text, size_t max) {
  return !text.empty() && text.size() <= max && text.front() != '-' && text.back() != '-' &&
         std::ranges::all_of(text, [](char c) { return IsLower(c) || IsDigit(c) || c == '-'; });
}

bool IsPort(std::string_view text) {
  if (text.empty() || text.size() > 5 || text.front() == '0') return false;
  int port = 0;
  for (const char c : text) {
    if (!IsDigit(c)) return false;
    port = port * 10 + (c - '0');
  }
  return port <= 65'535;
}

bool IsHost(std::string_view text) {
  if (text.starts_with('[') && text.ends_with(']')) {
    text = text.substr(1, text.size() - 2);
    return text.size() >= 2 && text.find(':') != std::string_view::npos &&
           std::ranges::all_of(text, [](char c) {
             return IsDigit(c) || (c >= 'a' && c <= 'f') || c == ':' || c == '.';
           });
  }
  return IsDomain(text);
}

}  // namespace

bool IsName(std::string_view text) { return IsLabel(text, 32); }

bool IsCode(std::string_view text) {
  return text.size() >= 2 && text.size() <= 8 &&
         std::ranges::all_of(text, [](char c) { return IsUpper(c) || IsDigit(c); });
}

bool IsTitle(std::string_view text) {
  return !text.empty() && text.size() <= 200 &&
         std::ranges::none_of(text, [](char c) { return (c >= 0 && c < 0x20) || c == 0x7f; });
}

bool IsDomain(std::string_view text) {
  if (text.size() > 200) return false;
  while (true) {
    const size_t dot = text.find('.');
    if (!IsLabel(text.substr(0, dot), 63)) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

bool IsHostPort(std::string_view text) {
  const size_t colon = text.rfind(':');
  return colon != std::string_view::npos && IsHost(text.substr(0, colon)) &&
         IsPort(text.substr(colon + 1));
}

std::string Quote(std::string_view text) { return "\"" + std::string(text) + "\""; }

const RegionInfo* FindRegion(const TopologyData& data, const std::string& name) {
  const absl::StatusOr<RegionId> id = RegionId::Create(name);
  if (!id.ok()) return nullptr;
  const auto found = data.regions.find(*id);
  return found == data.regions.end() ? nullptr : &found->second;
}

std::optional<ServiceKind> KindFromProto(comity::topology::v1::ServiceKind kind) {
  switch (kind) {
    case comity::topology::v1::SERVICE_KIND_STORAGE:
      return ServiceKind::kStorage;
    case comity::topology::v1::SERVICE_KIND_CUSTODY:
      return ServiceKind::kCustody;
    case comity::topology::v1::SERVICE_KIND_REVIEW:
      return ServiceKind::kReview;
    default:
      return std::nullopt;
  }
}

}  // namespace comity::internal
