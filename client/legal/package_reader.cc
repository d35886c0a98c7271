#include "client/legal/package_reader.h"

#include <algorithm>

#include "client/objects/attributes.h"
#include "client/objects/wire.h"
#include "services/common/crypto/hpke.h"
#include "services/common/files/files.h"
#include "services/common/statement/proto_codec.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity {
namespace {

namespace rpb = comity::review::v1;

// "comity answer v1" || authorisation digest || audience || u32 part (docs/formats.md).
std::string AnswerInfo(const Digest& authorisation) {
  return "comity answer v1" + std::string(authorisation.bytes()) + "custody" + std::string(4, '\0');
}

// A file name that stays in its folder, whatever its owner called the object. Empty when nothing
// of the name is left.
std::string SafeName(const std::string& name) {
  std::string safe;
  for (const char c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '.' || c == '-' || c == '_';
    safe += plain ? c : '_';
  }
  while (safe.starts_with('.')) safe.erase(0, 1);
  return safe.substr(0, 100);
}

}  // namespace

absl::Status PackageReader::Take(const rpb::DownloadPackageResponse& message) {
  switch (message.part_case()) {
    case rpb::DownloadPackageResponse::kAccount:
      RETURN_IF_ERROR(FinishContent());
      return TakeAccount(message.account());
    case rpb::DownloadPackageResponse::kContent:
      RETURN_IF_ERROR(FinishContent());
      return BeginContent(message.content());
    case rpb::DownloadPackageResponse::kChunk:
      return TakeChunk(message.chunk());
    case rpb::DownloadPackageResponse::PART_NOT_SET:
      break;
  }
  return Refuse(Reason::kDataCorrupt, "the package has an empty part");
}

absl::StatusOr<std::vector<OpenedFile>> PackageReader::Finish() {
  RETURN_IF_ERROR(FinishContent());
  return std::move(files_);
}

absl::Status PackageReader::TakeAccount(const rpb::PackageAccount& message) {
  ASSIGN_OR_RETURN(const Authorisation authorisation, FromProto(message.authorisation()));
  ASSIGN_OR_RETURN(const AuthorisationCore core,
                   DecodeRecord<AuthorisationCore>(authorisation.core));
  if (core.case_id != options_.case_id) {
    return Refuse(Reason::kAuthorisationInvalid, "the package is of another case");
  }
  records_.clear();
  std::vector<Digest> digests;
  for (const comity::storage::v1::ObjectVersion& object : message.objects()) {
    ASSIGN_OR_RETURN(ObjectRecord record, RecordOf(object));
    digests.push_back(ObjectRecordDigest(record));
    const ContentId content = record.content;
    records_.emplace(content, std::move(record));
  }
  RETURN_IF_ERROR(CheckManifest(message, core, authorisation.digest(), digests));
  RETURN_IF_ERROR(OpenAnswer(core, authorisation.digest(), message.sealed_answer()));
  const bool contents =
      std::find(core.classes.begin(), core.classes.end(), DataClass::kC5) != core.classes.end();
  return contents ? absl::OkStatus() : ListNames();
}

absl::Status PackageReader::OpenAnswer(const AuthorisationCore& core, const Digest& authorisation,
                                       const std::string& sealed) {
  keys_.clear();
  if (sealed.empty()) return absl::OkStatus();  // nothing was in scope
  ASSIGN_OR_RETURN(const SecretBytes recipient,
                   ReadPrivateFile(options_.person_folder + "/recipient-" +
                                   Base32Encode(core.recipient_key) + ".key"));
  ASSIGN_OR_RETURN(const SecretBytes plain,
                   HpkeOpen(recipient, AnswerInfo(authorisation), "", sealed));
  ASSIGN_OR_RETURN(LegalAnswer answer,
                   DecodeRecord<LegalAnswer>(plain.RevealView(RevealKey::ForOwner())));
  for (AnsweredKey& key : answer.keys) {
    keys_.emplace(std::pair(key.content, key.purpose), SecretBytes::TakeFrom(key.data_key));
  }
  return absl::OkStatus();
}

// The list of objects is the one that storage signed for this authorisation.
absl::Status PackageReader::CheckManifest(const rpb::PackageAccount& message,
                                          const AuthorisationCore& core,
                                          const Digest& authorisation,
                                          const std::vector<Digest>& digests) const {
  ASSIGN_OR_RETURN(const Statement endorsement, FromProto(message.storage_endorsement()));
  ASSIGN_OR_RETURN(const PublicKey key,
                   options_.topology->VerifyEndorsement(endorsement, core.region,
                                                        ServiceKind::kStorage, options_.now));
  ASSIGN_OR_RETURN(const Statement statement, FromProto(message.manifest()));
  ASSIGN_OR_RETURN(const Parsed<LegalManifest> manifest,
                   VerifyStatement<LegalManifest>(statement, key));
  if (manifest.body.authorisation != authorisation || manifest.body.objects != digests ||
      manifest.envelope.subject != core.account.bytes()) {
    return Refuse(Reason::kDataCorrupt, "the objects are not those of storage's manifest");
  }
  return absl::OkStatus();
}

