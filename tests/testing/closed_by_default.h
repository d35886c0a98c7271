#ifndef COMITY_TESTS_TESTING_CLOSED_BY_DEFAULT_H_
#define COMITY_TESTS_TESTING_CLOSED_BY_DEFAULT_H_

#include <google/protobuf/descriptor.h>

#include "services/common/server/guard.h"
#include "tests/testing/test_server.h"

namespace comity {

// Expects that `rules` has an entry for each method of the service, none of them empty or with
// unknown bits, and no other.
void ExpectEveryMethodHasRule(const google::protobuf::ServiceDescriptor& service,
                              const MethodRules& rules);

// Walks the service's methods and calls each over gRPC with an empty request
//   - without a certificate, with an expired one, and with one that only pretends to be of the
//     region's root: none may get further than the handshake or the guard;
//   - as every kind of caller of the deployment: exactly those that the rules name get past the
//     guard. This also shows that each handler asks for its own method.
// A new method is so closed by default: it fails this test until it has a rule and a handler that
// goes through the guard.
void ExpectClosedByDefault(const google::protobuf::ServiceDescriptor& service,
                           const TestDeployment& deployment, TestServer& server);

}  // namespace comity

#endif  // COMITY_TESTS_TESTING_CLOSED_BY_DEFAULT_H_
