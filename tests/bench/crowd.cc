#include "tests/bench/crowd.h"

#include <algorithm>
#include <chrono>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <grpcpp/client_context.h>

#include "client/objects/wire.h"
#include "comity/custody/v1/custody.grpc.pb.h"
#include "services/common/crypto/random.h"
#include "services/common/status/macros.h"
#include "tests/bench/load.h"
#include "tests/bench/new_account.h"
#include "tests/bench/new_keys.h"

namespace comity::bench {
namespace {

namespace cpb = comity::custody::v1;
using Api = cpb::CustodyService;

constexpr std::chrono::seconds kCallTimeout(60);
constexpr size_t kInFlight = 256;
constexpr size_t kConnections = 8;
constexpr size_t kTellEvery = 50'000;
// Accounts that are used at most.
constexpr size_t kWrapsMost = 24'000;

// The ids of `count` new accounts.
absl::StatusOr<std::vector<AccountId>> MakeAccounts(World& world, const Owner& owner,
                                                    const World::Channels& channels, size_t count) {
  struct Place {
    std::optional<grpc::ClientContext> context;
    cpb::CreateAccountRequest request;
    cpb::CreateAccountResponse response;
  };
  const auto stubs = StubsOver<Api>(channels);
  const PrivateKey recovery = PrivateKey::Generate(SignatureAlgorithm::kEcdsaP256);
  std::vector<AccountId> ids(count);
  std::vector<Place> places(kInFlight);
  LoadPlan plan;
  plan.slots = kInFlight;
  plan.duration = std::chrono::hours(12);
  plan.most = count;
  RETURN_IF_ERROR(RunLoad(plan, [&](size_t slot, uint64_t n, const Finished& finished) {
                    Place& place = places[slot];
                    NewAccount account = MakeNewAccount(world, owner, recovery);
                    ids[n] = account.id;
                    place.request = std::move(account.request);
                    place.context.emplace();
                    owner.session->peers().Prepare(*place.context, kCallTimeout);
                    if (n % kTellEvery == 0 && n > 0) {
                      std::cerr << n << " of " << count << " accounts" << std::endl;
                    }
                    stubs[slot % stubs.size()]->async()->CreateAccount(
                        &*place.context, &place.request, &place.response, finished);
                  }).status());
  return ids;
}

// A wrap of a new data key of each account.
absl::StatusOr<std::vector<cpb::UnwrapDataKeyRequest>> WrapOneEach(
    const Owner& owner, const World::Channels& channels, const std::vector<AccountId>& accounts) {
  struct Place {
    std::optional<grpc::ClientContext> context;
    cpb::GenerateDataKeyRequest request;
    cpb::GenerateDataKeyResponse response;
  };
  const auto stubs = StubsOver<Api>(channels);
  std::vector<cpb::UnwrapDataKeyRequest> wraps(accounts.size());
  std::vector<Place> places(kInFlight);
  LoadPlan plan;
  plan.slots = kInFlight;
  plan.duration = std::chrono::hours(1);
  plan.most = accounts.size();
  RETURN_IF_ERROR(RunLoad(plan, [&](size_t slot, uint64_t n, const Finished& finished) {
                    Place& place = places[slot];
                    place.request.set_account_id(std::string(accounts[n].bytes()));
                    place.request.set_reason(cpb::USE_REASON_OWNER_ACCESS);
                    *place.request.mutable_context() = ContextOf(
                        RandomId<ObjectId>(), RandomId<ContentId>(), KeyPurpose::kContent);
                    place.context.emplace();
                    owner.session->peers().Prepare(*place.context, kCallTimeout);
                    stubs[slot % stubs.size()]->async()->GenerateDataKey(
                        &*place.context, &place.request, &place.response,
                        [&, n, finished](const grpc::Status& status) {
                          wraps[n].set_account_id(place.request.account_id());
                          *wraps[n].mutable_context() = place.request.context();
                          wraps[n].set_wrapped(place.response.wrapped());
                          wraps[n].set_reason(cpb::USE_REASON_OWNER_ACCESS);
                          finished(status);
                        });
                  }).status());
  return wraps;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Crowd>> CrowdOf(World& world, const Settings& settings) {
  if (world.crowd != nullptr) return world.crowd;
  auto crowd = std::make_shared<Crowd>();
  ASSIGN_OR_RETURN(crowd->owner, world.NewOwner(kNewAccountTerritory));
  ASSIGN_OR_RETURN(
      const World::Channels channels,
      world.Connect(crowd->owner, kNewAccountRegion, ServiceKind::kCustody, kConnections));
  ASSIGN_OR_RETURN(std::vector<AccountId> accounts,
                   MakeAccounts(world, crowd->owner, channels, settings.crowd));
  // Ids are digests, so that the order of creation is no order of the store.
  accounts.resize(std::min(accounts.size(), kWrapsMost));
  ASSIGN_OR_RETURN(crowd->wraps, WrapOneEach(crowd->owner, channels, accounts));
  world.crowd = crowd;
  return world.crowd;
}

}  // namespace comity::bench
