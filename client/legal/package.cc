#include <algorithm>
#include <fstream>
#include <map>
#include <optional>
#include <utility>

#include "client/legal/legal.h"
#include "client/objects/attributes.h"
#include "client/objects/wire.h"
#include "comity/review/v1/review.grpc.pb.h"
#include "services/common/crypto/digest.h"
#include "services/common/crypto/hpke.h"
#include "services/common/crypto/streaming.h"
#include "services/common/files/files.h"
#include "services/common/statement/object_record.h"
#include "services/common/statement/proto_codec.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity {
namespace {

namespace rpb = comity::review::v1;
using ReviewApi = rpb::ReviewService;

constexpr std::chrono::hours kStreamTimeout(12);

using KeyName = std::pair<ContentId, KeyPurpose>;
using OpenedKeys = std::map<KeyName, SecretBytes>;

// "comity answer v1" || authorisation digest || audience || u32 part (docs/formats.md).
std::string AnswerInfo(const Digest& authorisation) {
  return "comity answer v1" + std::string(authorisation.bytes()) + "custody" + std::string(4, '\0');
}

absl::StatusOr<OpenedKeys> OpenAnswer(const Person& person, const AuthorisationCore& core,
                                      const Digest& digest, const std::string& sealed) {
  OpenedKeys keys;
  if (sealed.empty()) return keys;  // nothing was in scope
  ASSIGN_OR_RETURN(
      const SecretBytes recipient,
      ReadPrivateFile(person.folder + "/recipient-" + Base32Encode(core.recipient_key) + ".key"));
  ASSIGN_OR_RETURN(const SecretBytes plain, HpkeOpen(recipient, AnswerInfo(digest), "", sealed));
  ASSIGN_OR_RETURN(LegalAnswer answer,
                   DecodeRecord<LegalAnswer>(plain.RevealView(RevealKey::ForOwner())));
  for (AnsweredKey& key : answer.keys) {
    keys.emplace(KeyName{key.content, key.purpose}, SecretBytes::TakeFrom(key.data_key));
  }
  return keys;
}

// A file name that stays in its folder, whatever its owner called the object.
std::string SafeName(const std::string& name, const ContentId& content) {
  std::string safe;
  for (const char c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '.' || c == '-' || c == '_';
    safe += plain ? c : '_';
  }
  while (safe.starts_with('.')) safe.erase(0, 1);
  const std::string id = content.ToString();
  return safe.empty() ? id : safe.substr(0, 100) + "-" + id.substr(0, 6);
}

// A content that is being written.
struct OpenContent {
  ObjectRecord record;
  OpenedFile file;
  std::ofstream out;
  std::optional<StreamDecrypter> decrypter;  // set from the beginning
  Sha256Hasher hasher;
  uint64_t taken = 0;
};

// Reads the package's stream in order: per account its head, then each content and its chunks.
class PackageReader final {
 public:
  PackageReader(const Session& session, const Person& person, std::string case_id,
                std::string folder)
      : session_(session),
        person_(person),
        case_id_(std::move(case_id)),
        folder_(std::move(folder)) {}

