#ifndef COMITY_CLIENT_OBJECTS_LISTING_H_
#define COMITY_CLIENT_OBJECTS_LISTING_H_

#include <functional>
#include <vector>

#include "absl/status/status.h"

#include "client/session/session.h"
#include "services/common/ids/ids.h"
#include "services/common/statement/object_record.h"

namespace comity {

// Calls `use` with every page, of up to 1,000, of the account's objects at the storage of `home`,
// by id. Ends with the first refusal, of storage or of `use`.
using UsePage = std::function<absl::Status(const std::vector<ObjectRecord>& records)>;
absl::Status ForEachPage(Session& session, const RegionId& home, const AccountId& account,
                         const UsePage& use);

}  // namespace comity

#endif  // COMITY_CLIENT_OBJECTS_LISTING_H_
