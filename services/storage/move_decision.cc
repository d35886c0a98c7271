#include "services/storage/move_decision.h"

#include <algorithm>
#include <utility>

#include "services/common/statement/operator.h"
#include "services/storage/service_statements.h"

namespace comity::storage {
namespace {

// Takes statements of one custody, trusted when they are from the history.
class Finder final {
 public:
  Finder(const Site& site, const AccountSnapshot& account, const std::vector<Statement>& fresh)
      : account_(account), services_(*site.topology, site.Now()), fresh_(fresh) {
    services_.Offer(account.history);
    services_.Offer(fresh);
  }

  template <typename Body, typename Fits>
  std::optional<Parsed<Body>> Find(const RegionId& region, Fits fits,
                                   std::vector<Statement>& found) {
    for (const bool kept : {true, false}) {
      for (const Statement& statement : kept ? account_.history : fresh_) {
        absl::StatusOr<Envelope> envelope = PeekEnvelope(statement);
        if (!envelope.ok() || envelope->type != Body::kType || envelope->region != region.name()) {
          continue;
        }
        absl::StatusOr<Parsed<Body>> parsed =
            kept ? ParseStatement<Body>(statement)
                 : services_.Verify<Body>(statement, region, ServiceKind::kCustody,
                                          account_.account);
        if (!parsed.ok() || !fits(parsed->body)) continue;
        found.push_back(statement);
        if (const Statement* vouches = services_.EndorsementOf(parsed->envelope.issuer)) {
          if (std::ranges::find(found, *vouches) == found.end()) found.push_back(*vouches);
        }
        return *std::move(parsed);
      }
    }
    return std::nullopt;
  }

 private:
  const AccountSnapshot& account_;
  ServiceStatements services_;
  const std::vector<Statement>& fresh_;
};

}  // namespace

MoveDecision FindDecision(const Site& site, const AccountSnapshot& account,
                          const std::vector<Statement>& fresh) {
  MoveDecision decision;
  if (!account.move.has_value()) return decision;
  const MoveRecord& move = *account.move;
  Finder finder(site, account, fresh);
  decision.release = finder.Find<Release>(
      site.region,
      [&](const Release& body) {
        return body.epoch == move.epoch && body.destination == move.destination &&
               body.consent == move.consent;
      },
      decision.statements);
  if (!decision.release.has_value()) {
    decision.abort = finder.Find<Abort>(
        site.region, [&](const Abort& body) { return body.epoch == move.epoch; },
        decision.statements);
    return decision;
  }
  const Digest release = decision.statements.front().digest();
  decision.activation = finder.Find<Activation>(
      move.destination,
      [&](const Activation& body) { return body.epoch == move.epoch && body.release == release; },
      decision.statements);
  return decision;
}

}  // namespace comity::storage
