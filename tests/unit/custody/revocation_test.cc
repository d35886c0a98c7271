#include <array>
#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "services/custody/key_versions.h"
#include "tests/testing/custody.h"
#include "tests/testing/key_grants.h"
#include "tests/testing/matchers.h"
#include "tests/testing/numbered_request.h"
#include "tests/testing/unsafe_authorization.h"

// What is said to be out of use is out of use when that is answered, however hard it is being used.
namespace comity::custody {
namespace {

class RevocationTest : public testing::Test {
 protected:
  static constexpr size_t kThreads = 4;
  static constexpr uint64_t kEnough = 200;

  RevocationTest() : wrapped_(world_.Generate(world_.us, world_.account)) {
    EXPECT_THAT(world_.us.custody().key_versions().Rotate(Device(), world_.account.id(),
                                                          NumberedRequest(1)),
                IsOk());
  }
  Authorization Device(size_t index = 0) {
    return CustodyNode::Device(world_.account.device(index));
  }
  absl::Status Open(const Authorization& device, const NamedGrant& grant) {
    return world_.us.custody()
        .data_keys()
        .Unwrap(device, world_.account.id(),
                grant.has_value() ? UseReason::kGrant : UseReason::kAccess,
                {{CustodyWorld::Context(), wrapped_}}, grant)
        .status();
  }
  // Another account, with a second device, that is granted what this one has.
  void GiveGrant() {
    const Authorization device = CustodyNode::Device(grantee_.device());
    Custody& custody = world_.us.custody();
    grantee_.AddDevice();
    ASSERT_THAT(custody.custodian()
                    .Create(device, grantee_.entries(),
                            grantee_.SignRecord(world_.topology(), "US", world_.now()))
                    .status(),
                IsOk());
    ASSERT_THAT(custody.key_grants()
                    .Change(Device(), world_.account.id(),
                            SignGrant(world_.account, ExampleGrant(grantee_.id()), world_.now(),
                                      world_.now() + kDayMs))
                    .status(),
                IsOk());
  }

  // Threads open the wrap as this device, again and again; `revoke` in the midst of it. What begins
  // after that was answered is refused, with `reason`.
  void HammerWhile(const Authorization& device, const std::function<void()>& revoke, Reason reason,
                   const NamedGrant& grant = std::nullopt) {
    struct Counts {
      std::atomic<uint64_t> opened{0};
      std::atomic<uint64_t> refused{0};
    };
    std::array<Counts, kThreads> counts;
    std::atomic<bool> answered{false};
    std::atomic<uint64_t> too_late{0};
    std::atomic<uint64_t> otherwise{0};
    std::vector<std::thread> threads;
    for (Counts& mine : counts) {
      threads.emplace_back([&] {
        while (mine.refused < kEnough) {
          const bool after = answered;
          const absl::Status status = Open(device, grant);
          if (status.ok()) {
            ++mine.opened;
            too_late += after ? 1 : 0;
          } else {
            otherwise += ReasonOf(status) == reason ? 0 : 1;
            mine.refused += after ? 1 : 0;
          }
          if (too_late != 0 || otherwise != 0) return;
        }
      });
    }
    for (const Counts& count : counts) {
      while (count.opened < kEnough && otherwise == 0) std::this_thread::yield();
    }
    revoke();
    answered = true;
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(too_late, 0u) << "opened after the answer";
    EXPECT_EQ(otherwise, 0u) << "refused for another reason";
  }

  CustodyWorld world_;
  TestAccount grantee_ = world_.deployment().NewAccount();
  const std::string wrapped_;
};

TEST_F(RevocationTest, DisabledVersionIsOutWhenItIsAnswered) {
  HammerWhile(
      Device(),
      [this] {
        EXPECT_THAT(
            world_.us.custody().key_versions().Change(
                Device(), {world_.account.id(), NumberedRequest(2), KeyChangeKind::kDisable, 1, 0}),
            IsOk());
      },
      Reason::kKeyDisabled);
}

TEST_F(RevocationTest, RevokedDeviceIsOutWhenItIsAnswered) {
  world_.account.AddDevice();
  ASSERT_THAT(world_.DeliverAsDevice(world_.us, world_.account.entries()), IsOk());
  HammerWhile(
      Device(1),
      [this] {
        world_.account.RevokeDevice(1);
        EXPECT_THAT(world_.DeliverAsDevice(world_.us, world_.account.entries()), IsOk());
      },
      Reason::kAccountNotYours);
}

TEST_F(RevocationTest, RevokedGrantIsOutWhenItIsAnswered) {
  GiveGrant();
  const GrantId grant = ExampleGrant({}).grant;
  HammerWhile(
      CustodyNode::Device(grantee_.device()),
      [&] {
        EXPECT_THAT(world_.us.custody().key_grants().Change(
                        Device(), world_.account.id(),
                        SignGrantRevocation(world_.account, grant, world_.now())),
                    IsOk());
      },
      Reason::kGrantNotInForce, grant);
}

TEST_F(RevocationTest, RevokedDeviceOfAGranteeIsOutWhenItIsAnswered) {
  GiveGrant();
  HammerWhile(
      CustodyNode::Device(grantee_.device(1)),
      [this] {
        grantee_.RevokeDevice(1);
        EXPECT_THAT(world_.us.custody().messenger().Deliver(CustodyNode::Device(grantee_.device()),
                                                            grantee_.id(), grantee_.entries()),
                    IsOk());
      },
      Reason::kAccountNotYours, ExampleGrant({}).grant);
}

TEST_F(RevocationTest, SealedCustodyOpensNothingWhenItIsAnswered) {
  HammerWhile(
      Device(),
      [this] {
        EXPECT_THAT(world_.us.custody().vault().Close(UnsafeAuthorizationForTest::OperatorPerson(
                        "us", "apple", "ops-evans", MakeTestDevice().key.public_key())),
                    IsOk());
      },
      Reason::kSealed);
}

}  // namespace
}  // namespace comity::custody
