#ifndef COMITY_CLIENT_OBJECTS_OBJECTS_H_
#define COMITY_CLIENT_OBJECTS_OBJECTS_H_

#include <cstdint>
#include <functional>
#include <istream>
#include <map>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "client/objects/attributes.h"
#include "client/profile/profile.h"
#include "client/session/session.h"
#include "services/common/ids/ids.h"
#include "services/common/statement/object_record.h"
#include "services/common/status/reason.h"

namespace comity {

inline constexpr uint64_t kUnknownSize = ~uint64_t{0};

struct ObjectInfo {
  ObjectId id;
  ContentId content;
  uint64_t version = 0;
  uint64_t stored_size = 0;  // ciphertext bytes
  UnixMillis stored = 0;
  // Of the account key: what its data keys are wrapped under.
  KeyVersion key_version = 0;
  // KEY_DISABLED or KEY_DESTROYED: that version opens nothing, so that the attributes are not
  // known. Otherwise kUnspecified.
  Reason locked = Reason::kUnspecified;
  ObjectAttributes attributes;
};

// Told now and then: bytes done, bytes in all (0 = not known).
using Progress = std::function<void(uint64_t done, uint64_t total)>;

// Objects of the profile's account: encrypted and decrypted here, streamed in constant memory (a
// few MiB, whatever the size). Names live only in sealed attributes, so a look-up by name lists.
// Not thread-safe; `session` (opened with the profile's certificate) and `profile` outlive it.
class ObjectClient final {
 public:
  ObjectClient(Session* session, Profile* profile) : session_(*session), profile_(*profile) {}

  // Stores all of `in` under `attributes.name` (FIELD_INVALID: object_name.h), as a new object or
  // as the next version of the one with that name. `attributes.size` is what `in` will give, or
  // kUnknownSize for a pipe: another size read is STATE_NOT_READY and nothing is stored. CONFLICT
  // when another device replaced it meanwhile: call again.
  absl::StatusOr<ObjectInfo> Put(std::istream& in, ObjectAttributes attributes,
                                 const Progress& progress = nullptr);

  // Writes the object's bytes to `out`. DATA_CORRUPT when anything does not verify: then what was
  // written so far is authentic but incomplete, and must be thrown away.
  absl::StatusOr<ObjectInfo> Get(const std::string& name, std::ostream& out,
                                 const Progress& progress = nullptr);

  // All objects, names opened, by name; then those that are locked.
  absl::StatusOr<std::vector<ObjectInfo>> List();
  // OBJECT_NOT_FOUND if no object has this name; KEY_DISABLED if a locked one may have it.
  absl::StatusOr<ObjectInfo> Find(const std::string& name);
  // As storage keeps it, keys wrapped. As of Find().
  absl::StatusOr<ObjectRecord> FindRecord(const std::string& name);
  absl::Status Remove(const std::string& name);
  // Deletes those whose key version is destroyed, which nothing can open any more. Their number.
  absl::StatusOr<size_t> RemoveLost();

 private:
  absl::StatusOr<RegionId> Home() const;
  absl::StatusOr<RegionId> Custody() const;
  // Opens the attributes of a page of objects with one call to custody for each key version.
  absl::Status Open(const std::vector<ObjectRecord>& records, std::vector<ObjectInfo>& out);
  absl::Status OpenUnder(const std::vector<ObjectRecord>& records, std::vector<ObjectInfo>& out);
  absl::Status LoadIndex();
  // Before it is said that there is no object of some name.
  absl::Status CheckAllNamesKnown() const;
  absl::Status RemoveVersion(const ObjectInfo& info);
  absl::Status Download(const ObjectInfo& info, std::ostream& out, const Progress& progress);

  Session& session_;
  Profile& profile_;
  // By name; loaded once, kept up to date by this client's own changes, dropped on CONFLICT.
  std::optional<std::map<std::string, ObjectInfo>> index_;
  std::vector<ObjectInfo> locked_;  // as of the index
};

}  // namespace comity

#endif  // COMITY_CLIENT_OBJECTS_OBJECTS_H_
