#include "services/common/identity/spiffe.h"

#include <algorithm>
#include <vector>

#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity {
namespace {

constexpr std::string_view kScheme = "spiffe://";
constexpr size_t kMaxUri = 512;
constexpr size_t kMaxName = 32;
constexpr size_t kMaxDeployment = 253;  // a DNS name
constexpr size_t kMaxNumberDigits = 5;

bool IsLowerAlphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

bool IsName(std::string_view text) {
  return !text.empty() && text.size() <= kMaxName && IsLowerAlphanumeric(text.front()) &&
         std::ranges::all_of(text, [](char c) { return IsLowerAlphanumeric(c) || c == '-'; });
}

bool IsNumber(std::string_view text) {
  return !text.empty() && text.size() <= kMaxNumberDigits &&
         std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; }) &&
         (text.size() == 1 || text.front() != '0');
}

// Splits at each separator; "a//b" has an empty part, which no name accepts.
std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const size_t at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) {
      return parts;
    }
    text.remove_prefix(at + 1);
  }
}

bool IsDomain(std::string_view text) {
  return text.size() <= kMaxDeployment && std::ranges::all_of(Split(text, '.'), [](auto label) {
           return !label.empty() && label.size() <= 63 && IsLowerAlphanumeric(label.front()) &&
                  IsLowerAlphanumeric(label.back()) && std::ranges::all_of(label, [](char c) {
                    return IsLowerAlphanumeric(c) || c == '-';
                  });
         });
}

bool ReadServiceKind(std::string_view text, ServiceKind& kind) {
  for (const ServiceKind candidate :
       {ServiceKind::kStorage, ServiceKind::kCustody, ServiceKind::kReview}) {
    if (text == Name(candidate)) {
      kind = candidate;
      return true;
    }
  }
  return false;
}

absl::Status Malformed() {
  return Refuse(Reason::kCertificateInvalid, "the certificate's URI is no SPIFFE name of Comity");
}

absl::Status ReadPath(const std::vector<std::string_view>& path, SpiffeName& name) {
  if (path.size() == 2 && path[0] == "reviewer" && IsName(path[1])) {
    name.kind = SpiffeName::Kind::kReviewer;
    name.name = path[1];
    return absl::OkStatus();
  }
  if (path.size() != 4 || !IsName(path[1])) {
    return Malformed();
  }
  name.organisation = path[1];
  name.name = path[3];
  if (path[0] == "authority" && path[2] == "agent" && IsName(path[3])) {
    name.kind = SpiffeName::Kind::kAgent;
    return absl::OkStatus();
  }
  if (path[0] == "operator" && path[2] == "person" && IsName(path[3])) {
    name.kind = SpiffeName::Kind::kOperatorPerson;
    return absl::OkStatus();
  }
  if (path[0] == "operator" && ReadServiceKind(path[2], name.service) && IsNumber(path[3])) {
    name.kind = SpiffeName::Kind::kService;
    return absl::OkStatus();
  }
  return Malformed();
}

}  // namespace

absl::StatusOr<SpiffeName> ParseSpiffe(std::string_view uri) {
  if (uri.size() > kMaxUri || !uri.starts_with(kScheme)) {
    return Malformed();
  }
  std::vector<std::string_view> parts = Split(uri.substr(kScheme.size()), '/');
  const std::string_view domain = parts.front();
  const size_t dot = domain.find('.');
  if (dot == std::string_view::npos) {
    return Malformed();
  }
  absl::StatusOr<RegionId> region = RegionId::Create(domain.substr(0, dot));
  const std::string_view deployment = domain.substr(dot + 1);
  if (!region.ok() || !IsDomain(deployment)) {
    return Malformed();
  }
  parts.erase(parts.begin());
  SpiffeName name;
  name.region = *std::move(region);
  name.deployment = deployment;
  RETURN_IF_ERROR(ReadPath(parts, name));
  return name;
}

std::string FormatSpiffe(const SpiffeName& name) {
  std::string uri(kScheme);
  uri.append(name.region.name()).append(".").append(name.deployment);
  switch (name.kind) {
    case SpiffeName::Kind::kService:
      return uri.append("/operator/")
          .append(name.organisation)
          .append("/")
          .append(Name(name.service))
          .append("/")
          .append(name.name);
    case SpiffeName::Kind::kOperatorPerson:
      return uri.append("/operator/")
          .append(name.organisation)
          .append("/person/")
          .append(name.name);
    case SpiffeName::Kind::kAgent:
      return uri.append("/authority/")
          .append(name.organisation)
          .append("/agent/")
          .append(name.name);
    case SpiffeName::Kind::kReviewer:
      return uri.append("/reviewer/").append(name.name);
  }
  return uri;
}

}  // namespace comity
