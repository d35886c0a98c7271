#include "services/common/crypto/streaming.h"

#include <string>
#include <utility>
#include <vector>

#include "services/common/crypto/aead.h"
#include "services/common/crypto/digest.h"
#include "services/common/crypto/random.h"
#include "tests/testing/matchers.h"

namespace comity {
namespace {

constexpr size_t kTag = kAeadTagSize;
constexpr size_t kFirst = kStreamSegmentSize - kStreamHeaderSize - kTag;  // plaintext bytes
constexpr size_t kOther = kStreamSegmentSize - kTag;

class StreamingTest : public ::testing::Test {
 protected:
  std::string Encrypt(std::string_view plaintext, std::string_view data = "context") const {
    StreamEncrypter encrypter = *StreamEncrypter::Create(key_, data);
    std::string out;
    encrypter.Update(plaintext, out);
    std::move(encrypter).Finish(out);
    return out;
  }

  // What is released is kept in `out`, also when the stream is refused.
  absl::Status Decrypt(std::string_view ciphertext, std::string& out,
                       std::string_view data = "context") const {
    StreamDecrypter decrypter = *StreamDecrypter::Create(key_, data);
    if (absl::Status status = decrypter.Update(ciphertext, out); !status.ok()) {
      return status;
    }
    return std::move(decrypter).Finish(out);
  }

  // The n-th ciphertext segment, without the header.
  static std::string_view Segment(std::string_view ciphertext, size_t n) {
    return n == 0 ? ciphertext.substr(kStreamHeaderSize, kStreamSegmentSize - kStreamHeaderSize)
                  : ciphertext.substr(n * kStreamSegmentSize, kStreamSegmentSize);
  }

