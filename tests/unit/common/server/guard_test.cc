#include "services/common/server/guard.h"

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/server/topology_mark.h"
#include "tests/fakes/manual_clock.h"
#include "tests/testing/deployment.h"
#include "tests/testing/matchers.h"

namespace comity {
namespace {

constexpr char kDevices[] = "/t.S/Devices";
constexpr char kOwnServices[] = "/t.S/OwnServices";
constexpr char kForeign[] = "/t.S/Foreign";
constexpr char kAgents[] = "/t.S/Agents";
constexpr char kReviewers[] = "/t.S/Reviewers";
constexpr char kPersons[] = "/t.S/Persons";
constexpr char kAnybody[] = "/t.S/Anybody";

MethodRules Rules() {
  return {{kDevices, kAllowDevice},      {kOwnServices, kAllowOwnStorage | kAllowOwnReview},
          {kForeign, kAllowForeignSame}, {kAgents, kAllowAgent},
          {kReviewers, kAllowReviewer},  {kPersons, kAllowOwnOperatorPerson},
          {kAnybody, kAllowAnyVerified}};
}

class GuardTest : public testing::Test {
 protected:
  // The guard of custody in cn, which is run by apple.
  Guard MakeGuard(std::string_view region = "cn", ServiceKind kind = ServiceKind::kCustody) const {
    return MakeGuardWith(std::make_shared<const Roster>(deployment_.roster(region)), region, kind);
  }
  Guard MakeGuardWith(std::shared_ptr<const Roster> roster, std::string_view region = "cn",
                      ServiceKind kind = ServiceKind::kCustody) const {
    return Guard({.topology = deployment_.topology(),
                  .region = *RegionId::Create(region),
                  .kind = kind,
                  .rules = Rules(),
                  .roster = std::move(roster),
                  .clock = &clock_});
  }
  const std::string& Service(std::string_view region, ServiceKind kind) const {
    return deployment_.service(region, kind).certificate;
  }
  const std::string& Person(std::string_view region, std::string_view name) const {
    return deployment_.person(region, name).certificate;
  }
  std::string Mark() const { return FormatTopologyMark(MarkOf(deployment_.topology())); }
  std::string MarkOfSerial(uint64_t serial) const {
    return std::to_string(serial) + ":" + std::string(64, 'a');
  }

