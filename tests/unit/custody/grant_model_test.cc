#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <rapidcheck.h>

#include "services/common/crypto/random.h"
#include "services/custody/key_grants.h"
#include "services/custody/wrapped_key.h"
#include "tests/testing/custody.h"
#include "tests/testing/key_grants.h"
#include "tests/testing/matchers.h"

// Any grants, given, revoked, outlived and used by anybody in any order, beside a small reference
// written from docs/custody.md: a use is allowed if and only if the reference says so, and refused
// for the reason that it says.
namespace comity::custody {
namespace {

constexpr Reason kFine = Reason::kUnspecified;
// Few of each, so that they meet.
constexpr size_t kAccounts = 3;  // that may be grantees
constexpr size_t kObjects = 3;
constexpr size_t kIds = 3;

using Pairs = std::map<std::string, std::string>;

struct Scope {
  size_t grantee = 0;
  std::set<KeyOperation> operations;
  std::set<KeyPurpose> purposes;
  std::set<size_t> objects;
  Pairs pairs;
  int64_t begin = 0;  // from when it is given
  int64_t end = 0;
};

struct Use {
  size_t caller = 0;
  std::optional<size_t> grant;
  KeyOperation operation = KeyOperation::kUnwrap;
  size_t object = 0;
  KeyPurpose purpose = KeyPurpose::kContent;
  Pairs pairs;
};

// What docs/custody.md says, and nothing of how it is done.
class Reference {
 public:
  // What has ended is kept for a day at least, and until there is another one.
  void Give(size_t id, const Scope& scope, int64_t now) {
    std::erase_if(given_, [&](const auto& entry) {
      const Given& given = entry.second;
      return given.revoked.value_or(given.time + given.scope.end) + kDayMs <= now;
    });
    given_[id] = {scope, now, std::nullopt};
  }
  bool IsGiven(size_t id) const { return given_.contains(id); }
  const Scope& ScopeOf(size_t id) const { return given_.at(id).scope; }
  void Revoke(size_t id, int64_t now) {
    std::optional<int64_t>& revoked = given_.at(id).revoked;
    revoked = revoked.value_or(now);
  }
  void RevokeDevice(size_t account) { without_device_.insert(account); }

  Reason WhyNot(const Use& use, int64_t now) const {
    if (!use.grant.has_value() || !IsGiven(*use.grant)) return Reason::kAccountNotYours;
    const auto& [scope, time, revoked] = given_.at(*use.grant);
    if (scope.grantee != use.caller || without_device_.contains(use.caller)) {
      return Reason::kAccountNotYours;
    }
    if (revoked.has_value() || now < time + scope.begin || now >= time + scope.end) {
      return Reason::kGrantNotInForce;
    }
    const bool pairs = std::ranges::all_of(scope.pairs, [&](const auto& pair) {
      return use.pairs.contains(pair.first) && use.pairs.at(pair.first) == pair.second;
    });
    return scope.operations.contains(use.operation) && scope.purposes.contains(use.purpose) &&
                   (scope.objects.empty() || scope.objects.contains(use.object)) && pairs
               ? kFine
               : Reason::kGrantExceeded;
  }

