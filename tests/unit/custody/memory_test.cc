#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "services/common/crypto/random.h"
#include "services/common/seal/seal_record.h"
#include "services/custody/record_key.h"
#include "services/custody/shamir_seal.h"
#include "tests/testing/authorisation.h"
#include "tests/testing/custody.h"
#include "tests/testing/matchers.h"
#include "tests/testing/memory_scan.h"
#include "tests/testing/numbered_request.h"
#include "tests/testing/root_needles.h"
#include "tests/testing/rotatable_seal.h"
#include "tests/testing/unsafe_authorization.h"

// What of the keys is in this process's memory, as somebody would find it who could read all of it.
namespace comity::custody {
namespace {

using testing::Contains;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

const std::vector<std::string> kPersons = {"ops-evans", "ops-fox"};

// A custody under a split root. Its shares are the test's, and so is the way from them to each key.
class Sealable {
 public:
  Sealable(const CustodyWorld& world, CustodyNode* node)
      : node_(node),
        split_(SplitRoot(RandomSecret(kRootKeySize), world.topology().deployment(), node->region(),
                         2, kPersons)
                   .value()) {
    node_->UseSeal([this] { return std::make_unique<ShamirSeal>(split_.record); });
    for (size_t i = 0; i < kPersons.size(); ++i) {
      EXPECT_THAT(vault().Enter(Person(i), EncodeSealShare(split_.shares[i])), IsOk());
    }
    EXPECT_FALSE(vault().state().sealed);
  }

  void Close() { ASSERT_THAT(vault().Close(Person(0)), IsOk()); }

  void AddRoot(MemoryNeedles& needles) const { AddRootNeedles(Root(), node_->region(), needles); }
  // Every version of the account's key, and its metadata key.
  void AddKeys(const AccountId& id, MemoryNeedles& needles) const {
    const KeySealer sealer = Sealer();
    const Account account = node_->LoadAccount(id);
    for (const KeyRecord& key : account.keys) {
      needles.Add("version " + std::to_string(key.version),
                  sealer.OpenAccountKey(id, key.epoch, key.version, key.sealed)
                      ->RevealView(RevealKey::ForTest()));
    }
    for (const auto& [epoch, sealed] : account.metadata_keys) {
      needles.Add("metadata of " + std::to_string(epoch),
                  sealer.OpenMetadataKey(id, epoch, sealed)->RevealView(RevealKey::ForTest()));
    }
  }

 private:
  Vault& vault() { return node_->custody().vault(); }
  static Authorization Person(size_t i) {
    return UnsafeAuthorizationForTest::OperatorPerson(
        "us", "apple", kPersons[i],
        PrivateKey::Generate(SignatureAlgorithm::kEcdsaP256).public_key());
  }
  SecretBytes Root() const {
    return JoinRoot(split_.record, {&split_.shares[0], &split_.shares[1]}).value();
  }
  KeySealer Sealer() const {
    return KeySealer(RootKey::Create(Root(), node_->region()).value(), split_.record.deployment,
                     node_->region());
  }

  CustodyNode* const node_;
  const NewSeal split_;
};

class CustodyMemoryTest : public testing::Test {
 protected:
  std::set<std::string> Found() const {
    const auto found = needles_.FindIn(getpid());
    EXPECT_THAT(found, IsOk());
    return found.ok() ? *found : std::set<std::string>{"it could not be read"};
  }
  void AddSecret(const std::string& name, const SecretBytes& secret) {
    needles_.Add(name, secret.RevealView(RevealKey::ForTest()));
  }
  absl::Status Rotate(CustodyNode& node, uint64_t request) {
    return node.custody()
        .key_versions()
        .Rotate(CustodyNode::Device(owner_.device()), owner_.id(), NumberedRequest(request))
        .status();
  }
  absl::Status Unwrap(CustodyNode& node, const std::vector<WrappedKey>& wraps) {
    return node.custody()
        .data_keys()
        .Unwrap(CustodyNode::Device(owner_.device()), owner_.id(), UseReason::kAccess, wraps)
        .status();
  }
  // Uses a key as its owner does in every way, and plants all that comes out.
  std::vector<WrappedKey> UseKey(CustodyNode& node) {
    DataKeys& keys = node.custody().data_keys();
    const Authorization device = CustodyNode::Device(owner_.device());
    std::vector<WrappedKey> wraps;
    auto made =
        keys.Generate(device, owner_.id(), UseReason::kAccess, {CustodyWorld::Context("made")});
    EXPECT_THAT(made, IsOk());
    AddSecret("made data key", made->front().plaintext);
    wraps.push_back({CustodyWorld::Context("made"), made->front().wrapped});
    {
      std::vector<PlainKey> plain;
      plain.push_back({CustodyWorld::Context("own"), RandomSecret(32)});
      AddSecret("own data key", plain.front().plaintext);
      auto wrapped = keys.Wrap(device, owner_.id(), UseReason::kAccess, plain);
      EXPECT_THAT(wrapped, IsOk());
      wraps.push_back({CustodyWorld::Context("own"), wrapped->front()});
    }
    EXPECT_THAT(Unwrap(node, wraps), IsOk());
    EXPECT_THAT(Rotate(node, 1), IsOk());
    EXPECT_THAT(keys.Rewrap(device, owner_.id(), UseReason::kRewrap, wraps), IsOk());
    return wraps;
  }

