#include "services/common/statement/object_record.h"

#include <vector>

#include <gtest/gtest.h>

#include "services/common/crypto/random.h"
#include "services/common/log/root_builder.h"
#include "tests/testing/hex.h"
#include "tests/testing/matchers.h"

namespace comity {
namespace {

// The RFC's own definition, over all leaves at once.
Digest NaiveRoot(const std::vector<Digest>& leaves) {
  if (leaves.empty()) return merkle::EmptyRoot();
  if (leaves.size() == 1) return leaves[0];
  size_t split = 1;
  while (split * 2 < leaves.size()) split *= 2;
  const auto middle = leaves.begin() + static_cast<ptrdiff_t>(split);
  return merkle::NodeHash(NaiveRoot({leaves.begin(), middle}), NaiveRoot({middle, leaves.end()}));
}

TEST(RootBuilderTest, StreamedRootIsTheRootOfRfc6962) {
  std::vector<Digest> leaves;
  merkle::RootBuilder builder;
  for (int size = 0; size <= 130; ++size) {
    EXPECT_EQ(builder.Root(), NaiveRoot(leaves)) << size;
    EXPECT_EQ(builder.size(), leaves.size());
    leaves.push_back(RandomId<Digest>());
    builder.Add(leaves.back());
  }
}

ObjectRecord MakeRecord() {
  ObjectRecord record;
  record.object = *ObjectId::FromBytes(std::string(16, '\x01'));
  record.version = 2;
  record.content = *ContentId::FromBytes(std::string(16, '\x03'));
  record.size = 4;
  record.digest = *Digest::FromBytes(std::string(32, '\x05'));
  record.wrapped_content_key = "c";
  record.wrapped_attributes_key = "a";
  record.sealed_attributes = "s";
  record.create_time = 6;
  return record;
}

TEST(ObjectRecordTest, EncodingNeverChanges) {
  // Manifests of the past are over these bytes.
  EXPECT_EQ(ToHex(EncodeObjectRecord(MakeRecord())),
            "0001000000020001"
            "00100000001001010101010101010101010101010101"
            "0011000000080000000000000002"
            "00120000001003030303030303030303030303030303"
            "0013000000080000000000000004"
            "0014000000200505050505050505050505050505050505050505050505050505050505050505"
            "00150000000163"
            "00160000000161"
            "00170000000173"
            "0018000000080000000000000006");
}

TEST(ObjectRecordTest, RecordComesBack) {
  EXPECT_THAT(DecodeObjectRecord(EncodeObjectRecord(MakeRecord())), IsOkAndHolds(MakeRecord()));
}

TEST(ObjectRecordTest, TrailingBytesAreMalformed) {
  EXPECT_THAT(DecodeObjectRecord(EncodeObjectRecord(MakeRecord()) + "x").status(),
              RefusedWith(Reason::kStatementMalformed));
}

}  // namespace
}  // namespace comity
