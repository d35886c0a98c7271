#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "services/common/crypto/random.h"
#include "services/custody/chain_entries.h"
#include "services/custody/key_versions.h"
#include "services/custody/wrapped_key.h"
#include "tests/testing/custody.h"
#include "tests/testing/key_grants.h"
#include "tests/testing/matchers.h"
#include "tests/testing/rotatable_seal.h"

// All that can be asked of a custody, asked at once: keys used by their owners and under a grant,
// versions made and disabled, accounts created, the custody sealed and opened, its root key
// rotated. What was promised is kept at every moment, and nothing is lost at the end. Most worth
// its while under the thread sanitizer.
namespace comity::custody {
namespace {

constexpr int kRounds = 48;
constexpr int kRotateEvery = 12;
constexpr int kDisableEvery = 8;
constexpr int kCreations = 8;
constexpr uint64_t kBetweenSealings = 6;

struct Made {
  std::string wrapped;
  SecretBytes plaintext;
};

class MixedLoadTest : public testing::Test {
 protected:
  Custody& custody() { return world_.us.custody(); }

  // Asks again while the custody is sealed, or the account keeps changing under the call.
  template <typename Ask>
  auto Insist(const Ask& ask) -> decltype(ask()) {
    while (true) {
      auto answer = ask();
      const Reason reason = answer.ok() ? Reason::kUnspecified : ReasonOf(answer.status());
      if (reason != Reason::kSealed && reason != Reason::kConflict) {
        ++done_;
        return answer;
      }
      std::this_thread::yield();
    }
  }

  absl::StatusOr<SecretBytes> Open(TestAccount& user, const AccountId& owner,
                                   const std::string& wrapped, const NamedGrant& grant) {
    auto opened =
        custody().data_keys().Unwrap(CustodyNode::Device(user.device()), owner,
                                     grant.has_value() ? UseReason::kGrant : UseReason::kAccess,
                                     {{CustodyWorld::Context(), wrapped}}, grant);
    if (!opened.ok()) return opened.status();
    return std::move(opened->front());
  }

  void Create(TestAccount& owner) {
    const Statement record = owner.SignRecord(world_.topology(), "US", world_.now());
    ASSERT_THAT(Insist([&] {
                  return custody().custodian().Create(CustodyNode::Device(owner.device()),
                                                      owner.entries(), record);
                }),
                IsOk());
  }

  // One device alone, so that it knows what has to be so.
  void LiveAsOwner(TestAccount& owner, std::vector<Made>& made) {
    const Authorization device = CustodyNode::Device(owner.device());
    const auto change = [&](KeyChangeKind kind) {
      // A repeat is known by its id.
      const RequestId request = RandomId<RequestId>();
      return Insist([&] {
        return custody().key_versions().Change(device, {owner.id(), request, kind, 1, 0});
      });
    };
    for (int round = 1; round <= kRounds; ++round) {
      const auto keys = Insist([&] {
        return custody().data_keys().Generate(device, owner.id(), UseReason::kAccess,
                                              {CustodyWorld::Context()});
      });
      ASSERT_THAT(keys, IsOk());
      made.push_back({keys->front().wrapped, keys->front().plaintext.Clone()});
      const Made& some = made[static_cast<size_t>(round * 7) % made.size()];
      const auto open = [&](const Made& key) {
        return Insist([&] { return Open(owner, owner.id(), key.wrapped, std::nullopt); });
      };
      ASSERT_OK_AND_ASSIGN(const SecretBytes opened, open(some));
      EXPECT_TRUE(opened.ConstantTimeEquals(some.plaintext));
      if (round % kRotateEvery == 0) {
        const RequestId request = RandomId<RequestId>();
        ASSERT_THAT(
            Insist([&] { return custody().key_versions().Rotate(device, owner.id(), request); }),
            IsOk());
      }
      // The first wrap is under the first version.
      if (round % kDisableEvery == 0) {
        ASSERT_THAT(change(KeyChangeKind::kDisable), IsOk());
        EXPECT_THAT(open(made.front()), RefusedWith(Reason::kKeyDisabled));
        ASSERT_THAT(change(KeyChangeKind::kEnable), IsOk());
        EXPECT_THAT(open(made.front()), IsOk());
      }
    }
  }

  void LiveAsGrantee(const Made& key) {
    const GrantId grant = ExampleGrant({}).grant;
    for (int round = 0; round < kRounds; ++round) {
      const auto opened =
          Insist([&] { return Open(grantee_, world_.account.id(), key.wrapped, grant); });
      if (opened.ok()) {
        EXPECT_TRUE(opened->ConstantTimeEquals(key.plaintext));
      } else {
        EXPECT_THAT(opened, RefusedWith(Reason::kKeyDisabled));
      }
    }
  }

