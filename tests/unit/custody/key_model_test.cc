#include <algorithm>
#include <map>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include <rapidcheck.h>

#include "services/common/crypto/random.h"
#include "services/common/statement/account.h"
#include "services/custody/key_versions.h"
#include "services/custody/wrapped_key.h"
#include "tests/testing/custody.h"
#include "tests/testing/matchers.h"
#include "tests/testing/numbered_request.h"
#include "tests/testing/unsafe_authorization.h"

// The key of one account through any sequence of what its owner, time and operators do to it,
// beside a small reference written from docs/custody.md. After every step both say the same of
// every version: how it stands, since when, whether what it wrapped opens, and if not, why.
namespace comity::custody {
namespace {

using State = KeyVersionView::State;
constexpr Reason kFine = Reason::kUnspecified;

enum class Act {
  kRotate,
  kDisable,
  kEnable,
  kScheduleDestruction,
  kCancelDestruction,
  kSetMinVersion,
  kSetRotation,
  kWait,
  kClose,
  kCancelClose,
  kRestart,
  kDropCache,
  kSeal,
  kUnseal,
};

struct Step {
  Act act = Act::kWait;
  uint32_t pick = 0;  // of a version, from 1 to one that does not exist
  uint32_t days = 0;
};

std::ostream& operator<<(std::ostream& out, const Step& step) {
  constexpr const char* kNames[] = {"rotate",      "disable", "enable", "destroy", "cancel-destroy",
                                    "min-version", "auto",    "wait",   "close",   "cancel-close",
                                    "restart",     "drop",    "seal",   "unseal"};
  return out << kNames[static_cast<int>(step.act)] << "(" << step.pick << ", " << step.days << ")";
}

// What docs/custody.md says, and nothing of how it is done.
class Reference {
 public:
  explicit Reference(UnixMillis now) : now_(now) { versions_.push_back({.created = now}); }

  struct Version {
    UnixMillis created = 0;
    bool disabled = false;
    UnixMillis end = 0;  // the date that its owner has set
    UnixMillis destroyed = 0;
  };

  bool closing() const { return close_time_ != 0 && !closed_; }
  bool closed() const { return closed_; }
  bool sealed() const { return sealed_; }
  uint32_t newest() const { return static_cast<uint32_t>(versions_.size()); }
  uint32_t min_version() const { return min_version_; }
  uint32_t rotation_days() const { return rotation_days_; }

  // Each returns why it is refused.
  Reason Rotate() {
    if (sealed_) return Reason::kSealed;
    if (const Reason closed = WhyUnchangeable(); closed != kFine) return closed;
    if (Living() >= 64) return Reason::kStateNotReady;
    versions_.push_back({.created = now_});
    return kFine;
  }
  Reason Disable(uint32_t number) {
    return Change(number, [](Version& version) {
      version.disabled = true;
      return kFine;
    });
  }
  Reason Enable(uint32_t number) {
    return Change(number, [](Version& version) {
      if (version.end != 0) return Reason::kStateNotReady;
      version.disabled = false;
      return kFine;
    });
  }
  Reason ScheduleDestruction(uint32_t number, uint32_t days) {
    return Change(number, [&](Version& version) {
      if (version.end != 0 || number == newest()) return Reason::kStateNotReady;
      version.end = now_ + days * kDayMs;
      version.disabled = true;  // what cancelling leaves
      return kFine;
    });
  }
  Reason CancelDestruction(uint32_t number) {
    return Change(number, [](Version& version) {
      if (version.end == 0) return Reason::kStateNotReady;
      version.end = 0;
      return kFine;
    });
  }
  Reason SetMinVersion(uint32_t number) {
    if (const Reason closed = WhyUnchangeable(); closed != kFine) return closed;
    if (number > newest()) return Reason::kFieldInvalid;
    min_version_ = number;
    return kFine;
  }
  Reason SetRotation(uint32_t days) {
    if (const Reason closed = WhyUnchangeable(); closed != kFine) return closed;
    rotation_days_ = days;
    return kFine;
  }
  void Close() {
    if (close_time_ == 0) close_time_ = now_ + 30 * kDayMs;
  }
  void CancelClose() { close_time_ = 0; }
  void Seal() { sealed_ = true; }
  void Unseal() { sealed_ = false; }
  void Wait(int64_t time) { now_ += time; }

  // What happens without being asked, as soon as its time has come.
  void HappenDue() {
    if (closing() && close_time_ <= now_) {
      for (Version& version : versions_) {
        if (version.destroyed == 0) version.destroyed = now_;
      }
      closed_ = true;
    }
    for (Version& version : versions_) {
      if (version.destroyed == 0 && version.end != 0 && version.end <= now_) {
        version.destroyed = now_;
      }
    }
    if (const UnixMillis next = NextRotation(); next != 0 && next <= now_ && !sealed_) {
      versions_.push_back({.created = now_});
    }
  }

