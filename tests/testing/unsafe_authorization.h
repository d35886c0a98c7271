#ifndef COMITY_TESTS_TESTING_UNSAFE_AUTHORIZATION_H_
#define COMITY_TESTS_TESTING_UNSAFE_AUTHORIZATION_H_

#include <string_view>

#include "services/common/identity/authorization.h"

namespace comity {

// Makes what only the guard makes, for tests of domains that run without a server.
class UnsafeAuthorizationForTest final {
 public:
  static Authorization Make(Caller caller, std::string_view method = "/comity.test/Method");

  static Authorization Device(const PublicKey& key);
  static Authorization Service(std::string_view region, ServiceKind kind,
                               std::string_view operator_name);
  static Authorization Agent(std::string_view region, std::string_view authority,
                             std::string_view name, const PublicKey& key);
  static Authorization Reviewer(std::string_view region, std::string_view name,
                                const PublicKey& key);
  static Authorization OperatorPerson(std::string_view region, std::string_view operator_name,
                                      std::string_view name, const PublicKey& key);
};

}  // namespace comity

#endif  // COMITY_TESTS_TESTING_UNSAFE_AUTHORIZATION_H_