  CustodyWorld world_{TestDeployment::kStart};
  TestAccount owner_{world_.deployment().NewAccount()};
  MemoryNeedles needles_;
};

TEST_F(CustodyMemoryTest, ScanFindsWhatIsThereAndNotWhatTheTestKnows) {
  SecretBytes secret = RandomSecret(32);
  AddSecret("secret", secret);
  EXPECT_THAT(Found(), Contains(StartsWith("secret in ")));
  // The second half of it alone, at an odd place.
  std::string half = "x" + std::string(secret.RevealView(RevealKey::ForTest()).substr(16));
  secret = SecretBytes();
  EXPECT_THAT(Found(), Contains(StartsWith("secret in ")));
  WipeString(half);
  EXPECT_THAT(Found(), IsEmpty());
}

TEST_F(CustodyMemoryTest, SealingLeavesNoKeyOfAnyKind) {
  world_.clock.Advance(TestDeployment::kHandover + kDayMs - world_.now());
  CustodyNode& node = world_.cn;
  Sealable custody(world_, &node);
  custody.AddRoot(needles_);
  world_.CreateAccountAt(node, owner_);
  const std::vector<WrappedKey> wraps = UseKey(node);
  const TestAuthorisation legal(world_.deployment(), owner_.id(),
                                {wraps[0].context.content(), wraps[1].context.content()},
                                world_.now());
  ASSERT_THAT(node.custody().legal_uses().Execute(node.Review(), legal.Build(), wraps), IsOk());
  {
    ASSERT_OK_AND_ASSIGN(const Vault::Keys keys, node.custody().vault().Open());
    ASSERT_OK_AND_ASSIGN(const RecordKey record,
                         OpenRecordKey(node.Review(), node.site(), *keys, ""));
    AddSecret("record key", record.plaintext);
    ASSERT_THAT(OpenRecordKey(node.Review(), node.site(), *keys, record.wrapped), IsOk());
  }
  custody.AddKeys(owner_.id(), needles_);
  ASSERT_THAT(Unwrap(node, wraps), IsOk());

  const std::set<std::string> open = Found();
  EXPECT_THAT(open, Contains(StartsWith("account-key in ")));
  EXPECT_THAT(open, Contains(StartsWith("version 1 in ")));
  EXPECT_THAT(open, Contains(StartsWith("version 2 in ")));
  EXPECT_THAT(open, Not(Contains(StartsWith("root key")))) << "it is needed for the opening alone";
  EXPECT_THAT(open, Not(Contains(testing::HasSubstr("data key")))) << "no longer than it is used";
  custody.Close();
  EXPECT_THAT(Found(), IsEmpty());
}

TEST_F(CustodyMemoryTest, SealingBothSidesOfAMoveLeavesNoKey) {
  Sealable source(world_, &world_.us);
  Sealable destination(world_, &world_.cn);
  source.AddRoot(needles_);
  destination.AddRoot(needles_);
  world_.CreateAccountAt(world_.us, owner_);
  UseKey(world_.us);
  source.AddKeys(owner_.id(), needles_);
  std::swap(world_.account, owner_);
  world_.clock.Advance(TestDeployment::kHandover + kDayMs - world_.now());
  world_.MoveAccount();
  std::swap(world_.account, owner_);
  ASSERT_THAT(Rotate(world_.cn, 2), IsOk());
  ASSERT_THAT(
      world_.cn.custody().data_keys().Generate(CustodyNode::Device(owner_.device()), owner_.id(),
                                               UseReason::kAccess, {CustodyWorld::Context()}),
      IsOk());
  destination.AddKeys(owner_.id(), needles_);

  source.Close();
  EXPECT_THAT(Found(), Contains(StartsWith("version 1 in "))) << "the destination has it open";
  destination.Close();
  EXPECT_THAT(Found(), IsEmpty());
}

TEST_F(CustodyMemoryTest, SealingDuringARotationLeavesNeitherRoot) {
  CustodyNode& node = world_.us;
  world_.CreateAccountAt(node, owner_);
  SecretBytes first = RandomSecret(kRootKeySize);
  AddRootNeedles(first, node.region(), needles_);
  RotatableSeal seal(&world_, &node, RotatableSeal::Kind::kShamir, first);
  first = SecretBytes();
  TestAccount other = world_.deployment().NewAccount();
  world_.CreateAccountAt(node, other);
  std::swap(owner_, other);  // the one before was made under another root
  const std::vector<WrappedKey> wraps = UseKey(node);

  const auto none = [&] {
    ASSERT_THAT(seal.vault().Close(RotatableSeal::Person("ops-fox")), IsOk());
    EXPECT_THAT(Found(), IsEmpty());
  };
  // While shares are dealt.
  ASSERT_THAT(seal.Begin(), IsOk());
  ASSERT_THAT(seal.Take("ops-evans"), IsOk());
  EXPECT_THAT(Found(), Contains(StartsWith("account-key in ")));
  EXPECT_THAT(Found(), Not(Contains(StartsWith("root key")))) << "it is needed for a moment alone";
  none();
  // While keys are sealed anew.
  seal.Open();
  ASSERT_THAT(seal.Rotate(), IsOk());
  AddRootNeedles(seal.DealtRoot(), node.region(), needles_);
  ASSERT_THAT(Unwrap(node, wraps), IsOk());
  EXPECT_THAT(Found(), Contains(StartsWith("account-key in ")));
  EXPECT_THAT(Found(), Not(Contains(StartsWith("root key"))));
  none();
  // And at the end.
  seal.Open();
  seal.Finish();
  EXPECT_FALSE(seal.state().resealing);
  ASSERT_THAT(Unwrap(node, wraps), IsOk());
  none();
}

}  // namespace
}  // namespace comity::custody
