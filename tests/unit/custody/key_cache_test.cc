#include "services/custody/key_cache.h"

#include <string>

#include <gtest/gtest.h>

#include "services/common/crypto/aead.h"
#include "services/common/crypto/random.h"
#include "services/common/status/reason.h"
#include "tests/testing/matchers.h"

namespace comity::custody {
namespace {

std::shared_ptr<OpenAccount> Opened(const AccountId& id) {
  auto opened = std::make_shared<OpenAccount>();
  opened->id = id;
  return opened;
}

bool Put(KeyCache& cache, const std::shared_ptr<OpenAccount>& opened) {
  KeyCache::Load load(&cache, opened->id);
  return load.Insert(opened);
}

class KeyCacheTest : public testing::Test {
 protected:
  KeyCache cache_{4, 1};
  const AccountId id_ = RandomId<AccountId>();
};

TEST_F(KeyCacheTest, WhatWasPutInIsFound) {
  EXPECT_EQ(cache_.Find(id_), nullptr);
  const auto opened = Opened(id_);
  EXPECT_TRUE(Put(cache_, opened));
  EXPECT_EQ(cache_.Find(id_), opened);
  EXPECT_EQ(cache_.size(), 1u);
}

TEST_F(KeyCacheTest, ForgottenViewsAreStaleWhereverTheyAre) {
  const auto opened = Opened(id_);
  Put(cache_, opened);
  EXPECT_FALSE(opened->stale());
  cache_.Forget(id_);
  EXPECT_EQ(cache_.Find(id_), nullptr);
  EXPECT_TRUE(opened->stale());
}

TEST_F(KeyCacheTest, LoadThatBeganBeforeAChangePutsNothingIn) {
  KeyCache::Load load(&cache_, id_);
  cache_.Forget(id_);
  EXPECT_FALSE(load.Insert(Opened(id_)));
  EXPECT_EQ(cache_.Find(id_), nullptr);
}

TEST_F(KeyCacheTest, ChangeOfAnotherAccountVoidsNoLoad) {
  KeyCache::Load load(&cache_, id_);
  cache_.Forget(RandomId<AccountId>());
  EXPECT_TRUE(load.Insert(Opened(id_)));
}

TEST_F(KeyCacheTest, ReplacedViewIsStale) {
  const auto first = Opened(id_);
  const auto second = Opened(id_);
  Put(cache_, first);
  Put(cache_, second);
  EXPECT_TRUE(first->stale());
  EXPECT_EQ(cache_.Find(id_), second);
  EXPECT_EQ(cache_.size(), 1u);
}

TEST_F(KeyCacheTest, CapacityHoldsAndTheEvictedAreStale) {
  std::vector<std::shared_ptr<OpenAccount>> all;
  for (int i = 0; i < 20; ++i) {
    all.push_back(Opened(RandomId<AccountId>()));
    ASSERT_TRUE(Put(cache_, all.back()));
  }
  EXPECT_EQ(cache_.size(), 4u);
  int found = 0;
  for (const auto& opened : all) {
    const bool kept = cache_.Find(opened->id) != nullptr;
    EXPECT_EQ(opened->stale(), !kept);
    found += kept ? 1 : 0;
  }
  EXPECT_EQ(found, 4);
}

TEST_F(KeyCacheTest, EvictionLetsKeysGo) {
  std::weak_ptr<OpenAccount> gone;
  {
    const auto opened = Opened(id_);
    gone = opened;
    Put(cache_, opened);
  }
  EXPECT_FALSE(gone.expired());
  cache_.Forget(id_);
  EXPECT_TRUE(gone.expired());
}

TEST_F(KeyCacheTest, ClearForgetsAllAndVoidsLoads) {
  const auto opened = Opened(id_);
  Put(cache_, opened);
  KeyCache::Load load(&cache_, id_);
  cache_.Clear();
  EXPECT_EQ(cache_.size(), 0u);
  EXPECT_TRUE(opened->stale());
  EXPECT_FALSE(load.Insert(Opened(id_)));
}

TEST_F(KeyCacheTest, DeviceAndVersionsAreLookedUp) {
  OpenAccount account;
  const SigningKeyId device = RandomId<SigningKeyId>();
  account.devices = {device};
  account.versions.push_back({1, absl::OkStatus(), nullptr});
  account.versions.push_back({2, absl::OkStatus(), nullptr});
  account.versions.push_back({3, Refuse(Reason::kKeyDisabled), nullptr});
  EXPECT_EQ(account.Newest(), nullptr) << "the newest one may not be used";
  EXPECT_TRUE(account.HasDevice(device));
  EXPECT_FALSE(account.HasDevice(RandomId<SigningKeyId>()));
  EXPECT_THAT(account.Find(3)->opens, RefusedWith(Reason::kKeyDisabled));
  EXPECT_EQ(account.Find(4), nullptr);
  ASSERT_OK_AND_ASSIGN(account.versions.back().key, GcmSivKey::Create(RandomSecret(kAeadKeySize)));
  EXPECT_EQ(account.Newest()->version, 3u);
}

}  // namespace
}  // namespace comity::custody
