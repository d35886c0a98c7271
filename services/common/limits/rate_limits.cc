#include "services/common/limits/rate_limits.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "services/common/status/reason.h"
#include "services/common/status/retry_after.h"

namespace comity {
namespace {

constexpr std::string_view kNone = "none";

// No ordinary owner notices, and no one account has a custody for itself: docs/limits.md.
constexpr auto kInfos = std::to_array<LimitInfo>({
    {Limit::kAccountKeys, "account-keys", {20'000, 200'000}},
    {Limit::kAccountCalls, "account-calls", {50, 500}},
    {Limit::kCreations, "creations", {}},
    {Limit::kOperatorCalls, "operator-calls", {1'000, 10'000}},
    {Limit::kUseAccess, "use-access", {}},
    {Limit::kUseExport, "use-export", {}},
    {Limit::kUseVerify, "use-verify", {}},
    {Limit::kUseRewrap, "use-rewrap", {}},
    {Limit::kUseGrant, "use-grant", {}},
    {Limit::kUseLegal, "use-legal", {50, 8'192}},
});

constexpr bool AreInOrder() {
  for (size_t i = 0; i < kInfos.size(); ++i) {
    if (static_cast<size_t>(kInfos.at(i).limit) != i) return false;
  }
  return kInfos.size() == kLimits;
}
static_assert(AreInOrder(), "limits are looked up by number");

std::optional<uint64_t> ParseNumber(std::string_view text) {
  uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  const bool fits = error == std::errc() && at == end && number >= 1 && number <= kMaxRate;
  return fits ? std::optional<uint64_t>(number) : std::nullopt;
}

std::optional<Rate> ParseRate(std::string_view text) {
  if (text == kNone) return Rate();
  const size_t slash = text.find('/');
  const std::optional<uint64_t> rate = ParseNumber(text.substr(0, slash));
  const std::optional<uint64_t> burst =
      slash == std::string_view::npos ? rate : ParseNumber(text.substr(slash + 1));
  if (!rate.has_value() || !burst.has_value()) return std::nullopt;
  return Rate{*rate, *burst};
}

}  // namespace

std::span<const LimitInfo> AllLimits() { return kInfos; }

std::string_view Name(Limit limit) { return kInfos.at(static_cast<size_t>(limit)).name; }

Rates DefaultRates() {
  Rates rates;
  std::ranges::transform(kInfos, rates.begin(), &LimitInfo::rate);
  return rates;
}

absl::Status SetRate(std::string_view text, Rates& rates) {
  const size_t equals = text.find('=');
  const auto info = std::ranges::find(kInfos, text.substr(0, equals), &LimitInfo::name);
  const std::optional<Rate> rate =
      equals == std::string_view::npos ? std::nullopt : ParseRate(text.substr(equals + 1));
  if (info == kInfos.end() || !rate.has_value()) {
    return Refuse(Reason::kFieldInvalid,
                  "\"" + std::string(text) +
                      "\" is no NAME=RATE, NAME=RATE/BURST or NAME=none with numbers from 1 to " +
                      std::to_string(kMaxRate) + "; names and defaults: " + DescribeLimits());
  }
  rates.at(static_cast<size_t>(info->limit)) = *rate;
  return absl::OkStatus();
}

std::string FormatRate(const Rate& rate) {
  return rate.unlimited() ? std::string(kNone)
                          : std::to_string(rate.per_second) + "/" + std::to_string(rate.burst);
}

std::string DescribeLimits() {
  std::string text;
  for (const LimitInfo& info : kInfos) {
    if (!text.empty()) text.append(", ");
    text.append(info.name).append("=").append(FormatRate(info.rate));
  }
  return text;
}

RateLimits::RateLimits(const Rates& rates, Now now) : now_(std::move(now)) {
  std::ranges::transform(rates, limiters_.begin(),
                         [](const Rate& rate) { return std::make_unique<RateLimiter>(rate); });
}

absl::Status RateLimits::Take(Limit limit, std::string_view key, uint64_t count) {
  RateLimiter& limiter = Of(limit);
  if (limiter.rate().unlimited()) return absl::OkStatus();
  const std::optional<std::chrono::milliseconds> wait = limiter.Take(key, count, now_());
  if (!wait.has_value()) return absl::OkStatus();
  refused_[static_cast<size_t>(limit)].fetch_add(1, std::memory_order_relaxed);
  return RefuseFor(Reason::kRateLimited, *wait, Name(limit));
}

void RateLimits::GiveBack(Limit limit, std::string_view key, uint64_t count) {
  Of(limit).GiveBack(key, count);
}

}  // namespace comity
