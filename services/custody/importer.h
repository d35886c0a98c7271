#ifndef COMITY_CUSTODY_IMPORTER_H_
#define COMITY_CUSTODY_IMPORTER_H_

#include <deque>
#include <map>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"

#include "services/common/clock/clock.h"
#include "services/common/identity/authorization.h"
#include "services/common/ids/ids.h"
#include "services/common/secret/secret.h"
#include "services/common/statement/statement.h"
#include "services/custody/key_export.h"
#include "services/custody/ledger.h"
#include "services/custody/peer_custody.h"
#include "services/custody/site.h"
#include "services/custody/vault.h"

namespace comity::custody {

// The destination side of a key's move. Transport keys live in memory alone, ten minutes at most:
// an export that was recorded on its way opens for nobody later, not even with the root key.
// Thread-safe. What it is given outlives it.
class Importer final {
 public:
  Importer(const Site* site, Ledger* ledger, const Vault* vault)
      : site_(site), ledger_(ledger), vault_(vault) {}

  // A fresh key.transport for one move. BORDER_CLOSED; SEALED, as Import(): keys that could not be
  // put away are not asked for.
  absl::StatusOr<Statement> OfferTransportKey(const Authorization& authorization,
                                              const AccountId& account, AccountEpoch epoch);

  // Forgets the transport keys whose time is over.
  void DropExpired();
  // Forgets all: custody is sealed.
  void DropAll();
  // How many are waiting for their import.
  size_t offered();

  // Verifies everything about the move on its own, stores the keys INACTIVE under this region's
  // root, and signs key.receipt. A repeat gets the same receipt.
  //   BORDER_CLOSED         no declared edge from the caller's region.
  //   CONSENT_MISSING       no consent among the account's statements.
  //   CONSENT_VOID          not the newest word of the device, another move, another epoch, not
  //   what
  //                         this custody's own topology computes.
  //   STATE_NOT_READY       the transport key is not known (any more): ask for another.
  //   STATEMENT_SUPERSEDED  the epoch was called off, is over, or other keys arrived for it.
  //   CHAIN_BEHIND, CHAIN_FORKED   against the chain that is known here.
  //   SIGNATURE_INVALID, ENDORSEMENT_MISSING, STATEMENT_MALFORMED, FIELD_INVALID, DATA_CORRUPT.
  absl::StatusOr<Statement> Import(const Authorization& authorization,
                                   const ImportCommand& command);

 private:
  struct Transport {
    RegionId source;
    AccountId account;
    AccountEpoch epoch = 0;
    UnixMillis expiry = 0;
    SecretBytes private_key;
  };

  void Drop(const Digest& transport);
  absl::StatusOr<ExportedKeys> Open(const RegionId& source, const ImportCommand& command);
  absl::Status CheckFits(const Account& account, const RegionId& source,
                         const ImportCommand& command) const;
  absl::Status FillImport(const RegionId& source, const ImportCommand& command,
                          const ExportedKeys& keys, const KeySealer& sealer, Plan& plan) const;

  const Site* const site_;
  Ledger* const ledger_;
  const Vault* const vault_;

  absl::Mutex mutex_;
  std::map<Digest, Transport> transports_ ABSL_GUARDED_BY(mutex_);
  std::deque<Digest> oldest_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_IMPORTER_H_
