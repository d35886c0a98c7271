#include "services/custody/custody_service_messages.h"

#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/slice.h>

#include "tests/testing/matchers.h"

namespace comity::custody {
namespace {

using Wraps = SecretMessages<pb::WrapDataKeyRequest, pb::WrapDataKeyResponse>;
using Unwraps = SecretMessages<pb::UnwrapDataKeyRequest, pb::UnwrapDataKeyResponse>;

constexpr std::string_view kKey = "0123456789abcdef0123456789abcdef";

// In pieces, as a large message comes off the wire.
grpc::ByteBuffer BytesIn(std::string_view bytes, size_t piece) {
  std::vector<grpc::Slice> slices;
  for (size_t i = 0; i < bytes.size(); i += piece) {
    const std::string_view part = bytes.substr(i, piece);
    slices.emplace_back(part.data(), part.size());
  }
  return {slices.data(), slices.size()};
}

std::string RequestOf(std::string_view key) {
  pb::WrapDataKeyRequest request;
  request.set_account_id("account");
  request.set_plaintext(std::string(key));
  return request.SerializeAsString();
}

// What a string that was emptied still holds of its former bytes.
std::string LeftIn(const std::string& emptied, size_t size) {
  EXPECT_TRUE(emptied.empty());
  EXPECT_GE(emptied.capacity(), size);
  return {emptied.data(), size};
}

TEST(SecretMessagesTest, ReadsARequestInOnePieceAndInMany) {
  const std::string bytes = RequestOf(kKey);
  for (const size_t piece : {bytes.size(), size_t{7}, size_t{1}}) {
    Wraps messages;
    ASSERT_THAT(messages.Read(BytesIn(bytes, piece)), IsOk());
    EXPECT_EQ(messages.request().plaintext(), kKey);
  }
}

TEST(SecretMessagesTest, NoBytesAreAnEmptyRequest) {
  Wraps messages;
  ASSERT_THAT(messages.Read(BytesIn("", 1)), IsOk());
  EXPECT_TRUE(messages.request().account_id().empty());
}

TEST(SecretMessagesTest, WhatIsNoMessageIsRefusedAndLeavesNothing) {
  const std::string bytes = RequestOf(kKey);
  Wraps messages;
  EXPECT_THAT(messages.Read(BytesIn(std::string_view(bytes).substr(0, bytes.size() - 1), 9)),
              RefusedWith(Reason::kFieldInvalid));
  EXPECT_TRUE(messages.request().account_id().empty());
  EXPECT_TRUE(messages.request().plaintext().empty());
}

TEST(SecretMessagesTest, WritesTheResponse) {
  Unwraps messages;
  messages.response().set_plaintext(std::string(kKey));
  grpc::ByteBuffer bytes;
  ASSERT_THAT(messages.Write(bytes), IsOk());
  grpc::Slice whole;
  ASSERT_TRUE(bytes.DumpToSingleSlice(&whole).ok());
  pb::UnwrapDataKeyResponse read;
  ASSERT_TRUE(read.ParseFromArray(whole.begin(), static_cast<int>(whole.size())));
  EXPECT_EQ(read.plaintext(), kKey);
}

TEST(SecretMessagesTest, KeysAreWipedWhereTheyLay) {
  Wraps wraps;
  ASSERT_THAT(wraps.Read(BytesIn(RequestOf(kKey), 64)), IsOk());
  Unwraps unwraps;
  unwraps.response().set_plaintext(std::string(kKey));
  wraps.Wipe();
  unwraps.Wipe();
  const std::string zeros(kKey.size(), '\0');
  EXPECT_EQ(LeftIn(wraps.request().plaintext(), kKey.size()), zeros);
  EXPECT_EQ(LeftIn(unwraps.response().plaintext(), kKey.size()), zeros);
}

TEST(SecretMessagesTest, AThreadsNextCallFindsNothingOfTheOneBefore) {
  using Threads = ThreadsSecretMessages<pb::WrapDataKeyRequest, pb::WrapDataKeyResponse>;
  {
    Threads messages;
    ASSERT_THAT(messages->Read(BytesIn(RequestOf(kKey), 64)), IsOk());
    messages->response().set_wrapped("wrapped");
  }
  Threads messages;
  EXPECT_TRUE(messages->request().account_id().empty());
  EXPECT_TRUE(messages->response().wrapped().empty());
  EXPECT_EQ(LeftIn(messages->request().plaintext(), kKey.size()), std::string(kKey.size(), '\0'));
}

TEST(SecretMessagesTest, ALargeMessageIsNotKept) {
  using Batches = SecretMessages<pb::BatchWrapDataKeysRequest, pb::BatchWrapDataKeysResponse>;
  pb::BatchWrapDataKeysRequest request;
  for (int i = 0; i < 1'024; ++i) {
    request.add_items()->mutable_context()->set_object_id(std::string(200, 'o'));
  }
  Batches messages;
  const size_t empty = messages.request().SpaceUsedLong();
  ASSERT_THAT(messages.Read(BytesIn(request.SerializeAsString(), 16'384)), IsOk());
  EXPECT_GT(messages.request().SpaceUsedLong(), empty);
  messages.Wipe();
  EXPECT_EQ(messages.request().SpaceUsedLong(), empty);
}

}  // namespace
}  // namespace comity::custody
