#ifndef COMITY_STORAGE_LEGAL_USE_H_
#define COMITY_STORAGE_LEGAL_USE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "services/common/authorisation/authorisation.h"
#include "services/common/identity/authorization.h"
#include "services/common/store/blob_store.h"
#include "services/common/topology/roster.h"
#include "services/storage/account_store.h"
#include "services/storage/content_reader.h"
#include "services/storage/event_log.h"
#include "services/storage/legal_store.h"
#include "services/storage/object_store.h"
#include "services/storage/site.h"

namespace comity::storage {

// How long an executed authorisation's contents are kept for delivery, whatever their owner does.
inline constexpr int64_t kPinMs = 30 * kDayMs;
inline constexpr size_t kMaxScopeItems = 4096;

struct ScopeItem {
  ObjectId object;
  ContentId content;
  UnixMillis create_time = 0;
  uint64_t padded_size = 0;  // rounded up to a power of two
};

// What review may learn of an account that is held; of any other it learns that it is not.
struct Scope {
  bool held = false;
  std::vector<ScopeItem> items;  // the earliest, in order of time
  bool truncated = false;
  std::vector<Statement> chain;
};

// Content under an executed authorisation. Not thread-safe; the LegalUses outlives it.
class AuthorisedDownload final {
 public:
  // The next bytes, up to 4 MiB; empty at the end. Ends when the account is not served here any
  // more.
  absl::StatusOr<std::string> Next();

 private:
  friend class LegalUses;
  AuthorisedDownload(AccountStore* accounts, BlobStore* blobs, const AccountId& account,
                     const StoredObject& object)
      : accounts_(accounts),
        account_(account),
        reader_(blobs, account, object.tree, object.record.size) {}

  AccountStore* const accounts_;
  const AccountId account_;
  ContentReader reader_;
};

// Storage's part of legal uses, for the region's own review. Thread-safe.
class LegalUses final {
 public:
  // What is given outlives this.
  LegalUses(Site site, const Roster* roster, AccountStore* accounts, ObjectStore* objects,
            LegalStore* legal, BlobStore* blobs, EventLog* log);

  // Versions stored in [begin, end). For every account that is not served here the answer is the
  // same, and so is the work: one look at one record. ACCOUNT_FENCED.
  absl::StatusOr<Scope> GetScope(const Authorization& review, const AccountId& account,
                                 UnixMillis begin, UnixMillis end);

  // Verifies, logs "legal.use", signs the manifest, and commits the answer before giving it. A
  // repeat gives the stored answer and does nothing.
  //   AUTHORISATION_INVALID, FOUR_EYES, ENDORSEMENT_MISSING, RULES_FORBID
  //   ACCOUNT_NOT_HERE, ACCOUNT_FENCED, MESSAGE_TOO_LARGE, LOG_UNAVAILABLE
  absl::StatusOr<StoredAnswer> Execute(const Authorization& review,
                                       const Authorisation& authorisation);

  // AUTHORISATION_INVALID unless an executed authorisation covers this content now.
  absl::StatusOr<std::unique_ptr<AuthorisedDownload>> Open(const Authorization& review,
                                                           const Digest& authorisation,
                                                           const AccountId& account,
                                                           const ContentId& content);

 private:
  // The account if it is served here; by the small record first, so that others cost the same.
  absl::StatusOr<SnapshotPtr> Served(const AccountId& account);
  absl::StatusOr<StoredAnswer> Use(const VerifiedAuthorisation& verified,
                                   const AccountSnapshot& account, LoggedLeaf& logged,
                                   std::string& salt);

  const Site site_;
  const Roster* const roster_;
  AccountStore* const accounts_;
  ObjectStore* const objects_;
  LegalStore* const legal_;
  BlobStore* const blobs_;
  EventLog* const log_;
};

}  // namespace comity::storage

#endif  // COMITY_STORAGE_LEGAL_USE_H_
