#include "tests/bench/new_account.h"

#include <string>
#include <utility>

#include "services/common/crypto/random.h"
#include "services/common/statement/account.h"
#include "services/common/statement/device_chain.h"
#include "services/common/statement/proto_codec.h"

namespace comity::bench {

NewAccount MakeNewAccount(World& world, const Owner& bench, const PrivateKey& recovery) {
  const PrivateKey key = PrivateKey::Generate(SignatureAlgorithm::kEcdsaP256);
  const AccountId account = AccountIdOf(key.public_key().spki());
  Envelope envelope;
  envelope.deployment = world.topology().deployment();
  envelope.subject = std::string(account.bytes());
  envelope.time = bench.session->Now();
  ChainEntry first;
  first.device_key = key.public_key().spki();
  first.sealing_key = std::string(32, 's');
  first.recovery_key = recovery.public_key().spki();
  const Statement added_first = SignStatement(envelope, first, key);
  ChainEntry second;
  second.device_key = bench.profile->device_key().public_key().spki();
  second.sealing_key = std::string(32, 't');
  second.previous = added_first.digest();
  envelope.number = 1;
  const Statement added_second = SignStatement(envelope, second, key);
  AccountRecord record;
  record.territory = kNewAccountTerritory;
  record.home_region = *RegionId::Create(kNewAccountRegion);
  record.policy = {CustodyPolicy{CustodyMode::kResident, {kNewAccountRegion}, {}}};
  record.chain_number = 1;
  record.chain_hash = added_second.digest();

  custody::v1::CreateAccountRequest request;
  request.set_request_id(std::string(RandomId<RequestId>().bytes()));
  *request.add_chain() = ToProto(added_first);
  *request.add_chain() = ToProto(added_second);
  *request.mutable_account_record() = ToProto(SignStatement(envelope, record, key));
  return {account, std::move(request)};
}

}  // namespace comity::bench