  absl::Status Take(const rpb::DownloadPackageResponse& message) {
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

  absl::StatusOr<std::vector<OpenedFile>> Finish() {
    RETURN_IF_ERROR(FinishContent());
    return std::move(files_);
  }

 private:
  absl::Status TakeAccount(const rpb::PackageAccount& message) {
    ASSIGN_OR_RETURN(const Authorisation authorisation, FromProto(message.authorisation()));
    ASSIGN_OR_RETURN(const AuthorisationCore core,
                     DecodeRecord<AuthorisationCore>(authorisation.core));
    if (core.case_id != case_id_) {
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
    ASSIGN_OR_RETURN(keys_,
                     OpenAnswer(person_, core, authorisation.digest(), message.sealed_answer()));
    const bool contents =
        std::find(core.classes.begin(), core.classes.end(), DataClass::kC5) != core.classes.end();
    return contents ? absl::OkStatus() : ListNames();
  }

  // Names without contents: the package of such an account ends with its head.
  absl::Status ListNames() {
    for (const auto& [content, record] : records_) {
      OpenedFile file;
      ASSIGN_OR_RETURN(file.name, NameOf(record));
      file.size = record.size;
      files_.push_back(std::move(file));
    }
    return absl::OkStatus();
  }

  // As its owner named it, when names were authorised; else the content id.
  absl::StatusOr<std::string> NameOf(const ObjectRecord& record) const {
    const auto key = keys_.find({record.content, KeyPurpose::kAttributes});
    if (key == keys_.end()) return record.content.ToString();
    ASSIGN_OR_RETURN(const ObjectAttributes attributes,
                     OpenAttributes(record.sealed_attributes, record.content, key->second));
    return attributes.name;
  }

  // The list of objects is the one that storage signed for this authorisation.
  absl::Status CheckManifest(const rpb::PackageAccount& message, const AuthorisationCore& core,
                             const Digest& authorisation, const std::vector<Digest>& digests) {
    ASSIGN_OR_RETURN(const Statement endorsement, FromProto(message.storage_endorsement()));
    ASSIGN_OR_RETURN(const PublicKey key,
                     session_.topology().VerifyEndorsement(endorsement, core.region,
                                                           ServiceKind::kStorage, session_.Now()));
    ASSIGN_OR_RETURN(const Statement statement, FromProto(message.manifest()));
    ASSIGN_OR_RETURN(const Parsed<LegalManifest> manifest,
                     VerifyStatement<LegalManifest>(statement, key));
    if (manifest.body.authorisation != authorisation || manifest.body.objects != digests ||
        manifest.envelope.subject != core.account.bytes()) {
      return Refuse(Reason::kDataCorrupt, "the objects are not those of storage's manifest");
    }
    return absl::OkStatus();
  }

  absl::Status BeginContent(const rpb::PackageContent& message) {
    ASSIGN_OR_RETURN(const ContentId content, ContentId::FromBytes(message.content_id()));
    const auto record = records_.find(content);
    if (record == records_.end()) {
      return Refuse(Reason::kDataCorrupt, "the package holds a content that its manifest does not");
    }
    open_.emplace();
    open_->record = record->second;
    ASSIGN_OR_RETURN(open_->file.name, NameOf(open_->record));
    const bool named = open_->file.name != content.ToString();
    open_->file.path = folder_ + "/" + SafeName(named ? open_->file.name : std::string(), content);
    const auto key = keys_.find({content, KeyPurpose::kContent});
    if (key == keys_.end()) {
      return Refuse(Reason::kDataCorrupt, "the package holds a content without its key");
    }
    ASSIGN_OR_RETURN(StreamDecrypter decrypter,
                     StreamDecrypter::Create(key->second, ContentAssociatedData(content)));
    open_->decrypter.emplace(std::move(decrypter));
    open_->out.open(open_->file.path, std::ios::binary | std::ios::trunc);
    return open_->out ? absl::OkStatus()
                      : Refuse(Reason::kStoreUnavailable, "cannot write " + open_->file.path);
  }

  absl::Status TakeChunk(const std::string& chunk) {
    if (!open_.has_value()) return Refuse(Reason::kDataCorrupt, "a chunk of no content");
    open_->hasher.Update(chunk);
    open_->taken += chunk.size();
    std::string plain;
    RETURN_IF_ERROR(open_->decrypter->Update(chunk, plain));
    return Emit(plain);
  }

  absl::Status Emit(const std::string& plain) {
    open_->out.write(plain.data(), static_cast<std::streamsize>(plain.size()));
    open_->file.size += plain.size();
    return open_->out ? absl::OkStatus()
                      : Refuse(Reason::kStoreUnavailable, "cannot write " + open_->file.path);
  }

  absl::Status FinishContent() {
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

  const Session& session_;
  const Person& person_;
  const std::string case_id_;
  const std::string folder_;
  std::map<ContentId, ObjectRecord> records_;
  OpenedKeys keys_;
  std::optional<OpenContent> open_;
  std::vector<OpenedFile> files_;
};

}  // namespace

absl::StatusOr<std::vector<OpenedFile>> LegalClient::Open(const std::string& case_id,
                                                          const std::string& folder) {
  ASSIGN_OR_RETURN(const RegionId region, Region());
  RETURN_IF_ERROR(MakePrivateFolders(folder));
  const auto stub = session_.peers().StubTo<ReviewApi>(region, ServiceKind::kReview);
  grpc::ClientContext context;
  session_.peers().Prepare(context, kStreamTimeout);
  rpb::DownloadPackageRequest request;
  request.set_case_id(case_id);
  const auto reader = stub->DownloadPackage(&context, request);
  PackageReader package(session_, person_, case_id, folder);
  rpb::DownloadPackageResponse message;
  absl::Status taken;
  while (taken.ok() && reader->Read(&message)) taken = package.Take(message);
  if (!taken.ok()) context.TryCancel();
  const grpc::Status status = reader->Finish();
  RETURN_IF_ERROR(taken);
  RETURN_IF_ERROR(session_.peers().Outcome(status, context, region, ServiceKind::kReview));
  return package.Finish();
}

}  // namespace comity
