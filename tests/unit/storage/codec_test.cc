#include "services/storage/codec.h"

#include <string>

#include <gtest/gtest.h>

#include "tests/testing/matchers.h"

namespace comity::storage {
namespace {

std::string Id(size_t size) { return std::string(size, 'i'); }

pb::PutObjectHeader ValidHeader() {
  pb::PutObjectHeader header;
  header.set_request_id(Id(16));
  header.set_account_id(Id(20));
  header.set_object_id(Id(16));
  header.set_content_id(Id(16));
  header.set_wrapped_content_key("c");
  header.set_wrapped_attributes_key("a");
  header.set_sealed_attributes("s");
  return header;
}

TEST(PutHeaderTest, ValidHeaderIsDecoded) {
  ASSERT_OK_AND_ASSIGN(const PutHeader header, Decode(ValidHeader()));
  EXPECT_EQ(header.account.bytes(), Id(20));
  EXPECT_EQ(header.command.wrapped_content_key, "c");
}

// Each change makes a valid header one that is refused.
using Change = void (*)(pb::PutObjectHeader&);
class BadPutHeaderTest : public ::testing::TestWithParam<Change> {};

TEST_P(BadPutHeaderTest, IsRefused) {
  pb::PutObjectHeader header = ValidHeader();
  GetParam()(header);
  EXPECT_THAT(Decode(header).status(), RefusedWith(Reason::kFieldInvalid));
}

INSTANTIATE_TEST_SUITE_P(Fields, BadPutHeaderTest,
                         ::testing::Values([](auto& h) { h.set_request_id(Id(15)); },
                                           [](auto& h) { h.set_request_id(std::string(16, '\0')); },
                                           [](auto& h) { h.set_account_id(Id(21)); },
                                           [](auto& h) { h.clear_object_id(); },
                                           [](auto& h) { h.set_content_id(Id(17)); },
                                           [](auto& h) { h.clear_wrapped_content_key(); },
                                           [](auto& h) { h.set_wrapped_content_key(Id(257)); },
                                           [](auto& h) { h.clear_wrapped_attributes_key(); },
                                           [](auto& h) { h.set_wrapped_attributes_key(Id(257)); },
                                           [](auto& h) { h.clear_sealed_attributes(); },
                                           [](auto& h) {
                                             h.set_sealed_attributes(Id((16 << 10) + 1));
                                           }));

TEST(CodecTest, ChunksHaveOneByteToOneMebibyte) {
  EXPECT_THAT(CheckChunk(""), RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(CheckChunk(std::string(kWireChunk, 'x')), IsOk());
  EXPECT_THAT(CheckChunk(std::string(kWireChunk + 1, 'x')), RefusedWith(Reason::kFieldInvalid));
}

TEST(CodecTest, OffsetsAreWholeMebibytes) {
  pb::GetObjectRequest request;
  request.set_account_id(Id(20));
  request.set_object_id(Id(16));
  request.set_offset(2 << 20);
  EXPECT_THAT(Decode(request).status(), IsOk());
  request.set_offset((2 << 20) + 1);
  EXPECT_THAT(Decode(request).status(), RefusedWith(Reason::kFieldInvalid));
}

TEST(CodecTest, PageTokenBelongsToItsAccount) {
  ListedObjects listed;
  listed.objects.resize(1);
  listed.objects[0].object = *ObjectId::FromBytes(Id(16));
  listed.more = true;
  pb::ListObjectsResponse page;
  const AccountId account = *AccountId::FromBytes(Id(20));
  Encode(account, listed, page);
  pb::ListObjectsRequest request;
  request.set_account_id(Id(20));
  request.set_page_token(page.next_page_token());
  ASSERT_OK_AND_ASSIGN(const ListCommand command, Decode(request));
  EXPECT_EQ(command.after, listed.objects[0].object);
  EXPECT_EQ(command.limit, 100u);
  request.set_account_id(std::string(20, 'o'));
  EXPECT_THAT(Decode(request).status(), RefusedWith(Reason::kPageTokenInvalid));
  request.set_page_token("not a token!");
  EXPECT_THAT(Decode(request).status(), RefusedWith(Reason::kPageTokenInvalid));
}

TEST(CodecTest, LastPageHasNoToken) {
  pb::ListObjectsResponse page;
  Encode(*AccountId::FromBytes(Id(20)), ListedObjects{}, page);
  EXPECT_TRUE(page.next_page_token().empty());
}

TEST(CodecTest, PageSizesHaveALimit) {
  pb::PlanMigrationRequest request;
  request.set_page_size(1000);
  EXPECT_THAT(Decode(request).status(), IsOk());
  request.set_page_size(1001);
  EXPECT_THAT(Decode(request).status(), RefusedWith(Reason::kFieldInvalid));
  request.set_page_size(-1);
  EXPECT_THAT(Decode(request).status(), RefusedWith(Reason::kFieldInvalid));
  request.set_page_size(0);
  request.set_page_token("?");
  EXPECT_THAT(Decode(request).status(), RefusedWith(Reason::kPageTokenInvalid));
}

TEST(CodecTest, MoveWithoutConsentSaysSo) {
  pb::PrepareMoveRequest request;
  request.set_account_id(Id(20));
  request.set_account_epoch(2);
  EXPECT_THAT(Decode(request).status(), RefusedWith(Reason::kConsentMissing));
  request.set_account_epoch(0);
  EXPECT_THAT(Decode(request).status(), RefusedWith(Reason::kFieldInvalid));
}

TEST(CodecTest, CopiedVersionNeedsItsDigest) {
  pb::CopiedVersion version;
  version.set_object_id(Id(16));
  version.set_version(1);
  EXPECT_THAT(Decode(version).status(), RefusedWith(Reason::kFieldInvalid));
  version.set_record_digest(Id(32));
  EXPECT_THAT(Decode(version).status(), IsOk());
}

TEST(CodecTest, ObjectVersionSurvivesTheWire) {
  ObjectRecord record;
  record.object = *ObjectId::FromBytes(Id(16));
  record.version = 3;
  record.content = *ContentId::FromBytes(Id(16));
  record.size = 77;
  record.digest = *Digest::FromBytes(Id(32));
  record.wrapped_content_key = "c";
  record.wrapped_attributes_key = "a";
  record.sealed_attributes = "s";
  record.create_time = 5;
  pb::ObjectVersion message;
  Encode(record, message);
  EXPECT_THAT(Decode(message), IsOkAndHolds(record));
  message.set_version(0);
  EXPECT_THAT(Decode(message).status(), RefusedWith(Reason::kFieldInvalid));
}

TEST(CodecTest, ScopeNeedsACaseAndARange) {
  pb::GetScopeRequest request;
  request.set_account_id(Id(20));
  request.set_end_time_ms(5);
  EXPECT_THAT(Decode(request).status(), RefusedWith(Reason::kFieldInvalid));
  request.set_case_id("us-201801-00-x");
  EXPECT_THAT(Decode(request).status(), IsOk());
  request.set_begin_time_ms(6);
  EXPECT_THAT(Decode(request).status(), RefusedWith(Reason::kFieldInvalid));
}

TEST(CodecTest, MissingStatementsAreNamed) {
  pb::CreateAccountRequest create;
  create.set_request_id(Id(16));
  const absl::Status status = Decode(create).status();
  EXPECT_THAT(status, RefusedWith(Reason::kFieldInvalid));
  EXPECT_NE(status.message().find("account_record"), absl::string_view::npos);
  pb::ConfirmManifestRequest confirm;
  confirm.set_account_id(Id(20));
  confirm.set_account_epoch(2);
  EXPECT_THAT(Decode(confirm).status(), RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(Decode(pb::ExecuteAuthorisationRequest()).status(),
              RefusedWith(Reason::kFieldInvalid));
}

}  // namespace
}  // namespace comity::storage
