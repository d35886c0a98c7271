#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <rapidcheck.h>

#include "services/common/crypto/aead.h"
#include "services/common/crypto/random.h"
#include "services/common/crypto/streaming.h"
#include "tests/testing/matchers.h"

namespace comity {
namespace {

constexpr size_t kFirst = kStreamSegmentSize - kStreamHeaderSize - kAeadTagSize;

// Lengths of pieces: tiny ones, and ones around the size of a segment.
rc::Gen<std::vector<size_t>> Pieces() {
  return rc::gen::container<std::vector<size_t>>(
      rc::gen::oneOf(rc::gen::inRange<size_t>(0, 100),
                     rc::gen::inRange<size_t>(kStreamSegmentSize - 60, kStreamSegmentSize + 60)));
}

// Hands `data` to `sink` in pieces of these lengths, the rest at the end.
template <typename Sink>
void Feed(std::string_view data, const std::vector<size_t>& pieces, const Sink& sink) {
  for (const size_t piece : pieces) {
    sink(data.substr(0, piece));
    data.remove_prefix(std::min(piece, data.size()));
  }
  sink(data);
}

TEST(StreamingPropertyTest, AnySplitOfAnyStreamGivesThePlaintext) {
  const SecretBytes key = RandomSecret(kAeadKeySize);
  const std::string source = RandomBytes(3 * kStreamSegmentSize);
  EXPECT_TRUE(rc::check([&] {
    const size_t size = *rc::gen::oneOf(rc::gen::inRange<size_t>(0, 1000),
                                        rc::gen::inRange<size_t>(kFirst - 2, kFirst + 2),
                                        rc::gen::inRange<size_t>(0, source.size() + 1));
    const std::string_view plaintext = std::string_view(source).substr(0, size);

    StreamEncrypter encrypter = *StreamEncrypter::Create(key, "context");
    std::string ciphertext;
    Feed(plaintext, *Pieces(),
         [&](std::string_view piece) { encrypter.Update(piece, ciphertext); });
    std::move(encrypter).Finish(ciphertext);
    RC_ASSERT(ciphertext.size() == StreamCiphertextSize(size));

    StreamDecrypter decrypter = *StreamDecrypter::Create(key, "context");
    std::string opened;
    bool all_ok = true;
    Feed(ciphertext, *Pieces(),
         [&](std::string_view piece) { all_ok = decrypter.Update(piece, opened).ok() && all_ok; });
    all_ok = std::move(decrypter).Finish(opened).ok() && all_ok;
    RC_ASSERT(all_ok);
    const bool equal = opened == plaintext;  // not in the assertion, which would print both
    RC_ASSERT(equal);
  }));
}

TEST(StreamingPropertyTest, AnyChangedByteIsRefusedAndNothingFalseIsReleased) {
  const SecretBytes key = RandomSecret(kAeadKeySize);
  const std::string plaintext = RandomBytes(kFirst + 500);
  StreamEncrypter encrypter = *StreamEncrypter::Create(key, "context");
  std::string ciphertext;
  encrypter.Update(plaintext, ciphertext);
  std::move(encrypter).Finish(ciphertext);
  EXPECT_TRUE(rc::check([&] {
    const size_t at = *rc::gen::inRange<size_t>(0, ciphertext.size());
    const auto flip = *rc::gen::inRange<int>(1, 256);
    std::string changed = ciphertext;
    changed[at] = static_cast<char>(changed[at] ^ flip);
    StreamDecrypter decrypter = *StreamDecrypter::Create(key, "context");
    std::string opened;
    bool all_ok = decrypter.Update(changed, opened).ok();
    all_ok = std::move(decrypter).Finish(opened).ok() && all_ok;
    RC_ASSERT_FALSE(all_ok);
    const bool true_prefix = plaintext.starts_with(opened);
    RC_ASSERT(true_prefix);
  }));
}

}  // namespace
}  // namespace comity
