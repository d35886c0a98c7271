#include "client/key/grants.h"

#include <functional>
#include <optional>
#include <string>

#include <gmock/gmock.h>

#include "client/key/key_ticket.h"
#include "services/common/crypto/digest.h"
#include "services/common/statement/wrapped_key_name.h"
#include "tests/testing/deployment.h"
#include "tests/testing/matchers.h"

namespace comity {
namespace {

using testing::HasSubstr;

constexpr UnixMillis kNow = TestDeployment::kHandover + kDayMs;

const TestDeployment& Shared() {
  static const TestDeployment deployment;
  return deployment;
}

template <typename Id>
Id Filled(char fill) {
  return *Id::FromBytes(std::string(Id::kSize, fill));
}

// What the custody of "us" says about one grant; a test changes one thing.
class GrantReceiptTest : public testing::Test {
 protected:
  Statement Receipt() const {
    return SignStatement(envelope_, receipt_,
                         deployment_.service(signer_, ServiceKind::kCustody).statement_key);
  }
  absl::Status Verify(std::optional<Digest> statement = std::nullopt) const {
    return VerifyGrantReceipt(deployment_.topology(), TestDeployment::Region("us"), account_.id(),
                              Filled<GrantId>('g'), KeyGrantAct::kGiven, statement, Receipt(),
                              deployment_.service("us", ServiceKind::kCustody).endorsement, kNow)
        .status();
  }

  const TestDeployment& deployment_ = Shared();
  const TestAccount account_ = deployment_.NewAccount();
  std::string signer_ = "us";
  Envelope envelope_{.deployment = deployment_.topology().deployment(),
                     .region = "us",
                     .subject = std::string(account_.id().bytes()),
                     .number = 1,
                     .time = kNow};
  KeyGrantReceipt receipt_{1, Filled<GrantId>('g'), KeyGrantAct::kGiven, Sha256Digest("said")};
};

TEST_F(GrantReceiptTest, IsBelievedForWhatItSays) {
  EXPECT_THAT(Verify(), IsOk());
  EXPECT_THAT(Verify(Sha256Digest("said")), IsOk());
}

TEST_F(GrantReceiptTest, ForAnythingElseItIsNot) {
  EXPECT_THAT(Verify(Sha256Digest("something else")), RefusedWith(Reason::kSignatureInvalid));
  const auto with = [&](const std::function<void()>& change) {
    const KeyGrantReceipt receipt = receipt_;
    const Envelope envelope = envelope_;
    change();
    const absl::Status status = Verify();
    receipt_ = receipt;
    envelope_ = envelope;
    signer_ = "us";
    return status;
  };
  const Reason no = Reason::kSignatureInvalid;
  EXPECT_THAT(with([this] { receipt_.grant = Filled<GrantId>('x'); }), RefusedWith(no));
  EXPECT_THAT(with([this] { receipt_.act = KeyGrantAct::kRevoked; }), RefusedWith(no));
  EXPECT_THAT(with([this] { envelope_.subject = std::string(20, 'x'); }), RefusedWith(no));
  EXPECT_THAT(with([this] { envelope_.region = "cn"; }), RefusedWith(no));
  EXPECT_THAT(with([this] { envelope_.deployment = "another"; }), RefusedWith(no));
  EXPECT_THAT(with([this] { signer_ = "cn"; }), RefusedWith(no));
}

TEST(GrantNamesTest, AreReadBackAndOthersAreNamed) {
  for (const KeyOperation operation : {KeyOperation::kGenerate, KeyOperation::kWrap,
                                       KeyOperation::kUnwrap, KeyOperation::kRewrap}) {
    EXPECT_THAT(ParseKeyOperation(Name(operation)), IsOkAndHolds(operation));
  }
  for (const KeyPurpose purpose : {KeyPurpose::kContent, KeyPurpose::kAttributes}) {
    EXPECT_THAT(ParseKeyPurpose(Name(purpose)), IsOkAndHolds(purpose));
  }
  EXPECT_THAT(std::string(ParseKeyOperation("read").status().message()),
              HasSubstr("generate, wrap, unwrap, rewrap"));
  EXPECT_THAT(ParseKeyPurpose(""), RefusedWith(Reason::kFieldInvalid));
}

KeyTicket ExampleTicket() {
  KeyTicket ticket;
  ticket.owner = Filled<AccountId>('o');
  ticket.region = TestDeployment::Region("us");
  ticket.grant = Filled<GrantId>('g');
  ticket.context = {Filled<ObjectId>('b'),
                    Filled<ContentId>('c'),
                    KeyPurpose::kAttributes,
                    {{"project", std::string("\xff\0", 2)}}};
  ticket.wrapped = WrappedKeyPrefix({ticket.owner, 3});
  ticket.wrapped.resize(kWrappedKeySize, 'w');
  return ticket;
}

TEST(KeyTicketTest, IsReadBackAsItWasWritten) {
  const KeyTicket ticket = ExampleTicket();
  const std::string text = FormatKeyTicket(ticket);
  EXPECT_EQ(text.find('\n'), std::string::npos);
  ASSERT_OK_AND_ASSIGN(const KeyTicket back, ParseKeyTicket(text + "\n"));
  EXPECT_EQ(back.owner, ticket.owner);
  EXPECT_EQ(back.region, ticket.region);
  EXPECT_EQ(back.grant, ticket.grant);
  EXPECT_EQ(back.context, ticket.context);
  EXPECT_EQ(back.wrapped, ticket.wrapped);
}

TEST(KeyTicketTest, AnythingElseIsRefused) {
  const std::string text = FormatKeyTicket(ExampleTicket());
  const auto replaced = [&](const std::string& from, const std::string& to) {
    std::string other = text;
    const size_t at = other.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return other.replace(at, from.size(), to);
  };
  for (const std::string& bad :
       {std::string(), std::string("null"), std::string("{}"), text.substr(0, text.size() - 1),
        replaced("\"attributes\"", "\"everything\""), replaced("\"us\"", "\"US!\""),
        replaced("\"us\"", "7"), replaced("\"pairs\":{", "\"pairs\":[{"),
        replaced("\"owner\":\"" + ExampleTicket().owner.ToString(),
                 "\"owner\":\"" + Filled<AccountId>('x').ToString()),
        replaced("\"grant\":\"", "\"grant\":\"a"),
        replaced("\"wrapped\":\"", "\"wrapped\":\"aa")}) {
    EXPECT_THAT(ParseKeyTicket(bad), RefusedWith(Reason::kFieldInvalid)) << bad;
  }
}

}  // namespace
}  // namespace comity