  const SecretBytes key_ = RandomSecret(kAeadKeySize);
};

const std::vector<size_t>& Sizes() {
  static const std::vector<size_t> sizes = {0,
                                            1,
                                            1000,
                                            kFirst - 1,
                                            kFirst,
                                            kFirst + 1,
                                            kFirst + kOther - 1,
                                            kFirst + kOther,
                                            kFirst + kOther + 1};
  return sizes;
}

TEST_F(StreamingTest, DecryptReturnsWhatWasEncrypted) {
  for (const size_t size : Sizes()) {
    const std::string plaintext = RandomBytes(size);
    const std::string ciphertext = Encrypt(plaintext);
    EXPECT_EQ(ciphertext.size(), StreamCiphertextSize(size)) << size;
    std::string opened;
    EXPECT_THAT(Decrypt(ciphertext, opened), IsOk()) << size;
    EXPECT_TRUE(opened == plaintext) << size;
  }
}

TEST_F(StreamingTest, CiphertextIsThePublishedConstruction) {
  // Put together here from HKDF and one-shot AES-256-GCM, and compared byte for byte.
  for (const size_t size : Sizes()) {
    const std::string plaintext = RandomBytes(size);
    const std::string ciphertext = Encrypt(plaintext);
    ASSERT_EQ(ciphertext[0], '\x28');
    const std::string salt = ciphertext.substr(1, 32);
    const std::string prefix = ciphertext.substr(33, 7);
    const SecretBytes derived = HkdfSha256(key_, salt, "context", 32);
    std::string expected = ciphertext.substr(0, kStreamHeaderSize);
    std::string_view rest = plaintext;
    char segment = 0;
    do {
      const std::string_view piece = rest.substr(0, segment == 0 ? kFirst : kOther);
      rest.remove_prefix(piece.size());
      const std::string nonce =
          prefix + std::string(3, '\0') + segment + (rest.empty() ? '\1' : '\0');
      expected += GcmSeal(derived, nonce, piece, "");
      ++segment;
    } while (!rest.empty());
    EXPECT_TRUE(ciphertext == expected) << size;
  }
}

TEST_F(StreamingTest, EachStreamHasItsOwnSaltAndNoncePrefix) {
  const std::string first = Encrypt("");
  const std::string second = Encrypt("");
  EXPECT_NE(first.substr(1, 32), second.substr(1, 32));
  EXPECT_NE(first.substr(33, 7), second.substr(33, 7));
}

TEST_F(StreamingTest, SegmentsLeaveTheEncrypterAsTheyFill) {
  StreamEncrypter encrypter = *StreamEncrypter::Create(key_, "");
  const std::string first(kFirst, 'x');
  std::string out;
  encrypter.Update(first, out);
  EXPECT_TRUE(out.empty());  // it may yet be the last one
  encrypter.Update("y", out);
  EXPECT_EQ(out.size(), kStreamSegmentSize);
}

TEST_F(StreamingTest, CreateFailsForAnotherKeySize) {
  for (const size_t size : {0, 16, 31, 33}) {
    EXPECT_THAT(StreamEncrypter::Create(RandomSecret(size), "").status(),
                RefusedWith(Reason::kFieldInvalid));
    EXPECT_THAT(StreamDecrypter::Create(RandomSecret(size), "").status(),
                RefusedWith(Reason::kFieldInvalid));
  }
}

TEST_F(StreamingTest, OtherAssociatedDataIsRefused) {
  std::string out;
  EXPECT_THAT(Decrypt(Encrypt("text", "a"), out, "b"), RefusedWith(Reason::kDataCorrupt));
  EXPECT_TRUE(out.empty());
}

TEST_F(StreamingTest, AnotherKeyIsRefused) {
  StreamDecrypter decrypter = *StreamDecrypter::Create(RandomSecret(kAeadKeySize), "context");
  std::string out;
  EXPECT_THAT(decrypter.Update(Encrypt("text"), out), IsOk());  // one segment, not yet looked at
  EXPECT_THAT(std::move(decrypter).Finish(out), RefusedWith(Reason::kDataCorrupt));
  EXPECT_TRUE(out.empty());
}

TEST_F(StreamingTest, EveryTruncationOfAShortStreamIsRefused) {
  const std::string ciphertext = Encrypt("some text");
  for (size_t size = 0; size < ciphertext.size(); ++size) {
    std::string out;
    EXPECT_THAT(Decrypt(ciphertext.substr(0, size), out), RefusedWith(Reason::kDataCorrupt))
        << size;
    EXPECT_TRUE(out.empty()) << size;
  }
}

TEST_F(StreamingTest, TruncationAtASegmentIsRefusedAtTheEnd) {
  const std::string plaintext = RandomBytes(kFirst + kOther + 100);
  const std::string ciphertext = Encrypt(plaintext);
  for (const size_t size : {kStreamSegmentSize, 2 * kStreamSegmentSize}) {
    StreamDecrypter decrypter = *StreamDecrypter::Create(key_, "context");
    std::string out;
    EXPECT_THAT(decrypter.Update(std::string_view(ciphertext).substr(0, size), out), IsOk());
    EXPECT_THAT(std::move(decrypter).Finish(out), RefusedWith(Reason::kDataCorrupt));
    // What was released is true, but not all: whole segments before the cut.
    EXPECT_TRUE(plaintext.starts_with(out));
    EXPECT_LT(out.size(), size);
  }
}

TEST_F(StreamingTest, BytesAfterTheLastSegmentAreRefused) {
  std::string out;
  EXPECT_THAT(Decrypt(Encrypt("text") + '\0', out), RefusedWith(Reason::kDataCorrupt));
  EXPECT_TRUE(out.empty());
  const std::string full = Encrypt(std::string(kFirst, 'x'));
  EXPECT_THAT(Decrypt(full + std::string(kTag, '\0'), out), RefusedWith(Reason::kDataCorrupt));
  EXPECT_TRUE(out.empty());
}

TEST_F(StreamingTest, ReorderedSegmentsAreRefused) {
  const std::string ciphertext = Encrypt(RandomBytes(kFirst + 2 * kOther + 10));
  std::string swapped = ciphertext.substr(0, kStreamSegmentSize);
  swapped += Segment(ciphertext, 2);
  swapped += Segment(ciphertext, 1);
  swapped += Segment(ciphertext, 3);
  std::string out;
  EXPECT_THAT(Decrypt(swapped, out), RefusedWith(Reason::kDataCorrupt));
  EXPECT_EQ(out.size(), kFirst);
}

TEST_F(StreamingTest, RepeatedSegmentIsRefused) {
  const std::string ciphertext = Encrypt(RandomBytes(kFirst + kOther + 10));
  std::string repeated = ciphertext.substr(0, 2 * kStreamSegmentSize);
  repeated += Segment(ciphertext, 1);
  repeated += Segment(ciphertext, 2);
  std::string out;
  EXPECT_THAT(Decrypt(repeated, out), RefusedWith(Reason::kDataCorrupt));
  EXPECT_EQ(out.size(), kFirst + kOther);
}

TEST_F(StreamingTest, SegmentOfAnotherStreamUnderTheSameKeyIsRefused) {
  const std::string one = Encrypt(RandomBytes(kFirst + 10));
  const std::string two = Encrypt(RandomBytes(kFirst + 10));
  std::string spliced = one.substr(0, kStreamSegmentSize);
  spliced += Segment(two, 1);
  std::string out;
  EXPECT_THAT(Decrypt(spliced, out), RefusedWith(Reason::kDataCorrupt));
  EXPECT_EQ(out.size(), kFirst);
}

TEST_F(StreamingTest, ChangedHeaderIsRefused) {
  const std::string ciphertext = Encrypt("text");
  for (size_t i = 0; i < kStreamHeaderSize; ++i) {
    std::string changed = ciphertext;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    std::string out;
    EXPECT_THAT(Decrypt(changed, out), RefusedWith(Reason::kDataCorrupt)) << i;
    EXPECT_TRUE(out.empty()) << i;
  }
}

TEST_F(StreamingTest, WrongHeaderLengthIsRefusedAtOnce) {
  std::string ciphertext = Encrypt("text");
  ciphertext[0] = 41;
  StreamDecrypter decrypter = *StreamDecrypter::Create(key_, "context");
  std::string out;
  EXPECT_THAT(decrypter.Update(ciphertext, out), RefusedWith(Reason::kDataCorrupt));
}

TEST_F(StreamingTest, FailedStreamStaysFailed) {
  std::string ciphertext = Encrypt(RandomBytes(kFirst + 10));
  ciphertext[100] = static_cast<char>(ciphertext[100] ^ 1);
  StreamDecrypter decrypter = *StreamDecrypter::Create(key_, "context");
  std::string out;
  EXPECT_THAT(decrypter.Update(ciphertext, out), RefusedWith(Reason::kDataCorrupt));
  EXPECT_THAT(decrypter.Update("more", out), RefusedWith(Reason::kDataCorrupt));
  EXPECT_THAT(std::move(decrypter).Finish(out), RefusedWith(Reason::kDataCorrupt));
  EXPECT_TRUE(out.empty());
}

TEST_F(StreamingTest, MovedStreamsGoOnWhereTheyWere) {
  StreamEncrypter first = *StreamEncrypter::Create(key_, "context");
  std::string ciphertext;
  first.Update("some ", ciphertext);
  StreamEncrypter second(std::move(first));
  second.Update("text", ciphertext);
  std::move(second).Finish(ciphertext);
  std::string out;
  StreamDecrypter reader = *StreamDecrypter::Create(key_, "context");
  EXPECT_THAT(reader.Update(std::string_view(ciphertext).substr(0, 45), out), IsOk());
  StreamDecrypter moved = *StreamDecrypter::Create(key_, "other");
  moved = std::move(reader);
  EXPECT_THAT(moved.Update(std::string_view(ciphertext).substr(45), out), IsOk());
  EXPECT_THAT(std::move(moved).Finish(out), IsOk());
  EXPECT_EQ(out, "some text");
}

TEST(StreamPlaintextSizeTest, IsTheInverseAndZeroForAnImpossibleSize) {
  for (const uint64_t size : {uint64_t{0}, uint64_t{1}, kFirst, kFirst + 1, kFirst + kOther,
                              kFirst + kOther + 1, uint64_t{1} << 40}) {
    EXPECT_EQ(StreamPlaintextSize(StreamCiphertextSize(size)), size);
  }
  EXPECT_EQ(StreamPlaintextSize(0), 0u);
  EXPECT_EQ(StreamPlaintextSize(55), 0u);
  EXPECT_EQ(StreamPlaintextSize(kStreamSegmentSize + 16), 0u);
}

TEST(StreamCiphertextSizeTest, EachSegmentAddsATag) {
  EXPECT_EQ(StreamCiphertextSize(0), 56);
  EXPECT_EQ(StreamCiphertextSize(kFirst), kStreamSegmentSize);
  EXPECT_EQ(StreamCiphertextSize(kFirst + 1), kStreamSegmentSize + 17);
  EXPECT_EQ(StreamCiphertextSize(kFirst + kOther), 2 * kStreamSegmentSize);
  EXPECT_EQ(StreamCiphertextSize(uint64_t{1} << 40), 40 + (uint64_t{1} << 40) + 1'048'593ULL * 16);
}

}  // namespace
}  // namespace comity
