#include "services/common/backup/backup_cipher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/crypto/random.h"
#include "tests/testing/hex.h"
#include "tests/testing/matchers.h"

namespace comity {
namespace {

SecretBytes Key(char c) { return SecretBytes::CopyOf(std::string(kBackupKeySize, c)); }

const BackupItem kItem = {BackupKind::kRecords, "custody/a", "account/record", "a value"};

TEST(BackupCipherTest, NamesAreThoseOfAnotherImplementation) {
  ASSERT_OK_AND_ASSIGN(const BackupCipher cipher, BackupCipher::Create(Key('k')));
  const std::string partition = cipher.PartitionName(kItem.kind, kItem.partition);
  EXPECT_EQ(ToHex(cipher.id().bytes()),
            "43159586d9f88e68aa8ac814afe91177df11ccf2de71fd9ddd8b29a6d7d0bafb");
  EXPECT_EQ(ToHex(partition), "21a548da6341c800cb177b2e5fac455405ef4e57dc66af1ccf58f17610869613");
  EXPECT_EQ(ToHex(cipher.RecordName(partition, kItem.key)),
            "abc7efac9f16eb827666de70c03515e6670ee22252e1b0b604387f750f9ab5e3");
}

TEST(BackupCipherTest, AKeyHas32Bytes) {
  EXPECT_THAT(BackupCipher::Create(SecretBytes::CopyOf("short")),
              RefusedWith(Reason::kFieldInvalid));
}

class BackupCipherPlaceTest : public testing::Test {
 protected:
  BackupCipher cipher_ = BackupCipher::Create(Key('k')).value();
  std::string partition_ = cipher_.PartitionName(kItem.kind, kItem.partition);
  std::string record_ = cipher_.RecordName(partition_, kItem.key);
  std::string sealed_ = cipher_.Seal(kItem, partition_, record_);
};

TEST_F(BackupCipherPlaceTest, WhatWasSealedOpensInItsPlace) {
  ASSERT_OK_AND_ASSIGN(const BackupItem item, cipher_.Open(sealed_, partition_, record_));
  EXPECT_EQ(item.partition, kItem.partition);
  EXPECT_EQ(item.key, kItem.key);
  EXPECT_EQ(item.value, kItem.value);
}

TEST_F(BackupCipherPlaceTest, NothingThatWasStoredStandsInWhatIsSealed) {
  EXPECT_THAT(sealed_, testing::Not(testing::HasSubstr("value")));
  EXPECT_THAT(sealed_, testing::Not(testing::HasSubstr("custody")));
  EXPECT_NE(sealed_, cipher_.Seal(kItem, partition_, record_)) << "the nonce is another one";
}

TEST_F(BackupCipherPlaceTest, InAnotherPlaceItDoesNotOpen) {
  const std::string other = cipher_.PartitionName(BackupKind::kAudit, kItem.partition);
  EXPECT_THAT(cipher_.Open(sealed_, other, record_), RefusedWith(Reason::kDataCorrupt));
  EXPECT_THAT(cipher_.Open(sealed_, partition_, cipher_.RecordName(partition_, "account/key")),
              RefusedWith(Reason::kDataCorrupt));
}

// Sealed by who has the key, for a place that its names do not give.
TEST_F(BackupCipherPlaceTest, NamesGiveThePlace) {
  const BackupItem other = {BackupKind::kRecords, "custody/b", "account/record", "a value"};
  EXPECT_THAT(cipher_.Open(cipher_.Seal(other, partition_, record_), partition_, record_),
              RefusedWith(Reason::kDataCorrupt));
}

TEST_F(BackupCipherPlaceTest, UnderAnotherKeyOrChangedItDoesNotOpen) {
  ASSERT_OK_AND_ASSIGN(const BackupCipher other, BackupCipher::Create(Key('o')));
  EXPECT_THAT(other.Open(sealed_, partition_, record_), RefusedWith(Reason::kDataCorrupt));
  for (size_t i = 0; i < sealed_.size(); ++i) {
    std::string changed = sealed_;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_THAT(cipher_.Open(changed, partition_, record_), RefusedWith(Reason::kDataCorrupt));
  }
  for (size_t size = 0; size < sealed_.size(); ++size) {
    EXPECT_THAT(cipher_.Open(sealed_.substr(0, size), partition_, record_),
                RefusedWith(Reason::kDataCorrupt));
  }
}

}  // namespace
}  // namespace comity
