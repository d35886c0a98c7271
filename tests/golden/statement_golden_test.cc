#include <string>
#include <string_view>

#include "services/common/crypto/digest.h"
#include "services/common/statement/device_chain.h"
#include "services/common/statement/leaf.h"
#include "services/common/statement/statement.h"
#include "tests/testing/golden.h"
#include "tests/testing/hex.h"
#include "tests/testing/matchers.h"
#include "tests/testing/statement_examples.h"

namespace comity {
namespace {

std::string Recorded(std::string_view name) {
  static const auto* const vectors = new GoldenVectors(GoldenVectors::Load("statements.txt"));
  return ToHex(vectors->at(name));
}

TEST(StatementGoldenTest, EveryTypeIsWrittenAsRecorded) {
  ForEachStatementExample([]<typename Body>(const Body& body) {
    Envelope envelope = ExampleEnvelope();
    envelope.type = std::string(Body::kType);
    envelope.issuer = ExampleId<SigningKeyId>('i');
    CanonicalWriter writer(1);
    internal::WriteEnvelope(writer, envelope);
    FieldWriter fields(writer);
    Body::Fields(fields, body);
    EXPECT_EQ(ToHex(std::move(writer).Finish()), Recorded(Body::kType)) << Body::kType;
  });
}

TEST(StatementGoldenTest, FileFormIsWrittenAsRecorded) {
  const SecretBytes seed = SecretBytes::CopyOf(std::string(32, '\1'));
  ASSERT_OK_AND_ASSIGN(const PrivateKey key,
                       PrivateKey::FromSeed(SignatureAlgorithm::kEd25519, seed));
  EXPECT_EQ(ToHex(EncodeStatement(SignStatement(ExampleEnvelope(), Withdrawal{3}, key))),
            Recorded("file"));
}

TEST(StatementGoldenTest, LeafIsWrittenAsRecorded) {
  Leaf leaf;
  leaf.type = "key.release";
  leaf.day = 17590 * kDayMs;
  leaf.region = ExampleRegion("us");
  leaf.clear = {{"kind", "resident"}};
  leaf.commitments = {{"account", std::string(32, 'c')}};
  EXPECT_EQ(ToHex(EncodeLeaf(leaf)), Recorded("leaf"));
}

TEST(StatementGoldenTest, CommitmentIsMadeAsRecorded) {
  EXPECT_EQ(ToHex(Commit(std::string(32, 's'), "key.release/account", "value")),
            Recorded("commitment"));
}

TEST(StatementGoldenTest, AccountIdIsMadeAsRecorded) {
  EXPECT_EQ(ToHex(AccountIdOf("device key").bytes()), Recorded("account"));
}

TEST(StatementGoldenTest, AuthorisationCoreIsWrittenAsRecorded) {
  EXPECT_EQ(ToHex(EncodeRecord(ExampleCore())), Recorded("core"));
}

}  // namespace
}  // namespace comity
