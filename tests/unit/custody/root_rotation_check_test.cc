#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "services/common/crypto/random.h"
#include "services/custody/store_check.h"
#include "tests/fakes/fake_blob_store.h"
#include "tests/testing/custody.h"
#include "tests/testing/matchers.h"
#include "tests/testing/rotatable_seal.h"

// What a check of the store says of the root keys under which keys rest.
namespace comity::custody {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class RootRotationCheckTest : public testing::Test {
 protected:
  // What is found about keys, in words; what is only noted follows "note: ".
  std::vector<std::string> Check() {
    std::vector<std::string> found;
    CheckReport report([&](const nlohmann::json& line) {
      if (line.value("rule", "") != "key") return;
      const std::string what = line.at("what").get<std::string>();
      found.push_back(line.at("type") == "violation" ? what : "note: " + what);
    });
    const TestDeployment& deployment = SharedDeployment();
    const StoreCheck check{
        .topology = deployment.topology(),
        .region = TestDeployment::Region("us"),
        .directory = seal_.directory(),
        .now = world_.now(),
        .records = world_.us.records(),
        .blobs = blobs_,
        .log = nullptr,
        .log_key = deployment.service("us", ServiceKind::kCustody).log_key.public_key(),
        .log_origin = "test",
        .report = report};
    EXPECT_THAT(CheckCustodyStore(check), IsOk());
    return found;
  }
  void Put(const std::string& sealed) {
    ASSERT_THAT(world_.us.records().Commit(
                    "custody/" + world_.account.id().ToString(), RandomId<RequestId>(), {},
                    {Mutation::Put("account/key/00000001/00000001", sealed)}),
                IsOk());
  }

  CustodyWorld world_{TestDeployment::kStart};
  FakeBlobStore blobs_;
  RotatableSeal seal_{&world_, &world_.us, RotatableSeal::Kind::kKeyfile,
                      SecretBytes::CopyOf(std::string(kRootKeySize, 'u'))};
};

TEST_F(RootRotationCheckTest, BothRootsCountWhileTheyAreThere) {
  EXPECT_THAT(Check(), IsEmpty());
  const std::string before = world_.us.LoadAccount(world_.account.id()).keys.front().sealed;
  ASSERT_THAT(seal_.Rotate(), IsOk());
  TestAccount other = world_.deployment().NewAccount();
  world_.CreateAccountAt(world_.us, other);
  EXPECT_THAT(Check(), ElementsAre(HasSubstr("note: it is being rotated")));
  seal_.Finish();
  EXPECT_THAT(Check(), IsEmpty());
  Put(before);
  EXPECT_THAT(Check(), ElementsAre(HasSubstr("does not open under any root key that is there")));
}

TEST_F(RootRotationCheckTest, AKeyUnderNeitherRootIsFound) {
  ASSERT_THAT(seal_.Rotate(), IsOk());
  Put(std::string(60, 'x'));
  EXPECT_THAT(Check(), ElementsAre(HasSubstr("note: it is being rotated"),
                                   HasSubstr("does not open under any root key that is there")));
}

}  // namespace
}  // namespace comity::custody
