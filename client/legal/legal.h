#ifndef COMITY_CLIENT_LEGAL_LEGAL_H_
#define COMITY_CLIENT_LEGAL_LEGAL_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "client/person/person.h"
#include "client/profile/profile.h"
#include "client/session/session.h"
#include "services/common/statement/legal.h"

namespace comity {

struct CaseEventView {
  UnixMillis time = 0;
  std::string state;
  std::string text;
};
struct CaseTargetView {
  std::string target;
  std::vector<std::string> rejections;  // "WRONG_JURISDICTION"
  uint64_t objects = 0;
};
// A case as its participants see it; names of states, outcomes and reasons as in the protos.
struct CaseView {
  std::string id;
  std::string state;    // "UNDER_REVIEW"
  std::string outcome;  // "REJECTED"; empty while there is none
  uint64_t generation = 0;
  std::string authority;
  std::string agent;
  Statement request;
  std::vector<std::string> rejections;  // primary first
  std::vector<CaseTargetView> targets;
  UnixMillis received = 0;
  UnixMillis due = 0;
  UnixMillis notice_end = 0;
  UnixMillis expiry = 0;
  std::vector<Digest> authorisations;
  std::vector<std::string> cores;  // reviewers and approvers only
  std::string assignee;            // reviewers and approvers only; empty: any reviewer decides
  std::vector<std::string> approvers;
  std::vector<CaseEventView> events;
};

// What an agent asks; the rest of legal.request is filled in.
struct RequestDraft {
  std::string authority;  // empty: the agent's own, as its certificate names it
  std::string case_reference;
  InstrumentType instrument = InstrumentType::kWarrant;
  std::string instrument_document;  // the bytes whose SHA-256 is signed
  UnixMillis instrument_issued = 0;
  UnixMillis instrument_expiry = 0;
  std::string legal_basis;
  std::string ground;
  std::vector<std::string> targets;  // "region/account id"
  std::vector<DataClass> classes;
  UnixMillis begin = 0;
  UnixMillis end = 0;
  UnixMillis notice_barred_until = 0;
};

enum class Decision : uint8_t { kAccept, kClarify, kHold, kReject };
struct DecisionDraft {
  Decision decision = Decision::kAccept;
  std::string text;                  // question or reason
  std::vector<std::string> reasons;  // kReject: "OVER_BROAD", primary first
};

// One decrypted file of a package.
struct OpenedFile {
  std::string path;  // where it was written; empty when only names were authorised
  std::string name;  // as its owner named it, when names were authorised; else the content id
  uint64_t size = 0;
};

// What agents, reviewers and approvers do at the review of their own region. `session` is opened
// with the person's certificate; both outlive it. Not thread-safe.
class LegalClient final {
 public:
  LegalClient(Session* session, const Person* person) : session_(*session), person_(*person) {}

  // Signs and submits. The private half of the recipient key is made here, kept in the person's
  // folder, durable before the request is sent, and never leaves it.
  absl::StatusOr<CaseView> Submit(const RequestDraft& draft);
  absl::StatusOr<std::vector<CaseView>> List();
  absl::StatusOr<CaseView> Show(const std::string& case_id);
  // Gives the case to a reviewer, by roster name; empty = to the person who asks.
  absl::StatusOr<CaseView> Assign(const std::string& case_id, const std::string& reviewer);
  absl::StatusOr<CaseView> Decide(const std::string& case_id, const DecisionDraft& decision);
  // Signs the digests of all cores of the case after checking that they are its cores; `approve`
  // false = disagree.
  absl::StatusOr<CaseView> Approve(const std::string& case_id, bool approve = true);
  absl::StatusOr<CaseView> Execute(const std::string& case_id);
  absl::StatusOr<CaseView> Withdraw(const std::string& case_id, const std::string& text);
  absl::StatusOr<CaseView> Answer(const std::string& case_id, const std::string& text);

  // Downloads the package and decrypts it into `folder` (made when missing) with the recipient key:
  // storage's manifest and every digest are verified, custody's answer is opened here.
  absl::StatusOr<std::vector<OpenedFile>> Open(const std::string& case_id,
                                               const std::string& folder);

 private:
  absl::StatusOr<RegionId> Region() const { return session_.FindRegion(person_.region); }
  absl::StatusOr<CaseView> SendAnswer(const std::string& case_id, bool withdraw,
                                      const std::string& text);
  Session& session_;
  const Person& person_;
};

// Notices for the profile's account at the review of `region`, verified.
struct NoticeView {
  UnixMillis time = 0;
  Notice notice;
};
absl::StatusOr<std::vector<NoticeView>> ListNotices(Session& session, const Profile& profile,
                                                    const std::string& region_name);

}  // namespace comity

#endif  // COMITY_CLIENT_LEGAL_LEGAL_H_
