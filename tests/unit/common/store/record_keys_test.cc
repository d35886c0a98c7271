#include "services/common/store/record_keys.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/numbered_request.h"

namespace comity {
namespace {

using ::testing::Optional;

std::string Bytes(std::initializer_list<int> bytes) { return {bytes.begin(), bytes.end()}; }

TEST(RecordKeysTest, RecordKeyIsLengthNameAndKey) {
  EXPECT_EQ(RecordKey("p/1", "key"), Bytes({0, 3}) + "p/1key");
  EXPECT_EQ(RecordKey(std::string(256, 'p'), "k"), Bytes({1, 0}) + std::string(256, 'p') + "k");
}

TEST(RecordKeysTest, OutcomeKeyIsLengthNameAndRequestId) {
  const RequestId request = NumberedRequest(0x0102);
  EXPECT_EQ(OutcomeKey("p", request),
            Bytes({0, 1}) + "p" + "r" + std::string(13, '\0') + Bytes({1, 2}));
}

TEST(RecordKeysTest, EndOfPrefixIsAboveEveryKeyOfThePartitionAndNoOther) {
  for (const std::string& partition : {std::string("p"), std::string("p\xff"),
                                       std::string("\xff\xff"), std::string(255, '\xff')}) {
    const std::string end = EndOfPrefix(RecordPrefix(partition));
    EXPECT_LT(RecordKey(partition, std::string(kMaxKeyBytes, '\xff')), end);
    // The next longer name starts at the end or after it.
    EXPECT_GE(RecordPrefix(partition + '\0'), end);
  }
  EXPECT_EQ(EndOfPrefix(RecordPrefix("p")), RecordPrefix("q"));
}

TEST(RecordKeysTest, PartitionHeaderHasItsBytes) {
  const PartitionHeader header{.version = 0x0102030405060708, .keys = 0x090a0b0c};
  const std::string bytes = Bytes({1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
  EXPECT_EQ(EncodePartitionHeader(header), bytes);
  EXPECT_THAT(DecodePartitionHeader(bytes), Optional(header));
}

TEST(RecordKeysTest, OutcomeHasItsBytes) {
  const StoredOutcome outcome{.version = 0x0102030405060708, .time = 0x1112131415161718};
  const std::string bytes =
      Bytes({1, 1, 2, 3, 4, 5, 6, 7, 8, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18});
  EXPECT_EQ(EncodeOutcome(outcome), bytes);
  EXPECT_THAT(DecodeOutcome(bytes), Optional(outcome));
}

TEST(RecordKeysTest, NumberHasItsBytes) {
  const std::string bytes = Bytes({1, 2, 3, 4, 5, 6, 7, 8});
  EXPECT_EQ(EncodeNumber(0x0102030405060708), bytes);
  EXPECT_THAT(DecodeNumber(bytes), Optional(0x0102030405060708u));
}

TEST(RecordKeysTest, NothingDecodesWhenLengthOrFormatDiffers) {
  const std::string header = EncodePartitionHeader({.version = 7, .keys = 1});
  const std::string outcome = EncodeOutcome({.version = 7, .time = 1});
  EXPECT_EQ(DecodePartitionHeader(""), std::nullopt);
  EXPECT_EQ(DecodePartitionHeader(header.substr(1)), std::nullopt);
  EXPECT_EQ(DecodePartitionHeader(header + '\0'), std::nullopt);
  EXPECT_EQ(DecodePartitionHeader('\2' + header.substr(1)), std::nullopt);
  EXPECT_EQ(DecodeOutcome(""), std::nullopt);
  EXPECT_EQ(DecodeOutcome(outcome.substr(1)), std::nullopt);
  EXPECT_EQ(DecodeOutcome(outcome + '\0'), std::nullopt);
  EXPECT_EQ(DecodeOutcome('\2' + outcome.substr(1)), std::nullopt);
  EXPECT_EQ(DecodeNumber("1234567"), std::nullopt);
  EXPECT_EQ(DecodeNumber("123456789"), std::nullopt);
}

TEST(RecordKeysTest, OutcomeExpiresAtOneHour) {
  const StoredOutcome outcome{.version = 1, .time = 1000};
  EXPECT_FALSE(OutcomeExpired(outcome, 1000 + kHourMs - 1));
  EXPECT_TRUE(OutcomeExpired(outcome, 1000 + kHourMs));
  // A clock that was set back keeps it longer, never shorter.
  EXPECT_FALSE(OutcomeExpired(outcome, 0));
}

TEST(RecordKeysTest, OwedErasureNamesItsRecord) {
  const std::string record = RecordKey("custody/a", "account/key");
  const std::string owed = OwedErasureKey(0x0102, record);
  EXPECT_EQ(owed, std::string("erase/\0\0\0\0\0\0\1\2", 14) + record);
  EXPECT_EQ(ErasedRecordKey(owed), record);
  EXPECT_EQ(RecordPrefixOf(ErasedRecordKey(owed)), RecordPrefix("custody/a"));
  for (const std::string& none : {std::string("format"), std::string("erase/"), owed.substr(0, 14),
                                  "erasf" + owed.substr(5)}) {
    EXPECT_EQ(ErasedRecordKey(none), "");
  }
  // What is no record key is taken as it is.
  EXPECT_EQ(RecordPrefixOf(""), "");
  EXPECT_EQ(RecordPrefixOf(std::string("\xff\xff", 2)), "\xff\xff");
}

}  // namespace
}  // namespace comity
