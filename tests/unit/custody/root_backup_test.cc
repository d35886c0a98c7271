#include "services/custody/root_backup.h"

#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/custody/leaves.h"
#include "services/custody/root_key.h"
#include "tests/testing/custody.h"
#include "tests/testing/matchers.h"
#include "tests/testing/rotatable_seal.h"

namespace comity::custody {
namespace {

using Kind = RotatableSeal::Kind;

// A backup as a custody sees it, which remembers who could open it, and which root was in force
// when it was told.
class RememberedBackup final : public RootBackup {
 public:
  struct Told {
    uint32_t keys = 0;      // generation of those that it was told of
    uint32_t in_force = 0;  // of the root at that moment; 0: sealed
    friend bool operator==(const Told&, const Told&) = default;
  };

  absl::Status Follow(const KeySealer& keys) override {
    if (fails) return Refuse(Reason::kStoreUnavailable, "the disk of the backup");
    told.push_back({keys.generation(), in_force ? in_force() : 0});
    sealed_[keys.generation()] = keys.SealBackupKey(SecretBytes::CopyOf(kKey));
    return absl::OkStatus();
  }
  absl::Status DropOlder(const KeySealer& keys) override {
    if (fails) return Refuse(Reason::kStoreUnavailable, "the disk of the backup");
    if (keeps_older) return absl::OkStatus();
    std::erase_if(sealed_, [&](const auto& entry) { return entry.first < keys.generation(); });
    return absl::OkStatus();
  }

  // The generations of roots that open it.
  std::vector<uint32_t> OpenedBy() const {
    std::vector<uint32_t> generations;
    for (const auto& [generation, sealed] : sealed_) generations.push_back(generation);
    return generations;
  }
  bool Opens(const KeySealer& keys) const {
    for (const auto& [generation, sealed] : sealed_) {
      const auto key = keys.OpenBackupKey(sealed);
      if (key.ok() && key->RevealView(RevealKey::ForTest()) == kKey) return true;
    }
    return false;
  }

  bool fails = false;
  bool keeps_older = false;
  std::function<uint32_t()> in_force;
  std::vector<Told> told;

 private:
  const std::string kKey = std::string(32, 'b');
  std::map<uint32_t, std::string> sealed_;
};

class RootBackupTest : public testing::TestWithParam<Kind> {
 protected:
  RootBackupTest()
      : first_(SecretBytes::CopyOf(std::string(kRootKeySize, 'u'))),
        seal_(&world_, &world_.us, GetParam(), first_) {
    EXPECT_THAT(world_.us.UseBackup(&backup_), IsOk());
    seal_.Open();
    backup_.in_force = [this] { return seal_.state().generation; };
  }
  size_t Leaves(std::string_view type) { return world_.us.log().Count(std::string(type)); }
  bool OpensNow() { return backup_.Opens(*seal_.vault().Open().value()); }

