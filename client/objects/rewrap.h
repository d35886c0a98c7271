#ifndef COMITY_CLIENT_OBJECTS_REWRAP_H_
#define COMITY_CLIENT_OBJECTS_REWRAP_H_

#include <cstdint>
#include <functional>
#include <map>
#include <set>

#include "absl/status/statusor.h"

#include "client/profile/profile.h"
#include "client/session/session.h"
#include "services/common/ids/ids.h"
#include "services/common/status/reason.h"

namespace comity {

struct RewrapOutcome {
  uint64_t current = 0;    // were under the newest key version already
  uint64_t rewrapped = 0;  // are from now on
  // Of the last pass: changed meanwhile by another device, so that it is not known under which
  // version they are. 0 but where others keep storing.
  uint64_t unsettled = 0;
  bool complete = false;  // a pass found nothing to do
  std::map<Reason, uint64_t>
      failed;  // could not be opened: KEY_DISABLED, KEY_DESTROYED, DATA_CORRUPT
};
// Told after each object: how many have been looked at.
using RewrapProgress = std::function<void(uint64_t objects)>;

// Has the data keys of every object of the profile's account wrapped under the newest version of
// its key. Data keys do not leave custody, and no content is moved. Object by object, each durable:
// whoever stops in between goes on by calling it again. In passes, until one finds nothing to do:
// then nothing that storage had when that pass began is under an older version, but for what could
// not be opened, which is counted and left as it is. An upload that is under way keeps the keys
// that it began with. Other refusals end it.
absl::StatusOr<RewrapOutcome> RewrapObjects(Session& session, const Profile& profile,
                                            const RewrapProgress& progress = nullptr);

// How many objects of the profile's account are under one of these key versions, by their wraps'
// own word.
absl::StatusOr<uint64_t> CountWrappedUnder(Session& session, const Profile& profile,
                                           const std::set<KeyVersion>& versions);

}  // namespace comity

#endif  // COMITY_CLIENT_OBJECTS_REWRAP_H_
