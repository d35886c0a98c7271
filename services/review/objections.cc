#include "services/review/objections.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <utility>

#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity::review {
namespace {

constexpr std::ptrdiff_t kMostAnswered = 64;  // the newest

}  // namespace

absl::StatusOr<std::vector<Statement>> Objections::Deliver(
    const Authorization& carrier, const AccountId& account,
    const std::vector<Statement>& statements) {
  std::vector<Statement> chain;
  std::vector<Statement> objections;
  for (const Statement& statement : statements) {
    ASSIGN_OR_RETURN(const Envelope envelope, PeekEnvelope(statement));
    if (envelope.type == ChainEntry::kType) chain.push_back(statement);
    if (envelope.type == Objection::kType) objections.push_back(statement);
  }
  for (const Statement& objection : objections) {
    RETURN_IF_ERROR(Take(account, objection, chain));
  }
  // The answer to a device are its notices; it proves itself as in ListNotices.
  if (!carrier.IsDevice()) return std::vector<Statement>();
  ASSIGN_OR_RETURN(std::vector<Statement> notices, notices_->List(carrier, account, chain));
  if (std::ssize(notices) > kMostAnswered) {
    notices.erase(notices.begin(), notices.end() - kMostAnswered);
  }
  return notices;
}

absl::Status Objections::Take(const AccountId& account, const Statement& objection,
                              const std::vector<Statement>& chain) {
  ASSIGN_OR_RETURN(const Parsed<Objection> parsed, ParseStatement<Objection>(objection));
  if (parsed.body.ground.size() > kMaxObjectionText) {
    return Refuse(Reason::kFieldInvalid, "ground has at most 4,096 bytes");
  }
  ASSIGN_OR_RETURN(const DeviceChain devices,
                   notices_->FindChain(account, chain, parsed.body.case_id));
  RETURN_IF_ERROR(devices.VerifyDeviceStatement(objection));
  const Digest digest = objection.digest();
  absl::Status taken =
      cases_
          ->Change(parsed.body.case_id, std::nullopt,
                   [&](const Case& c) -> absl::StatusOr<std::vector<Event>> {
                     const std::vector<AccountId> concerned = ConcernedAccounts(c);
                     if (std::ranges::find(concerned, account) == concerned.end()) {
                       return Refuse(Reason::kCaseNotFound, "the case is about other accounts");
                     }
                     if (std::ranges::find(c.objections, digest) != c.objections.end()) {
                       return std::vector<Event>();
                     }
                     Event event{Event::Kind::kObject, site_->Now(),
                                 "A user objects: " + parsed.body.ground};
                     event.objection = digest;
                     return std::vector<Event>{std::move(event)};
                   })
          .status();
  return taken;
}

}  // namespace comity::review
