#include "services/common/statement/statement.h"

#include <set>

#include "services/common/crypto/digest.h"
#include "services/common/statement/operator.h"
#include "tests/testing/matchers.h"
#include "tests/testing/statement_examples.h"

namespace comity {
namespace {

using ::testing::HasSubstr;

class StatementTest : public ::testing::Test {
 protected:
  // Signed bytes with a record of any fields, for what SignStatement would never make.
  Statement Raw(const std::string& body) const {
    Statement statement{body, {}};
    AddSignature(statement, key_);
    return statement;
  }
  Statement Example() const { return SignStatement(ExampleEnvelope(), Withdrawal{3}, key_); }
  // The body of Example() written by hand with one part replaced.
  static std::string Body(const std::string& type, const std::string& deployment,
                          const std::string& region, const std::string& subject,
                          uint64_t time = 1) {
    CanonicalWriter writer(1);
    writer.Bytes(2, type).Bytes(3, deployment).Bytes(4, region).Bytes(5, subject);
    writer.Bytes(6, std::string(32, 'i')).U64(7, 1).U64(8, time).U64(9, 0).U64(16, 3);
    return std::move(writer).Finish();
  }
  const PrivateKey key_ = PrivateKey::Generate(SignatureAlgorithm::kEd25519);
};

template <typename Body>
std::string BodyBytes(const Envelope& envelope, const Body& body) {
  CanonicalWriter writer(1);
  internal::WriteEnvelope(writer, envelope);
  FieldWriter fields(writer);
  Body::Fields(fields, body);
  return std::move(writer).Finish();
}

TEST_F(StatementTest, EveryTypeIsReadBackToTheSameBytes) {
  std::set<std::string> types;
  ForEachStatementExample([&]<typename Body>(const Body& body) {
    SCOPED_TRACE(std::string(Body::kType));
    EXPECT_TRUE(types.insert(std::string(Body::kType)).second);
    const Statement statement = SignStatement(ExampleEnvelope(), body, key_);
    ASSERT_OK_AND_ASSIGN(const auto parsed, VerifyStatement<Body>(statement, key_.public_key()));
    EXPECT_EQ(parsed.envelope.type, Body::kType);
    EXPECT_EQ(parsed.envelope.issuer, key_.public_key().id());
    EXPECT_EQ(BodyBytes(parsed.envelope, parsed.body), statement.body);
  });
  EXPECT_EQ(types.size(), 38U);
}

TEST_F(StatementTest, EveryTypeIsRefusedWhenCutShortOrContinued) {
  ForEachStatementExample([&]<typename Body>(const Body& body) {
    SCOPED_TRACE(std::string(Body::kType));
    const std::string bytes = SignStatement(ExampleEnvelope(), body, key_).body;
    for (size_t size = 0; size < bytes.size(); ++size) {
      const std::string cut = bytes.substr(0, size);
      const absl::StatusOr<Parsed<Body>> parsed = ParseStatement<Body>({cut, {}});
      // Without its last fields a record is another record, if those may be absent.
      if (parsed.ok()) {
        EXPECT_THAT(Body::kType, ::testing::AnyOf(AccountRecord::kType, KeyDestruction::kType,
                                                  KeyLocation::kType));
        EXPECT_EQ(BodyBytes(parsed->envelope, parsed->body), cut);
      } else {
        EXPECT_THAT(parsed, RefusedWith(Reason::kStatementMalformed)) << size;
      }
    }
    std::string longer = bytes;
    longer.append("\xff\xff\0\0\0\0", 6);  // an unknown tag
    EXPECT_THAT(ParseStatement<Body>({longer, {}}), RefusedWith(Reason::kStatementMalformed));
  });
}

TEST_F(StatementTest, EnvelopeIsReadBack) {
  ASSERT_OK_AND_ASSIGN(const Envelope envelope, PeekEnvelope(Example()));
  EXPECT_EQ(envelope.type, "account.withdrawal");
  EXPECT_EQ(envelope.deployment, "icloud-cn-2018.comity.test");
  EXPECT_EQ(envelope.region, "cn");
  EXPECT_EQ(envelope.subject, "subject");
  EXPECT_EQ(envelope.issuer, key_.public_key().id());
  EXPECT_EQ(envelope.number, 9U);
  EXPECT_EQ(envelope.time, 1519776000000);
  EXPECT_EQ(envelope.expiry, 1527552000000);
}

TEST_F(StatementTest, DigestIsThatOfTheBodyWhoeverSigned) {
  Statement statement = Example();
  const Digest digest = statement.digest();
  EXPECT_EQ(digest, Sha256Digest(statement.body));
  AddSignature(statement, PrivateKey::Generate(SignatureAlgorithm::kEcdsaP256));
  EXPECT_EQ(statement.digest(), digest);
}

TEST_F(StatementTest, ParseFailsForAnotherType) {
  EXPECT_THAT(ParseStatement<CancelClose>(Example()), RefusedWith(Reason::kStatementMalformed));
  EXPECT_THAT(CauseOf(ParseStatement<CancelClose>(Example()).status()),
              HasSubstr("type is not account.cancel"));
}

TEST_F(StatementTest, ParseFailsForAnotherVersion) {
  CanonicalWriter writer(2);
  internal::WriteEnvelope(writer, ExampleEnvelope());
  EXPECT_THAT(PeekEnvelope(Raw(std::move(writer).Finish())),
              RefusedWith(Reason::kStatementMalformed));
}

TEST_F(StatementTest, ParseFailsWhenTheBodyIsTooLong) {
  const Statement longest{std::string(kMaxStatementBody + 1, 'x'), {}};
  EXPECT_EQ(CauseOf(PeekEnvelope(longest).status()), "body too long");
  EXPECT_EQ(CauseOf(ParseStatement<Withdrawal>(longest).status()), "body too long");
}

TEST_F(StatementTest, ParseFailsWhenTheEnvelopeIsNotWellFormed) {
  const std::string type = "account.withdrawal";
  const auto cause = [&](const std::string& body) {
    return CauseOf(ParseStatement<Withdrawal>(Raw(body)).status());
  };
  EXPECT_EQ(cause(Body(type, "d", "cn", "s")), "");
  EXPECT_THAT(cause(Body("", "d", "cn", "s")), HasSubstr("type"));
  EXPECT_THAT(cause(Body("Account", "d", "cn", "s")), HasSubstr("type"));
  EXPECT_THAT(cause(Body(std::string(65, 'a'), "d", "cn", "s")), HasSubstr("type"));
  EXPECT_THAT(cause(Body(type, "", "cn", "s")), HasSubstr("deployment"));
  EXPECT_THAT(cause(Body(type, std::string(254, 'd'), "cn", "s")), HasSubstr("deployment"));
  EXPECT_THAT(cause(Body(type, "d", "CN", "s")), HasSubstr("region"));
  EXPECT_EQ(cause(Body(type, "d", "", "s")), "");
  EXPECT_THAT(cause(Body(type, "d", "cn", "")), HasSubstr("subject"));
  EXPECT_THAT(cause(Body(type, "d", "cn", std::string(254, 's'))), HasSubstr("subject"));
  EXPECT_THAT(cause(Body(type, "d", "cn", "s", uint64_t{1} << 63)), HasSubstr("negative time"));
}

TEST_F(StatementTest, VerifyFailsForAnotherKey) {
  const PrivateKey other = PrivateKey::Generate(SignatureAlgorithm::kEd25519);
  EXPECT_THAT(VerifySignedBy(Example(), other.public_key()),
              RefusedWith(Reason::kSignatureInvalid));
}

TEST_F(StatementTest, VerifyFailsWhenBodyOrSignatureIsFlipped) {
  Statement body = Example();
  body.body.back() ^= 1;
  EXPECT_THAT(VerifyStatement<Withdrawal>(body, key_.public_key()),
              RefusedWith(Reason::kSignatureInvalid));
  Statement signature = Example();
  signature.signatures[0].signature.back() ^= 1;
  EXPECT_THAT(VerifySignedBy(signature, key_.public_key()), RefusedWith(Reason::kSignatureInvalid));
}

TEST_F(StatementTest, VerifyFailsWhenTheAlgorithmIsAnother) {
  Statement statement = Example();
  statement.signatures[0].algorithm = SignatureAlgorithm::kEcdsaP256;
  EXPECT_THAT(VerifySignedBy(statement, key_.public_key()), RefusedWith(Reason::kSignatureInvalid));
}

TEST_F(StatementTest, SignatureIsOverPrefixAndBody) {
  const Statement statement = Example();
  EXPECT_TRUE(key_.public_key().Verify("comity statement v1\n" + statement.body,
                                       statement.signatures[0].signature));
  EXPECT_FALSE(key_.public_key().Verify(statement.body, statement.signatures[0].signature));
}

TEST_F(StatementTest, SeveralSignersSignTheSameBody) {
  const PrivateKey second = PrivateKey::Generate(SignatureAlgorithm::kEcdsaP256);
  Statement statement = Example();
  AddSignature(statement, second);
  EXPECT_THAT(VerifySignedBy(statement, key_.public_key()), IsOk());
  EXPECT_THAT(VerifySignedBy(statement, second.public_key()), IsOk());
}

// ---- the file form ----

TEST_F(StatementTest, FileFormIsReadBack) {
  Statement statement = Example();
  AddSignature(statement, PrivateKey::Generate(SignatureAlgorithm::kEcdsaP256));
  ASSERT_OK_AND_ASSIGN(const Statement read, DecodeStatement(EncodeStatement(statement)));
  EXPECT_EQ(read, statement);
}

TEST_F(StatementTest, FileFormIsRefusedWhenCutShort) {
  const std::string bytes = EncodeStatement(Example());
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THAT(DecodeStatement(bytes.substr(0, size)), RefusedWith(Reason::kStatementMalformed));
  }
}

TEST_F(StatementTest, FileFormHasLimits) {
  const auto cause = [](const Statement& statement) {
    return CauseOf(DecodeStatement(EncodeStatement(statement)).status());
  };
  Statement statement = Example();
  statement.body.clear();
  EXPECT_EQ(cause(statement), "body is empty or too long");
  statement.body.assign(kMaxStatementBody + 1, 'x');
  EXPECT_EQ(cause(statement), "body is empty or too long");
  statement = Example();
  statement.signatures.clear();
  EXPECT_EQ(cause(statement), "no signatures or too many");
  for (char c = 0; c < 17; ++c) {
    statement.signatures.push_back(
        {ExampleId<SigningKeyId>(c), SignatureAlgorithm::kEd25519, std::string(64, c)});
  }
  EXPECT_EQ(cause(statement), "no signatures or too many");
  statement.signatures.pop_back();
  EXPECT_EQ(cause(statement), "");
  statement.signatures[3].signature.pop_back();
  EXPECT_EQ(cause(statement), "a signature has not 64 bytes");
}

TEST_F(StatementTest, FileFormIsRefusedWhenOneKeySignsTwice) {
  Statement statement = Example();
  AddSignature(statement, key_);
  EXPECT_EQ(CauseOf(DecodeStatement(EncodeStatement(statement)).status()), "one key signs twice");
}

TEST_F(StatementTest, FileFormIsRefusedForAnUnknownAlgorithm) {
  Statement statement = Example();
  statement.signatures[0].algorithm = static_cast<SignatureAlgorithm>(3);
  EXPECT_THAT(DecodeStatement(EncodeStatement(statement)),
              RefusedWith(Reason::kStatementMalformed));
}

}  // namespace
}  // namespace comity