 private:
  struct Given {
    Scope scope;
    int64_t time = 0;
    std::optional<int64_t> revoked;
  };
  std::map<size_t, Given> given_;
  std::set<size_t> without_device_;
};

// All alike from the first run on: a range by itself grows with the runs, and begins with its first
// values alone.
size_t Below(size_t end) {
  return *rc::gen::resize(rc::kNominalSize, rc::gen::inRange<size_t>(0, end));
}

Pairs AnyPairs() {
  Pairs pairs;
  for (const char* name : {"project", "year"}) {
    if (Below(2) == 0) pairs[name] = *rc::gen::element<std::string>("apollo", "1969");
  }
  return pairs;
}

KeyOperation AnyOperation() {
  return *rc::gen::element(KeyOperation::kGenerate, KeyOperation::kWrap, KeyOperation::kUnwrap,
                           KeyOperation::kRewrap);
}
KeyPurpose AnyPurpose() { return *rc::gen::element(KeyPurpose::kContent, KeyPurpose::kAttributes); }
Scope AnyScope() {
  Scope scope;
  scope.grantee = Below(kAccounts);
  scope.operations = {AnyOperation(), AnyOperation()};
  scope.purposes = {AnyPurpose()};
  if (*rc::gen::arbitrary<bool>()) scope.purposes.insert(AnyPurpose());
  if (*rc::gen::arbitrary<bool>()) scope.objects = {Below(kObjects), Below(kObjects)};
  if (*rc::gen::arbitrary<bool>()) scope.pairs = AnyPairs();
  scope.begin = *rc::gen::element<int64_t>(0, 0, 0, kHourMs);
  scope.end = scope.begin + *rc::gen::element<int64_t>(1, kHourMs, kDayMs, kDayMs);
  return scope;
}

Use AnyUse() {
  Use use;
  use.caller = Below(kAccounts);
  if (Below(8) != 0) use.grant = Below(kIds);
  use.operation = AnyOperation();
  use.object = Below(kObjects);
  use.purpose = AnyPurpose();
  use.pairs = AnyPairs();
  return use;
}

// One of the values that is not in `scope`, if there is one.
template <typename T>
std::optional<T> Outside(const std::set<T>& scope, const std::vector<T>& values) {
  std::vector<T> outside;
  std::ranges::copy_if(values, std::back_inserter(outside),
                       [&](const T& value) { return !scope.contains(value); });
  return outside.empty() ? std::nullopt : std::optional<T>(outside[Below(outside.size())]);
}

// One that the scope covers, or, as often, all of which but one thing it covers.
Use FittingUse(size_t grant, const Scope& scope) {
  Use use = AnyUse();
  use.grant = grant;
  use.caller = scope.grantee;
  use.operation = *scope.operations.begin();
  use.purpose = *scope.purposes.begin();
  if (!scope.objects.empty()) use.object = *scope.objects.begin();
  for (const auto& [name, value] : scope.pairs) use.pairs[name] = value;
  switch (Below(10)) {
    case 0:
      use.caller = Below(kAccounts);
      break;
    case 1:
      use.operation = Outside(scope.operations, {KeyOperation::kGenerate, KeyOperation::kWrap,
                                                 KeyOperation::kUnwrap, KeyOperation::kRewrap})
                          .value_or(use.operation);
      break;
    case 2:
      use.purpose = Outside(scope.purposes, {KeyPurpose::kContent, KeyPurpose::kAttributes})
                        .value_or(use.purpose);
      break;
    case 3:
      if (!scope.objects.empty()) {
        use.object = Outside(scope.objects, {0, 1, 2}).value_or(use.object);
      }
      break;
    case 4:
      if (!scope.pairs.empty()) use.pairs.erase(scope.pairs.begin()->first);
      break;
    default:
      break;
  }
  return use;
}

// How often each answer came, of all runs: a model that is only ever refused says little.
std::map<Reason, size_t>& Answers() {
  static std::map<Reason, size_t> answers;
  return answers;
}

// The accounts of a deployment, made once: keys and certificates take a while. Each run has grants
// of an owner of its own.
class Machine {
 public:
  Machine() : owner_(world().deployment().NewAccount()) {
    Create(owner_);
    for (size_t i = 0; i < kAccounts; ++i) {
      accounts_.push_back(world().deployment().NewAccount());
      Create(accounts_.back());
      accounts_.back().AddDevice();
      Deliver(accounts_.back());
    }
  }

  void Step() {
    switch (Below(10)) {
      case 0:
      case 1:
      case 2:
        return Give();
      case 3:
        return Below(3) == 0 ? Revoke() : Restart();
      case 4:
        world().clock.Advance(*rc::gen::element<int64_t>(1, kHourMs, 5 * kHourMs));
        return;
      case 5:
        return RevokeDevice();
      default:
        return TryUse();
    }
  }

 private:
  static CustodyWorld& world() {
    static CustodyWorld* const kWorld = new CustodyWorld();
    return *kWorld;
  }
  static Custody& custody() { return world().us.custody(); }
  static void Create(TestAccount& account) {
    RC_ASSERT(custody()
                  .custodian()
                  .Create(CustodyNode::Device(account.device()), account.entries(),
                          account.SignRecord(world().topology(), "US", world().now()))
                  .ok());
  }
  static void Deliver(TestAccount& account) {
    RC_ASSERT(custody()
                  .messenger()
                  .Deliver(CustodyNode::Device(account.device()), account.id(), account.entries())
                  .ok());
  }
  static ObjectId Object(size_t number) {
    return *ObjectId::FromBytes(std::string(ObjectId::kSize, static_cast<char>('a' + number)));
  }
  static GrantId Id(size_t number) {
    return *GrantId::FromBytes(std::string(GrantId::kSize, static_cast<char>('g' + number)));
  }
  Authorization Owner() const { return CustodyNode::Device(owner_.device()); }

