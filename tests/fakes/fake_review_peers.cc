#include "tests/fakes/fake_review_peers.h"

#include <algorithm>
#include <utility>

#include "services/common/authorisation/authorisation.h"
#include "services/common/crypto/digest.h"
#include "services/common/crypto/random.h"
#include "services/common/status/macros.h"

namespace comity {
namespace {

absl::StatusOr<VerifiedAuthorisation> Verify(const TestDeployment& deployment,
                                             const Authorisation& authorisation, ServiceKind kind,
                                             const std::string& region, UnixMillis now) {
  return VerifyAuthorisation(authorisation, kind, TestDeployment::Region(region),
                             deployment.topology(), deployment.roster(region), now);
}

}  // namespace

void FakeOwnStorage::AddAccount(const TestAccount& account) {
  absl::MutexLock lock(&mutex_);
  accounts_[account.id()].chain = account.entries();
}

void FakeOwnStorage::RemoveAccount(const AccountId& account) {
  absl::MutexLock lock(&mutex_);
  accounts_.erase(account);
}

std::string FakeOwnStorage::CiphertextOf(const ContentId& content) {
  return "ciphertext of " + content.ToString();
}

ContentId FakeOwnStorage::AddObject(const AccountId& account, UnixMillis time) {
  ObjectRecord record;
  record.object = RandomId<ObjectId>();
  record.version = 1;
  record.content = RandomId<ContentId>();
  const std::string ciphertext = CiphertextOf(record.content);
  record.size = ciphertext.size();
  record.digest = Sha256Digest(ciphertext);
  record.wrapped_content_key = "wrapped content key";
  record.wrapped_attributes_key = "wrapped attributes key";
  record.sealed_attributes = "sealed attributes";
  record.create_time = time;
  absl::MutexLock lock(&mutex_);
  accounts_[account].objects.push_back(record);
  return record.content;
}

void FakeOwnStorage::RemoveObject(const AccountId& account, const ContentId& content) {
  absl::MutexLock lock(&mutex_);
  std::erase_if(accounts_[account].objects,
                [&](const ObjectRecord& record) { return record.content == content; });
}

void FakeOwnStorage::RefuseAll(Reason reason) {
  absl::MutexLock lock(&mutex_);
  refusal_ = reason;
}

void FakeOwnStorage::SetHook(std::function<void()> hook) {
  absl::MutexLock lock(&mutex_);
  hook_ = std::move(hook);
}

size_t FakeOwnStorage::scopes_asked() const {
  absl::MutexLock lock(&mutex_);
  return scopes_asked_;
}

size_t FakeOwnStorage::executed() const {
  absl::MutexLock lock(&mutex_);
  return answers_.size();
}

absl::Status FakeOwnStorage::CheckAvailable() const {
  return refusal_ == Reason::kUnspecified ? absl::OkStatus() : Refuse(refusal_);
}

absl::StatusOr<review::AccountScope> FakeOwnStorage::GetScope(std::string_view /*case_id*/,
                                                              const AccountId& account,
                                                              UnixMillis begin, UnixMillis end) {
  absl::MutexLock lock(&mutex_);
  ++scopes_asked_;
  RETURN_IF_ERROR(CheckAvailable());
  review::AccountScope scope;
  const auto it = accounts_.find(account);
  if (it == accounts_.end()) return scope;
  scope.held = true;
  scope.chain = it->second.chain;
  for (const ObjectRecord& record : it->second.objects) {
    if (record.create_time >= begin && record.create_time < end) {
      scope.contents.push_back(record.content);
    }
  }
  return scope;
}

absl::StatusOr<review::StorageAnswer> FakeOwnStorage::Execute(const Authorisation& authorisation) {
  std::function<void()> hook;
  {
    absl::MutexLock lock(&mutex_);
    RETURN_IF_ERROR(CheckAvailable());
    hook = hook_;
  }
  if (hook) hook();
  absl::MutexLock lock(&mutex_);
  ASSIGN_OR_RETURN(const AuthorisationCore core,
                   DecodeRecord<AuthorisationCore>(authorisation.core));
  const auto account = accounts_.find(core.account);
  if (account == accounts_.end()) return Refuse(Reason::kAccountNotHere);
  const Digest digest = authorisation.digest();
  if (const auto it = answers_.find(digest); it != answers_.end()) return it->second;
  RETURN_IF_ERROR(
      Verify(*deployment_, authorisation, ServiceKind::kStorage, region_, clock_->Now()).status());
  review::StorageAnswer answer;
  LegalManifest manifest{digest, {}};
  for (const ObjectRecord& record : account->second.objects) {
    if (std::ranges::find(core.contents, record.content) == core.contents.end()) continue;
    answer.objects.push_back(record);
    manifest.objects.push_back(ObjectRecordDigest(record));
  }
  const TestService& service = deployment_->service(region_, ServiceKind::kStorage);
  Envelope envelope;
  envelope.deployment = deployment_->topology().deployment();
  envelope.region = region_;
  envelope.subject = std::string(core.account.bytes());
  envelope.time = clock_->Now();
  envelope.number = 1;
  answer.manifest = SignStatement(envelope, manifest, service.statement_key);
  answer.endorsement = service.endorsement;
  answer.leaf = "storage's leaf";
  answer.receipt = "storage's receipt";
  answers_.emplace(digest, answer);
  return answer;
}

absl::Status FakeOwnStorage::ReadContent(const Digest& authorisation, const AccountId& /*account*/,
                                         const ContentId& content,
                                         const std::function<absl::Status(std::string)>& take) {
  {
    absl::MutexLock lock(&mutex_);
    RETURN_IF_ERROR(CheckAvailable());
    if (!answers_.contains(authorisation)) return Refuse(Reason::kAuthorisationInvalid);
  }
  return take(CiphertextOf(content));
}

void FakeOwnCustody::RefuseAll(Reason reason) {
  absl::MutexLock lock(&mutex_);
  refusal_ = reason;
}

size_t FakeOwnCustody::executed() const {
  absl::MutexLock lock(&mutex_);
  return answers_.size();
}

std::vector<review::AuthorisedWrap> FakeOwnCustody::newest_wraps() const {
  absl::MutexLock lock(&mutex_);
  return newest_wraps_;
}

absl::Status FakeOwnCustody::CheckAvailable() const {
  return refusal_ == Reason::kUnspecified ? absl::OkStatus() : Refuse(refusal_);
}

absl::StatusOr<review::OpenedRecordKey> FakeOwnCustody::OpenRecordKey(const std::string& wrapped) {
  absl::MutexLock lock(&mutex_);
  RETURN_IF_ERROR(CheckAvailable());
  std::string name = wrapped;
  if (name.empty()) {
    name = "wrap " + Base32Encode(RandomBytes(8));
    record_keys_[name] = RandomBytes(32);
  }
  const auto key = record_keys_.find(name);
  if (key == record_keys_.end()) return Refuse(Reason::kDataCorrupt);
  return review::OpenedRecordKey{SecretBytes::CopyOf(std::string_view(key->second)), name};
}

absl::StatusOr<review::CustodyAnswer> FakeOwnCustody::Execute(
    const Authorisation& authorisation, const std::vector<review::AuthorisedWrap>& wraps) {
  absl::MutexLock lock(&mutex_);
  RETURN_IF_ERROR(CheckAvailable());
  const Digest digest = authorisation.digest();
  newest_wraps_ = wraps;
  if (const auto it = answers_.find(digest); it != answers_.end()) return it->second;
  RETURN_IF_ERROR(
      Verify(*deployment_, authorisation, ServiceKind::kCustody, region_, clock_->Now()).status());
  review::CustodyAnswer answer{"sealed " + digest.ToString(), "custody's leaf",
                               "custody's receipt"};
  answers_.emplace(digest, answer);
  return answer;
}

}  // namespace comity
