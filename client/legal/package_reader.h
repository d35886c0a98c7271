#ifndef COMITY_CLIENT_LEGAL_PACKAGE_READER_H_
#define COMITY_CLIENT_LEGAL_PACKAGE_READER_H_

#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "client/legal/legal.h"
#include "comity/review/v1/review.pb.h"
#include "services/common/crypto/digest.h"
#include "services/common/crypto/streaming.h"
#include "services/common/statement/object_record.h"

namespace comity {

// A content that is being written.
struct OpenContent {
  ObjectRecord record;
  OpenedFile file;
  std::ofstream out;
  std::optional<StreamDecrypter> decrypter;  // set from the beginning
  Sha256Hasher hasher;
  uint64_t taken = 0;
};

// Reads the stream of a package in order: per account its head, then each content and its chunks.
// The review that sends it is not believed: storage's manifest, every digest and custody's answer
// are verified here, and no name leads out of the folder. DATA_CORRUPT, AUTHORISATION_INVALID,
// SIGNATURE_INVALID, ENDORSEMENT_MISSING for what does not verify; then the package is worth
// nothing from there on. Not thread-safe.
class PackageReader final {
 public:
  struct Options {
    const Topology* topology = nullptr;  // outlives the reader
    UnixMillis now = 0;
    std::string person_folder;  // holds recipient-<key>.key
    std::string case_id;
    std::string folder;  // exists; contents are written there
  };
  explicit PackageReader(Options options) : options_(std::move(options)) {}

  absl::Status Take(const comity::review::v1::DownloadPackageResponse& message);
  // After the last message.
  absl::StatusOr<std::vector<OpenedFile>> Finish();

 private:
  using OpenedKeys = std::map<std::pair<ContentId, KeyPurpose>, SecretBytes>;

  absl::Status TakeAccount(const comity::review::v1::PackageAccount& message);
  absl::Status OpenAnswer(const AuthorisationCore& core, const Digest& authorisation,
                          const std::string& sealed);
  absl::Status CheckManifest(const comity::review::v1::PackageAccount& message,
                             const AuthorisationCore& core, const Digest& authorisation,
                             const std::vector<Digest>& digests) const;
  absl::Status ListNames();
  absl::StatusOr<std::string> NameOf(const ObjectRecord& record) const;
  std::string PathFor(const std::string& name, const ContentId& content);
  absl::Status BeginContent(const comity::review::v1::PackageContent& message);
  absl::Status TakeChunk(const std::string& chunk);
  absl::Status Emit(const std::string& plain);
  absl::Status FinishContent();

  const Options options_;
  std::map<ContentId, ObjectRecord> records_;  // of the account whose contents come
  OpenedKeys keys_;
  std::optional<OpenContent> open_;
  std::set<std::string> paths_;  // that were written
  std::vector<OpenedFile> files_;
};

}  // namespace comity

#endif  // COMITY_CLIENT_LEGAL_PACKAGE_READER_H_
