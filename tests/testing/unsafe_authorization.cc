#include "tests/testing/unsafe_authorization.h"

#include <limits>
#include <memory>
#include <utility>

namespace comity {
namespace {

Caller CallerWithKey(Caller::Kind kind, const PublicKey& key) {
  return Caller{.kind = kind,
                .key = key,
                .valid_from = 0,
                .valid_until = std::numeric_limits<UnixMillis>::max()};
}

}  // namespace

Authorization UnsafeAuthorizationForTest::Make(Caller caller, std::string_view method) {
  return Authorization(std::make_shared<const Caller>(std::move(caller)), method,
                       Authorization::Deadline::max());
}

Authorization UnsafeAuthorizationForTest::Device(const PublicKey& key) {
  return Make(CallerWithKey(Caller::Kind::kDevice, key));
}

Authorization UnsafeAuthorizationForTest::Service(std::string_view region, ServiceKind kind,
                                                  std::string_view operator_name) {
  const PrivateKey key = PrivateKey::Generate(SignatureAlgorithm::kEcdsaP256);
  Caller caller = CallerWithKey(Caller::Kind::kService, key.public_key());
  caller.region = *RegionId::Create(region);
  caller.service = kind;
  caller.operator_name = operator_name;
  return Make(std::move(caller));
}

Authorization UnsafeAuthorizationForTest::Agent(std::string_view region, std::string_view authority,
                                                std::string_view name, const PublicKey& key) {
  Caller caller = CallerWithKey(Caller::Kind::kAgent, key);
  caller.region = *RegionId::Create(region);
  caller.authority = authority;
  caller.name = name;
  return Make(std::move(caller));
}

Authorization UnsafeAuthorizationForTest::Reviewer(std::string_view region, std::string_view name,
                                                   const PublicKey& key) {
  Caller caller = CallerWithKey(Caller::Kind::kReviewer, key);
  caller.region = *RegionId::Create(region);
  caller.name = name;
  return Make(std::move(caller));
}

Authorization UnsafeAuthorizationForTest::OperatorPerson(std::string_view region,
                                                         std::string_view operator_name,
                                                         std::string_view name,
                                                         const PublicKey& key) {
  Caller caller = CallerWithKey(Caller::Kind::kOperatorPerson, key);
  caller.region = *RegionId::Create(region);
  caller.operator_name = operator_name;
  caller.name = name;
  return Make(std::move(caller));
}

}  // namespace comity
