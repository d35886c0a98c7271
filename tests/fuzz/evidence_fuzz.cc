#include <cstdint>
#include <string_view>
#include <vector>

#include "client/account/move_proof.h"
#include "client/key/key.h"
#include "client/key/key_ticket.h"
#include "services/common/authorisation/authorisation.h"
#include "services/common/statement/device_chain.h"
#include "services/common/status/check.h"
#include "services/common/status/reason.h"
#include "services/common/topology/roster.h"
#include "services/common/topology/succession.h"
#include "tests/testing/deployment.h"

namespace comity {
namespace {

constexpr UnixMillis kNow = TestDeployment::kHandover + kDayMs;

const TestDeployment& World() {
  static const TestDeployment* const kWorld = new TestDeployment;
  return *kWorld;
}

// Statements, each after its length (u16).
std::vector<Statement> Split(std::string_view input) {
  std::vector<Statement> statements;
  while (input.size() >= 2 && statements.size() < 16) {
    const size_t length = static_cast<uint8_t>(input[0]) << 8 | static_cast<uint8_t>(input[1]);
    const absl::StatusOr<Statement> statement = DecodeStatement(input.substr(2, length));
    if (statement.ok()) statements.push_back(*statement);
    input.remove_prefix(std::min(2 + length, input.size()));
  }
  return statements;
}

// An account is whatever its first entry says, so that a chain can be valid here.
void CheckChain(const std::vector<Statement>& statements) {
  const auto first = ParseStatement<ChainEntry>(statements.front());
  if (!first.ok() || !first->body.device_key.has_value()) return;
  const absl::StatusOr<DeviceChain> chain =
      DeviceChain::Verify(AccountIdOf(*first->body.device_key), statements);
  COMITY_CHECK(chain.ok() || ReasonOf(chain.status()) != Reason::kInternal);
  if (!chain.ok()) return;
  COMITY_CHECK(chain->entries().size() == statements.size());
  COMITY_CHECK(chain->Extend(statements).ok() && chain->Contains(chain->head()));
}

// Nobody whose keys the topology names has signed any of it.
void CheckNobodyIsBelieved(const std::vector<Statement>& statements) {
  const Topology& topology = World().topology();
  const RegionId region = TestDeployment::Region("cn");
  const AccountId account;
  const Statement& first = statements.front();
  const Statement& last = statements.back();
  COMITY_CHECK(!Roster::Verify(first, region, topology).ok());
  COMITY_CHECK(!CheckTopologySignature(topology, first).ok());
  COMITY_CHECK(!VerifyKeyLocation(topology, account, first, last, kNow).ok());
  COMITY_CHECK(!VerifyMove(topology, account, first, statements, kNow).ok());
  Authorisation authorisation;
  authorisation.core = first.body;
  authorisation.request = first;
  authorisation.approvals = statements;
  authorisation.grant = last;
  authorisation.endorsement = World().service("cn", ServiceKind::kReview).endorsement;
  authorisation.grant_leaf = last.body;
  authorisation.grant_receipt = first.body;
  COMITY_CHECK(!VerifyAuthorisation(authorisation, ServiceKind::kCustody, region, topology,
                                    World().roster("cn"), kNow)
                    .ok());
}

}  // namespace
}  // namespace comity

// Statements as evidence: chains, rosters, key locations, moves, authorisations. The input is a
// list of statements, or as it stands the file that `key where --json` or `key ticket` printed.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace comity;  // NOLINT
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (const absl::StatusOr<SavedKeyLocation> saved = ParseSavedKeyLocation(input); saved.ok()) {
    CheckNobodyIsBelieved({saved->attestation, saved->endorsement});
  }
  if (const absl::StatusOr<KeyTicket> ticket = ParseKeyTicket(input); ticket.ok()) {
    const absl::StatusOr<KeyTicket> again = ParseKeyTicket(FormatKeyTicket(*ticket));
    COMITY_CHECK(again.ok());
    COMITY_CHECK(again->wrapped == ticket->wrapped && again->context == ticket->context);
  }
  const std::vector<Statement> statements = Split(input);
  if (statements.empty()) return 0;
  CheckChain(statements);
  CheckNobodyIsBelieved(statements);
  return 0;
}
