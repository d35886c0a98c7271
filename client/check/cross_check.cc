#include "client/check/cross_check.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace comity {
namespace {

constexpr int kPreparedStep = 1;  // of comity.storage.v1.MoveStep
constexpr int kCutOverStep = 5;

// One account, as the services of each region see it.
struct AccountFacts {
  std::map<std::string, const StorageFact*> storage;  // by region
  std::map<std::string, const CustodyFact*> custody;
};

bool IsServing(const StorageFact& fact) { return fact.state == "active" && !fact.fenced; }

bool HasKey(const CustodyFact& fact, std::string_view state) {
  return std::ranges::any_of(fact.keys, [&](const KeyFact& key) { return key.state == state; });
}

bool HoldsKeys(const CustodyFact& fact) {
  return std::ranges::any_of(fact.keys,
                             [](const KeyFact& key) { return key.state != "destroyed"; });
}

template <typename Fact>
const Fact* Find(const std::map<std::string, const Fact*>& facts, const std::string& region) {
  const auto it = facts.find(region);
  return it == facts.end() ? nullptr : it->second;
}

class AccountCheck final {
 public:
  AccountCheck(std::string account, const AccountFacts& facts, const std::set<std::string>& seen,
               std::vector<Finding>& findings)
      : where_("account " + std::move(account)), facts_(facts), seen_(seen), findings_(findings) {}

  void Run() {
    CheckOneSide();
    for (const auto& [region, custody] : facts_.custody) CheckCustody(region, *custody);
    for (const auto& [region, storage] : facts_.storage) CheckStorage(region, *storage);
  }

 private:
  void Add(bool violation, std::string rule, std::string what) {
    findings_.push_back({violation, "", std::move(rule), where_, std::move(what)});
  }
  void Wrong(std::string rule, std::string what) { Add(true, std::move(rule), std::move(what)); }
  void UnderWay(std::string what) { Add(false, "under-way", std::move(what)); }

  // Was this service of this region among those that were checked?
  bool Seen(const std::string& region, const std::string& service) const {
    return seen_.contains(region + "/" + service);
  }

  void CheckOneSide() {
    std::string serving;
    std::string active;
    int serving_count = 0;
    int active_count = 0;
    for (const auto& [region, storage] : facts_.storage) {
      if (!IsServing(*storage)) continue;
      serving += (serving_count++ == 0 ? "" : " and ") + region;
    }
    for (const auto& [region, custody] : facts_.custody) {
      if (!HasKey(*custody, "active")) continue;
      active += (active_count++ == 0 ? "" : " and ") + region;
    }
    if (serving_count > 1) Wrong("one-side", "it is served in " + serving);
    if (active_count > 1) Wrong("keys-one-side", "its keys are active in " + active);
    if (serving_count == 0 || active_count > 0) return;
    const bool closed = std::ranges::any_of(
        facts_.custody, [](const auto& entry) { return entry.second->presence == "closed"; });
    if (closed) {
      UnderWay("its keys are destroyed, and it is still served in " + serving);
    } else if (AllCustodiesSeen()) {
      Wrong("lost", "it is served in " + serving + ", and its key is active nowhere");
    }
  }

  bool AllCustodiesSeen() const {
    return std::ranges::all_of(seen_, [this](const std::string& title) {
      return seen_.contains(title.substr(0, title.find('/')) + "/custody");
    });
  }

  void CheckCustody(const std::string& region, const CustodyFact& custody) {
    if (custody.untold_aborts > 0) UnderWay("an abort of " + region + " is still to be told");
    if (custody.incoming.has_value()) {
      UnderWay("keys from " + custody.incoming->source + " wait in " + region +
               " for their release");
      if (!custody.statements.contains(custody.incoming->consent)) {
        Wrong("consent", "its keys went to " + region + " without a consent that is known there");
      }
    }
    if (!custody.move.has_value()) return;
    if (custody.move->decision.empty()) {
      UnderWay("custody of " + region + " has not decided its move");
    } else if (custody.presence == "released") {
      CheckReleased(region, custody);
    }
  }

  void CheckReleased(const std::string& region, const CustodyFact& custody) {
    const KeyMoveFact& move = *custody.move;
    if (!custody.statements.contains(move.consent)) {
      Wrong("consent", "its keys left " + region + " without a consent that is known there");
    }
    if (!move.activated) UnderWay("the release of " + region + " is on its way");
    if (!Seen(move.destination, "custody")) return;
    const CustodyFact* const there = Find(facts_.custody, move.destination);
    const bool arrived = there != nullptr && there->epoch >= move.epoch &&
                         (there->presence == "active" || there->presence == "released" ||
                          there->presence == "closed");
    const bool waiting =
        there != nullptr && there->incoming.has_value() && there->incoming->epoch == move.epoch;
    const bool destroyed = !HoldsKeys(custody);
    if (!arrived && !waiting) {
      Wrong("lost", "its keys were released from " + region + " to " + move.destination +
                        ", and are not there");
    } else if (!arrived && (destroyed || move.activated)) {
      Wrong("destroyed-early", "its keys in " + region + " were destroyed, or may be, before " +
                                   move.destination + " is active");
    }
  }