// Names without contents: the package of such an account ends with its head.
absl::Status PackageReader::ListNames() {
  for (const auto& [content, record] : records_) {
    OpenedFile file;
    ASSIGN_OR_RETURN(file.name, NameOf(record));
    file.size = record.size;
    files_.push_back(std::move(file));
  }
  return absl::OkStatus();
}

// As its owner named it, when names were authorised; else the content id.
absl::StatusOr<std::string> PackageReader::NameOf(const ObjectRecord& record) const {
  const auto key = keys_.find({record.content, KeyPurpose::kAttributes});
  if (key == keys_.end()) return record.content.ToString();
  ASSIGN_OR_RETURN(const ObjectAttributes attributes,
                   OpenAttributes(record.sealed_attributes, record.content, key->second));
  return attributes.name;
}

// Owners choose names and content ids: two objects may end up with one short name, and neither may
// take the other's place.
std::string PackageReader::PathFor(const std::string& name, const ContentId& content) {
  const std::string id = content.ToString();
  const std::string safe = name == id ? std::string() : SafeName(name);
  const std::string base =
      options_.folder + "/" + (safe.empty() ? id : safe + "-" + id.substr(0, 6));
  std::string path = base;
  for (int n = 2; !paths_.insert(path).second; ++n) path = base + "-" + std::to_string(n);
  return path;
}

absl::Status PackageReader::BeginContent(const rpb::PackageContent& message) {
  ASSIGN_OR_RETURN(const ContentId content, ContentId::FromBytes(message.content_id()));
  // Taken out: a content comes once.
  auto record = records_.extract(content);
  if (record.empty()) {
    return Refuse(Reason::kDataCorrupt, "the package holds a content that its manifest does not");
  }
  open_.emplace();
  open_->record = std::move(record.mapped());
  ASSIGN_OR_RETURN(open_->file.name, NameOf(open_->record));
  const auto key = keys_.find({content, KeyPurpose::kContent});
  if (key == keys_.end()) {
    return Refuse(Reason::kDataCorrupt, "the package holds a content without its key");
  }
  absl::StatusOr<StreamDecrypter> decrypter =
      StreamDecrypter::Create(key->second, ContentAssociatedData(content));
  if (!decrypter.ok()) return Refuse(Reason::kDataCorrupt, "a key has a wrong length");
  open_->decrypter.emplace(*std::move(decrypter));
  open_->file.path = PathFor(open_->file.name, content);
  open_->out.open(open_->file.path, std::ios::binary | std::ios::trunc);
  return open_->out ? absl::OkStatus()
                    : Refuse(Reason::kStoreUnavailable, "cannot write " + open_->file.path);
}

absl::Status PackageReader::TakeChunk(const std::string& chunk) {
  if (!open_.has_value()) return Refuse(Reason::kDataCorrupt, "a chunk of no content");
  open_->hasher.Update(chunk);
  open_->taken += chunk.size();
  std::string plain;
  RETURN_IF_ERROR(open_->decrypter->Update(chunk, plain));
  return Emit(plain);
}

absl::Status PackageReader::Emit(const std::string& plain) {
  open_->out.write(plain.data(), static_cast<std::streamsize>(plain.size()));
  open_->file.size += plain.size();
  return open_->out ? absl::OkStatus()
                    : Refuse(Reason::kStoreUnavailable, "cannot write " + open_->file.path);
}

absl::Status PackageReader::FinishContent() {
  if (!open_.has_value()) return absl::OkStatus();
  if (open_->taken != open_->record.size ||
      std::move(open_->hasher).Finish() != open_->record.digest) {
    return Refuse(Reason::kDataCorrupt, "a content is not the one of its manifest");
  }
  std::string plain;
  RETURN_IF_ERROR(std::move(*open_->decrypter).Finish(plain));
  RETURN_IF_ERROR(Emit(plain));
  open_->out.close();
  if (!open_->out) return Refuse(Reason::kStoreUnavailable, "cannot write " + open_->file.path);
  files_.push_back(open_->file);
  open_.reset();
  return absl::OkStatus();
}

}  // namespace comity
