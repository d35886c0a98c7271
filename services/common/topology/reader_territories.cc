#include "services/common/status/macros.h"
#include "services/common/topology/reader_rules.h"

// Territories and their dated homes.
namespace comity::internal {
namespace {

namespace pb = comity::topology::v1;

constexpr uint32_t kMaxWindowDays = 3'660;

absl::StatusOr<UnixMillis> ReadDate(const std::string& text, const Place& here,
                                    std::string_view field, const std::string& subject) {
  absl::StatusOr<UnixMillis> time = ParseTime(text);
  if (!time.ok()) {
    return here.Broken(field,
                       subject + ": " + std::string(field) + ": " + Quote(text) + " is not a date");
  }
  return time;
}

absl::StatusOr<HomeInfo> ReadHome(const pb::Home& home, const Place& here,
                                  const std::string& territory, bool first, UnixMillis before,
                                  const TopologyData& data) {
  const std::string subject = "territory " + Quote(territory) + ", home " + Quote(home.region());
  const RegionInfo* region = FindRegion(data, home.region());
  if (region == nullptr) {
    return here.Broken("region", subject + ": no such region " + Quote(home.region()));
  }
  if (!home.terms().empty() && !data.terms.contains(home.terms())) {
    return here.Broken("terms", subject + ": no such terms " + Quote(home.terms()));
  }
  const RegionInfo* keys = home.keys().empty() ? region : FindRegion(data, home.keys());
  if (keys == nullptr) {
    return here.Broken("keys", subject + ": no such region " + Quote(home.keys()));
  }
  HomeInfo info{region->id, 0, 0, 0, home.terms(), keys->id};
  if (first) {
    if (!home.from().empty()) {
      return here.Broken("from", subject + ": the first home holds from the beginning");
    }
    if (!home.announced().empty() || home.window_days() != 0) {
      return here.Broken(home.announced().empty() ? "window_days" : "announced",
                         subject + ": the first home has no announcement and no window");
    }
    return info;
  }
  if (home.from().empty()) {
    return here.Broken("from", subject + ": only the first home has no date");
  }
  ASSIGN_OR_RETURN(info.from, ReadDate(home.from(), here, "from", subject));
  if (info.from <= before) {
    return here.Broken("from", subject + ": homes stand in order of date");
  }
  info.announced = info.from;
  if (!home.announced().empty()) {
    ASSIGN_OR_RETURN(info.announced, ReadDate(home.announced(), here, "announced", subject));
    if (info.announced > info.from) {
      return here.Broken("announced", subject + ": announced after it begins");
    }
  }
  if (home.window_days() != 0) {
    if (home.terms().empty()) {
      return here.Broken("window_days", subject + ": a window is for accepting terms; it has none");
    }
    if (home.window_days() > kMaxWindowDays) {
      return here.Broken("window_days", subject + ": a window of at most 3660 days");
    }
    info.window_end = info.from + int64_t{home.window_days()} * kDayMs;
  }
  return info;
}

}  // namespace

absl::Status ReadTerritories(const pb::Topology& file, const Place& place, TopologyData& data) {
  for (int i = 0; i < file.territories_size(); ++i) {
    const pb::Territory& territory = file.territories(i);
    const Place here = place.Of("territories", i);
    const std::string subject = "territory " + Quote(territory.code());
    if (territory.code() != "*" && !IsCode(territory.code())) {
      return here.Broken("code",
                         subject + ": a code is 2 to 8 upper-case letters or digits, or \"*\"");
    }
    if (!IsTitle(territory.title())) return here.Broken("title", subject + ": needs a title");
    TerritoryInfo info{territory.code(), territory.title(), {}};
    for (int j = 0; j < territory.homes_size(); ++j) {
      ASSIGN_OR_RETURN(HomeInfo home,
                       ReadHome(territory.homes(j), here.Of("homes", j), territory.code(), j == 0,
                                info.homes.empty() ? 0 : info.homes.back().from, data));
      // Data and keys move together, or keys to where the data is (standing.h).
      const bool moves = j == 0 || (home.resident() && (info.homes.back().resident() ||
                                                        info.homes.back().region == home.region));
      if (!moves) {
        return here.Of("homes", j)
            .Broken(home.resident() ? "region" : "keys",
                    subject +
                        ": data does not move without its keys; keys that are kept in "
                        "another region move to the data first");
      }
      info.homes.push_back(std::move(home));
    }
    if (info.homes.empty()) return here.Broken("homes", subject + ": needs a home");
    if (!data.territories.emplace(territory.code(), std::move(info)).second) {
      return here.Broken("code", subject + ": listed twice");
    }
  }
  if (!data.territories.contains("*")) {
    return place.Broken("territories", "territories: \"*\" is missing: every account needs a home");
  }
  return absl::OkStatus();
}

}  // namespace comity::internal
