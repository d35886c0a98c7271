#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "services/common/crypto/digest.h"
#include "services/common/crypto/random.h"
#include "services/common/status/macros.h"
#include "services/storage/content_reader.h"
#include "services/storage/content_writer.h"
#include "tests/fakes/fake_blob_store.h"
#include "tests/testing/matchers.h"

namespace comity::storage {
namespace {

const AccountId kAccount = *AccountId::FromBytes(std::string(20, 'a'));

// Bytes that differ everywhere, so that a segment in a wrong place is seen.
std::string Pattern(size_t size) {
  std::string bytes(size, '\0');
  uint32_t state = 1;
  for (char& c : bytes) {
    state = state * 1'664'525 + 1'013'904'223;
    c = static_cast<char>(state >> 24);
  }
  return bytes;
}

absl::StatusOr<WrittenContent> WriteAll(FakeBlobStore& blobs, std::string_view bytes, size_t piece,
                                        TaskPool* tasks = nullptr) {
  ContentWriter writer(&blobs, kAccount, tasks);
  for (size_t at = 0; at < bytes.size(); at += piece) {
    RETURN_IF_ERROR(writer.Write(bytes.substr(at, piece)));
  }
  ASSIGN_OR_RETURN(WrittenContent content, writer.Finish());
  writer.Keep();
  return content;
}

absl::StatusOr<std::string> ReadAll(FakeBlobStore& blobs, const WrittenContent& content,
                                    uint64_t offset = 0, TaskPool* tasks = nullptr) {
  ContentReader reader(&blobs, kAccount, content.tree, content.size, tasks);
  RETURN_IF_ERROR(reader.Seek(offset));
  std::string bytes;
  for (;;) {
    ASSIGN_OR_RETURN(const std::string next, reader.Next());
    if (next.empty()) return bytes;
    bytes += next;
  }
}

size_t CountBlobs(FakeBlobStore& blobs) { return blobs.List("", "", 10'000).value().size(); }

class ContentSizeTest : public ::testing::TestWithParam<size_t> {};

TEST_P(ContentSizeTest, ComesBackAsItWasWritten) {
  FakeBlobStore blobs;
  const std::string bytes = Pattern(GetParam());
  ASSERT_OK_AND_ASSIGN(const WrittenContent content, WriteAll(blobs, bytes, 1'000'003));
  EXPECT_EQ(content.size, bytes.size());
  EXPECT_EQ(content.digest, Sha256Digest(bytes));
  ASSERT_OK_AND_ASSIGN(const std::string read, ReadAll(blobs, content));
  EXPECT_TRUE(read == bytes);
}

TEST_P(ContentSizeTest, ComesBackTheSameWhenSegmentsAreUnderWayTogether) {
  FakeBlobStore blobs;
  TaskPool tasks(3);
  const std::string bytes = Pattern(GetParam());
  ASSERT_OK_AND_ASSIGN(const WrittenContent content, WriteAll(blobs, bytes, 1'000'003, &tasks));
  EXPECT_EQ(content.digest, Sha256Digest(bytes));
  ASSERT_OK_AND_ASSIGN(const std::string read, ReadAll(blobs, content, 0, &tasks));
  EXPECT_TRUE(read == bytes);
  const uint64_t middle = bytes.size() / 2;
  ASSERT_OK_AND_ASSIGN(const std::string rest, ReadAll(blobs, content, middle, &tasks));
  EXPECT_TRUE(rest == bytes.substr(middle));
}

INSTANTIATE_TEST_SUITE_P(AroundSegments, ContentSizeTest,
                         ::testing::Values(1, kSegmentBytes - 1, kSegmentBytes, kSegmentBytes + 1,
                                           3 * kSegmentBytes + 7, 16 * kSegmentBytes,
                                           16 * kSegmentBytes + 1, 18 * kSegmentBytes));

TEST(ContentTest, ReferencesFillPagesBeyondSixteenSegments) {
  FakeBlobStore blobs;
  ASSERT_OK_AND_ASSIGN(const WrittenContent few,
                       WriteAll(blobs, Pattern(16 * kSegmentBytes), 1 << 20));
  EXPECT_EQ(few.tree.extent.depth, 0);
  EXPECT_EQ(few.tree.top.size(), 16u);
  ASSERT_OK_AND_ASSIGN(const WrittenContent many,
                       WriteAll(blobs, Pattern(16 * kSegmentBytes + 1), 1 << 20));
  EXPECT_EQ(many.tree.extent.depth, 1);
  EXPECT_EQ(many.tree.extent.segments, 17u);
  EXPECT_EQ(many.tree.top.size(), 1u);
}

TEST(ContentTest, ReadsFromAnyOffset) {
  FakeBlobStore blobs;
  const std::string bytes = Pattern(2 * kSegmentBytes + 100);
  ASSERT_OK_AND_ASSIGN(const WrittenContent content, WriteAll(blobs, bytes, 1 << 20));
  for (const uint64_t offset : {uint64_t{1} << 20, uint64_t{kSegmentBytes},
                                uint64_t{kSegmentBytes + 17}, content.size - 1, content.size}) {
    ASSERT_OK_AND_ASSIGN(const std::string read, ReadAll(blobs, content, offset));
    EXPECT_TRUE(read == bytes.substr(offset)) << offset;
  }
}

TEST(ContentTest, OffsetBeyondTheEndIsRefused) {
  FakeBlobStore blobs;
  ASSERT_OK_AND_ASSIGN(const WrittenContent content, WriteAll(blobs, "bytes", 5));
  EXPECT_THAT(ReadAll(blobs, content, 6).status(), RefusedWith(Reason::kFieldInvalid));
}

TEST(ContentTest, NothingIsRefused) {
  FakeBlobStore blobs;
  EXPECT_THAT(WriteAll(blobs, "", 1).status(), RefusedWith(Reason::kFieldInvalid));
}

TEST(ContentTest, AbandonedWriterLeavesNothing) {
  FakeBlobStore blobs;
  {
    ContentWriter writer(&blobs, kAccount);
    ASSERT_THAT(writer.Write(Pattern(18 * kSegmentBytes)), IsOk());
    ASSERT_THAT(writer.Finish().status(), IsOk());
    EXPECT_EQ(CountBlobs(blobs), 19u);
  }
  EXPECT_EQ(CountBlobs(blobs), 0u);
}

TEST(ContentTest, AbandonedWriterLeavesNothingOfWhatWasUnderWay) {
  FakeBlobStore blobs;
  TaskPool tasks(2);
  {
    ContentWriter writer(&blobs, kAccount, &tasks);
    ASSERT_THAT(writer.Write(Pattern(3 * kSegmentBytes)), IsOk());
  }
  EXPECT_EQ(CountBlobs(blobs), 0u);
}

TEST(ContentTest, SegmentThatCannotBeWrittenFailsTheUpload) {
  FakeBlobStore blobs;
  TaskPool tasks(2);
  blobs.FailNextPut(FakeBlobStore::Fate::kNotApplied);
  EXPECT_THAT(WriteAll(blobs, Pattern(2 * kSegmentBytes), 1 << 20, &tasks).status(),
              RefusedWith(Reason::kStoreUnavailable));
}

TEST(ContentTest, ReaderThatIsLeftEarlyEndsWhatItReadAhead) {
  FakeBlobStore blobs;
  TaskPool tasks(1);
  ASSERT_OK_AND_ASSIGN(const WrittenContent content,
                       WriteAll(blobs, Pattern(6 * kSegmentBytes), 1 << 20, &tasks));
  ContentReader reader(&blobs, kAccount, content.tree, content.size, &tasks);
  ASSERT_OK_AND_ASSIGN(const std::string first, reader.Next());
  EXPECT_EQ(first.size(), kSegmentBytes);
}

TEST(ContentTest, MissingSegmentIsFoundWhenItsTurnComes) {
  FakeBlobStore blobs;
  TaskPool tasks(2);
  ASSERT_OK_AND_ASSIGN(const WrittenContent content,
                       WriteAll(blobs, Pattern(3 * kSegmentBytes), 1 << 20, &tasks));
  ASSERT_THAT(blobs.Delete(BlobName(kAccount, content.tree.extent.upload, 0, 1)), IsOk());
  ContentReader reader(&blobs, kAccount, content.tree, content.size, &tasks);
  EXPECT_THAT(reader.Next().status(), IsOk());
  EXPECT_THAT(reader.Next().status(), RefusedWith(Reason::kDataCorrupt));
}

TEST(ContentTest, DeletedUploadLeavesNothing) {
  FakeBlobStore blobs;
  ASSERT_OK_AND_ASSIGN(const WrittenContent content,
                       WriteAll(blobs, Pattern(17 * kSegmentBytes), 1 << 20));
  ASSERT_THAT(DeleteUpload(blobs, kAccount, content.tree.extent), IsOk());
  EXPECT_EQ(CountBlobs(blobs), 0u);
}

TEST(ContentTest, DamagedSegmentIsDataCorrupt) {
  FakeBlobStore blobs;
  ASSERT_OK_AND_ASSIGN(const WrittenContent content, WriteAll(blobs, "the bytes", 9));
  blobs.Overwrite(BlobName(kAccount, content.tree.extent.upload, 0, 0), "the bytez");
  EXPECT_THAT(ReadAll(blobs, content).status(), RefusedWith(Reason::kDataCorrupt));
}

TEST(ContentTest, DigestOfTheLastSegmentIsThatOfTheContent) {
  for (const size_t size : {size_t{1}, kSegmentBytes, 2 * kSegmentBytes, 2 * kSegmentBytes + 1}) {
    FakeBlobStore blobs;
    ASSERT_OK_AND_ASSIGN(const WrittenContent content, WriteAll(blobs, Pattern(size), 1 << 20));
    EXPECT_EQ(content.tree.top.back().digest, content.digest) << size;
  }
}

TEST(ContentTest, DamageInAnySegmentIsDataCorruptThereAndOnlyThere) {
  const std::string bytes = Pattern(2 * kSegmentBytes + 100);
  for (uint64_t damaged = 0; damaged < 3; ++damaged) {
    FakeBlobStore blobs;
    ASSERT_OK_AND_ASSIGN(const WrittenContent content, WriteAll(blobs, bytes, 1 << 20));
    std::string segment = bytes.substr(damaged * kSegmentBytes, kSegmentBytes);
    segment.back() = static_cast<char>(segment.back() ^ 1);
    blobs.Overwrite(BlobName(kAccount, content.tree.extent.upload, 0, damaged), segment);
    ContentReader reader(&blobs, kAccount, content.tree, content.size);
    for (uint64_t index = 0; index < 3; ++index) {
      ASSERT_THAT(reader.Seek(index * kSegmentBytes), IsOk());
      const absl::Status read = reader.Next().status();
      if (index == damaged) {
        EXPECT_THAT(read, RefusedWith(Reason::kDataCorrupt)) << index;
      } else {
        EXPECT_THAT(read, IsOk()) << index;
      }
    }
  }
}

TEST(ContentTest, SegmentsInEachOthersPlaceAreDataCorrupt) {
  FakeBlobStore blobs;
  const std::string bytes = Pattern(3 * kSegmentBytes);
  ASSERT_OK_AND_ASSIGN(const WrittenContent content, WriteAll(blobs, bytes, 1 << 20));
  const UploadId& upload = content.tree.extent.upload;
  blobs.Overwrite(BlobName(kAccount, upload, 0, 0), bytes.substr(kSegmentBytes, kSegmentBytes));
  blobs.Overwrite(BlobName(kAccount, upload, 0, 1), bytes.substr(0, kSegmentBytes));
  for (const uint64_t offset : {size_t{0}, kSegmentBytes}) {
    EXPECT_THAT(ReadAll(blobs, content, offset).status(), RefusedWith(Reason::kDataCorrupt));
  }
  EXPECT_THAT(ReadAll(blobs, content, 2 * kSegmentBytes).status(), IsOk());
}

// 16 GiB lie before it: only the segments around the boundary exist.
TEST(ContentTest, SegmentAfterAPageOfReferencesFollowsTheLastOneInIt) {
  FakeBlobStore blobs;
  const UploadId upload = UploadId::Random();
  const uint64_t boundary = kPageRefs * uint64_t{kSegmentBytes};
  const std::string last_of_page = Pattern(kSegmentBytes);
  const std::string tail = "the end";
  const auto put = [&](uint8_t level, uint64_t index, const std::string& bytes) {
    ASSERT_THAT(blobs.PutIfAbsentOrEqual(BlobName(kAccount, upload, level, index), bytes), IsOk());
  };
  std::vector<BlobRef> first_page(kPageRefs, {kSegmentBytes, Sha256Digest("some value")});
  Sha256Hasher hasher =
      Sha256Hasher::Resume(first_page[kPageRefs - 2].digest, boundary - kSegmentBytes);
  hasher.Update(last_of_page);
  first_page.back().digest = hasher.Intermediate();
  hasher.Update(tail);
  const std::string pages[] = {
      EncodePage(first_page),
      EncodePage({{static_cast<uint32_t>(tail.size()), std::move(hasher).Finish()}})};
  put(0, kPageRefs - 1, last_of_page);
  put(0, kPageRefs, tail);
  WrittenContent content;
  content.size = boundary + tail.size();
  content.tree.extent = {upload, kPageRefs + 1, 1};
  for (uint64_t i = 0; i < 2; ++i) {
    put(1, i, pages[i]);
    content.tree.top.push_back({static_cast<uint32_t>(pages[i].size()), Sha256Digest(pages[i])});
  }
  EXPECT_THAT(ReadAll(blobs, content, boundary - kSegmentBytes), IsOkAndHolds(last_of_page + tail));
  EXPECT_THAT(ReadAll(blobs, content, boundary), IsOkAndHolds(tail));
}

TEST(ContentTest, DamagedPageIsDataCorrupt) {
  FakeBlobStore blobs;
  ASSERT_OK_AND_ASSIGN(const WrittenContent content,
                       WriteAll(blobs, Pattern(17 * kSegmentBytes), 1 << 20));
  blobs.Overwrite(BlobName(kAccount, content.tree.extent.upload, 1, 0), "no page");
  EXPECT_THAT(ReadAll(blobs, content).status(), RefusedWith(Reason::kDataCorrupt));
}

TEST(ContentTest, MissingSegmentIsDataCorrupt) {
  FakeBlobStore blobs;
  ASSERT_OK_AND_ASSIGN(const WrittenContent content, WriteAll(blobs, "the bytes", 9));
  ASSERT_THAT(blobs.Delete(BlobName(kAccount, content.tree.extent.upload, 0, 0)), IsOk());
  EXPECT_THAT(ReadAll(blobs, content).status(), RefusedWith(Reason::kDataCorrupt));
}

TEST(ContentTest, RefusedBlobFailsTheWrite) {
  FakeBlobStore blobs;
  blobs.FailNextPut(FakeBlobStore::Fate::kApplied);
  EXPECT_THAT(WriteAll(blobs, "bytes", 5).status(), RefusedWith(Reason::kStoreUnavailable));
  EXPECT_EQ(CountBlobs(blobs), 0u) << "a blob that may have been written is deleted too";
}

TEST(ContentTest, PagesOfAWrongSizeAreDataCorrupt) {
  const std::vector<BlobRef> refs = {{7, Sha256Digest("a")}, {9, Sha256Digest("b")}};
  EXPECT_THAT(DecodePage(EncodePage(refs)), IsOkAndHolds(refs));
  EXPECT_THAT(DecodePage("").status(), RefusedWith(Reason::kDataCorrupt));
  EXPECT_THAT(DecodePage(EncodePage(refs).substr(1)).status(), RefusedWith(Reason::kDataCorrupt));
}

TEST(ContentTest, BlobNamesTellTheirUpload) {
  const UploadId upload = UploadId::Random();
  EXPECT_EQ(UploadOfBlob(kAccount, BlobName(kAccount, upload, 0, 70'000)), upload);
  EXPECT_EQ(UploadOfBlob(kAccount, BlobFolder(kAccount) + "answer-x"), std::nullopt);
  EXPECT_EQ(UploadOfBlob(kAccount, "objects/other/" + upload.text + "-0-00000000"), std::nullopt);
}

}  // namespace
}  // namespace comity::storage
