#include "client/objects/wire.h"

#include <string>

#include <gtest/gtest.h>

#include "services/common/crypto/random.h"
#include "services/common/status/reason.h"
#include "tests/testing/matchers.h"

namespace comity {
namespace {

comity::storage::v1::ObjectVersion Message() {
  comity::storage::v1::ObjectVersion message;
  message.set_object_id(RandomBytes(ObjectId::kSize));
  message.set_version(4);
  message.set_content_id(RandomBytes(ContentId::kSize));
  message.set_size(1234);
  message.set_digest(RandomBytes(Digest::kSize));
  message.set_wrapped_content_key("wrapped content key");
  message.set_wrapped_attributes_key("wrapped attributes key");
  message.set_sealed_attributes("sealed");
  message.set_create_time_ms(1'512'086'400'000);
  return message;
}

TEST(ObjectWireTest, EveryFieldReachesTheRecord) {
  const comity::storage::v1::ObjectVersion message = Message();
  ASSERT_OK_AND_ASSIGN(const ObjectRecord record, RecordOf(message));
  EXPECT_EQ(record.object.bytes(), message.object_id());
  EXPECT_EQ(record.version, 4u);
  EXPECT_EQ(record.content.bytes(), message.content_id());
  EXPECT_EQ(record.size, 1234u);
  EXPECT_EQ(record.digest.bytes(), message.digest());
  EXPECT_EQ(record.wrapped_content_key, "wrapped content key");
  EXPECT_EQ(record.wrapped_attributes_key, "wrapped attributes key");
  EXPECT_EQ(record.sealed_attributes, "sealed");
  EXPECT_EQ(record.create_time, 1'512'086'400'000);
}

TEST(ObjectWireTest, AnObjectIdOfAnotherLengthIsRefused) {
  comity::storage::v1::ObjectVersion message = Message();
  message.mutable_object_id()->pop_back();
  EXPECT_THAT(RecordOf(message), RefusedWith(Reason::kDataCorrupt));
}

TEST(ObjectWireTest, AContentIdOfAnotherLengthIsRefused) {
  comity::storage::v1::ObjectVersion message = Message();
  message.mutable_content_id()->push_back('x');
  EXPECT_THAT(RecordOf(message), RefusedWith(Reason::kDataCorrupt));
}

TEST(ObjectWireTest, ADigestOfAnotherLengthIsRefused) {
  comity::storage::v1::ObjectVersion message = Message();
  message.clear_digest();
  EXPECT_THAT(RecordOf(message), RefusedWith(Reason::kDataCorrupt));
}

TEST(ObjectWireTest, TheContextNamesObjectContentAndPurposeAndHasNoPairs) {
  const auto object = RandomId<ObjectId>();
  const auto content = RandomId<ContentId>();
  const comity::common::v1::EncryptionContext context =
      ContextOf(object, content, KeyPurpose::kAttributes);
  EXPECT_EQ(context.object_id(), object.bytes());
  EXPECT_EQ(context.content_id(), content.bytes());
  EXPECT_EQ(context.purpose(), comity::common::v1::PURPOSE_ATTRIBUTES);
  EXPECT_EQ(context.pairs_size(), 0);
}

}  // namespace
}  // namespace comity
