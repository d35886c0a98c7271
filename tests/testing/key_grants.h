#ifndef COMITY_TESTS_TESTING_KEY_GRANTS_H_
#define COMITY_TESTS_TESTING_KEY_GRANTS_H_

#include "services/common/clock/clock.h"
#include "services/common/statement/key_grant.h"
#include "services/common/statement/statement.h"
#include "tests/testing/account.h"

namespace comity {

// To open every content key of an account in its first epoch; `id` fills the grant's id.
KeyGrant ExampleGrant(const AccountId& grantee, char id = 'g');

// As a device of the owner signs them: without a number.
Statement SignGrant(const TestAccount& owner, const KeyGrant& grant, UnixMillis time,
                    UnixMillis end, size_t device = 0);
Statement SignGrantRevocation(const TestAccount& owner, const GrantId& grant, UnixMillis time,
                              size_t device = 0);

}  // namespace comity

#endif  // COMITY_TESTS_TESTING_KEY_GRANTS_H_
