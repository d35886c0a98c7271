#include "services/storage/stored_legal_store.h"

#include <string>
#include <utility>

#include "comity/storage/store/v1/store.pb.h"
#include "services/common/crypto/digest.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/storage/stored_codec.h"
#include "services/storage/stored_commit.h"

namespace comity::storage {
namespace {

constexpr uint32_t kFormat = 1;
constexpr std::string_view kUsed = "used/";

absl::Status Corrupt() { return Refuse(Reason::kDataCorrupt, "a legal use is not what was kept"); }

std::string EncodeAnswer(const StoredAnswer& answer) {
  store::v1::LegalAnswer message;
  message.set_format(kFormat);
  for (const StoredObject& object : answer.objects) message.add_objects(EncodeObject(object));
  message.set_manifest(EncodeStatement(answer.manifest));
  message.set_leaf(answer.leaf);
  message.set_receipt(answer.receipt);
  message.set_contents_allowed(answer.contents_allowed);
  return message.SerializeAsString();
}

absl::StatusOr<StoredAnswer> DecodeAnswer(const std::string& bytes) {
  store::v1::LegalAnswer message;
  if (!message.ParseFromString(bytes) || message.format() != kFormat) return Corrupt();
  StoredAnswer answer;
  for (const std::string& object : message.objects()) {
    ASSIGN_OR_RETURN(StoredObject decoded, DecodeObject(object));
    answer.objects.push_back(std::move(decoded));
  }
  absl::StatusOr<Statement> manifest = DecodeStatement(message.manifest());
  if (!manifest.ok()) return Corrupt();
  answer.manifest = *std::move(manifest);
  answer.leaf = message.leaf();
  answer.receipt = message.receipt();
  answer.contents_allowed = message.contents_allowed();
  return answer;
}

}  // namespace

absl::StatusOr<std::optional<LegalUse>> StoredLegalStore::Find(const AccountId& account,
                                                               const Digest& authorisation) {
  const std::string key = std::string(kUsed) + authorisation.ToString();
  ASSIGN_OR_RETURN(const Snapshot snapshot, records_->Get(AccountPartition(account), {key}));
  const std::string* value = snapshot.Find(key);
  if (value == nullptr) return std::optional<LegalUse>();
  ASSIGN_OR_RETURN(LegalUse use, Read(*value));
  return std::optional<LegalUse>(std::move(use));
}

absl::Status StoredLegalStore::Put(const AccountSnapshot& served, const Digest& authorisation,
                                   const LegalUse& use, const LeafOpening& opening) {
  const std::string key = std::string(kUsed) + authorisation.ToString();
  const std::string answer = EncodeAnswer(use.answer);
  if (answer.size() > kMaxBlobBytes) {
    return Refuse(Reason::kMessageTooLarge, "the answer does not fit: authorise a smaller scope");
  }
  // A name of its own for each try: one that a crash left behind holds another manifest.
  const std::string blob = BlobFolder(served.account) + "answer-" + authorisation.ToString() + "-" +
                           UploadId::Random().text;
  RETURN_IF_ERROR(blobs_->PutIfAbsentOrEqual(blob, answer));
  store::v1::LegalUseEntry entry;
  entry.set_format(kFormat);
  entry.set_answer_blob(blob);
  entry.set_answer_digest(Sha256(answer));
  entry.set_pin_end_ms(use.pin_end);
  entry.mutable_leaf()->set_leaf(opening.leaf);
  entry.mutable_leaf()->set_salt(opening.salt);
  entry.mutable_leaf()->set_index(opening.index);
  const absl::Status committed =
      CommitRecords(*records_, AccountPartition(served.account),
                    {Precondition::VersionIs(served.version), Precondition::KeyAbsent(key)},
                    {Mutation::Put(key, entry.SerializeAsString())});
  if (ReasonOf(committed) == Reason::kConflict) blobs_->Delete(blob).IgnoreError();
  return committed;
}

absl::StatusOr<std::vector<LegalUse>> StoredLegalStore::List(const AccountId& account) {
  std::vector<LegalUse> uses;
  std::string begin(kUsed);
  for (bool more = true; more;) {
    ASSIGN_OR_RETURN(const ScanPage page,
                     records_->Scan(AccountPartition(account), begin, "used0", 100));
    for (const auto& [key, value] : page.items) {
      ASSIGN_OR_RETURN(LegalUse use, Read(value));
      uses.push_back(std::move(use));
    }
    more = page.more;
    if (more) begin = page.items.back().first + '\0';
  }
  return uses;
}

absl::StatusOr<LegalUse> StoredLegalStore::Read(const std::string& entry_bytes) {
  store::v1::LegalUseEntry entry;
  if (!entry.ParseFromString(entry_bytes) || entry.format() != kFormat) return Corrupt();
  absl::StatusOr<std::string> answer = blobs_->Get(entry.answer_blob());
  if (ReasonOf(answer.status()) == Reason::kObjectNotFound) return Corrupt();
  RETURN_IF_ERROR(answer.status());
  if (Sha256(*answer) != entry.answer_digest()) return Corrupt();
  LegalUse use;
  ASSIGN_OR_RETURN(use.answer, DecodeAnswer(*answer));
  use.pin_end = entry.pin_end_ms();
  return use;
}

}  // namespace comity::storage
