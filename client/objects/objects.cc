#include "client/objects/objects.h"

#include <algorithm>
#include <utility>

#include "client/objects/listing.h"
#include "client/objects/object_name.h"
#include "client/objects/wire.h"
#include "comity/custody/v1/custody.grpc.pb.h"
#include "comity/storage/v1/storage.grpc.pb.h"
#include "services/common/crypto/random.h"
#include "services/common/crypto/streaming.h"
#include "services/common/statement/wrapped_key_name.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity {
namespace {

namespace cpb = comity::custody::v1;
namespace spb = comity::storage::v1;
using CustodyApi = cpb::CustodyService;
using StorageApi = spb::StorageService;

constexpr size_t kChunk = 1 << 20;
// A stream may take long on a slow line; what bounds it is the progress of its bytes.
constexpr std::chrono::hours kStreamTimeout(12);

struct DataKeys {
  SecretBytes content;
  SecretBytes attributes;
  std::string wrapped_content;
  std::string wrapped_attributes;
};

absl::StatusOr<DataKeys> GenerateKeys(Session& session, const RegionId& region,
                                      const AccountId& account, const ObjectId& object,
                                      const ContentId& content) {
  cpb::BatchGenerateDataKeysRequest request;
  request.set_account_id(std::string(account.bytes()));
  request.set_reason(cpb::USE_REASON_OWNER_ACCESS);
  *request.add_contexts() = ContextOf(object, content, KeyPurpose::kContent);
  *request.add_contexts() = ContextOf(object, content, KeyPurpose::kAttributes);
  ASSIGN_OR_RETURN(
      cpb::BatchGenerateDataKeysResponse response,
      (session
           .Call<CustodyApi, cpb::BatchGenerateDataKeysRequest, cpb::BatchGenerateDataKeysResponse>(
               region, ServiceKind::kCustody, &CustodyApi::Stub::BatchGenerateDataKeys, request)));
  if (response.keys_size() != 2) {
    return Refuse(Reason::kInternal, "custody answered with another number of keys");
  }
  DataKeys keys;
  keys.content = SecretBytes::TakeFrom(*response.mutable_keys(0)->mutable_plaintext());
  keys.attributes = SecretBytes::TakeFrom(*response.mutable_keys(1)->mutable_plaintext());
  keys.wrapped_content = response.keys(0).wrapped();
  keys.wrapped_attributes = response.keys(1).wrapped();
  return keys;
}

absl::StatusOr<std::vector<SecretBytes>> Unwrap(Session& session, const RegionId& region,
                                                const AccountId& account,
                                                const std::vector<ObjectRecord>& records,
                                                KeyPurpose purpose) {
  cpb::BatchUnwrapDataKeysRequest request;
  request.set_account_id(std::string(account.bytes()));
  request.set_reason(cpb::USE_REASON_OWNER_ACCESS);
  for (const ObjectRecord& record : records) {
    cpb::UnwrapItem& item = *request.add_items();
    *item.mutable_context() = ContextOf(record.object, record.content, purpose);
    item.set_wrapped(purpose == KeyPurpose::kContent ? record.wrapped_content_key
                                                     : record.wrapped_attributes_key);
  }
  ASSIGN_OR_RETURN(
      cpb::BatchUnwrapDataKeysResponse response,
      (session.Call<CustodyApi, cpb::BatchUnwrapDataKeysRequest, cpb::BatchUnwrapDataKeysResponse>(
          region, ServiceKind::kCustody, &CustodyApi::Stub::BatchUnwrapDataKeys, request)));
  if (response.plaintexts_size() != static_cast<int>(records.size())) {
    return Refuse(Reason::kInternal, "custody answered with another number of keys");
  }
  std::vector<SecretBytes> keys;
  for (std::string& plaintext : *response.mutable_plaintexts()) {
    keys.push_back(SecretBytes::TakeFrom(plaintext));
  }
  return keys;
}

ObjectInfo InfoOf(const ObjectRecord& record) {
  ObjectInfo info;
  info.id = record.object;
  info.content = record.content;
  info.version = record.version;
  info.stored_size = record.size;
  info.stored = record.create_time;
  if (const auto name = ParseWrappedKey(record.wrapped_attributes_key); name.ok()) {
    info.key_version = name->version;
  }
  return info;
}

// Encrypts `in` and writes it to the stream in chunks; gives the number of plaintext bytes.
template <typename Writer>
absl::StatusOr<uint64_t> Upload(std::istream& in, StreamEncrypter encrypter, Writer& writer,
                                uint64_t total, const Progress& progress) {
  std::string plain(kChunk, '\0');
  std::string sealed;
  uint64_t done = 0;
  bool broken = false;
  const auto flush = [&](bool last) {
    size_t begin = 0;
    while (!broken && (sealed.size() - begin >= kChunk || (last && begin < sealed.size()))) {
      spb::PutObjectRequest request;
      const size_t n = std::min(kChunk, sealed.size() - begin);
      request.set_chunk(sealed.substr(begin, n));
      // False means that the service has answered already: Finish() tells why.
      broken = !writer.Write(request);
      begin += n;
    }
    sealed.erase(0, begin);
  };
  while (in && !broken) {
    in.read(plain.data(), static_cast<std::streamsize>(plain.size()));
    const auto n = static_cast<size_t>(in.gcount());
    encrypter.Update(std::string_view(plain).substr(0, n), sealed);
    done += n;
    flush(false);
    if (progress) progress(done, total == kUnknownSize ? 0 : total);
  }
  WipeString(plain);
  if (in.bad()) return Refuse(Reason::kStateNotReady, "the source could not be read to its end");
  std::move(encrypter).Finish(sealed);
  flush(true);
  return done;
}

}  // namespace

