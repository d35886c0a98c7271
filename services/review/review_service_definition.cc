#include "services/review/review_service_definition.h"

#include <utility>
#include <vector>

#include "services/common/status/macros.h"
#include "services/review/event_log.h"
#include "services/review/peer_clients.h"
#include "services/review/review.h"
#include "services/review/review_service.h"
#include "services/review/store_check.h"
#include "services/review/stored_case_files.h"
#include "services/review/stored_case_index.h"
#include "services/review/stored_case_store.h"

namespace comity::review {
namespace {

Site SiteOf(ServiceEnvironment& environment) {
  Site site;
  site.topology = &environment.topology();
  site.roster = &environment.roster();
  site.clock = &environment.clock();
  site.signer = &environment.signer();
  site.region = environment.region();
  return site;
}

class ReviewInstance final : public ServiceInstance {
 public:
  ReviewInstance(ServiceEnvironment& environment, OwnPeers peers)
      : peers_(std::move(peers)),
        wrapped_(&environment.records()),
        keys_(peers_.custody.get(), &wrapped_),
        cases_(environment.region(), &environment.records(), &keys_),
        index_(&environment.records(), &keys_),
        notices_(&environment.records(), &keys_),
        results_(&environment.blobs(), &keys_),
        log_(&environment.transparency_log()),
        review_(SiteOf(environment), {&cases_, &index_, &notices_, &results_, &keys_, &log_,
                                      peers_.storage.get(), peers_.custody.get()}),
        service_(MakeReviewService(&environment, &review_)) {}

  Review& review() { return review_; }
  const CaseKeys& keys() const { return keys_; }
  std::vector<grpc::Service*> GrpcServices() override { return {service_.get()}; }

 private:
  const OwnPeers peers_;
  StoredWrappedKeyStore wrapped_;
  CaseKeys keys_;
  StoredCaseStore cases_;
  StoredCaseIndex index_;
  StoredNoticeStore notices_;
  StoredResultStore results_;
  TransparencyEventLog log_;
  Review review_;
  std::unique_ptr<grpc::Service> service_;
};

}  // namespace

OwnPeers MakeGrpcPeers(ServiceEnvironment& environment) {
  return {std::make_unique<PeerStorageClient>(&environment.peers(), environment.region()),
          std::make_unique<PeerCustodyClient>(&environment.peers(), environment.region())};
}

ServiceDefinition ReviewDefinition(PeersFactory make_peers) {
  ServiceDefinition definition;
  definition.kind = ServiceKind::kReview;
  definition.rules = ReviewRules();
  definition.limits = ReviewLimits();
  definition.check_store = CheckReviewStore;
  definition.make =
      [make_peers = std::move(make_peers)](
          ServiceEnvironment& environment) -> absl::StatusOr<std::unique_ptr<ServiceInstance>> {
    auto instance = std::make_unique<ReviewInstance>(environment, make_peers(environment));
    RETURN_IF_ERROR(instance->review().Start());
    environment.metrics().AddGauge(
        "comity_sealed", "1 while the record key is not open, else 0.",
        [keys = &instance->keys()] { return keys->is_open() ? 0.0 : 1.0; });
    environment.RegisterTicker("review", [&environment, review = &instance->review()] {
      review->Tick([&environment] { return environment.stopping(); });
    });
    return std::unique_ptr<ServiceInstance>(std::move(instance));
  };
  return definition;
}

}  // namespace comity::review
