#include "services/common/identity/spiffe.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/matchers.h"

namespace comity {
namespace {

SpiffeName CustodyOfCn() {
  return {.kind = SpiffeName::Kind::kService,
          .region = *RegionId::Create("cn"),
          .deployment = "icloud.example",
          .organisation = "gcbd",
          .service = ServiceKind::kCustody,
          .name = "0"};
}

TEST(SpiffeTest, ServiceNameIsWrittenAndRead) {
  const std::string uri = "spiffe://cn.icloud.example/operator/gcbd/custody/0";
  EXPECT_EQ(FormatSpiffe(CustodyOfCn()), uri);
  EXPECT_THAT(ParseSpiffe(uri), IsOkAndHolds(CustodyOfCn()));
}

TEST(SpiffeTest, OperatorPersonNameIsWrittenAndRead) {
  SpiffeName name = CustodyOfCn();
  name.kind = SpiffeName::Kind::kOperatorPerson;
  name.service = ServiceKind::kStorage;
  name.name = "ops-huang";
  const std::string uri = "spiffe://cn.icloud.example/operator/gcbd/person/ops-huang";
  EXPECT_EQ(FormatSpiffe(name), uri);
  EXPECT_THAT(ParseSpiffe(uri), IsOkAndHolds(name));
}

TEST(SpiffeTest, AgentNameIsWrittenAndRead) {
  const std::string uri = "spiffe://us.icloud.example/authority/us-attorney/agent/miller";
  ASSERT_OK_AND_ASSIGN(const SpiffeName name, ParseSpiffe(uri));
  EXPECT_EQ(name.kind, SpiffeName::Kind::kAgent);
  EXPECT_EQ(name.organisation, "us-attorney");
  EXPECT_EQ(name.name, "miller");
  EXPECT_EQ(FormatSpiffe(name), uri);
}

TEST(SpiffeTest, ReviewerNameIsWrittenAndRead) {
  const std::string uri = "spiffe://us.icloud.example/reviewer/adams";
  ASSERT_OK_AND_ASSIGN(const SpiffeName name, ParseSpiffe(uri));
  EXPECT_EQ(name.kind, SpiffeName::Kind::kReviewer);
  EXPECT_EQ(name.organisation, "");
  EXPECT_EQ(name.name, "adams");
  EXPECT_EQ(FormatSpiffe(name), uri);
}

class RefusedSpiffeTest : public testing::TestWithParam<const char*> {};

TEST_P(RefusedSpiffeTest, IsRefused) {
  EXPECT_THAT(ParseSpiffe(GetParam()), RefusedWith(Reason::kCertificateInvalid));
}

INSTANTIATE_TEST_SUITE_P(Spellings, RefusedSpiffeTest,
                         testing::Values("", "spiffe://", "spiffe://cn.icloud.example",
                                         "spiffe://cn.icloud.example/",
                                         "https://cn.icloud.example/operator/gcbd/custody/0",
                                         "SPIFFE://cn.icloud.example/operator/gcbd/custody/0",
                                         "spiffe://cn.icloud.example/operator/gcbd/custody/0/",
                                         "spiffe://cn.icloud.example/operator/gcbd/custody/0/extra",
                                         "spiffe://cn.icloud.example//operator/gcbd/custody/0",
                                         "spiffe://cn.icloud.example/operator//custody/0",
                                         "spiffe://cn.icloud.example/operator/gcbd/custody/",
                                         "spiffe://cn.icloud.example/operator/gcbd/custody/00",
                                         "spiffe://cn.icloud.example/operator/gcbd/custody/-1",
                                         "spiffe://cn.icloud.example/operator/gcbd/custody/100000",
                                         "spiffe://cn.icloud.example/operator/gcbd/keys/0",
                                         "spiffe://cn.icloud.example/operator/GCBD/custody/0",
                                         "spiffe://cn.icloud.example/operator/gcbd/custody/0?x=1",
                                         "spiffe://cn.icloud.example/operator/gcbd/custody/0#x",
                                         "spiffe://cn.icloud.example/operator/g%63bd/custody/0",
                                         "spiffe://cn.icloud.example:443/operator/gcbd/custody/0",
                                         "spiffe://user@cn.icloud.example/operator/gcbd/custody/0",
                                         "spiffe://cn/operator/gcbd/custody/0",
                                         "spiffe://.icloud.example/operator/gcbd/custody/0",
                                         "spiffe://cn./operator/gcbd/custody/0",
                                         "spiffe://cn.icloud..example/operator/gcbd/custody/0",
                                         "spiffe://cn.icloud.example./operator/gcbd/custody/0",
                                         "spiffe://cn.-icloud.example/operator/gcbd/custody/0",
                                         "spiffe://1cn.icloud.example/operator/gcbd/custody/0",
                                         "spiffe://CN.icloud.example/operator/gcbd/custody/0",
                                         "spiffe://cn.icloud.example/reviewer/adams/0",
                                         "spiffe://cn.icloud.example/reviewer/",
                                         "spiffe://cn.icloud.example/reviewer/-adams",
                                         "spiffe://cn.icloud.example/authority/police/person/lin",
                                         "spiffe://cn.icloud.example/operator/gcbd/agent/lin",
                                         "spiffe://cn.icloud.example/device/1"));

TEST(SpiffeTest, NameWithTooLongPartIsRefused) {
  EXPECT_THAT(ParseSpiffe("spiffe://cn.icloud.example/reviewer/" + std::string(32, 'a')), IsOk());
  EXPECT_THAT(ParseSpiffe("spiffe://cn.icloud.example/reviewer/" + std::string(33, 'a')),
              RefusedWith(Reason::kCertificateInvalid));
}

TEST(SpiffeTest, NameWithControlCharacterIsRefused) {
  EXPECT_THAT(ParseSpiffe(std::string("spiffe://cn.icloud.example/reviewer/a\0b", 38)),
              RefusedWith(Reason::kCertificateInvalid));
}

}  // namespace
}  // namespace comity