  void Give() {
    const size_t id = Below(kIds);
    if (reference_.IsGiven(id)) return;
    const Scope scope = AnyScope();
    KeyGrant grant;
    grant.epoch = 1;
    grant.grant = Id(id);
    grant.grantee = accounts_[scope.grantee].id();
    grant.operations.assign(scope.operations.begin(), scope.operations.end());
    grant.purposes.assign(scope.purposes.begin(), scope.purposes.end());
    for (const size_t object : scope.objects) grant.objects.push_back(Object(object));
    grant.pairs = scope.pairs;
    grant.not_before = scope.begin == 0 ? 0 : world().now() + scope.begin;
    RC_ASSERT(custody()
                  .key_grants()
                  .Change(Owner(), owner_.id(),
                          SignGrant(owner_, grant, world().now(), world().now() + scope.end))
                  .ok());
    reference_.Give(id, scope, world().now());
  }
  void Revoke() {
    const size_t id = Below(kIds);
    const bool revoked =
        custody()
            .key_grants()
            .Change(Owner(), owner_.id(), SignGrantRevocation(owner_, Id(id), world().now()))
            .ok();
    RC_ASSERT(revoked == reference_.IsGiven(id));
    if (revoked) reference_.Revoke(id, world().now());
  }
  // The one that uses keys; another one of the same account revokes it.
  void RevokeDevice() {
    const size_t account = Below(kAccounts);
    if (Below(4) != 0 || !revoked_.insert(account).second) return;
    accounts_[account].RevokeDevice(1);
    Deliver(accounts_[account]);
    reference_.RevokeDevice(account);
  }
  static void Restart() { world().us.Start(); }

  void TryUse() {
    const size_t id = Below(kIds);
    const Use use =
        reference_.IsGiven(id) && Below(4) != 0 ? FittingUse(id, reference_.ScopeOf(id)) : AnyUse();
    const KeyContext context = *KeyContext::Create(
        Object(use.object), *ContentId::FromBytes(std::string(ContentId::kSize, 'c')), use.purpose,
        use.pairs);
    const auto wrapped =
        custody().data_keys().Generate(Owner(), owner_.id(), UseReason::kAccess, {context});
    RC_ASSERT(wrapped.ok());
    const NamedGrant grant = use.grant.has_value() ? NamedGrant(Id(*use.grant)) : std::nullopt;
    const Authorization caller = CustodyNode::Device(accounts_[use.caller].device(1));
    const absl::Status done = Perform(use.operation, caller, context, *wrapped, grant);
    RC_ASSERT(ReasonOf(done) == reference_.WhyNot(use, world().now()));
    ++Answers()[ReasonOf(done)];
  }
  absl::Status Perform(KeyOperation operation, const Authorization& caller,
                       const KeyContext& context, const std::vector<GeneratedKey>& key,
                       const NamedGrant& grant) const {
    DataKeys& keys = custody().data_keys();
    switch (operation) {
      case KeyOperation::kGenerate:
        return keys.Generate(caller, owner_.id(), UseReason::kGrant, {context}, grant).status();
      case KeyOperation::kWrap: {
        std::vector<PlainKey> plain;
        plain.push_back({context, RandomSecret(kDataKeySize)});
        return keys.Wrap(caller, owner_.id(), UseReason::kGrant, plain, grant).status();
      }
      case KeyOperation::kUnwrap:
        return keys
            .Unwrap(caller, owner_.id(), UseReason::kGrant, {{context, key[0].wrapped}}, grant)
            .status();
      case KeyOperation::kRewrap:
        return keys
            .Rewrap(caller, owner_.id(), UseReason::kGrant, {{context, key[0].wrapped}}, grant)
            .status();
    }
    return Refuse(Reason::kInternal, "no such operation");
  }

  TestAccount owner_;
  std::vector<TestAccount> accounts_;
  std::set<size_t> revoked_;
  Reference reference_;
};

TEST(GrantModelTest, UseIsAllowedIfAndOnlyIfItsGrantSaysSo) {
  EXPECT_TRUE(rc::check("uses under grants", [] {
    Machine machine;
    const size_t steps = 15 + Below(35);
    for (size_t step = 0; step < steps; ++step) machine.Step();
  }));
  for (const Reason reason :
       {kFine, Reason::kAccountNotYours, Reason::kGrantNotInForce, Reason::kGrantExceeded}) {
    EXPECT_GT(Answers()[reason], 20u) << Describe(reason).name;
  }
}

}  // namespace
}  // namespace comity::custody