  const TestDeployment deployment_;
  ManualClock clock_{TestDeployment::kStart};
};

TEST_F(GuardTest, DeviceIsAdmittedWhereDevicesAre) {
  const Guard guard = MakeGuard();
  const TestDevice device = MakeTestDevice();
  ASSERT_OK_AND_ASSIGN(const Authorization admitted,
                       guard.AdmitPeer(device.certificate, kDevices, std::nullopt));
  EXPECT_TRUE(admitted.IsDevice());
  EXPECT_EQ(admitted.caller().key.id(), device.key.public_key().id());
  EXPECT_EQ(admitted.method(), kDevices);
}

TEST_F(GuardTest, DeviceIsRefusedElsewhere) {
  const Guard guard = MakeGuard();
  const std::string device = MakeTestDevice().certificate;
  for (const char* method : {kOwnServices, kForeign, kAgents, kReviewers, kPersons}) {
    EXPECT_THAT(guard.AdmitPeer(device, method, std::nullopt),
                RefusedWith(Reason::kCallerNotAllowed))
        << method;
  }
}

TEST_F(GuardTest, MethodWithoutRuleIsRefusedToEverybody) {
  const Guard guard = MakeGuard();
  EXPECT_THAT(guard.AdmitPeer(MakeTestDevice().certificate, "/t.S/New", std::nullopt),
              RefusedWith(Reason::kCallerNotAllowed));
  EXPECT_THAT(guard.AdmitPeer(Service("cn", ServiceKind::kReview), "/t.S/New", std::nullopt),
              RefusedWith(Reason::kCallerNotAllowed));
}

TEST_F(GuardTest, CallerWithoutCertificateIsRefused) {
  EXPECT_THAT(MakeGuard().AdmitPeer("", kAnybody, std::nullopt),
              RefusedWith(Reason::kCertificateInvalid));
}

TEST_F(GuardTest, CallerWithForgedCertificateIsRefused) {
  const std::string forged = deployment_.Certify(
      "cn", PrivateKey::Generate(SignatureAlgorithm::kEcdsaP256).public_key(),
      "spiffe://us." + deployment_.topology().deployment() + "/operator/apple/custody/0");
  EXPECT_THAT(MakeGuard().AdmitPeer(forged, kForeign, Mark()),
              RefusedWith(Reason::kCertificateInvalid));
}

TEST_F(GuardTest, OwnServiceIsAdmittedByItsKind) {
  const Guard guard = MakeGuard();
  ASSERT_OK_AND_ASSIGN(
      const Authorization review,
      guard.AdmitPeer(Service("cn", ServiceKind::kReview), kOwnServices, std::nullopt));
  EXPECT_TRUE(review.IsService(ServiceKind::kReview, *RegionId::Create("cn")));
  EXPECT_FALSE(review.IsService(ServiceKind::kReview, *RegionId::Create("us")));
  EXPECT_THAT(guard.AdmitPeer(Service("cn", ServiceKind::kStorage), kOwnServices, std::nullopt),
              IsOk());
  EXPECT_THAT(guard.AdmitPeer(Service("cn", ServiceKind::kCustody), kOwnServices, std::nullopt),
              RefusedWith(Reason::kCallerNotAllowed));
}

TEST_F(GuardTest, ServiceOfAnotherRegionIsNoOwnService) {
  EXPECT_THAT(MakeGuard().AdmitPeer(Service("us", ServiceKind::kReview), kOwnServices, Mark()),
              RefusedWith(Reason::kCallerNotAllowed));
}

TEST_F(GuardTest, SameKindIsAdmittedAcrossADeclaredBorder) {
  EXPECT_THAT(MakeGuard().AdmitPeer(Service("us", ServiceKind::kCustody), kForeign, Mark()),
              IsOk());
}

TEST_F(GuardTest, OwnKindOfOwnRegionIsNotForeign) {
  EXPECT_THAT(MakeGuard().AdmitPeer(Service("cn", ServiceKind::kCustody), kForeign, Mark()),
              RefusedWith(Reason::kCallerNotAllowed));
}

TEST_F(GuardTest, OtherKindIsRefusedAcrossTheBorder) {
  const Guard guard = MakeGuard();
  EXPECT_THAT(guard.AdmitPeer(Service("us", ServiceKind::kStorage), kForeign, Mark()),
              RefusedWith(Reason::kCallerNotAllowed));
  EXPECT_THAT(guard.AdmitPeer(Service("us", ServiceKind::kReview), kForeign, Mark()),
              RefusedWith(Reason::kCallerNotAllowed));
}

TEST_F(GuardTest, UndeclaredBorderIsClosed) {
  const Guard us = MakeGuard("us");
  EXPECT_THAT(us.AdmitPeer(Service("cn", ServiceKind::kCustody), kForeign, Mark()),
              RefusedWith(Reason::kBorderClosed));
  const Guard review = MakeGuard("cn", ServiceKind::kReview);
  EXPECT_THAT(review.AdmitPeer(Service("us", ServiceKind::kReview), kForeign, Mark()),
              RefusedWith(Reason::kBorderClosed));
}

TEST_F(GuardTest, CallAcrossTheBorderWithoutATopologyIsStale) {
  const Guard guard = MakeGuard();
  const std::string& custody = Service("us", ServiceKind::kCustody);
  EXPECT_THAT(guard.AdmitPeer(custody, kForeign, std::nullopt),
              RefusedWith(Reason::kTopologyStale));
  EXPECT_THAT(guard.AdmitPeer(custody, kForeign, "1"), RefusedWith(Reason::kTopologyStale));
}

TEST_F(GuardTest, OtherTopologyOfTheSameSerialIsStale) {
  EXPECT_THAT(MakeGuard().AdmitPeer(Service("us", ServiceKind::kCustody), kForeign,
                                    MarkOfSerial(deployment_.topology().serial())),
              RefusedWith(Reason::kTopologyStale));
}

TEST_F(GuardTest, LowerSerialThanOneSeenIsStale) {
  const Guard guard = MakeGuard();
  const std::string& custody = Service("us", ServiceKind::kCustody);
  const uint64_t own = deployment_.topology().serial();
  EXPECT_THAT(guard.AdmitPeer(custody, kForeign, Mark()), IsOk());
  EXPECT_THAT(guard.AdmitPeer(custody, kForeign, MarkOfSerial(own + 2)), IsOk());
  EXPECT_THAT(guard.AdmitPeer(custody, kForeign, MarkOfSerial(own + 1)),
              RefusedWith(Reason::kTopologyStale));
  EXPECT_THAT(guard.AdmitPeer(custody, kForeign, Mark()), RefusedWith(Reason::kTopologyStale));
  EXPECT_THAT(guard.AdmitPeer(custody, kForeign, MarkOfSerial(own + 2)), IsOk());
}

TEST_F(GuardTest, OwnServicesNeedNoMark) {
  EXPECT_THAT(
      MakeGuard().AdmitPeer(Service("cn", ServiceKind::kStorage), kOwnServices, MarkOfSerial(0)),
      IsOk());
}

TEST_F(GuardTest, AgentOfTheRosterIsAdmitted) {
  EXPECT_THAT(MakeGuard().AdmitPeer(Person("cn", "agent-lin"), kAgents, std::nullopt), IsOk());
}

TEST_F(GuardTest, AgentOfAnotherRegionIsRefused) {
  EXPECT_THAT(MakeGuard().AdmitPeer(Person("us", "agent-miller"), kAgents, std::nullopt),
              RefusedWith(Reason::kCallerNotAllowed));
}

TEST_F(GuardTest, AgentIsNoReviewer) {
  EXPECT_THAT(MakeGuard().AdmitPeer(Person("cn", "agent-lin"), kReviewers, std::nullopt),
              RefusedWith(Reason::kCallerNotAllowed));
}

TEST_F(GuardTest, ReviewersApproversAndLawyersAreAdmitted) {
  const Guard guard = MakeGuard();
  for (const char* name : {"reviewer-chen", "approver-wang", "lawyer-sun"}) {
    EXPECT_THAT(guard.AdmitPeer(Person("cn", name), kReviewers, std::nullopt), IsOk()) << name;
    EXPECT_THAT(guard.AdmitPeer(Person("cn", name), kAgents, std::nullopt),
                RefusedWith(Reason::kCallerNotAllowed))
        << name;
  }
}

TEST_F(GuardTest, CertifiedKeyThatIsNotInTheRosterIsUnknown) {
  const PrivateKey stranger = PrivateKey::Generate(SignatureAlgorithm::kEcdsaP256);
  const std::string domain = "spiffe://cn." + deployment_.topology().deployment();
  const Guard guard = MakeGuard();
  EXPECT_THAT(guard.AdmitPeer(deployment_.Certify("cn", stranger.public_key(),
                                                  domain + "/reviewer/reviewer-chen"),
                              kReviewers, std::nullopt),
              RefusedWith(Reason::kCallerUnknown));
  EXPECT_THAT(guard.AdmitPeer(deployment_.Certify("cn", stranger.public_key(),
                                                  domain + "/operator/apple/person/ops-kelly"),
                              kPersons, std::nullopt),
              RefusedWith(Reason::kCallerUnknown));
  EXPECT_THAT(
      guard.AdmitPeer(deployment_.Certify("cn", stranger.public_key(),
                                          domain + "/authority/guiyang-police/agent/agent-lin"),
                      kAgents, std::nullopt),
      RefusedWith(Reason::kCallerUnknown));
}

TEST_F(GuardTest, RosterKeyUnderAnotherNameIsUnknown) {
  const std::string renamed = deployment_.Certify(
      "cn", deployment_.person("cn", "reviewer-chen").key.public_key(),
      "spiffe://cn." + deployment_.topology().deployment() + "/reviewer/approver-wang");
  EXPECT_THAT(MakeGuard().AdmitPeer(renamed, kReviewers, std::nullopt),
              RefusedWith(Reason::kCallerUnknown));
}

TEST_F(GuardTest, AgentWhoClaimsAReviewersCertificateIsUnknown) {
  const std::string claimed = deployment_.Certify(
      "cn", deployment_.person("cn", "agent-lin").key.public_key(),
      "spiffe://cn." + deployment_.topology().deployment() + "/reviewer/agent-lin");
  EXPECT_THAT(MakeGuard().AdmitPeer(claimed, kReviewers, std::nullopt),
              RefusedWith(Reason::kCallerUnknown));
}

TEST_F(GuardTest, AgentUnderAnotherAuthorityIsUnknown) {
  const std::string claimed = deployment_.Certify(
      "cn", deployment_.person("cn", "agent-lin").key.public_key(),
      "spiffe://cn." + deployment_.topology().deployment() + "/authority/other/agent/agent-lin");
  EXPECT_THAT(MakeGuard().AdmitPeer(claimed, kAgents, std::nullopt),
              RefusedWith(Reason::kCallerUnknown));
}

TEST_F(GuardTest, OnlyPersonsOfTheServicesOperatorAreOperatorPersons) {
  const Guard custody = MakeGuard("cn", ServiceKind::kCustody);
  EXPECT_THAT(custody.AdmitPeer(Person("cn", "ops-kelly"), kPersons, std::nullopt), IsOk());
  EXPECT_THAT(custody.AdmitPeer(Person("cn", "ops-huang"), kPersons, std::nullopt),
              RefusedWith(Reason::kCallerNotAllowed));
  const Guard storage = MakeGuard("cn", ServiceKind::kStorage);
  EXPECT_THAT(storage.AdmitPeer(Person("cn", "ops-huang"), kPersons, std::nullopt), IsOk());
  EXPECT_THAT(storage.AdmitPeer(Person("cn", "ops-kelly"), kPersons, std::nullopt),
              RefusedWith(Reason::kCallerNotAllowed));
}

TEST_F(GuardTest, PersonsAreUnknownWithoutARoster) {
  EXPECT_THAT(
      MakeGuardWith(nullptr).AdmitPeer(Person("cn", "reviewer-chen"), kReviewers, std::nullopt),
      RefusedWith(Reason::kCallerUnknown));
}

TEST_F(GuardTest, PersonsOfALaterRosterAreUnknownUntilItCounts) {
  const Statement second = deployment_.SignRoster("cn", deployment_.RosterBody("cn"),
                                                  {"apple", "gcbd"}, 2, clock_.Now());
  ASSERT_OK_AND_ASSIGN(const Roster roster,
                       Roster::Verify(second, *RegionId::Create("cn"), deployment_.topology()));
  const Guard guard = MakeGuardWith(std::make_shared<const Roster>(roster));
  const std::string& reviewer = Person("cn", "reviewer-chen");
  EXPECT_THAT(guard.AdmitPeer(reviewer, kReviewers, std::nullopt),
              RefusedWith(Reason::kCallerUnknown));
  clock_.Advance(3 * kDayMs);
  EXPECT_THAT(guard.AdmitPeer(reviewer, kReviewers, std::nullopt), IsOk());
}

TEST_F(GuardTest, AnybodyWithAVerifiedCertificateIsAdmittedWhereAllAre) {
  const Guard guard = MakeGuard();
  EXPECT_THAT(guard.AdmitPeer(MakeTestDevice().certificate, kAnybody, std::nullopt), IsOk());
  EXPECT_THAT(guard.AdmitPeer(Service("us", ServiceKind::kReview), kAnybody, std::nullopt), IsOk());
  EXPECT_THAT(guard.AdmitPeer(Person("us", "agent-miller"), kAnybody, std::nullopt), IsOk());
}

TEST_F(GuardTest, KnownCallerIsRefusedOnceItsCertificateExpires) {
  const Guard guard = MakeGuard();
  const std::string storage = deployment_.Certify(
      "cn", PrivateKey::Generate(SignatureAlgorithm::kEcdsaP256).public_key(),
      "spiffe://cn." + deployment_.topology().deployment() + "/operator/gcbd/storage/1",
      TestDeployment::kNotBefore, clock_.Now() + kDayMs);
  EXPECT_THAT(guard.AdmitPeer(storage, kOwnServices, std::nullopt), IsOk());
  clock_.Advance(kDayMs + kSecondMs);
  EXPECT_THAT(guard.AdmitPeer(storage, kOwnServices, std::nullopt),
              RefusedWith(Reason::kCertificateInvalid));
}

TEST(TopologyMarkTest, MarkIsWrittenAndRead) {
  const TestDeployment deployment;
  const TopologyMark mark = MarkOf(deployment.topology());
  const auto read = ParseTopologyMark(FormatTopologyMark(mark));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->serial, deployment.topology().serial());
  EXPECT_EQ(read->digest_hex, mark.digest_hex);
}

TEST(TopologyMarkTest, OtherSpellingsAreRefused) {
  const std::string digest(64, 'a');
  EXPECT_TRUE(ParseTopologyMark("1:" + digest).has_value());
  const std::vector<std::string> spellings = {std::string(),
                                              std::string(":"),
                                              digest,
                                              ":" + digest,
                                              "1" + digest,
                                              std::string("1:"),
                                              "1:" + digest + "0",
                                              "-1:" + digest,
                                              "+1:" + digest,
                                              "01:" + digest,
                                              "0:" + digest,
                                              " 1:" + digest,
                                              "1 :" + digest,
                                              "18446744073709551616:" + digest,
                                              "1:" + std::string(64, 'A'),
                                              "1:" + std::string(64, 'g')};
  for (const std::string& text : spellings) {
    EXPECT_FALSE(ParseTopologyMark(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace comity
