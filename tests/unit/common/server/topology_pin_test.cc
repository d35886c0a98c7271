#include "services/common/server/topology_pin.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/fakes/fake_record_store.h"
#include "tests/testing/deployment.h"
#include "tests/testing/matchers.h"

namespace comity {
namespace {

class TopologyPinTest : public testing::Test {
 protected:
  // The deployment's topology with another serial, and perhaps another line at its end.
  std::string TextOfSerial(uint64_t serial, const std::string& more = {}) const {
    std::string text = deployment_.topology_text();
    const std::string line = "serial: 1\n";
    const size_t at = text.find(line);
    EXPECT_NE(at, std::string::npos);
    return text.replace(at, line.size(), "serial: " + std::to_string(serial) + "\n") + more;
  }
  Statement SignFollowing(const std::string& text, uint64_t serial,
                          const std::vector<std::string>& signers = {"apple", "gcbd"}) const {
    return deployment_.SignTopology(text, serial, deployment_.topology().digest(), signers);
  }
  absl::Status PinText(const std::string& text, const Statement& signature) {
    absl::StatusOr<Topology> topology = Topology::Parse(text);
    EXPECT_THAT(topology, IsOk());
    return PinTopology(records_, *topology, text, signature);
  }
  absl::Status PinFirst() {
    return PinText(deployment_.topology_text(), deployment_.topology_signature());
  }

  const TestDeployment deployment_;
  FakeRecordStore records_;
};

TEST_F(TopologyPinTest, FirstTopologyIsPinnedAndFollowed) {
  EXPECT_THAT(PinFirst(), IsOk());
  EXPECT_EQ(records_.applied(), 1U);
  EXPECT_THAT(PinFirst(), IsOk());
  EXPECT_EQ(records_.applied(), 1U);
}

TEST_F(TopologyPinTest, LowerSerialIsStale) {
  const std::string later = TextOfSerial(3);
  ASSERT_THAT(PinText(later, SignFollowing(later, 3)), IsOk());
  EXPECT_THAT(PinFirst(), RefusedWith(Reason::kTopologyStale));
}

TEST_F(TopologyPinTest, OtherFileOfTheSameSerialIsInvalid) {
  ASSERT_THAT(PinFirst(), IsOk());
  const std::string other = TextOfSerial(1, "# another\n");
  EXPECT_THAT(PinText(other, SignFollowing(other, 1)), RefusedWith(Reason::kTopologyInvalid));
}

TEST_F(TopologyPinTest, RightSuccessorIsPinnedInItsPlace) {
  ASSERT_THAT(PinFirst(), IsOk());
  const std::string later = TextOfSerial(2);
  EXPECT_THAT(PinText(later, SignFollowing(later, 2)), IsOk());
  EXPECT_THAT(PinFirst(), RefusedWith(Reason::kTopologyStale));
}

TEST_F(TopologyPinTest, SuccessorWithoutAnOperatorsSignatureIsNotFollowed) {
  ASSERT_THAT(PinFirst(), IsOk());
  const std::string later = TextOfSerial(2, "# changed\n");
  EXPECT_FALSE(PinText(later, SignFollowing(later, 2, {"apple"})).ok());
  EXPECT_THAT(PinFirst(), IsOk());
}

TEST_F(TopologyPinTest, NothingIsFollowedThatCouldNotBePinned) {
  records_.SetUnavailable(true);
  EXPECT_THAT(PinFirst(), RefusedWith(Reason::kStoreUnavailable));
}

TEST_F(TopologyPinTest, DamagedPinIsRefused) {
  ASSERT_THAT(records_.Commit("service/topology", *RequestId::FromBytes("0123456789abcdef"), {},
                              {Mutation::Put("text", "damaged {")}),
              IsOk());
  EXPECT_THAT(PinFirst(), RefusedWith(Reason::kDataCorrupt));
}

}  // namespace
}  // namespace comity
