#ifndef COMITY_STORAGE_DELIVERY_CHECK_H_
#define COMITY_STORAGE_DELIVERY_CHECK_H_

#include <optional>
#include <vector>

#include "absl/status/statusor.h"

#include "services/common/statement/device_chain.h"
#include "services/common/statement/statement.h"
#include "services/storage/account_store.h"
#include "services/storage/site.h"

namespace comity::storage {

// How many device statements an account may have, and how long one may be: an owner cannot fill the
// store or an answer with its own history.
inline constexpr size_t kMaxDeviceStatements = 256;
inline constexpr size_t kMaxDeviceStatementBytes = 4 << 10;

// A device statement of the past: signed by a device of the chain, which may have been revoked
// since. For history that a carrier brings; what a device asks at this time, an active one must
// have signed.
absl::Status VerifyDeviceHistory(const DeviceChain& chain, const Statement& statement);

// What is new in a delivery, every signature verified.
struct VerifiedDelivery {
  DeviceChain chain;  // with the entries that came along
  bool chain_grew = false;
  std::vector<Statement> device;   // numbered, new, by number
  std::vector<Statement> service;  // new, each with its endorsement
};

// Sorts and verifies. `by_device`: the carrier is a device, so that its own statements must also
// make sense now; other carriers bring history. Pure; refusals as Deliveries::Deliver.
absl::StatusOr<VerifiedDelivery> VerifyDelivery(const Site& site, const AccountSnapshot& account,
                                                const std::vector<Statement>& statements,
                                                bool by_device);

}  // namespace comity::storage

#endif  // COMITY_STORAGE_DELIVERY_CHECK_H_
