#ifndef COMITY_TESTS_TESTING_STATEMENT_EXAMPLES_H_
#define COMITY_TESTS_TESTING_STATEMENT_EXAMPLES_H_

#include <string>
#include <utility>

#include "services/common/ids/ids.h"
#include "services/common/statement/account.h"
#include "services/common/statement/custody.h"
#include "services/common/statement/key_grant.h"
#include "services/common/statement/legal.h"
#include "services/common/statement/operator.h"

// One body of each statement type, with every field set and no two fields alike.
namespace comity {

template <typename Id>
Id ExampleId(char fill) {
  return *Id::FromBytes(std::string(Id::kSize, fill));
}

inline RegionId ExampleRegion(std::string_view name) { return *RegionId::Create(name); }

inline CustodyPolicy ExamplePolicy(std::string region) {
  return {CustodyMode::kResident, {std::move(region)}, {"de", "fr"}};
}

// Calls visit(body) for each type.
template <typename Visit>
void ForEachStatementExample(Visit visit) {
  const auto digest = [](char fill) { return ExampleId<Digest>(fill); };
  const RegionId us = ExampleRegion("us");
  const RegionId cn = ExampleRegion("cn");
  const std::string key32(32, 'k');

  visit(ChainEntry{ChainAction::kAdd, "device key", key32, "recovery key", std::nullopt,
                   digest('p')});
  visit(AccountRecord{"CN", us, {ExamplePolicy("us")}, 1, digest('h'), digest('t')});
  visit(MetadataKey{key32});
  visit(Consent{1,
                "cn-2018-02",
                digest('t'),
                us,
                cn,
                {"apple", "apple", "apple"},
                {"gcbd", "apple", "gcbd"},
                {ExamplePolicy("us")},
                {ExamplePolicy("cn")},
                {"US"},
                {"CN", "US"},
                2,
                digest('h')});
  visit(Withdrawal{3});
  visit(TerritoryChange{"HK"});
  visit(Close{});
  visit(CancelClose{4});
  visit(ReadBack{2, cn, digest('m')});
  visit(Objection{"cn-201803-0a-aaaaaaaaaaaaaaaa", "a ground"});

  visit(Activation{2, 1, digest('h'), 3, key32, digest('r')});
  visit(TransportKey{2, key32});
  visit(KeyExport{2, cn, digest('c'), digest('t'), digest('s')});
  visit(KeyReceipt{2, us, digest('e'), 3});
  visit(Release{2, cn, digest('c'), digest('r'), digest('m')});
  visit(Abort{2, AbortReason::kDestinationRefused, digest('c')});
  visit(KeyRotation{2, 3, ExampleId<RequestId>('q')});
  visit(KeyChange{2, KeyChangeKind::kScheduleDestruction, 1, 30, 1'520'000'000'000,
                  ExampleId<RequestId>('q')});
  visit(KeyGrant{2,
                 ExampleId<GrantId>('g'),
                 ExampleId<AccountId>('a'),
                 {KeyOperation::kGenerate, KeyOperation::kUnwrap},
                 {KeyPurpose::kContent, KeyPurpose::kAttributes},
                 {ExampleId<ObjectId>('o'), ExampleId<ObjectId>('p')},
                 {{"project", "apollo"}},
                 1'520'000'000'000});
  visit(KeyGrantRevocation{ExampleId<GrantId>('g')});
  visit(KeyGrantReceipt{2, ExampleId<GrantId>('g'), KeyGrantAct::kRevoked, digest('s')});
  visit(KeyVersionDestruction{2, 1, 1'520'000'000'000, 0});
  visit(KeyDestruction{1,
                       {std::string("\0\0\0\1", 4), std::string("\0\0\0\2", 4)},
                       1519776000000,
                       1527552000000,
                       digest('r')});
  visit(KeyClosing{5, 1522368000000});
  visit(KeyLocation{2,
                    "apple",
                    CustodyMode::kExclave,
                    "keyfile (development seal)",
                    1,
                    3,
                    {"CN", "US"},
                    "cn",
                    1519776000000,
                    "nonce",
                    1,
                    us,
                    "adi",
                    std::vector<std::string>{"EU"}});
  visit(DataFence{2, cn, digest('c'), digest('m')});
  visit(DataManifest{2, digest('m'), 7, 8192});
  visit(DataDestruction{1, 7, 1519776000000});

  LegalRequest request;
  request.authority = "guiyang-police";
  request.case_reference = "2018-17";
  request.instrument = InstrumentType::kWarrant;
  request.instrument_hash = digest('i');
  request.instrument_issued = 1519776000001;
  request.instrument_expiry = 1519776000002;
  request.legal_basis = "a provision";
  request.ground = "a ground";
  request.targets = {"cn/aaaa", "cn/bbbb"};
  request.classes = {DataClass::kC4, DataClass::kC5};
  request.begin_time = 1519776000003;
  request.end_time = 1519776000004;
  request.recipient_key = key32;
  request.notice_barred_until = 1519776000005;
  visit(request);
  visit(NoConflict{1});
  visit(Approval{1, {digest('a'), digest('b')}, 1, 1});
  visit(Grant{digest('a'), {digest('x'), digest('y')}});
  visit(Notice{"cn-201803-0a-aaaaaaaaaaaaaaaa",
               "guiyang-police",
               InstrumentType::kWarrant,
               {DataClass::kC5},
               1519776000006,
               1519776000007,
               "rejected: BULK"});
  visit(CaseAnswer{1, "withdrawn"});
  visit(LegalManifest{digest('a'), {digest('o'), digest('p')}});

  visit(Endorsement{ServiceKind::kCustody, "apple", "statement key"});
  visit(TopologySignature{digest('f'), digest('p')});
  visit(RosterStatement{{{"approver-wang", {PersonRole::kApprover}, "", "gcbd", {"key one"}},
                         {"agent-lin", {PersonRole::kAgent}, "guiyang-police", "", {"key two"}}}});
}

// An authorisation core with every field set.
inline AuthorisationCore ExampleCore() {
  AuthorisationCore core;
  core.deployment = "icloud-cn-2018.comity.test";
  core.region = ExampleRegion("cn");
  core.case_id = "cn-201803-0a-aaaaaaaaaaaaaaaa";
  core.account = ExampleId<AccountId>('a');
  core.account_epoch = 2;
  core.request = ExampleId<Digest>('q');
  core.agent = "agent-lin";
  core.recipient_key = std::string(32, 'k');
  core.audiences = {"storage", "custody"};
  core.classes = {DataClass::kC4, DataClass::kC5};
  core.purposes = {KeyPurpose::kContent, KeyPurpose::kAttributes};
  core.contents = {ExampleId<ContentId>('c'), ExampleId<ContentId>('d')};
  core.lifetime_seconds = 259200;
  core.notice_not_before = 1519776000000;
  core.reason_code = "legal.warrant";
  return core;
}

// An envelope with every field set; type and issuer are set when it is signed.
inline Envelope ExampleEnvelope() {
  Envelope envelope;
  envelope.deployment = "icloud-cn-2018.comity.test";
  envelope.region = "cn";
  envelope.subject = "subject";
  envelope.number = 9;
  envelope.time = 1519776000000;
  envelope.expiry = 1527552000000;
  return envelope;
}

}  // namespace comity

#endif  // COMITY_TESTS_TESTING_STATEMENT_EXAMPLES_H_