absl::StatusOr<RegionId> ObjectClient::Home() const {
  return session_.FindRegion(profile_.state().home_region);
}

absl::StatusOr<RegionId> ObjectClient::Custody() const {
  return session_.FindRegion(profile_.state().custody_region());
}

absl::StatusOr<ObjectInfo> ObjectClient::Put(std::istream& in, ObjectAttributes attributes,
                                             const Progress& progress) {
  RETURN_IF_ERROR(CheckObjectName(attributes.name));
  RETURN_IF_ERROR(LoadIndex());
  ASSIGN_OR_RETURN(const RegionId home, Home());
  ASSIGN_OR_RETURN(const RegionId keys_at, Custody());
  const uint64_t announced = attributes.size;
  const auto existing = index_->find(attributes.name);
  // Two objects of one name would hide each other once the version is enabled again.
  if (existing == index_->end()) RETURN_IF_ERROR(CheckAllNamesKnown());
  const uint64_t before = existing == index_->end() ? 0 : existing->second.version;
  const ObjectId object = existing == index_->end() ? RandomId<ObjectId>() : existing->second.id;
  const auto content = RandomId<ContentId>();
  attributes.version = before + 1;
  ASSIGN_OR_RETURN(const DataKeys keys,
                   GenerateKeys(session_, keys_at, profile_.account(), object, content));
  ASSIGN_OR_RETURN(StreamEncrypter encrypter,
                   StreamEncrypter::Create(keys.content, ContentAssociatedData(content)));

  const auto stub = session_.peers().StubTo<StorageApi>(home, ServiceKind::kStorage);
  grpc::ClientContext context;
  session_.peers().Prepare(context, kStreamTimeout);
  spb::PutObjectResponse response;
  const auto writer = stub->PutObject(&context, &response);
  spb::PutObjectRequest first;
  spb::PutObjectHeader& header = *first.mutable_header();
  header.set_request_id(std::string(RandomId<RequestId>().bytes()));
  header.set_account_id(std::string(profile_.account().bytes()));
  header.set_object_id(std::string(object.bytes()));
  header.set_content_id(std::string(content.bytes()));
  header.set_expected_version(before);
  header.set_wrapped_content_key(keys.wrapped_content);
  header.set_wrapped_attributes_key(keys.wrapped_attributes);
  header.set_sealed_attributes(SealAttributes(attributes, content, keys.attributes));
  writer->Write(first);
  const absl::StatusOr<uint64_t> read =
      Upload(in, std::move(encrypter), *writer, announced, progress);
  const bool complete = read.ok() && (announced == kUnknownSize || *read == announced);
  if (complete) {
    writer->WritesDone();
  } else {
    context.TryCancel();
  }
  const grpc::Status finished = writer->Finish();
  const absl::Status outcome =
      session_.peers().Outcome(finished, context, home, ServiceKind::kStorage);
  // A refusal by the service explains an upload that broke off better than its own end does.
  if (!complete && ReasonOf(outcome) == Reason::kCancelled) {
    if (!read.ok()) return read.status();
    return Refuse(Reason::kStateNotReady, attributes.name + " changed while it was read");
  }
  if (!outcome.ok()) {
    if (ReasonOf(outcome) == Reason::kConflict) index_.reset();
    return outcome;
  }
  ASSIGN_OR_RETURN(const ObjectRecord record, RecordOf(response.object()));
  // A message of a stream that a service cannot read ends the stream there, as if it were complete.
  if (record.content != content || record.size != StreamCiphertextSize(*read)) {
    index_.reset();
    return Refuse(Reason::kDataCorrupt, "storage stored something else than was sent");
  }
  ObjectInfo info = InfoOf(record);
  attributes.size = *read;
  info.attributes = std::move(attributes);
  index_->insert_or_assign(info.attributes.name, info);
  return info;
}