  UnixMillis NextRotation() const {
    const bool stopped = closed_ || closing() || Living() >= 64 || versions_.back().disabled;
    return rotation_days_ == 0 || stopped ? 0 : versions_.back().created + rotation_days_ * kDayMs;
  }
  State StateOf(uint32_t number) const {
    const Version& version = versions_[number - 1];
    if (version.destroyed != 0) return State::kDestroyed;
    if (closing() || version.end != 0) return State::kDestroyScheduled;
    return version.disabled ? State::kDisabled : State::kEnabled;
  }
  UnixMillis CreateTime(uint32_t number) const { return versions_[number - 1].created; }
  UnixMillis DestroyTime(uint32_t number) const {
    const Version& version = versions_[number - 1];
    if (version.destroyed != 0) return version.destroyed;
    if (!closing()) return version.end;
    return version.end == 0 ? close_time_ : std::min(version.end, close_time_);
  }
  Reason WhyNotWrapped() const {
    if (sealed_) return Reason::kSealed;
    if (closed_) return Reason::kKeyDestroyed;
    if (closing()) return Reason::kAccountClosing;
    return versions_.back().disabled ? Reason::kKeyDisabled : kFine;
  }
  // Of something that was wrapped under it.
  Reason WhyNotOpened(uint32_t number) const {
    if (sealed_) return Reason::kSealed;
    const Version& version = versions_[number - 1];
    if (version.destroyed != 0) return Reason::kKeyDestroyed;
    return version.disabled || number < min_version_ ? Reason::kKeyDisabled : kFine;
  }
  // The same, where rewrapping is possible at all.
  Reason WhyNotRewrapped(uint32_t number) const {
    const Version& version = versions_[number - 1];
    if (version.destroyed != 0) return Reason::kKeyDestroyed;
    return version.disabled && version.end == 0 ? Reason::kKeyDisabled : kFine;
  }

 private:
  Reason WhyUnchangeable() const {
    if (closed_) return Reason::kKeyDestroyed;
    return closing() ? Reason::kAccountClosing : kFine;
  }
  template <typename Do>
  Reason Change(uint32_t number, const Do& change) {
    if (const Reason closed = WhyUnchangeable(); closed != kFine) return closed;
    if (number > newest()) return Reason::kFieldInvalid;
    Version& version = versions_[number - 1];
    return version.destroyed != 0 ? Reason::kKeyDestroyed : change(version);
  }
  size_t Living() const {
    return static_cast<size_t>(std::ranges::count(versions_, UnixMillis{0}, &Version::destroyed));
  }

  UnixMillis now_;
  std::vector<Version> versions_;
  uint32_t min_version_ = 1;
  uint32_t rotation_days_ = 0;
  UnixMillis close_time_ = 0;
  bool closed_ = false;
  bool sealed_ = false;
};

// The custody itself, asked as its owner and its operators ask it.
class Product {
 public:
  Product() { world_.CreateAccountAt(world_.us, owner_, "US"); }

  UnixMillis now() const { return world_.now(); }
  void Wait(int64_t time) { world_.clock.Advance(time); }
  void Tick() { world_.us.Tick(); }
  void Restart() { world_.us.Start(); }

  Reason Rotate() {
    return ReasonOf(custody().key_versions().Rotate(Device(), owner_.id(), Request()).status());
  }
  Reason Change(KeyChangeKind kind, uint32_t version, uint32_t days = 0) {
    return ReasonOf(custody()
                        .key_versions()
                        .Change(Device(), {owner_.id(), Request(), kind, version, days})
                        .status());
  }
  void Close() {
    if (close_number_ == 0) close_number_ = owner_.last_number() + 1;
    Deliver(owner_.Sign(comity::Close{}, now()));
  }
  void CancelClose() {
    Deliver(owner_.Sign(comity::CancelClose{std::exchange(close_number_, 0)}, now()));
  }
  void Seal() { RC_ASSERT(custody().vault().Close(Person()).ok()); }
  void Unseal() { RC_ASSERT(custody().vault().Enter(Person(), SecretBytes()).ok()); }

