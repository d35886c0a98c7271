#include "tests/testing/deployment.h"

#include "services/common/crypto/x509.h"
#include "tests/testing/matchers.h"

namespace comity {
namespace {

TEST(DeploymentTest, EveryServiceChainsToItsRootAndIsEndorsed) {
  const TestDeployment deployment;
  const UnixMillis now = TestDeployment::kStart;
  for (const auto& [id, region] : deployment.topology().regions()) {
    for (const auto& [kind, info] : region.services) {
      const TestService& service = deployment.service(id.name(), kind);
      EXPECT_THAT(VerifyIssuedBy(service.certificate, region.root_certificate, now), IsOk());
      EXPECT_THAT(deployment.topology().VerifyEndorsement(service.endorsement, id, kind, now),
                  IsOk());
      EXPECT_EQ(info.log_key->spki(), service.log_key.public_key().spki());
    }
  }
}

TEST(DeploymentTest, EveryPersonIsInTheRosterUnderItsKey) {
  const TestDeployment deployment;
  ASSERT_EQ(deployment.topology().people().size(), 14U);
  for (const PersonTemplate& person : deployment.topology().people()) {
    const PublicKey& key = deployment.person(person.region.name(), person.name).key.public_key();
    const RosterPerson* found = deployment.roster(person.region.name()).FindByKey(key.id());
    ASSERT_NE(found, nullptr) << person.name;
    EXPECT_EQ(found->name, person.name);
    EXPECT_EQ(found->roles, person.roles);
  }
}

TEST(DeploymentTest, AddressIsChangedWhenItIsSet) {
  TestDeployment deployment;
  const Topology before = deployment.topology();
  deployment.SetAddress("cn", ServiceKind::kCustody, "127.0.0.1:4711");
  const RegionId cn = TestDeployment::Region("cn");
  EXPECT_EQ(deployment.topology().FindRegion(cn)->service(ServiceKind::kCustody).address,
            "127.0.0.1:4711");
  EXPECT_NE(deployment.topology().digest(), before.digest());
}

}  // namespace
}  // namespace comity
