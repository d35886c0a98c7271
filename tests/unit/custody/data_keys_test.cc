#include "services/custody/data_keys.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/crypto/random.h"
#include "services/custody/account_rules.h"
#include "tests/testing/custody.h"
#include "tests/testing/matchers.h"

namespace comity::custody {
namespace {

using testing::IsEmpty;
using testing::Not;

class DataKeysTest : public testing::Test {
 protected:
  absl::StatusOr<std::vector<GeneratedKey>> Generate(const Authorization& who) {
    return keys().Generate(who, world_.account.id(), UseReason::kAccess, {CustodyWorld::Context()});
  }
  absl::StatusOr<std::vector<std::string>> Wrap() {
    std::vector<PlainKey> items;
    items.push_back({CustodyWorld::Context(), RandomSecret(32)});
    return keys().Wrap(Device(), world_.account.id(), UseReason::kAccess, items);
  }
  absl::StatusOr<std::vector<SecretBytes>> Unwrap(const Authorization& who,
                                                  const std::string& wrapped) {
    return keys().Unwrap(who, world_.account.id(), UseReason::kAccess,
                         {{CustodyWorld::Context(), wrapped}});
  }
  Authorization Device(size_t index = 0) {
    return CustodyNode::Device(world_.account.device(index));
  }
  DataKeys& keys() { return world_.us.custody().data_keys(); }