absl::StatusOr<ObjectInfo> ObjectClient::Get(const std::string& name, std::ostream& out,
                                             const Progress& progress) {
  ASSIGN_OR_RETURN(const ObjectInfo info, Find(name));
  RETURN_IF_ERROR(Download(info, out, progress));
  return info;
}

absl::Status ObjectClient::Download(const ObjectInfo& info, std::ostream& out,
                                    const Progress& progress) {
  ASSIGN_OR_RETURN(const RegionId home, Home());
  ASSIGN_OR_RETURN(const RegionId keys_at, Custody());
  const auto stub = session_.peers().StubTo<StorageApi>(home, ServiceKind::kStorage);
  grpc::ClientContext context;
  session_.peers().Prepare(context, kStreamTimeout);
  spb::GetObjectRequest request;
  request.set_account_id(std::string(profile_.account().bytes()));
  request.set_object_id(std::string(info.id.bytes()));
  request.set_version(info.version);
  const auto reader = stub->GetObject(&context, request);
  const auto finish = [&](absl::Status own) {
    if (!own.ok()) context.TryCancel();
    const grpc::Status status = reader->Finish();
    if (!own.ok()) return own;
    return session_.peers().Outcome(status, context, home, ServiceKind::kStorage);
  };
  spb::GetObjectResponse message;
  if (!reader->Read(&message) || !message.has_object()) {
    RETURN_IF_ERROR(finish(absl::OkStatus()));
    return Refuse(Reason::kInternal, "storage sent no object record");
  }
  const absl::StatusOr<ObjectRecord> record = RecordOf(message.object());
  if (!record.ok()) return finish(record.status());
  absl::StatusOr<std::vector<SecretBytes>> keys =
      Unwrap(session_, keys_at, profile_.account(), {*record}, KeyPurpose::kContent);
  if (!keys.ok()) return finish(keys.status());
  absl::StatusOr<StreamDecrypter> decrypter =
      StreamDecrypter::Create(keys->front(), ContentAssociatedData(record->content));
  if (!decrypter.ok()) return finish(decrypter.status());

  std::string plain;
  uint64_t done = 0;
  const auto emit = [&]() -> absl::Status {
    out.write(plain.data(), static_cast<std::streamsize>(plain.size()));
    done += plain.size();
    WipeString(plain);
    if (progress) progress(done, info.attributes.size);
    return out ? absl::OkStatus()
               : Refuse(Reason::kStoreUnavailable, "the destination cannot be written");
  };
  while (reader->Read(&message)) {
    if (absl::Status s = decrypter->Update(message.chunk(), plain); !s.ok()) return finish(s);
    if (absl::Status s = emit(); !s.ok()) return finish(s);
  }
  RETURN_IF_ERROR(finish(absl::OkStatus()));
  RETURN_IF_ERROR(std::move(*decrypter).Finish(plain));
  return emit();
}

absl::Status ObjectClient::Open(const std::vector<ObjectRecord>& records,
                                std::vector<ObjectInfo>& out) {
  std::map<KeyVersion, std::vector<ObjectRecord>> by_version;
  for (const ObjectRecord& record : records) {
    ASSIGN_OR_RETURN(const WrappedKeyName name, ParseWrappedKey(record.wrapped_attributes_key));
    by_version[name.version].push_back(record);
  }
  for (const auto& [version, under] : by_version) {
    RETURN_IF_ERROR(OpenUnder(under, out));
  }
  return absl::OkStatus();
}

absl::Status ObjectClient::OpenUnder(const std::vector<ObjectRecord>& records,
                                     std::vector<ObjectInfo>& out) {
  ASSIGN_OR_RETURN(const RegionId keys_at, Custody());
  const absl::StatusOr<std::vector<SecretBytes>> keys =
      Unwrap(session_, keys_at, profile_.account(), records, KeyPurpose::kAttributes);
  const Reason locked = ReasonOf(keys.status());
  if (locked != Reason::kKeyDisabled && locked != Reason::kKeyDestroyed) {
    RETURN_IF_ERROR(keys.status());
  }
  for (size_t i = 0; i < records.size(); ++i) {
    ObjectInfo info = InfoOf(records[i]);
    info.locked = locked;
    if (keys.ok()) {
      ASSIGN_OR_RETURN(info.attributes, OpenAttributes(records[i].sealed_attributes,
                                                       records[i].content, (*keys)[i]));
      // The sealed version number is the owner's own word: an older one means a rolled-back store.
      if (info.attributes.version != records[i].version) {
        return Refuse(Reason::kDataCorrupt, "the object's version is not the one its owner sealed");
      }
      if (info.attributes.size == kUnknownSize) {
        info.attributes.size = StreamPlaintextSize(records[i].size);
      }
    }
    out.push_back(std::move(info));
  }
  return absl::OkStatus();
}

