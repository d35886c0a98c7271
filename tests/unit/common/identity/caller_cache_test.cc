#include "services/common/identity/caller_cache.h"

#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/crypto/x509.h"
#include "tests/testing/deployment.h"
#include "tests/testing/matchers.h"

namespace comity {
namespace {

constexpr UnixMillis kNow = TestDeployment::kStart;

TEST(CallerCacheTest, KnownCertificateIsVerifiedOnce) {
  const TestDeployment deployment;
  CallerCache cache(deployment.topology());
  const std::string pem = MakeTestDevice().certificate;
  ASSERT_OK_AND_ASSIGN(const std::shared_ptr<const Caller> first, cache.Identify(pem, kNow));
  ASSERT_OK_AND_ASSIGN(const std::shared_ptr<const Caller> second, cache.Identify(pem, kNow));
  EXPECT_EQ(first, second);
  EXPECT_EQ(cache.size(), 1U);
}

TEST(CallerCacheTest, RefusedCertificateIsNotKept) {
  const TestDeployment deployment;
  CallerCache cache(deployment.topology());
  EXPECT_THAT(cache.Identify("no certificate", kNow), RefusedWith(Reason::kCertificateInvalid));
  EXPECT_THAT(cache.Identify(deployment.root("cn").certificate, kNow),
              RefusedWith(Reason::kCertificateInvalid));
  EXPECT_EQ(cache.size(), 0U);
}

TEST(CallerCacheTest, KnownCertificateIsRefusedOnceItExpires) {
  const TestDeployment deployment;
  CallerCache cache(deployment.topology());
  const PrivateKey key = PrivateKey::Generate(SignatureAlgorithm::kEcdsaP256);
  const std::string pem = SelfSignedCertificate(
      key, {.common_name = "device", .not_before = kNow - kDayMs, .not_after = kNow + kDayMs});
  ASSERT_THAT(cache.Identify(pem, kNow), IsOk());
  EXPECT_THAT(cache.Identify(pem, kNow + kDayMs + kSecondMs),
              RefusedWith(Reason::kCertificateInvalid));
  EXPECT_EQ(cache.size(), 0U);
}

TEST(CallerCacheTest, CertificateAtThePlaceOfAnotherIsNotTakenForIt) {
  const TestDeployment deployment;
  CallerCache cache(deployment.topology());
  const std::string first = MakeTestDevice().certificate;
  const std::string second = MakeTestDevice().certificate;
  // As memory of a connection that ended holds the certificate of the next one.
  std::string place(std::max(first.size(), second.size()), '\0');
  std::vector<SigningKeyId> seen;
  for (const std::string& pem : {first, second, first}) {
    std::copy(pem.begin(), pem.end(), place.begin());
    const auto caller = cache.Identify({place.data(), pem.size()}, TestDeployment::kStart);
    ASSERT_THAT(caller, IsOk());
    seen.push_back((*caller)->key.id());
  }
  EXPECT_NE(seen[0], seen[1]);
  EXPECT_EQ(seen[0], seen[2]);
}

TEST(CallerCacheTest, CallersOfOneCacheAreUnknownToAnother) {
  const TestDeployment deployment;
  const std::string pem = MakeTestDevice().certificate;
  CallerCache first(deployment.topology());
  CallerCache second(deployment.topology());
  ASSERT_THAT(first.Identify(pem, TestDeployment::kStart), IsOk());
  ASSERT_THAT(second.Identify(pem, TestDeployment::kStart), IsOk());
  EXPECT_EQ(second.size(), 1u);
}

TEST(CallerCacheTest, CacheStaysWithinItsCapacity) {
  const TestDeployment deployment;
  constexpr size_t kCapacity = 32;
  CallerCache cache(deployment.topology(), kCapacity);
  for (size_t i = 0; i < 4 * kCapacity; ++i) {
    ASSERT_THAT(cache.Identify(MakeTestDevice().certificate, kNow), IsOk());
    ASSERT_LE(cache.size(), kCapacity);
  }
  EXPECT_GT(cache.size(), 0U);
}

TEST(CallerCacheTest, CallsFromManyThreadsSeeTheSameCallers) {
  const TestDeployment deployment;
  CallerCache cache(deployment.topology(), 32);
  std::vector<TestDevice> devices;
  for (int i = 0; i < 40; ++i) {
    devices.push_back(MakeTestDevice());
  }
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int round = 0; round < 5; ++round) {
        for (const TestDevice& device : devices) {
          const auto caller = cache.Identify(device.certificate, kNow);
          ASSERT_THAT(caller, IsOk());
          EXPECT_EQ((*caller)->key.id(), device.key.public_key().id());
        }
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
}

}  // namespace
}  // namespace comity
