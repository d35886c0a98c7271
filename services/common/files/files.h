#ifndef COMITY_COMMON_FILES_FILES_H_
#define COMITY_COMMON_FILES_FILES_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "services/common/secret/secret.h"

// Small files of identities, profiles and deployments. All errors are STORE_UNAVAILABLE with path
// and cause (for the log), except where said.
namespace comity {

// Whole content of a file of at most 16 MiB.
absl::StatusOr<std::string> ReadFile(const std::string& path);

// As ReadFile, for key material: refuses (STATE_NOT_READY) a file that others than its owner may
// read, and leaves no copy outside the arena.
absl::StatusOr<SecretBytes> ReadPrivateFile(const std::string& path);

// As ReadPrivateFile, for a file that others may have put there: refuses one that is another
// user's, who could read it all the same.
absl::StatusOr<SecretBytes> ReadOwnPrivateFile(const std::string& path);

// Writes a new file beside it, syncs, renames over `path`, syncs the folder: after a crash there is
// the old content or the new, never a mixture. Mode 0600 or 0644.
enum class FileMode { kPrivate, kPublic };
absl::Status WriteFileDurably(const std::string& path, std::string_view bytes, FileMode mode);
absl::Status WritePrivateFile(const std::string& path, const SecretBytes& bytes);

// mkdir -p; new folders get 0700.
absl::Status MakePrivateFolders(const std::string& path);
bool FileExists(const std::string& path);

}  // namespace comity

#endif  // COMITY_COMMON_FILES_FILES_H_