  // Seals and opens, and now and then begins another rotation, while the others get on.
  void LiveAsOperators(const std::atomic<bool>& over) {
    for (int cycle = 0; !over; ++cycle) {
      for (const uint64_t before = done_; !over && done_ < before + kBetweenSealings;) {
        std::this_thread::yield();
      }
      if (cycle % 3 == 0) {
        const absl::Status rotated = seal_.Rotate();
        if (rotated.ok()) {
          ++rotations_;
        } else {
          EXPECT_THAT(rotated, RefusedWith(Reason::kStateNotReady));
        }
      }
      EXPECT_THAT(seal_.vault().Close(RotatableSeal::Person("ops-fox")), IsOk());
      EXPECT_TRUE(seal_.state().sealed);
      seal_.Open();
      EXPECT_FALSE(seal_.state().sealed);
    }
  }

  CustodyWorld world_{TestDeployment::kStart};
  TestAccount grantee_ = world_.deployment().NewAccount();
  TestAccount other_ = world_.deployment().NewAccount();
  RotatableSeal seal_{&world_, &world_.us, RotatableSeal::Kind::kKeyfile,
                      SecretBytes::CopyOf(std::string(kRootKeySize, 'u'))};
  std::atomic<uint64_t> done_{0};
  int rotations_ = 0;
};

TEST_F(MixedLoadTest, WhatIsPromisedIsKeptWhileEverythingHappensAtOnce) {
  Create(grantee_);
  Create(other_);
  ASSERT_THAT(custody().key_grants().Change(CustodyNode::Device(world_.account.device()),
                                            world_.account.id(),
                                            SignGrant(world_.account, ExampleGrant(grantee_.id()),
                                                      world_.now(), world_.now() + kDayMs)),
              IsOk());
  ASSERT_OK_AND_ASSIGN(const auto shared,
                       custody().data_keys().Generate(CustodyNode::Device(world_.account.device()),
                                                      world_.account.id(), UseReason::kAccess,
                                                      {CustodyWorld::Context()}));
  const Made granted{shared.front().wrapped, shared.front().plaintext.Clone()};
  const uint64_t known = custody().known_accounts();
  std::vector<TestAccount> created;
  for (int i = 0; i < kCreations; ++i) created.push_back(world_.deployment().NewAccount());

  std::vector<Made> first;
  std::vector<Made> second;
  std::atomic<bool> over{false};
  std::thread operators([&] { LiveAsOperators(over); });
  std::thread maintenance([&] {
    while (!over) world_.us.Tick();
  });
  std::vector<std::thread> callers;
  callers.emplace_back([&] { LiveAsOwner(world_.account, first); });
  callers.emplace_back([&] { LiveAsOwner(other_, second); });
  callers.emplace_back([&] { LiveAsGrantee(granted); });
  callers.emplace_back([&] {
    for (TestAccount& account : created) Create(account);
  });
  for (std::thread& caller : callers) caller.join();
  over = true;
  operators.join();
  maintenance.join();
  if (HasFatalFailure()) return;

  EXPECT_GT(rotations_, 0);
  seal_.Finish();
  EXPECT_FALSE(seal_.state().resealing);
  EXPECT_EQ(seal_.state().generation, static_cast<uint32_t>(rotations_) + 1);
  EXPECT_EQ(custody().known_accounts(), known + kCreations);
  for (const auto& [owner, made] :
       {std::pair(&world_.account, &first), std::pair(&other_, &second)}) {
    ASSERT_EQ(made->size(), static_cast<size_t>(kRounds));
    EXPECT_EQ(ParseWrappedKey(made->back().wrapped)->version, kRounds / kRotateEvery);
    for (const Made& key : *made) {
      ASSERT_OK_AND_ASSIGN(const SecretBytes opened,
                           Open(*owner, owner->id(), key.wrapped, std::nullopt));
      EXPECT_TRUE(opened.ConstantTimeEquals(key.plaintext));
    }
  }
  // What rests is what the newest root key vouches for.
  const Vault::Keys keys = custody().vault().Open().value();
  created.push_back(std::move(other_));
  for (const TestAccount& account : created) {
    const Account stored = world_.us.LoadAccount(account.id());
    EXPECT_EQ(stored.chain_vouch, keys->Vouch(account.id(), EncodeChain(stored)));
    for (const KeyRecord& key : stored.keys) {
      EXPECT_THAT(keys->OpenAccountKey(account.id(), key.epoch, key.version, key.sealed), IsOk());
    }
  }
}

}  // namespace
}  // namespace comity::custody
