#include "services/custody/key_export.h"

#include <limits>
#include <string>

#include <gtest/gtest.h>

#include "services/common/crypto/hpke.h"
#include "services/common/crypto/random.h"
#include "services/common/encoding/canonical.h"
#include "tests/testing/golden.h"
#include "tests/testing/matchers.h"

namespace comity::custody {
namespace {

class KeyExportTest : public testing::Test {
 protected:
  KeyExportTest() {
    X25519KeyPair metadata = GenerateX25519();
    keys_.versions.push_back({1, 1'000, RandomSecret(32)});
    keys_.versions.push_back({4, 2'000, RandomSecret(32)});
    keys_.metadata_private_key = std::move(metadata.private_key);
    keys_.metadata_public_key = metadata.public_key;
    place_.deployment = "x.test";
    place_.source = *RegionId::Create("us");
    place_.destination = *RegionId::Create("cn");
    place_.account = RandomId<AccountId>();
    place_.epoch = 2;
    place_.consent = RandomId<Digest>();
  }
  std::string Seal() { return SealExport(transport_.public_key, place_, keys_).value(); }
  absl::Status Open(const ExportPlace& place, const std::string& sealed) {
    return OpenExport(transport_.private_key, place, sealed).status();
  }

  const X25519KeyPair transport_ = GenerateX25519();
  ExportedKeys keys_;
  ExportPlace place_;
};

TEST_F(KeyExportTest, KeysArriveAsTheyWere) {
  ASSERT_OK_AND_ASSIGN(const ExportedKeys opened,
                       OpenExport(transport_.private_key, place_, Seal()));
  ASSERT_EQ(opened.versions.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(opened.versions[i].version, keys_.versions[i].version);
    EXPECT_EQ(opened.versions[i].created, keys_.versions[i].created);
    EXPECT_TRUE(opened.versions[i].key.ConstantTimeEquals(keys_.versions[i].key));
  }
  EXPECT_TRUE(opened.metadata_private_key.ConstantTimeEquals(keys_.metadata_private_key));
  EXPECT_EQ(opened.metadata_public_key, keys_.metadata_public_key);
}

TEST_F(KeyExportTest, WhatTheOwnerHasSaidArrives) {
  keys_.versions[0].word = {true, 5'000};
  keys_.versions[1].version = 9;
  keys_.versions[0].version = 6;
  keys_.min_unwrap_version = 6;
  keys_.rotation_days = 90;
  ASSERT_OK_AND_ASSIGN(const ExportedKeys opened,
                       OpenExport(transport_.private_key, place_, Seal()));
  EXPECT_EQ(opened.versions[0].word, keys_.versions[0].word);
  EXPECT_EQ(opened.versions[1].word, OwnersWord());
  EXPECT_EQ(opened.min_unwrap_version, 6u);
  EXPECT_EQ(opened.rotation_days, 90u);
}

TEST_F(KeyExportTest, WordsThatCannotBeMeantAreRefused) {
  keys_.min_unwrap_version = 4;  // and yet version 1 came along
  EXPECT_THAT(Open(place_, Seal()), RefusedWith(Reason::kDataCorrupt));
  keys_.min_unwrap_version = 1;
  keys_.rotation_days = kMaxRotationDays + 1;
  EXPECT_THAT(Open(place_, Seal()), RefusedWith(Reason::kDataCorrupt));
  keys_.rotation_days = 0;
  keys_.versions[1].word = {true, 5'000};
  EXPECT_THAT(Open(place_, Seal()), RefusedWith(Reason::kDataCorrupt)) << "the newest is given up";
  keys_.versions[1].word = {true, 0};
  EXPECT_THAT(Open(place_, Seal()), IsOk());
  keys_.versions[1].created = std::numeric_limits<UnixMillis>::max();
  EXPECT_THAT(Open(place_, Seal()), RefusedWith(Reason::kDataCorrupt));
  keys_.versions[1].created = 2'000;
  keys_.versions[0].word = {true, -1};
  EXPECT_THAT(Open(place_, Seal()), RefusedWith(Reason::kDataCorrupt));
  keys_.versions[0].word = {true, 0};
  EXPECT_THAT(Open(place_, Seal()), IsOk());
}

TEST_F(KeyExportTest, NothingOpensAsPartOfAnotherMove) {
  const std::string sealed = Seal();
  ASSERT_THAT(Open(place_, sealed), IsOk());
  ExportPlace other = place_;
  other.deployment = "y.test";
  EXPECT_THAT(Open(other, sealed), RefusedWith(Reason::kDataCorrupt));
  other = place_;
  other.source = *RegionId::Create("eu");
  EXPECT_THAT(Open(other, sealed), RefusedWith(Reason::kDataCorrupt));
  other = place_;
  other.destination = *RegionId::Create("eu");
  EXPECT_THAT(Open(other, sealed), RefusedWith(Reason::kDataCorrupt));
  other = place_;
  other.account = RandomId<AccountId>();
  EXPECT_THAT(Open(other, sealed), RefusedWith(Reason::kDataCorrupt));
  other = place_;
  other.epoch = 3;
  EXPECT_THAT(Open(other, sealed), RefusedWith(Reason::kDataCorrupt));
  other = place_;
  other.consent = RandomId<Digest>();
  EXPECT_THAT(Open(other, sealed), RefusedWith(Reason::kDataCorrupt));
}

TEST_F(KeyExportTest, AnotherTransportKeyOpensNothing) {
  EXPECT_THAT(OpenExport(GenerateX25519().private_key, place_, Seal()),
              RefusedWith(Reason::kDataCorrupt));
}

TEST_F(KeyExportTest, MetadataKeyThatIsNoPairIsRefused) {
  keys_.metadata_public_key = GenerateX25519().public_key;
  EXPECT_THAT(Open(place_, Seal()), RefusedWith(Reason::kDataCorrupt));
}

TEST_F(KeyExportTest, VersionsMustAscendFromOne) {
  keys_.versions[0].version = 4;
  EXPECT_THAT(Open(place_, Seal()), RefusedWith(Reason::kDataCorrupt));
  keys_.versions[0].version = 0;
  EXPECT_THAT(Open(place_, Seal()), RefusedWith(Reason::kDataCorrupt));
}

TEST_F(KeyExportTest, NoVersionAtAllIsRefused) {
  keys_.versions.clear();
  EXPECT_THAT(Open(place_, Seal()), RefusedWith(Reason::kDataCorrupt));
}

// A message that was sealed by an earlier version must open: regions are not updated in one moment.
TEST_F(KeyExportTest, GoldenExportOpens) {
  const GoldenVectors golden = GoldenVectors::Load("key_export.txt");
  place_.account = *AccountId::FromBytes(std::string(20, 'a'));
  place_.consent = *Digest::FromBytes(std::string(32, 'c'));
  ASSERT_OK_AND_ASSIGN(
      const ExportedKeys opened,
      OpenExport(SecretBytes::CopyOf(std::string_view(golden.at("transport_private_key"))), place_,
                 golden.at("sealed")));
  ASSERT_EQ(opened.versions.size(), 2u);
  EXPECT_EQ(opened.versions[0].version, 1u);
  EXPECT_EQ(opened.versions[0].created, 1'000);
  EXPECT_EQ(opened.versions[0].key.RevealView(RevealKey::ForTest()), std::string(32, 'k'));
  EXPECT_EQ(opened.versions[1].version, 4u);
  EXPECT_EQ(opened.versions[1].created, 2'000);
  EXPECT_EQ(opened.versions[1].key.RevealView(RevealKey::ForTest()), std::string(32, 'l'));
  EXPECT_EQ(opened.metadata_private_key.RevealView(RevealKey::ForTest()),
            golden.at("metadata_private_key"));
  EXPECT_EQ(opened.metadata_public_key, golden.at("metadata_public_key"));
}

TEST_F(KeyExportTest, BadTransportKeyIsRefused) {
  EXPECT_THAT(SealExport("short", place_, keys_), RefusedWith(Reason::kFieldInvalid));
}

}  // namespace
}  // namespace comity::custody
