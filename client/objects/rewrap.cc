#include "client/objects/rewrap.h"

#include <string>
#include <utility>
#include <vector>

#include "client/objects/listing.h"
#include "client/objects/wire.h"
#include "comity/custody/v1/custody.grpc.pb.h"
#include "comity/storage/v1/storage.grpc.pb.h"
#include "services/common/crypto/random.h"
#include "services/common/statement/wrapped_key_name.h"
#include "services/common/status/macros.h"

namespace comity {
namespace {

namespace cpb = comity::custody::v1;
namespace spb = comity::storage::v1;
using CustodyApi = cpb::CustodyService;
using StorageApi = spb::StorageService;

// The first one works, the second finds that nothing is left. More are needed only while others
// store or rotate.
constexpr int kMaxPasses = 8;

class Rewrapper final {
 public:
  Rewrapper(Session& session, const Profile& profile, const RewrapProgress& progress, RegionId home,
            RegionId custody)
      : session_(session),
        account_(profile.account()),
        progress_(progress),
        home_(std::move(home)),
        custody_(std::move(custody)) {}

  absl::StatusOr<RewrapOutcome> Run() {
    for (int pass = 0; pass < kMaxPasses; ++pass) {
      const uint64_t before = outcome_.rewrapped;
      outcome_.unsettled = 0;
      outcome_.failed.clear();
      current_ = 0;
      done_ = 0;
      RETURN_IF_ERROR(ForEachPage(session_, home_, account_,
                                  [this](const auto& records) { return DoPage(records); }));
      if (pass == 0) outcome_.current = current_;
      if (outcome_.rewrapped == before && outcome_.unsettled == 0) {
        outcome_.complete = true;
        break;
      }
    }
    return outcome_;
  }

 private:
  // Two wraps of each go into one call to custody, which takes 10,000.
  absl::Status DoPage(const std::vector<ObjectRecord>& records) {
    if (records.empty()) return absl::OkStatus();
    cpb::BatchRewrapDataKeysRequest request;
    request.set_account_id(std::string(account_.bytes()));
    request.set_reason(cpb::USE_REASON_OWNER_REWRAP);
    for (const ObjectRecord& record : records) {
      cpb::UnwrapItem& content = *request.add_items();
      *content.mutable_context() = ContextOf(record.object, record.content, KeyPurpose::kContent);
      content.set_wrapped(record.wrapped_content_key);
      cpb::UnwrapItem& attributes = *request.add_items();
      *attributes.mutable_context() =
          ContextOf(record.object, record.content, KeyPurpose::kAttributes);
      attributes.set_wrapped(record.wrapped_attributes_key);
    }
    ASSIGN_OR_RETURN(
        const cpb::BatchRewrapDataKeysResponse response,
        (session_.Call<CustodyApi, cpb::BatchRewrapDataKeysRequest,
                       cpb::BatchRewrapDataKeysResponse>(
            custody_, ServiceKind::kCustody, &CustodyApi::Stub::BatchRewrapDataKeys, request)));
    if (response.results_size() != request.items_size()) {
      return Refuse(Reason::kInternal, "custody answered with another number of wraps");
    }
    for (size_t i = 0; i < records.size(); ++i) {
      const int at = static_cast<int>(2 * i);
      RETURN_IF_ERROR(DoObject(records[i], response.results(at), response.results(at + 1)));
      ++done_;
      if (progress_) progress_(done_);
    }
    return absl::OkStatus();
  }

  absl::Status DoObject(const ObjectRecord& record, const cpb::RewrapResult& content,
                        const cpb::RewrapResult& attributes) {
    for (const cpb::RewrapResult* result : {&content, &attributes}) {
      if (!result->wrapped().empty()) continue;
      ++outcome_.failed[static_cast<Reason>(result->reason())];
      return absl::OkStatus();
    }
    if (content.wrapped() == record.wrapped_content_key &&
        attributes.wrapped() == record.wrapped_attributes_key) {
      ++current_;
      return absl::OkStatus();
    }
    spb::ReplaceWrappedKeysRequest request;
    request.set_request_id(std::string(RandomId<RequestId>().bytes()));
    request.set_account_id(std::string(account_.bytes()));
    request.set_object_id(std::string(record.object.bytes()));
    request.set_version(record.version);
    request.set_content_id(std::string(record.content.bytes()));
    request.set_wrapped_content_key(content.wrapped());
    request.set_wrapped_attributes_key(attributes.wrapped());
    const absl::Status replaced =
        session_
            .Call<StorageApi, spb::ReplaceWrappedKeysRequest, spb::ReplaceWrappedKeysResponse>(
                home_, ServiceKind::kStorage, &StorageApi::Stub::ReplaceWrappedKeys, request)
            .status();
    if (ReasonOf(replaced) == Reason::kConflict || ReasonOf(replaced) == Reason::kObjectNotFound) {
      ++outcome_.unsettled;  // the next pass sees what it is now
      return absl::OkStatus();
    }
    RETURN_IF_ERROR(replaced);
    ++outcome_.rewrapped;
    return absl::OkStatus();
  }

  Session& session_;
  const AccountId account_;
  const RewrapProgress& progress_;
  const RegionId home_;
  const RegionId custody_;
  RewrapOutcome outcome_;
  uint64_t current_ = 0;  // of this pass
  uint64_t done_ = 0;
};

}  // namespace

absl::StatusOr<RewrapOutcome> RewrapObjects(Session& session, const Profile& profile,
                                            const RewrapProgress& progress) {
  ASSIGN_OR_RETURN(RegionId home, session.FindRegion(profile.state().home_region));
  ASSIGN_OR_RETURN(RegionId custody, session.FindRegion(profile.state().custody_region()));
  return Rewrapper(session, profile, progress, std::move(home), std::move(custody)).Run();
}

absl::StatusOr<uint64_t> CountWrappedUnder(Session& session, const Profile& profile,
                                           const std::set<KeyVersion>& versions) {
  ASSIGN_OR_RETURN(const RegionId home, session.FindRegion(profile.state().home_region));
  uint64_t objects = 0;
  const auto under = [&versions](const std::string& wrap) {
    const absl::StatusOr<WrappedKeyName> name = ParseWrappedKey(wrap);
    return name.ok() && versions.contains(name->version);
  };
  RETURN_IF_ERROR(
      ForEachPage(session, home, profile.account(), [&](const std::vector<ObjectRecord>& records) {
        for (const ObjectRecord& record : records) {
          objects +=
              under(record.wrapped_content_key) || under(record.wrapped_attributes_key) ? 1 : 0;
        }
        return absl::OkStatus();
      }));
  return objects;
}

}  // namespace comity