absl::Status ObjectClient::LoadIndex() {
  if (index_.has_value()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const RegionId home, Home());
  std::map<std::string, ObjectInfo> index;
  std::vector<ObjectInfo> locked;
  const auto add = [&](const std::vector<ObjectRecord>& records) -> absl::Status {
    std::vector<ObjectInfo> infos;
    RETURN_IF_ERROR(Open(records, infos));
    for (ObjectInfo& info : infos) {
      if (info.locked != Reason::kUnspecified) {
        locked.push_back(std::move(info));
        continue;
      }
      std::string name = info.attributes.name;
      index.insert_or_assign(std::move(name), std::move(info));
    }
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(ForEachPage(session_, home, profile_.account(), add));
  index_ = std::move(index);
  locked_ = std::move(locked);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<ObjectInfo>> ObjectClient::List() {
  index_.reset();
  RETURN_IF_ERROR(LoadIndex());
  std::vector<ObjectInfo> infos;
  for (const auto& [name, info] : *index_) infos.push_back(info);
  infos.insert(infos.end(), locked_.begin(), locked_.end());
  return infos;
}

absl::Status ObjectClient::CheckAllNamesKnown() const {
  const auto disabled = std::ranges::find(locked_, Reason::kKeyDisabled, &ObjectInfo::locked);
  return disabled == locked_.end()
             ? absl::OkStatus()
             : Refuse(Reason::kKeyDisabled, "an object under key version " +
                                                std::to_string(disabled->key_version) +
                                                " may have this name");
}

absl::StatusOr<ObjectInfo> ObjectClient::Find(const std::string& name) {
  RETURN_IF_ERROR(LoadIndex());
  const auto it = index_->find(name);
  if (it == index_->end()) {
    RETURN_IF_ERROR(CheckAllNamesKnown());
    return Refuse(Reason::kObjectNotFound, name);
  }
  return it->second;
}

absl::StatusOr<ObjectRecord> ObjectClient::FindRecord(const std::string& name) {
  ASSIGN_OR_RETURN(const ObjectInfo info, Find(name));
  ASSIGN_OR_RETURN(const RegionId home, Home());
  std::optional<ObjectRecord> found;
  RETURN_IF_ERROR(ForEachPage(session_, home, profile_.account(), [&](const auto& records) {
    for (const ObjectRecord& record : records) {
      if (record.object == info.id) found = record;
    }
    return absl::OkStatus();
  }));
  if (!found.has_value()) return Refuse(Reason::kObjectNotFound, name);
  return *std::move(found);
}

absl::Status ObjectClient::RemoveVersion(const ObjectInfo& info) {
  ASSIGN_OR_RETURN(const RegionId home, Home());
  spb::DeleteObjectRequest request;
  request.set_request_id(std::string(RandomId<RequestId>().bytes()));
  request.set_account_id(std::string(profile_.account().bytes()));
  request.set_object_id(std::string(info.id.bytes()));
  request.set_expected_version(info.version);
  return session_
      .Call<StorageApi, spb::DeleteObjectRequest, spb::DeleteObjectResponse>(
          home, ServiceKind::kStorage, &StorageApi::Stub::DeleteObject, request)
      .status();
}

absl::Status ObjectClient::Remove(const std::string& name) {
  ASSIGN_OR_RETURN(const ObjectInfo info, Find(name));
  RETURN_IF_ERROR(RemoveVersion(info));
  index_->erase(name);
  return absl::OkStatus();
}

absl::StatusOr<size_t> ObjectClient::RemoveLost() {
  index_.reset();
  RETURN_IF_ERROR(LoadIndex());
  size_t removed = 0;
  for (const ObjectInfo& info : locked_) {
    if (info.locked != Reason::kKeyDestroyed) continue;
    RETURN_IF_ERROR(RemoveVersion(info));
    ++removed;
  }
  index_.reset();
  return removed;
}

}  // namespace comity