  AccountKeyView View() {
    absl::StatusOr<AccountKeyView> view = custody().custodian().GetKey(Device(), owner_.id());
    RC_ASSERT(view.ok());
    return *std::move(view);
  }
  struct Wrap {
    std::string bytes;
    std::string plaintext;
  };
  absl::StatusOr<Wrap> Generate() {
    auto keys = custody().data_keys().Generate(Device(), owner_.id(), UseReason::kAccess,
                                               {CustodyWorld::Context()});
    if (!keys.ok()) return keys.status();
    return Wrap{keys->front().wrapped,
                std::string(keys->front().plaintext.RevealView(RevealKey::ForTest()))};
  }
  // Why it does not open to what was wrapped.
  Reason Open(const Wrap& wrap) {
    const auto keys = custody().data_keys().Unwrap(Device(), owner_.id(), UseReason::kAccess,
                                                   {{CustodyWorld::Context(), wrap.bytes}});
    if (!keys.ok()) return ReasonOf(keys.status());
    const bool same = keys->front().RevealView(RevealKey::ForTest()) == wrap.plaintext;
    return same ? kFine : Reason::kInternal;
  }
  absl::StatusOr<DataKeys::Rewrapped> Rewrap(const std::map<uint32_t, Wrap>& wraps) {
    std::vector<WrappedKey> keys;
    for (const auto& [version, wrap] : wraps) {
      keys.push_back({CustodyWorld::Context(), wrap.bytes});
    }
    return custody().data_keys().Rewrap(Device(), owner_.id(), UseReason::kRewrap, keys);
  }

 private:
  Custody& custody() { return world_.us.custody(); }
  Authorization Device() const { return CustodyNode::Device(owner_.device()); }
  static Authorization Person() {
    static const auto* const kKey =
        new PrivateKey(PrivateKey::Generate(SignatureAlgorithm::kEcdsaP256));
    return UnsafeAuthorizationForTest::OperatorPerson("us", "apple", "ops-evans",
                                                      kKey->public_key());
  }
  RequestId Request() { return NumberedRequest(++request_); }
  void Deliver(const Statement& statement) {
    RC_ASSERT(custody().messenger().Deliver(Device(), owner_.id(), {statement}).ok());
  }

  CustodyWorld world_;
  TestAccount owner_{world_.deployment().NewAccount()};
  uint64_t request_ = 0;
  uint64_t close_number_ = 0;
};

class KeyModel {
 public:
  KeyModel() { Compare(); }

  void Take(const Step& step) {
    Do(step);
    product_.Tick();
    reference_.HappenDue();
    Compare();
  }

 private:
  using Kind = KeyChangeKind;

  void Do(const Step& step) {
    const uint32_t version = 1 + step.pick % (reference_.newest() + 1);
    switch (step.act) {
      case Act::kRotate:
        return Same(product_.Rotate(), reference_.Rotate());
      case Act::kDisable:
        return Same(product_.Change(Kind::kDisable, version), reference_.Disable(version));
      case Act::kEnable:
        return Same(product_.Change(Kind::kEnable, version), reference_.Enable(version));
      case Act::kScheduleDestruction: {
        const uint32_t days = 7 + step.days % 24;
        return Same(product_.Change(Kind::kScheduleDestruction, version, days),
                    reference_.ScheduleDestruction(version, days));
      }
      case Act::kCancelDestruction:
        return Same(product_.Change(Kind::kCancelDestruction, version),
                    reference_.CancelDestruction(version));
      case Act::kSetMinVersion:
        return Same(product_.Change(Kind::kSetMinUnwrapVersion, version),
                    reference_.SetMinVersion(version));
      case Act::kSetRotation:
        return Same(product_.Change(Kind::kSetRotation, 0, step.days),
                    reference_.SetRotation(step.days));
      case Act::kWait:
        // Just before, at and after what falls due.
        return Wait(step.days * kDayMs + static_cast<int64_t>(step.pick % 3) - 1);
      case Act::kClose:
        if (reference_.closed()) return;
        product_.Close();
        return reference_.Close();
      case Act::kCancelClose:
        if (!reference_.closing()) return;
        product_.CancelClose();
        return reference_.CancelClose();
      case Act::kRestart:
        // The key file of this custody opens by itself.
        product_.Restart();
        return reference_.Unseal();
      case Act::kDropCache:
        if (reference_.sealed()) return;
        product_.Seal();
        return product_.Unseal();
      case Act::kSeal:
        product_.Seal();
        return reference_.Seal();
      case Act::kUnseal:
        product_.Unseal();
        reference_.Unseal();
        // What waits for the opening is looked at once a minute.
        return Wait(kMinuteMs);
    }
  }

  void Wait(int64_t time) {
    product_.Wait(std::max<int64_t>(time, 0));
    reference_.Wait(std::max<int64_t>(time, 0));
  }
  static void Same(Reason product, Reason reference) {
    RC_ASSERT(NameOf(product) == NameOf(reference));
  }
  // To be read in a failure.
  static std::string NameOf(Reason reason) {
    return reason == kFine ? "fine" : std::string(Describe(reason).name);
  }
  static std::string Of(uint32_t version, Reason reason) {
    return "version " + std::to_string(version) + ": " + NameOf(reason);
  }

