#include "services/review/case_keys.h"

#include <utility>

#include "services/common/crypto/digest.h"
#include "services/common/ids/ids.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity::review {
namespace {

constexpr char kFormat = 1;
constexpr size_t kKeySize = 32;
constexpr std::string_view kSealInfo = "comity review seal v1";
constexpr std::string_view kIndexInfo = "comity review index v1";

}  // namespace

absl::StatusOr<std::shared_ptr<const CaseKey>> CaseKey::Create(const SecretBytes& key) {
  if (key.size() != kKeySize) return Refuse(Reason::kFieldInvalid, "a record key has 32 bytes");
  std::shared_ptr<CaseKey> made(new CaseKey());
  ASSIGN_OR_RETURN(made->seal_, GcmSivKey::Create(HkdfSha256(key, "", kSealInfo, kKeySize)));
  made->index_ = HkdfSha256(key, "", kIndexInfo, kKeySize);
  return std::shared_ptr<const CaseKey>(std::move(made));
}

std::string CaseKey::Seal(std::string_view bytes, std::string_view place) const {
  return std::string(1, kFormat) + seal_->Seal(SecretBytes::CopyOf(bytes), place);
}

absl::StatusOr<std::string> CaseKey::Open(std::string_view sealed, std::string_view place) const {
  if (sealed.empty() || sealed.front() != kFormat) {
    return Refuse(Reason::kDataCorrupt, "a sealed record of an unknown format");
  }
  ASSIGN_OR_RETURN(const SecretBytes plain, seal_->Open(sealed.substr(1), place));
  return std::string(plain.RevealView(RevealKey::ForOwner()));
}

std::string CaseKey::IndexName(std::string_view kind, std::string_view value) const {
  std::string named(kind);
  named.push_back('\0');
  named.append(value);
  return Base32Encode(HmacSha256(index_, named));
}

bool CaseKeys::is_open() const {
  absl::MutexLock lock(&mutex_);
  return key_ != nullptr;
}

absl::StatusOr<std::shared_ptr<const CaseKey>> CaseKeys::Get() {
  {
    absl::MutexLock lock(&mutex_);
    if (key_ != nullptr) return key_;
  }
  absl::MutexLock opening(&opening_);
  {
    absl::MutexLock lock(&mutex_);
    if (key_ != nullptr) return key_;
  }
  ASSIGN_OR_RETURN(std::shared_ptr<const CaseKey> key, Open());
  absl::MutexLock lock(&mutex_);
  key_ = std::move(key);
  return key_;
}

absl::StatusOr<std::shared_ptr<const CaseKey>> CaseKeys::Open() {
  ASSIGN_OR_RETURN(const std::optional<std::string> wrapped, store_->Load());
  ASSIGN_OR_RETURN(const OpenedRecordKey opened,
                   custody_->OpenRecordKey(wrapped.value_or(std::string())));
  // The wrap is durable before anything is sealed under its key.
  if (!wrapped.has_value()) RETURN_IF_ERROR(store_->Keep(opened.wrapped));
  return CaseKey::Create(opened.plaintext);
}

}  // namespace comity::review
