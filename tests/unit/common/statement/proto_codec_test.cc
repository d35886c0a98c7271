#include "services/common/statement/proto_codec.h"

#include <functional>

#include "tests/testing/matchers.h"
#include "tests/testing/statement_examples.h"

namespace comity {
namespace {

using ::testing::HasSubstr;
namespace pb = comity::common::v1;

Statement Example() {
  Statement statement = SignStatement(ExampleEnvelope(), Withdrawal{3},
                                      PrivateKey::Generate(SignatureAlgorithm::kEd25519));
  AddSignature(statement, PrivateKey::Generate(SignatureAlgorithm::kEcdsaP256));
  return statement;
}

Authorisation ExampleAuthorisation() {
  return {EncodeRecord(ExampleCore()),
          Example(),
          {Example(), Example()},
          Example(),
          Example(),
          "leaf",
          "receipt"};
}

// What decoding says after one change to a valid message.
void ExpectInvalid(const std::function<void(pb::Statement&)>& change, const std::string& cause) {
  pb::Statement message = ToProto(Example());
  change(message);
  const absl::StatusOr<Statement> statement = FromProto(message);
  EXPECT_THAT(statement, RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(CauseOf(statement.status()), HasSubstr(cause));
}

void ExpectInvalid(const std::function<void(pb::Authorisation&)>& change,
                   const std::string& cause) {
  pb::Authorisation message = ToProto(ExampleAuthorisation());
  change(message);
  const absl::StatusOr<Authorisation> authorisation = FromProto(message);
  EXPECT_THAT(authorisation, RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(CauseOf(authorisation.status()), HasSubstr(cause));
}

TEST(ProtoCodecTest, StatementIsReadBack) {
  const Statement statement = Example();
  EXPECT_THAT(FromProto(ToProto(statement)), IsOkAndHolds(statement));
}

TEST(ProtoCodecTest, StatementNeedsABodyWithinTheLimit) {
  ExpectInvalid([](pb::Statement& m) { m.clear_body(); }, "statement.body");
  ExpectInvalid([](pb::Statement& m) { m.set_body(std::string(65'536, 'x')); }, "statement.body");
}

TEST(ProtoCodecTest, StatementNeedsOneToSixteenSignatures) {
  ExpectInvalid([](pb::Statement& m) { m.clear_signatures(); }, "statement.signatures");
  ExpectInvalid(
      [](pb::Statement& m) {
        while (m.signatures_size() < 17) *m.add_signatures() = m.signatures(0);
      },
      "statement.signatures");
}

TEST(ProtoCodecTest, SignatureFieldsHaveTheirLengths) {
  ExpectInvalid([](pb::Statement& m) { m.mutable_signatures(0)->set_key_id("short"); }, "key_id");
  ExpectInvalid([](pb::Statement& m) { m.mutable_signatures(0)->mutable_signature()->pop_back(); },
                "64 bytes");
  ExpectInvalid([](pb::Statement& m) { m.mutable_signatures(0)->clear_algorithm(); }, "algorithm");
  ExpectInvalid(
      [](pb::Statement& m) {
        m.mutable_signatures(0)->set_algorithm(static_cast<pb::SignatureAlgorithm>(3));
      },
      "algorithm");
}

TEST(ProtoCodecTest, OneKeySignsOnce) {
  pb::Statement message = ToProto(Example());
  message.mutable_signatures(1)->set_key_id(message.signatures(0).key_id());
  EXPECT_THAT(FromProto(message), RefusedWith(Reason::kStatementMalformed));
}

TEST(ProtoCodecTest, ListsOfStatementsHaveALimit) {
  google::protobuf::RepeatedPtrField<pb::Statement> messages;
  EXPECT_THAT(FromProto(messages, 2), IsOkAndHolds(::testing::IsEmpty()));
  *messages.Add() = ToProto(Example());
  *messages.Add() = ToProto(Example());
  EXPECT_THAT(FromProto(messages, 2), IsOkAndHolds(::testing::SizeIs(2)));
  EXPECT_THAT(FromProto(messages, 1), RefusedWith(Reason::kFieldInvalid));
  messages.Mutable(1)->clear_body();
  EXPECT_THAT(FromProto(messages, 2), RefusedWith(Reason::kFieldInvalid));
}

TEST(ProtoCodecTest, AuthorisationIsReadBack) {
  const Authorisation authorisation = ExampleAuthorisation();
  ASSERT_OK_AND_ASSIGN(const Authorisation read, FromProto(ToProto(authorisation)));
  EXPECT_EQ(read.core, authorisation.core);
  EXPECT_EQ(read.request, authorisation.request);
  EXPECT_EQ(read.approvals, authorisation.approvals);
  EXPECT_EQ(read.grant, authorisation.grant);
  EXPECT_EQ(read.endorsement, authorisation.endorsement);
  EXPECT_EQ(read.grant_leaf, "leaf");
  EXPECT_EQ(read.grant_receipt, "receipt");
  EXPECT_EQ(read.digest(), authorisation.digest());
}

TEST(ProtoCodecTest, LargestCoreFitsTheLimit) {
  AuthorisationCore core = ExampleCore();
  core.contents.assign(kMaxAuthorisedContents, ExampleId<ContentId>('c'));
  EXPECT_LE(EncodeRecord(core).size(), kMaxAuthorisationCore);
}

TEST(ProtoCodecTest, AuthorisationNeedsItsParts) {
  using A = pb::Authorisation;
  ExpectInvalid([](A& m) { m.clear_core(); }, "authorisation.core");
  ExpectInvalid([](A& m) { m.set_core(std::string(kMaxAuthorisationCore + 1, 'x')); },
                "authorisation.core");
  ExpectInvalid([](A& m) { m.clear_request(); }, "are required");
  ExpectInvalid([](A& m) { m.clear_grant(); }, "are required");
  ExpectInvalid([](A& m) { m.clear_endorsement(); }, "are required");
  ExpectInvalid([](A& m) { m.clear_grant_leaf(); }, "grant_leaf");
  ExpectInvalid([](A& m) { m.set_grant_leaf(std::string(65'536, 'x')); }, "grant_leaf");
  ExpectInvalid([](A& m) { m.clear_grant_receipt(); }, "grant_receipt");
  ExpectInvalid([](A& m) { m.set_grant_receipt(std::string(65'536, 'x')); }, "grant_receipt");
}

TEST(ProtoCodecTest, AuthorisationIsRefusedWhenAPartIs) {
  using A = pb::Authorisation;
  ExpectInvalid([](A& m) { m.mutable_request()->clear_body(); }, "statement.body");
  ExpectInvalid([](A& m) { m.mutable_approvals(1)->clear_body(); }, "statement.body");
  ExpectInvalid([](A& m) { m.mutable_grant()->clear_body(); }, "statement.body");
  ExpectInvalid([](A& m) { m.mutable_endorsement()->clear_body(); }, "statement.body");
  ExpectInvalid(
      [](A& m) {
        while (m.approvals_size() < 9) *m.add_approvals() = m.approvals(0);
      },
      "at most 8");
}

}  // namespace
}  // namespace comity