  void CheckStorage(const std::string& region, const StorageFact& storage) {
    TellWhatIsUnderWay(region, storage);
    const CustodyFact* const custody = Find(facts_.custody, region);
    if (facts_.custody.empty() && Seen(region, "custody")) {
      Wrong("lost", "storage of " + region + " knows it, and no custody does");
    }
    if (custody != nullptr && storage.state == "active" && custody->presence == "active" &&
        custody->epoch > storage.epoch) {
      UnderWay("its keys have come to " + region + ", and storage there has not been told");
    }
    if (custody != nullptr && storage.aborted_epoch != 0) {
      ExpectDecision(region, *custody, storage.aborted_epoch, "aborted");
    }
    if (storage.state != "moved") return;
    if (custody != nullptr) ExpectDecision(region, *custody, storage.epoch, "released");
    if (!Seen(storage.serving, "storage")) return;
    const StorageFact* const there = Find(facts_.storage, storage.serving);
    const bool arrived =
        there != nullptr && there->epoch >= storage.epoch &&
        (there->state == "active" || there->state == "moved" || there->state == "closed");
    const bool waiting =
        there != nullptr && there->incoming.has_value() && there->incoming->epoch == storage.epoch;
    if (!arrived && !waiting) {
      Wrong("lost", "it moved from " + region + " to " + storage.serving + ", and is not there");
    } else if (!arrived && (!storage.data_here || storage.erasing)) {
      Wrong("destroyed-early",
            "its data in " + region + " was erased before " + storage.serving + " serves it");
    }
  }

  void ExpectDecision(const std::string& region, const CustodyFact& custody, AccountEpoch epoch,
                      const std::string& expected) {
    const auto decision = custody.decisions.find(epoch);
    if (decision != custody.decisions.end() && decision->second == expected) return;
    Wrong("decision", "storage of " + region + " acted on the decision that epoch " +
                          std::to_string(epoch) + " is " + expected + ", and custody there has " +
                          (decision == custody.decisions.end() ? "none" : decision->second));
  }

  void TellWhatIsUnderWay(const std::string& region, const StorageFact& storage) {
    if (storage.fenced) UnderWay("it is fenced in " + region);
    if (storage.erasing) UnderWay("its data in " + region + " is being erased");
    if (storage.incoming.has_value()) {
      UnderWay("it arrives in " + region + " from " + storage.incoming->source);
    }
    if (!storage.move.has_value()) return;
    const DataMoveFact& move = *storage.move;
    if (move.finished || (move.step >= kCutOverStep && move.told)) return;
    if (move.aborted) {
      UnderWay("the end of its move from " + region + " is still to be told");
    } else if (move.step >= kCutOverStep) {
      UnderWay("its new region is still to be told that it has moved from " + region);
    } else {
      UnderWay(move.step < kPreparedStep ? "it waits in " + region + " to be moved"
                                         : "it is moving from " + region);
    }
  }

  const std::string where_;
  const AccountFacts& facts_;
  const std::set<std::string>& seen_;
  std::vector<Finding>& findings_;
};

// What one region's review had carried out, and what its custody and storage did.
class LegalCheck final {
 public:
  LegalCheck(std::string region, std::vector<Finding>& findings)
      : region_(std::move(region)), findings_(findings) {}

  void Add(const ServiceFacts& service) {
    if (service.service == "review") {
      review_ = &service;
    } else if (service.service == "storage") {
      storage_seen_ = true;
      for (const auto& [account, fact] : service.storage)
        given_.insert(fact.uses.begin(), fact.uses.end());
    } else {
      custody_seen_ = true;
      for (const auto& [account, fact] : service.custody) {
        opened_.insert(fact.uses.begin(), fact.uses.end());
      }
    }
  }

  void Run() {
    if (storage_seen_) {
      for (const std::string& authorisation : opened_) {
        if (given_.contains(authorisation)) continue;
        Wrong("authorisation " + authorisation,
              "custody of " + region_ + " opened keys for it, and storage gave nothing");
      }
    }
    if (review_ == nullptr) return;
    for (const auto& [id, fact] : review_->cases) {
      for (const std::string& authorisation : fact.results) CheckResult(id, authorisation);
    }
    std::set<std::string> used = opened_;
    for (const auto& [authorisation, objects] : given_) used.insert(authorisation);
    if (used.size() > review_->grants) {
      Wrong("region " + region_, std::to_string(used.size()) +
                                     " authorisations were used, and the log of its review has " +
                                     std::to_string(review_->grants));
    }
  }

 private:
  void Wrong(const std::string& where, std::string what) {
    findings_.push_back({true, "", "legal", where, std::move(what)});
  }

  void CheckResult(const std::string& id, const std::string& authorisation) {
    const std::string where = "case " + id + ", authorisation " + authorisation;
    const auto given = given_.find(authorisation);
    if (storage_seen_ && given == given_.end()) {
      Wrong(where, "it was carried out, and storage of " + region_ + " knows nothing of it");
    }
    const bool keys_due = given != given_.end() && given->second.value_or(0) > 0;
    if (custody_seen_ && keys_due && !opened_.contains(authorisation)) {
      Wrong(where, "it was carried out, and custody of " + region_ + " knows nothing of it");
    }
  }

  const std::string region_;
  std::vector<Finding>& findings_;
  const ServiceFacts* review_ = nullptr;
  bool storage_seen_ = false;
  bool custody_seen_ = false;
  std::map<std::string, std::optional<uint64_t>> given_;
  std::set<std::string> opened_;
};

}  // namespace

std::vector<Finding> CrossCheck(const std::vector<ServiceFacts>& services) {
  std::vector<Finding> findings;
  std::set<std::string> seen;
  std::map<std::string, AccountFacts> accounts;
  std::map<std::string, LegalCheck> regions;
  for (const ServiceFacts& service : services) {
    seen.insert(service.Title());
    for (const auto& [id, fact] : service.storage) accounts[id].storage[service.region] = &fact;
    for (const auto& [id, fact] : service.custody) accounts[id].custody[service.region] = &fact;
    regions.try_emplace(service.region, service.region, findings).first->second.Add(service);
  }
  for (const auto& [id, facts] : accounts) AccountCheck(id, facts, seen, findings).Run();
  for (auto& [region, legal] : regions) legal.Run();
  return findings;
}

}  // namespace comity
