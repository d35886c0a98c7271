#include "tests/testing/review_world.h"

#include <algorithm>
#include <utility>

#include "services/common/crypto/digest.h"
#include "services/common/crypto/hpke.h"
#include "services/common/crypto/random.h"
#include "services/common/status/check.h"
#include "services/common/status/macros.h"
#include "tests/testing/unsafe_authorization.h"

namespace comity {
namespace {

constexpr char kRegion[] = "cn";
constexpr char kAuthority[] = "guiyang-police";

PrivateKey Copy(const PrivateKey& key) { return *PrivateKey::FromPem(key.ToPem()); }
std::string Id(const RequestId& id) { return std::string(id.bytes()); }

}  // namespace

absl::StatusOr<std::vector<review::LoggedLeaf>> RecordedEventLog::Append(
    const std::vector<std::string>& leaves) {
  if (unavailable_) return Refuse(Reason::kLogUnavailable);
  ASSIGN_OR_RETURN(auto logged, log_.Append(leaves));
  leaves_.insert(leaves_.end(), leaves.begin(), leaves.end());
  if (hook_) hook_();
  return logged;
}

std::vector<Leaf> RecordedEventLog::leaves() const {
  std::vector<Leaf> decoded;
  for (const std::string& leaf : leaves_) decoded.push_back(*DecodeLeaf(leaf));
  return decoded;
}

ReviewWorld::ReviewWorld(const TestDeployment& test_deployment)
    : deployment(test_deployment),
      clock(TestDeployment::kHandover + 10 * kDayMs),
      records(&clock),
      storage(&deployment, &clock, kRegion),
      custody(&deployment, &clock, kRegion),
      roster_(deployment.roster(kRegion)) {
  Restart();
}

review::Site ReviewWorld::site() const {
  review::Site site;
  site.topology = &deployment.topology();
  site.roster = &roster_;
  site.clock = &clock;
  site.signer = signer_.get();
  site.region = TestDeployment::Region(kRegion);
  return site;
}

void ReviewWorld::Restart(RecordStore* records_before, BlobStore* blobs_before) {
  RecordStore* const record_store = records_before != nullptr ? records_before : &records;
  BlobStore* const blob_store = blobs_before != nullptr ? blobs_before : &blobs;
  review_.reset();
  const TestService& service = deployment.service(kRegion, ServiceKind::kReview);
  const RegionId region = TestDeployment::Region(kRegion);
  auto signer =
      ServiceSigner::Open(deployment.topology().deployment(), region, ServiceKind::kReview,
                          Copy(service.statement_key), service.endorsement, record_store, &clock);
  COMITY_CHECK(signer.ok());
  signer_ = *std::move(signer);
  log_.reset();
  transparency_log_.reset();
  auto log = TransparencyLog::Open(
      {.origin = deployment.topology().LogOrigin(region, ServiceKind::kReview),
       .partition_name = "log/review"},
      Copy(service.log_key), record_store, blob_store);
  COMITY_CHECK(log.ok());
  transparency_log_ = *std::move(log);
  log_ = std::make_unique<RecordedEventLog>(transparency_log_.get(), &leaves_);
  wrapped_ = std::make_unique<review::StoredWrappedKeyStore>(record_store);
  keys_ = std::make_unique<review::CaseKeys>(&custody, wrapped_.get());
  cases_ = std::make_unique<review::StoredCaseStore>(region, record_store, keys_.get());
  index_ = std::make_unique<review::StoredCaseIndex>(record_store, keys_.get());
  notices_ = std::make_unique<review::StoredNoticeStore>(record_store, keys_.get());
  results_ = std::make_unique<review::StoredResultStore>(blob_store, keys_.get());
  review_ = std::make_unique<review::Review>(
      site(), review::Review::Ports{cases_.get(), index_.get(), notices_.get(), results_.get(),
                                    keys_.get(), log_.get(), &storage, &custody});
  COMITY_CHECK(review_->Start().ok());
}

void ReviewWorld::Advance(int64_t milliseconds) {
  clock.Advance(milliseconds);
  Tick();
}

TestAccount ReviewWorld::NewAccount(size_t objects) {
  TestAccount account = deployment.NewAccount(clock.Now() - 30 * kDayMs);
  storage.AddAccount(account);
  for (size_t i = 0; i < objects; ++i) storage.AddObject(account.id(), clock.Now() - kDayMs);
  return account;
}

LegalRequest ReviewWorld::Draft(const std::vector<const TestAccount*>& accounts) {
  const std::string number = std::to_string(++drafts_);
  LegalRequest request;
  request.authority = kAuthority;
  request.case_reference = "docket " + number;
  request.instrument = InstrumentType::kWarrant;
  request.instrument_hash = Sha256Digest("warrant " + number);
  request.instrument_issued = Now() - kDayMs;
  request.instrument_expiry = Now() + 90 * kDayMs;
  request.legal_basis = "a provision";
  request.ground = "ground " + number;
  for (const TestAccount* account : accounts) {
    request.targets.push_back(std::string(kRegion) + "/" + account->id().ToString());
  }
  request.classes = {DataClass::kC4, DataClass::kC5};
  request.begin_time = Now() - 60 * kDayMs;
  request.end_time = Now();
  request.recipient_key = GenerateX25519().public_key;
  return request;
}

Envelope ReviewWorld::EnvelopeFor(std::string subject) const {
  Envelope envelope;
  envelope.deployment = deployment.topology().deployment();
  envelope.region = kRegion;
  envelope.subject = std::move(subject);
  envelope.number = static_cast<uint64_t>(Now());
  envelope.time = Now();
  return envelope;
}

Authorization ReviewWorld::As(std::string_view person) const {
  const TestPerson& known = deployment.person(kRegion, person);
  return person.starts_with("agent")
             ? UnsafeAuthorizationForTest::Agent(kRegion, kAuthority, person,
                                                 known.key.public_key())
             : UnsafeAuthorizationForTest::Reviewer(kRegion, person, known.key.public_key());
}

Statement ReviewWorld::Sign(const LegalRequest& request, std::string_view person) {
  return SignStatement(EnvelopeFor("request"), request, deployment.person(kRegion, person).key);
}

absl::StatusOr<review::Case> ReviewWorld::Submit(const LegalRequest& request,
                                                 std::string_view person) {
  return review_->intake().Submit(As(person), Sign(request, person));
}

absl::StatusOr<review::Case> ReviewWorld::Show(const std::string& id, std::string_view person) {
  ASSIGN_OR_RETURN(review::CaseView view, review_->GetCase(As(person), id));
  return std::move(view.value);
}

review::DecideCommand ReviewWorld::DecideCommandFor(const review::Case& c,
                                                    std::string_view person) const {
  review::DecideCommand command;
  command.case_id = c.id;
  command.request_id = RandomId<RequestId>();
  command.digest = Sha256Digest("decide " + Id(command.request_id));
  command.generation = c.generation;
  command.no_conflict = SignStatement(EnvelopeFor(c.id), NoConflict{c.generation},
                                      deployment.person(kRegion, person).key);
  return command;
}

absl::StatusOr<review::Case> ReviewWorld::Decide(
    const std::string& id,
    std::variant<review::AcceptDecision, review::ClarifyDecision, review::HoldDecision,
                 review::RejectDecision>
        decision,
    std::string_view person) {
  ASSIGN_OR_RETURN(const review::Case c, Show(id, person));
  review::DecideCommand command = DecideCommandFor(c, person);
  command.decision = std::move(decision);
  return review_->decisions().Decide(As(person), command);
}

review::ApproveCommand ReviewWorld::ApproveCommandFor(const review::Case& c,
                                                      std::string_view person,
                                                      const PrivateKey* key) const {
  review::ApproveCommand command;
  command.case_id = c.id;
  command.request_id = RandomId<RequestId>();
  command.digest = Sha256Digest("approve " + Id(command.request_id));
  command.generation = c.generation;
  Approval body{.generation = c.generation, .authorisations = {}, .approve = 1, .no_conflict = 1};
  for (const std::string& core : c.cores) body.authorisations.push_back(Sha256Digest(core));
  std::ranges::sort(body.authorisations);
  command.approval = SignStatement(EnvelopeFor(c.id), body,
                                   key != nullptr ? *key : deployment.person(kRegion, person).key);
  return command;
}

absl::StatusOr<review::Case> ReviewWorld::Approve(const std::string& id, std::string_view person,
                                                  bool approve) {
  ASSIGN_OR_RETURN(const review::Case c, Show(id, person));
  review::ApproveCommand command = ApproveCommandFor(c, person);
  if (!approve) {
    Parsed<Approval> parsed = *ParseStatement<Approval>(command.approval);
    parsed.body.approve = 0;
    command.approval =
        SignStatement(EnvelopeFor(id), parsed.body, deployment.person(kRegion, person).key);
  }
  return review_->decisions().Approve(As(person), command);
}

review::AnswerCommand ReviewWorld::AnswerCommandFor(const std::string& id, bool withdraw,
                                                    const std::string& text,
                                                    std::string_view person) const {
  review::AnswerCommand command;
  command.case_id = id;
  command.request_id = RandomId<RequestId>();
  command.digest = Sha256Digest("answer " + Id(command.request_id));
  command.answer =
      SignStatement(EnvelopeFor(id), CaseAnswer{static_cast<uint8_t>(withdraw ? 1 : 0), text},
                    deployment.person(kRegion, person).key);
  return command;
}

absl::StatusOr<review::Case> ReviewWorld::Answer(const std::string& id, const std::string& text,
                                                 std::string_view person) {
  return review_->decisions().Answer(As(person), AnswerCommandFor(id, false, text, person));
}

absl::StatusOr<review::Case> ReviewWorld::Withdraw(const std::string& id, std::string_view person) {
  return review_->decisions().Answer(As(person), AnswerCommandFor(id, true, "", person));
}

absl::StatusOr<review::Case> ReviewWorld::Execute(const std::string& id, std::string_view person) {
  return review_->execution().Execute(As(person), id);
}

absl::StatusOr<std::vector<Notice>> ReviewWorld::Notices(const TestAccount& account) {
  ASSIGN_OR_RETURN(
      const std::vector<Statement> statements,
      review_->notices().List(UnsafeAuthorizationForTest::Device(account.device().key.public_key()),
                              account.id(), account.entries()));
  std::vector<Notice> notices;
  for (const Statement& statement : statements) {
    ASSIGN_OR_RETURN(
        const Parsed<Notice> parsed,
        VerifyStatement<Notice>(
            statement,
            deployment.service(kRegion, ServiceKind::kReview).statement_key.public_key()));
    notices.push_back(parsed.body);
  }
  return notices;
}

absl::Status ReviewWorld::Object(TestAccount& account, const std::string& id) {
  const Statement objection = account.Sign(Objection{id, "It is not mine."}, Now());
  return review_->objections()
      .Deliver(UnsafeAuthorizationForTest::Device(account.device().key.public_key()), account.id(),
               {objection})
      .status();
}

absl::StatusOr<review::Case> ReviewWorld::Authorise(const LegalRequest& request) {
  ASSIGN_OR_RETURN(const review::Case received, Submit(request));
  ASSIGN_OR_RETURN(const review::Case decided, Decide(received.id));
  if (decided.notice_end != 0) Advance(decided.notice_end - Now());
  RETURN_IF_ERROR(Approve(received.id, "approver-wang").status());
  return Approve(received.id, "approver-moore");
}

}  // namespace comity
