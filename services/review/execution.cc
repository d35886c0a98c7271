#include "services/review/execution.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "services/common/crypto/digest.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/review/persons.h"
#include "services/review/scope.h"

namespace comity::review {
namespace {

// Nothing will be had of this account, however often it is tried. nullopt: it may yet.
std::optional<Rejection> FinalRejection(Reason reason) {
  switch (reason) {
    case Reason::kAccountNotHere:
      return Rejection::kDataNotHeld;  // it moved or was closed since
    case Reason::kKeyDisabled:         // its owner has taken it out of use, for everybody
    case Reason::kKeyDestroyed:
    case Reason::kDataCorrupt:
      return Rejection::kNotDecryptableHere;
    case Reason::kMessageTooLarge:
      return Rejection::kDeFactoImpossibility;
    default:
      return std::nullopt;
  }
}

bool Has(const std::vector<DataClass>& classes, DataClass data_class) {
  return std::ranges::find(classes, data_class) != classes.end();
}

// What came of the accounts, by target text.
struct AccountOutcome {
  bool complete = false;  // all contents of the scope
  bool provided = false;
  std::vector<Rejection> rejections;
};

CaseOutcome OutcomeOf(const Case& c, const std::map<std::string, AccountOutcome>& outcomes) {
  const auto& targets = c.targets;
  if (std::ranges::none_of(targets, &CaseTarget::provided)) return CaseOutcome::kNoData;
  const bool complete = std::ranges::all_of(targets, [&](const CaseTarget& target) {
    const auto it = outcomes.find(target.text);
    return target.provided && target.rejections.empty() && !target.truncated &&
           (it == outcomes.end() || it->second.complete);
  });
  // No records of these classes are kept.
  const bool unheld = std::ranges::any_of(c.request.classes, [](DataClass data_class) {
    return data_class == DataClass::kC1 || data_class == DataClass::kC2 ||
           data_class == DataClass::kC3;
  });
  return complete && !unheld ? CaseOutcome::kFull : CaseOutcome::kPartial;
}

// The targets with what was provided, and the outcome.
Event EndOf(const Case& before, const std::map<std::string, AccountOutcome>& outcomes,
            UnixMillis now) {
  Case c = before;
  const bool existence = Has(c.request.classes, DataClass::kC0);
  size_t exist = 0;
  for (CaseTarget& target : c.targets) {
    if (const auto it = outcomes.find(target.text); it != outcomes.end()) {
      target.provided = it->second.provided;
      target.rejections.insert(target.rejections.end(), it->second.rejections.begin(),
                               it->second.rejections.end());
    }
    if (target.rejections.empty() && existence) {
      target.provided = true;
      ++exist;
    }
  }
  Event event{Event::Kind::kExecute, now, {}};
  event.outcome = OutcomeOf(c, outcomes);
  event.text = "Carried out.";
  if (existence) {
    event.text += " Of the accounts named, " + std::to_string(exist) + " of " +
                  std::to_string(c.targets.size()) + " exist here.";
  }
  event.targets = std::move(c.targets);
  return event;
}

std::vector<AuthorisedWrap> WrapsOf(const std::vector<ObjectRecord>& objects,
                                    const std::vector<KeyPurpose>& purposes) {
  std::vector<AuthorisedWrap> wraps;
  for (const ObjectRecord& object : objects) {
    for (const KeyPurpose purpose : purposes) {
      wraps.push_back({object.object, object.content, purpose,
                       purpose == KeyPurpose::kContent ? object.wrapped_content_key
                                                       : object.wrapped_attributes_key});
    }
  }
  return wraps;
}

bool MayExecute(const RosterPerson& person, const Case& c) {
  return HasRole(person, PersonRole::kAgent) ? person.name == c.agent : true;
}

}  // namespace

Authorisation Execution::Assemble(const Case& c, size_t index) const {
  const CaseGrant& grant = c.grants.at(index);
  Authorisation authorisation;
  authorisation.core = c.cores.at(index);
  authorisation.request = c.request_statement;
  for (const CaseApproval& approval : c.approvals) {
    authorisation.approvals.push_back(approval.statement);
  }
  authorisation.grant = grant.statement;
  authorisation.endorsement = site_->endorsement();
  authorisation.grant_leaf = grant.leaf;
  authorisation.grant_receipt = grant.receipt;
  return authorisation;
}

absl::StatusOr<AccountResult> Execution::RunAccount(const Case& c, size_t index,
                                                    const AuthorisationCore& core,
                                                    bool& keys_elsewhere) {
  const Authorisation authorisation = Assemble(c, index);
  const Digest digest = authorisation.digest();
  ASSIGN_OR_RETURN(std::optional<AccountResult> kept, results_->Find(c.id, digest));
  if (kept.has_value()) return *std::move(kept);
  AccountResult result;
  ASSIGN_OR_RETURN(result.storage, storage_->Execute(authorisation));
  if (!result.storage.objects.empty()) {
    absl::StatusOr<CustodyAnswer> answer =
        custody_->Execute(authorisation, WrapsOf(result.storage.objects, core.purposes));
    // The data are held here, and the keys are not.
    keys_elsewhere = ReasonOf(answer.status()) == Reason::kAccountNotHere;
    ASSIGN_OR_RETURN(result.custody, std::move(answer));
  }
  RETURN_IF_ERROR(results_->Keep(c.id, digest, result));
  return result;
}

absl::StatusOr<Case> Execution::Run(const Case& c) {
  std::map<std::string, AccountOutcome> outcomes;
  bool used = false;
  for (size_t i = 0; i < c.cores.size(); ++i) {
    ASSIGN_OR_RETURN(const AuthorisationCore core, DecodeRecord<AuthorisationCore>(c.cores[i]));
    AccountOutcome& outcome = outcomes[core.region.name() + "/" + core.account.ToString()];
    bool keys_elsewhere = false;
    const absl::StatusOr<AccountResult> result = RunAccount(c, i, core, keys_elsewhere);
    if (result.ok()) {
      used = true;
      outcome.provided = !result->storage.objects.empty();
      outcome.complete = result->storage.objects.size() == core.contents.size();
      continue;
    }
    const Reason reason = ReasonOf(result.status());
    // What storage or custody did not use in time, they will not use any more.
    const bool too_late = reason == Reason::kAuthorisationInvalid && site_->Now() >= c.expiry;
    const std::optional<Rejection> rejection =
        keys_elsewhere ? Rejection::kNotDecryptableHere : FinalRejection(reason);
    if (!too_late && !rejection.has_value()) return result.status();
    if (rejection.has_value()) outcome.rejections.push_back(*rejection);
  }
  return cases_->Change(
      c.id, std::nullopt, [&](const Case& now) -> absl::StatusOr<std::vector<Event>> {
        if (now.state != CaseState::kAuthorised || !now.executing) return std::vector<Event>();
        const UnixMillis time = site_->Now();
        if (!used && time >= c.expiry) {
          return std::vector<Event>{
              {Event::Kind::kExpire, time, "The authorisations were not used in time."}};
        }
        return std::vector<Event>{EndOf(now, outcomes, time)};
      });
}

absl::StatusOr<Case> Execution::Execute(const Authorization& caller, std::string_view case_id) {
  ASSIGN_OR_RETURN(const RosterPerson* person, FindCaller(caller, *site_));
  ASSIGN_OR_RETURN(
      Case c, cases_->Change(case_id, std::nullopt,
                             [&](const Case& now) -> absl::StatusOr<std::vector<Event>> {
                               if (!MayExecute(*person, now)) return Refuse(Reason::kCaseNotFound);
                               if (IsAnswered(now) || now.executing) return std::vector<Event>();
                               return std::vector<Event>{{Event::Kind::kBegin, site_->Now(),
                                                          "The authorisations are carried out."}};
                             }));
  return IsAnswered(c) ? c : Run(c);
}

absl::Status Execution::Finish(std::string_view case_id) {
  ASSIGN_OR_RETURN(const Case c, cases_->Settle(case_id));
  if (c.state != CaseState::kAuthorised || !c.executing) return absl::OkStatus();
  return Run(c).status();
}

absl::Status Execution::Deliver(const Authorization& agent, std::string_view case_id,
                                PackageSink& sink) {
  ASSIGN_OR_RETURN(const RosterPerson* person, FindCaller(agent, *site_));
  ASSIGN_OR_RETURN(const Case c, cases_->Find(case_id));
  if (c.agent != person->name) return Refuse(Reason::kCaseNotFound, "another agent's case");
  if (!IsAnswered(c)) {
    return Refuse(Reason::kStateNotReady, "the case is " + std::string(Name(c.state)));
  }
  for (size_t i = 0; i < c.cores.size(); ++i) {
    ASSIGN_OR_RETURN(const AuthorisationCore core, DecodeRecord<AuthorisationCore>(c.cores[i]));
    const Authorisation authorisation = Assemble(c, i);
    const Digest digest = authorisation.digest();
    ASSIGN_OR_RETURN(const std::optional<AccountResult> result, results_->Find(c.id, digest));
    if (!result.has_value()) continue;  // nothing was had of this account
    RETURN_IF_ERROR(sink.TakeAccount(authorisation, *result));
    if (!Has(core.classes, DataClass::kC5)) continue;
    for (const ObjectRecord& object : result->storage.objects) {
      RETURN_IF_ERROR(sink.TakeContent(object.content));
      RETURN_IF_ERROR(storage_->ReadContent(
          digest, core.account, object.content,
          [&](std::string chunk) { return sink.TakeChunk(std::move(chunk)); }));
    }
  }
  return absl::OkStatus();
}

}  // namespace comity::review