  RememberedBackup backup_;
  CustodyWorld world_{TestDeployment::kStart};
  const SecretBytes first_;
  RotatableSeal seal_;
};

INSTANTIATE_TEST_SUITE_P(Seals, RootBackupTest,
                         testing::Values(Kind::kKeyfile, Kind::kShamir, Kind::kToken),
                         [](const auto& kind) {
                           return kind.param == Kind::kKeyfile  ? "Keyfile"
                                  : kind.param == Kind::kShamir ? "Shamir"
                                                                : "Token";
                         });

TEST_P(RootBackupTest, WhoeverOpensCustodyOpensItsBackup) {
  EXPECT_THAT(backup_.OpenedBy(), testing::ElementsAre(1));
  EXPECT_TRUE(OpensNow());
  ASSERT_OK_AND_ASSIGN(
      const RootKey other,
      RootKey::Create(SecretBytes::CopyOf(std::string(kRootKeySize, 'o')), world_.us.region()));
  EXPECT_FALSE(backup_.Opens(KeySealer(other, world_.topology().deployment(), world_.us.region())));
}

// Whatever dies when: the backup opens by the root that is in force.
TEST_P(RootBackupTest, ItOpensByBothRootsFromBeforeTheChangeToItsEnd) {
  backup_.told.clear();
  ASSERT_THAT(seal_.Rotate(), IsOk());
  EXPECT_THAT(backup_.OpenedBy(), testing::ElementsAre(1, 2));
  ASSERT_GE(backup_.told.size(), 2u);
  EXPECT_EQ(backup_.told.front(), (RememberedBackup::Told{2, 1})) << "told before it is in force";
  EXPECT_EQ(backup_.told.back(), (RememberedBackup::Told{2, 1}))
      << "and again with what guards it, before anything is sealed under it";
  EXPECT_TRUE(OpensNow());
  seal_.Finish();
  EXPECT_THAT(backup_.OpenedBy(), testing::ElementsAre(2));
  EXPECT_TRUE(OpensNow());
  world_.us.Start();
  seal_.Settle();
  seal_.Open();
  EXPECT_THAT(backup_.OpenedBy(), testing::ElementsAre(2));
  EXPECT_TRUE(OpensNow());
}

// A death between the end of a rotation and the word of it.
TEST_P(RootBackupTest, TheNextOpeningEndsWhatTheRotationLeft) {
  ASSERT_THAT(seal_.Rotate(), IsOk());
  backup_.keeps_older = true;
  seal_.Finish();
  EXPECT_THAT(backup_.OpenedBy(), testing::ElementsAre(1, 2));
  backup_.keeps_older = false;
  world_.us.Start();
  seal_.Settle();
  seal_.Open();
  EXPECT_THAT(backup_.OpenedBy(), testing::ElementsAre(2));
}

TEST_P(RootBackupTest, WithoutItNoOtherRootComesIntoForce) {
  backup_.fails = true;
  EXPECT_THAT(seal_.Rotate(), RefusedWith(Reason::kStoreUnavailable));
  EXPECT_EQ(seal_.state().generation, 1u);
  EXPECT_FALSE(seal_.state().resealing);
  EXPECT_EQ(Leaves(kLeafRotationBegun), 0u);
}

TEST_P(RootBackupTest, WithoutItTheRootBeforeIsNotForgotten) {
  ASSERT_THAT(seal_.Rotate(), IsOk());
  backup_.fails = true;
  for (int i = 0; i < 5; ++i) world_.us.Tick();
  EXPECT_TRUE(seal_.state().resealing);
  backup_.fails = false;
  seal_.Finish();
  EXPECT_THAT(backup_.OpenedBy(), testing::ElementsAre(2));
}

TEST(RootBackupStartTest, ACustodyWhoseBackupFailsDoesNotOpen) {
  RememberedBackup backup;
  backup.fails = true;
  CustodyWorld world(TestDeployment::kStart);
  EXPECT_THAT(world.us.UseBackup(&backup), RefusedWith(Reason::kStoreUnavailable));
  backup.fails = false;
  EXPECT_THAT(world.us.TryStart(), IsOk());
}

TEST(RootBackupStartTest, SharesDoNotOpenACustodyWhoseBackupFails) {
  RememberedBackup backup;
  CustodyWorld world(TestDeployment::kStart);
  RotatableSeal seal(&world, &world.us, Kind::kShamir,
                     SecretBytes::CopyOf(std::string(kRootKeySize, 'u')));
  ASSERT_THAT(world.us.UseBackup(&backup), IsOk()) << "sealed, it has nothing to tell";
  EXPECT_TRUE(backup.told.empty());
  backup.fails = true;
  EXPECT_THAT(seal.vault().Enter(RotatableSeal::Person("ops-evans"), seal.held().at("ops-evans")),
              IsOk());
  EXPECT_THAT(seal.vault().Enter(RotatableSeal::Person("ops-fox"), seal.held().at("ops-fox")),
              RefusedWith(Reason::kStoreUnavailable));
  EXPECT_TRUE(seal.state().sealed);
  backup.fails = false;
  EXPECT_THAT(seal.vault().Enter(RotatableSeal::Person("ops-fox"), seal.held().at("ops-fox")),
              IsOk());
  EXPECT_FALSE(seal.state().sealed);
}

}  // namespace
}  // namespace comity::custody
