#ifndef COMITY_TESTS_BENCH_NEW_ACCOUNT_H_
#define COMITY_TESTS_BENCH_NEW_ACCOUNT_H_

#include "comity/custody/v1/custody.pb.h"
#include "services/common/crypto/signing.h"
#include "services/common/ids/ids.h"
#include "tests/bench/world.h"

namespace comity::bench {

// Where accounts of NewAccount() are at home, and why.
inline constexpr char kNewAccountRegion[] = "us";
inline constexpr char kNewAccountTerritory[] = "HK";

struct NewAccount {
  AccountId id;
  custody::v1::CreateAccountRequest request;
};

// An account with two devices: one of its own, which makes its id, and the bench's, which calls for
// all of them over its connections. Thread-safe.
NewAccount MakeNewAccount(World& world, const Owner& bench, const PrivateKey& recovery);

}  // namespace comity::bench

#endif  // COMITY_TESTS_BENCH_NEW_ACCOUNT_H_
