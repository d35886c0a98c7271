#ifndef COMITY_TESTS_TESTING_ACCOUNT_H_
#define COMITY_TESTS_TESTING_ACCOUNT_H_

#include <string>
#include <string_view>
#include <vector>

#include "services/common/clock/clock.h"
#include "services/common/crypto/hpke.h"
#include "services/common/crypto/signing.h"
#include "services/common/statement/account.h"
#include "services/common/statement/device_chain.h"
#include "services/common/topology/standing.h"
#include "services/common/topology/topology.h"

// Accounts for tests: real keys, real chains, real signatures.
namespace comity {

struct TestDevice {
  PrivateKey key;
  X25519KeyPair sealing;
  std::string certificate;  // PEM, self-signed, without names
};

// A new device with its own keys.
TestDevice MakeTestDevice();

// An account with one device to begin with. Move-only. Methods that sign count the numbers on.
class TestAccount final {
 public:
  // `time`: of chain entry 0.
  TestAccount(std::string deployment, UnixMillis time);

  const AccountId& id() const { return id_; }
  const TestDevice& device(size_t index = 0) const { return devices_.at(index); }
  const PrivateKey& recovery_key() const { return recovery_; }
  const std::vector<Statement>& entries() const { return entries_; }
  DeviceChain chain() const;  // verified

  // Chain changes signed by device 0.
  void AddDevice();
  void RevokeDevice(size_t index);
  // A chain entry signed by any key, not kept: for forgeries.
  Statement SignEntry(const ChainEntry& entry, const PrivateKey& signer, uint64_t number) const;

  // A numbered statement of device `index`; numbers start with 1.
  template <typename Body>
  Statement Sign(const Body& body, UnixMillis time, UnixMillis expiry = 0, size_t index = 0) {
    return SignStatement(NextEnvelope(time, expiry), body, devices_.at(index).key);
  }
  Envelope NextEnvelope(UnixMillis time, UnixMillis expiry = 0);
  uint64_t last_number() const { return number_; }

  // The account record for the home that the topology names at `time`; accepts its terms, if any.
  Statement SignRecord(const Topology& topology, std::string_view territory, UnixMillis time);
  // The consent that the topology drafts, for 90 days.
  Statement SignConsent(const Topology& topology, std::string_view territory,
                        const RegionId& source, AccountEpoch from_epoch, UnixMillis time);
  // The same of an account whose keys may be elsewhere than its data.
  Statement SignConsent(const Topology& topology, std::string_view territory,
                        const Placement& place, AccountEpoch from_epoch, UnixMillis time);

 private:
  void Append(const ChainEntry& entry);

  std::string deployment_;
  UnixMillis time_;
  std::vector<TestDevice> devices_;
  PrivateKey recovery_;
  AccountId id_;
  std::vector<Statement> entries_;
  uint64_t number_ = 0;
};

}  // namespace comity

#endif  // COMITY_TESTS_TESTING_ACCOUNT_H_