  CustodyWorld world_;
};

TEST_F(DataKeysTest, GeneratedKeyUnwrapsToItself) {
  ASSERT_OK_AND_ASSIGN(const auto made, Generate(Device()));
  ASSERT_OK_AND_ASSIGN(const auto opened, Unwrap(Device(), made.front().wrapped));
  EXPECT_TRUE(opened.front().ConstantTimeEquals(made.front().plaintext));
}

TEST_F(DataKeysTest, WrappedKeyUnwrapsToItself) {
  std::vector<PlainKey> items;
  items.push_back({CustodyWorld::Context("one"), RandomSecret(32)});
  items.push_back({CustodyWorld::Context("two"), RandomSecret(32)});
  ASSERT_OK_AND_ASSIGN(const auto wrapped,
                       keys().Wrap(Device(), world_.account.id(), UseReason::kAccess, items));
  ASSERT_OK_AND_ASSIGN(
      const auto opened,
      keys().Unwrap(Device(), world_.account.id(), UseReason::kAccess,
                    {{items[0].context, wrapped[0]}, {items[1].context, wrapped[1]}}));
  EXPECT_TRUE(opened[0].ConstantTimeEquals(items[0].plaintext));
  EXPECT_TRUE(opened[1].ConstantTimeEquals(items[1].plaintext));
}

TEST_F(DataKeysTest, OneBadWrapFailsTheBatch) {
  ASSERT_OK_AND_ASSIGN(const auto made, Generate(Device()));
  const std::string good = made.front().wrapped;
  EXPECT_THAT(keys().Unwrap(Device(), world_.account.id(), UseReason::kAccess,
                            {{CustodyWorld::Context(), good}, {CustodyWorld::Context("x"), good}}),
              RefusedWith(Reason::kDataCorrupt));
}

TEST_F(DataKeysTest, GarbageAndForeignWrapsAreCorrupt) {
  EXPECT_THAT(Unwrap(Device(), "garbage"), RefusedWith(Reason::kDataCorrupt));
  TestAccount other = world_.deployment().NewAccount();
  world_.CreateAccountAt(world_.us, other, "HK");
  const std::string foreign = world_.Generate(world_.us, other);
  ASSERT_THAT(foreign, Not(IsEmpty()));
  EXPECT_THAT(Unwrap(Device(), foreign), RefusedWith(Reason::kDataCorrupt));
}

TEST_F(DataKeysTest, VersionThatNeverWasIsCorrupt) {
  ASSERT_OK_AND_ASSIGN(const auto made, Generate(Device()));
  std::string wrapped = made.front().wrapped;
  for (const char version : {9, 0}) {
    wrapped[25] = version;
    EXPECT_THAT(Unwrap(Device(), wrapped), RefusedWith(Reason::kDataCorrupt));
  }
}

TEST_F(DataKeysTest, StrangersDeviceIsRefused) {
  const TestDevice stranger = MakeTestDevice();
  ASSERT_OK_AND_ASSIGN(const auto made, Generate(Device()));
  EXPECT_THAT(Unwrap(CustodyNode::Device(stranger), made.front().wrapped),
              RefusedWith(Reason::kAccountNotYours));
  EXPECT_THAT(Generate(CustodyNode::Device(stranger)), RefusedWith(Reason::kAccountNotYours));
}

TEST_F(DataKeysTest, UnknownAccountIsRefusedLikeAStrangers) {
  EXPECT_THAT(keys().Generate(Device(), RandomId<AccountId>(), UseReason::kAccess,
                              {CustodyWorld::Context()}),
              RefusedWith(Reason::kAccountNotYours));
}

TEST_F(DataKeysTest, ServicesUseNoDataKeys) {
  EXPECT_THAT(Generate(world_.us.Storage()), RefusedWith(Reason::kAccountNotYours));
  EXPECT_THAT(Generate(world_.us.Review()), RefusedWith(Reason::kAccountNotYours));
}

TEST_F(DataKeysTest, SecondUseTouchesNoStore) {
  EXPECT_FALSE(keys().IsCached(world_.account.id()));
  ASSERT_OK_AND_ASSIGN(const auto made, Generate(Device()));
  EXPECT_TRUE(keys().IsCached(world_.account.id()));
  world_.us.records().SetUnavailable(true);
  EXPECT_THAT(Unwrap(Device(), made.front().wrapped), IsOk());
  EXPECT_THAT(Generate(Device()), IsOk());
}

TEST_F(DataKeysTest, UnknownAccountsAreNotCached) {
  const AccountId unknown = RandomId<AccountId>();
  EXPECT_THAT(keys().Generate(Device(), unknown, UseReason::kAccess, {CustodyWorld::Context()}),
              RefusedWith(Reason::kAccountNotYours));
  EXPECT_FALSE(keys().IsCached(unknown));
}

TEST_F(DataKeysTest, AddedDeviceIsInAndRevokedDeviceIsOutAtOnce) {
  ASSERT_OK_AND_ASSIGN(const auto made, Generate(Device()));
  world_.account.AddDevice();
  EXPECT_THAT(Unwrap(Device(1), made.front().wrapped), RefusedWith(Reason::kAccountNotYours));
  ASSERT_THAT(world_.DeliverAsDevice(world_.us, world_.account.entries()), IsOk());
  EXPECT_THAT(Unwrap(Device(1), made.front().wrapped), IsOk());
  world_.account.RevokeDevice(1);
  ASSERT_THAT(world_.DeliverAsDevice(world_.us, world_.account.entries()), IsOk());
  EXPECT_THAT(Unwrap(Device(1), made.front().wrapped), RefusedWith(Reason::kAccountNotYours));
  EXPECT_THAT(Unwrap(Device(0), made.front().wrapped), IsOk());
}

TEST_F(DataKeysTest, ClosingAccountUnwrapsAndTakesNoNewData) {
  ASSERT_OK_AND_ASSIGN(const auto made, Generate(Device()));
  ASSERT_THAT(world_.DeliverAsDevice(world_.us, {world_.account.Sign(Close{}, world_.now())}),
              IsOk());
  EXPECT_THAT(Unwrap(Device(), made.front().wrapped), IsOk());
  EXPECT_THAT(Generate(Device()), RefusedWith(Reason::kAccountClosing));
  EXPECT_THAT(Wrap(), RefusedWith(Reason::kAccountClosing));
}

// Rule of docs/residency.md: after the window an account that neither accepted nor opted out is
// readable for export and takes no new data.
TEST_F(DataKeysTest, SuspendedAccountUnwrapsAndTakesNoNewData) {
  ASSERT_OK_AND_ASSIGN(const auto made, Generate(Device()));
  world_.clock.Advance(TestDeployment::kWindowEnd - 1 - world_.now());
  EXPECT_THAT(Generate(Device()), IsOk());
  world_.clock.Advance(1);
  EXPECT_THAT(Generate(Device()), RefusedWith(Reason::kAccountSuspended));
  EXPECT_THAT(Wrap(), RefusedWith(Reason::kAccountSuspended));
  EXPECT_THAT(Unwrap(Device(), made.front().wrapped), IsOk());
}

TEST_F(DataKeysTest, CorruptStoredKeyIsCorruptAndNotServed) {
  Account account = world_.us.LoadAccount(world_.account.id());
  Account damaged = account;
  damaged.keys.front().sealed.back() ^= 1;
  ASSERT_THAT(world_.us.store().Commit(account, damaged, {}), IsOk());
  EXPECT_THAT(Generate(Device()), RefusedWith(Reason::kDataCorrupt));
}

TEST_F(DataKeysTest, DisabledAndDestroyedVersionsSayWhich) {
  ASSERT_OK_AND_ASSIGN(const auto made, Generate(Device()));
  const Account account = world_.us.LoadAccount(world_.account.id());
  ASSERT_OK_AND_ASSIGN(const Vault::Keys keys, world_.us.custody().vault().Open());
  const KeySealer& sealer = *keys;
  Account changed = account;
  changed.keys.front().state = KeyState::kReleased;
  ASSERT_OK_AND_ASSIGN(const auto disabled, OpenStoredAccount(changed, sealer, world_.us.region()));
  EXPECT_THAT(OpenDataKey(*disabled, CustodyWorld::Context(), made.front().wrapped),
              RefusedWith(Reason::kKeyDisabled));
  EXPECT_EQ(disabled->Newest(), nullptr);
  EraseKeys(changed, 1, world_.now());
  ASSERT_OK_AND_ASSIGN(const auto gone, OpenStoredAccount(changed, sealer, world_.us.region()));
  EXPECT_THAT(OpenDataKey(*gone, CustodyWorld::Context(), made.front().wrapped),
              RefusedWith(Reason::kKeyDestroyed));
}

}  // namespace
}  // namespace comity::custody