  void Compare() {
    CompareView();
    CompareWrapping();
    for (const auto& [version, wrap] : wraps_) {
      RC_ASSERT(Of(version, product_.Open(wrap)) == Of(version, reference_.WhyNotOpened(version)));
    }
    CompareRewrapping();
  }

  void CompareView() {
    const AccountKeyView view = product_.View();
    RC_ASSERT(view.versions.size() == reference_.newest());
    RC_ASSERT(view.min_unwrap_version == reference_.min_version());
    RC_ASSERT(view.rotation_days == reference_.rotation_days());
    RC_ASSERT(view.next_rotation == reference_.NextRotation());
    for (uint32_t version = 1; version <= reference_.newest(); ++version) {
      const KeyVersionView& shown = view.versions[version - 1];
      RC_ASSERT(shown.version == version);
      RC_ASSERT(std::make_pair(version, static_cast<int>(shown.state)) ==
                std::make_pair(version, static_cast<int>(reference_.StateOf(version))));
      RC_ASSERT(shown.create_time == reference_.CreateTime(version));
      RC_ASSERT(shown.destroy_time == reference_.DestroyTime(version));
    }
  }

  // Whatever wraps is the newest version. What it wrapped first is kept, to be tried ever after.
  void CompareWrapping() {
    const absl::StatusOr<Product::Wrap> made = product_.Generate();
    Same(ReasonOf(made.status()), reference_.WhyNotWrapped());
    if (!made.ok()) return;
    const absl::StatusOr<WrappedKeyName> name = ParseWrappedKey(made->bytes);
    RC_ASSERT(name.ok());
    RC_ASSERT(name->version == reference_.newest());
    wraps_.emplace(name->version, *made);
  }

  void CompareRewrapping() {
    const auto results = product_.Rewrap(wraps_);
    Same(ReasonOf(results.status()), reference_.WhyNotWrapped());
    if (!results.ok()) return;
    RC_ASSERT(results->size() == wraps_.size());
    auto result = results->begin();
    for (const auto& [version, wrap] : wraps_) {
      RC_ASSERT(Of(version, ReasonOf(result->status())) ==
                Of(version, reference_.WhyNotRewrapped(version)));
      if (result->ok()) {
        RC_ASSERT(ParseWrappedKey(**result)->version == reference_.newest());
        RC_ASSERT(product_.Open({**result, wrap.plaintext}) == kFine);
        RC_ASSERT(version != reference_.newest() || **result == wrap.bytes);
      }
      ++result;
    }
  }

  Product product_;
  Reference reference_{product_.now()};
  std::map<uint32_t, Product::Wrap> wraps_;  // by version
};

// More rotations and waiting than ends, so that there is something to end.
rc::Gen<Step> AnyStep() {
  return rc::gen::build<Step>(
      rc::gen::set(&Step::act, rc::gen::weightedElement<Act>({{6, Act::kRotate},
                                                              {4, Act::kDisable},
                                                              {4, Act::kEnable},
                                                              {6, Act::kScheduleDestruction},
                                                              {3, Act::kCancelDestruction},
                                                              {3, Act::kSetMinVersion},
                                                              {2, Act::kSetRotation},
                                                              {8, Act::kWait},
                                                              {1, Act::kClose},
                                                              {1, Act::kCancelClose},
                                                              {2, Act::kRestart},
                                                              {1, Act::kDropCache},
                                                              {1, Act::kSeal},
                                                              {1, Act::kUnseal}})),
      rc::gen::set(&Step::pick, rc::gen::inRange<uint32_t>(0, 1000)),
      rc::gen::set(&Step::days,
                   rc::gen::weightedOneOf<uint32_t>({{1, rc::gen::just<uint32_t>(0)},
                                                     {1, rc::gen::just<uint32_t>(7)},
                                                     {1, rc::gen::just<uint32_t>(30)},
                                                     {4, rc::gen::inRange<uint32_t>(0, 32)}})));
}

constexpr size_t kMostSteps = 32;

TEST(KeyModelTest, AnySequenceLeavesEveryVersionAsTheDocumentSays) {
  EXPECT_TRUE(rc::check([] {
    auto steps = *rc::gen::resize(100, rc::gen::container<std::vector<Step>>(AnyStep()));
    // Fewer than a device may do within a day.
    steps.resize(std::min(steps.size(), kMostSteps));
    KeyModel model;
    for (const Step& step : steps) model.Take(step);
  }));
}

}  // namespace
}  // namespace comity::custody
