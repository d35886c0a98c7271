#include <cstdint>
#include <string>
#include <string_view>

#include "services/common/statement/account.h"
#include "services/common/statement/custody.h"
#include "services/common/statement/key_grant.h"
#include "services/common/statement/leaf.h"
#include "services/common/statement/legal.h"
#include "services/common/statement/operator.h"
#include "services/common/statement/statement.h"
#include "services/common/status/check.h"

namespace comity {
namespace {

template <typename Body>
void CheckType(const Statement& statement) {
  const absl::StatusOr<Parsed<Body>> parsed = ParseStatement<Body>(statement);
  if (!parsed.ok()) return;
  CanonicalWriter writer(1);
  internal::WriteEnvelope(writer, parsed->envelope);
  FieldWriter fields(writer);
  Body::Fields(fields, parsed->body);
  COMITY_CHECK(std::move(writer).Finish() == statement.body);
}

template <typename... Bodies>
void CheckTypes(const Statement& statement) {
  (CheckType<Bodies>(statement), ...);
}

// What is accepted as a statement of any type, or as a leaf, is written back to the same bytes.
void Check(std::string_view input) {
  if (const absl::StatusOr<Leaf> leaf = DecodeLeaf(input); leaf.ok()) {
    COMITY_CHECK(EncodeLeaf(*leaf) == input);
  }
  const absl::StatusOr<Statement> statement = DecodeStatement(input);
  if (!statement.ok()) return;
  COMITY_CHECK(EncodeStatement(*statement) == input);
  (void)PeekEnvelope(*statement);
  CheckTypes<ChainEntry, AccountRecord, MetadataKey, Consent, Withdrawal, TerritoryChange, Close,
             CancelClose, ReadBack, Objection, Activation, TransportKey, KeyExport, KeyReceipt,
             Release, Abort, KeyRotation, KeyChange, KeyGrant, KeyGrantRevocation, KeyGrantReceipt,
             KeyVersionDestruction, KeyDestruction, KeyClosing, KeyLocation, DataFence,
             DataManifest, DataDestruction, LegalRequest, NoConflict, Approval, Grant, Notice,
             CaseAnswer, LegalManifest, Endorsement, TopologySignature, RosterStatement>(
      *statement);
}

}  // namespace
}  // namespace comity

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  comity::Check({reinterpret_cast<const char*>(data), size});
  return 0;
}
