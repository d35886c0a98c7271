#include "services/common/log/checkpoint.h"

#include <string>

#include <gtest/gtest.h>

#include "services/common/crypto/digest.h"
#include "services/common/log/base64.h"
#include "services/common/log/merkle.h"
#include "services/common/status/reason.h"
#include "tests/testing/matchers.h"
#include "tests/unit/common/log/log_testing.h"

namespace comity {
namespace {

constexpr char kRootText[] = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
constexpr char kDash[] = "\xe2\x80\x94 ";

// A line that is well-formed, by somebody nobody knows.
std::string StrangerLine(const std::string& name) {
  return kDash + name + " " + Base64Encode("kkkk" + std::string(64, 's')) + "\n";
}

Checkpoint TestCheckpoint() { return {kTestOrigin, 42, merkle::LeafHash("root")}; }

std::string Note(const std::string& signatures) {
  return FormatCheckpointBody(TestCheckpoint()) + "\n" + signatures;
}

// Only the line of the log's signature.
std::string LogLine(const PrivateKey& key, const Checkpoint& checkpoint = TestCheckpoint()) {
  const std::string text = SignCheckpoint(checkpoint, key);
  return text.substr(text.find(kDash));
}

TEST(NoteKeyTest, KeyIdsAgreeWithThePublishedVectorOfGosNotePackage) {
  const std::string raw = Base64Decode("ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")->substr(1);
  EXPECT_EQ(NoteVerifierKey("PeterNeumann", raw),
            "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW");
  EXPECT_EQ(NoteKeyId("PeterNeumann", raw), "\xc7\x4f\x20\xa3");
}

TEST(CheckpointBodyTest, FormattingAndParsingAreInverse) {
  const std::string body = std::string("example.com/log\n20852163\n") + kRootText + "\n";
  ASSERT_OK_AND_ASSIGN(const Checkpoint checkpoint, ParseCheckpointBody(body));
  EXPECT_EQ(checkpoint.origin, "example.com/log");
  EXPECT_EQ(checkpoint.size, 20852163u);
  EXPECT_EQ(Base64Encode(checkpoint.root.bytes()), kRootText);
  EXPECT_EQ(FormatCheckpointBody(checkpoint), body);
}

TEST(CheckpointBodyTest, ParsingFailsForEachMalformedBody) {
  const std::string root = kRootText;
  for (const std::string& body : {
           std::string(),
           std::string("o\n"),
           std::string("o\n1\n"),
           "o\n1\n" + root,                    // no final LF
           "o\n1\n" + root + "\nextension\n",  // extension line
           "o\n1\n" + root + "\n\n",           // empty line
           "\n1\n" + root + "\n",              // no origin
           "o o\n1\n" + root + "\n",           // space in the origin
           "o+o\n1\n" + root + "\n",           // plus in the origin
           "o\r\n1\n" + root + "\n",           // CR
           "o\n01\n" + root + "\n",            // leading zero
           "o\n\n" + root + "\n",              // no size
           "o\n-1\n" + root + "\n",            // sign
           "o\n0x1\n" + root + "\n",           // hexadecimal
           "o\n9223372036854775808\n" + root + "\n",
           "o\n1\n" + root.substr(0, 43) + "\n",  // no padding
           "o\n1\n" + root.substr(4) + "\n",      // 29 bytes
           "o\n1\nAAAA" + root + "\n",            // 35 bytes
           "o\n1\n " + root + "\n",               // white space
           std::string("o\n1\n\n"),
       }) {
    EXPECT_THAT(ParseCheckpointBody(body), RefusedWith(Reason::kStatementMalformed)) << body;
  }
}

TEST(NoteTest, FormattingAndParsingAreInverse) {
  const std::string text = Note(StrangerLine("a.example") + StrangerLine("b.example"));
  ASSERT_OK_AND_ASSIGN(const SignedNote note, ParseNote(text));
  EXPECT_EQ(note.body, FormatCheckpointBody(TestCheckpoint()));
  ASSERT_EQ(note.signatures.size(), 2u);
  EXPECT_EQ(note.signatures[1].name, "b.example");
  EXPECT_EQ(note.signatures[1].key_id, "kkkk");
  EXPECT_EQ(note.signatures[1].signature, std::string(64, 's'));
  EXPECT_EQ(FormatNote(note), text);
}

TEST(NoteTest, TheLastEmptyLineSeparatesTextFromSignatures) {
  ASSERT_OK_AND_ASSIGN(const SignedNote note, ParseNote("one\n\ntwo\n\n" + StrangerLine("a")));
  EXPECT_EQ(note.body, "one\n\ntwo\n");
}

TEST(NoteTest, ParsingFailsForEachMalformedNote) {
  const std::string line = StrangerLine("a");
  const std::string sig = Base64Encode("kkkk" + std::string(64, 's'));
  for (const std::string& text : {
           std::string(),
           std::string("\n"),
           std::string("\n\n"),
           std::string("text\n"),
           std::string("text\n\n"),                       // no signature
           "text\n" + line,                               // no empty line
           "\n" + line,                                   // no text
           "\n\n" + line,                                 // empty text
           "text\n\n" + line.substr(0, line.size() - 1),  // no final LF
           "text\n\n" + line + "\n",                      // LF too many
           "text\n\n" + line + "more\n",                  // a line that is no signature
           "text\r\n\n" + line,                           // CR
           "te\x01xt\n\n" + line,                         // control character
           std::string("te\0xt\n\n", 7) + line,           // NUL
           "te\xc0\xafxt\n\n" + line,                     // not UTF-8
           "text\n\n- a " + sig + "\n",                   // hyphen
           "text\n\n\xe2\x80\x93 a " + sig + "\n",        // en dash
           std::string("text\n\n\xe2\x80\x94 a\n"),       // no signature after the name
           "text\n\n\xe2\x80\x94"
           "a " +
               sig + "\n",                                      // no space after the dash
           std::string("text\n\n") + kDash + " " + sig + "\n",  // empty name
           std::string("text\n\n") + kDash + "a+b " + sig + "\n",
           std::string("text\n\n") + kDash +
               "a\xc2\xa0"
               "b " +
               sig + "\n",
           std::string("text\n\n") + kDash + "a  " + sig + "\n",  // two spaces
           std::string("text\n\n") + kDash + "a " + sig + " \n",  // trailing space
           std::string("text\n\n") + kDash + "a " + sig.substr(0, sig.size() - 1) + "\n",
           std::string("text\n\n") + kDash + "a \n",      // empty signature
           std::string("text\n\n") + kDash + "a a2tr\n",  // 3 bytes
           std::string("text\n\n") + kDash + "a a2tra w==\n",
           std::string("text\n\n") + kDash + "a a2tra2==\n",  // spare bits
           std::string("text\n\n") + kDash + "a a2traw==\n",  // a key id and nothing else
       }) {
    EXPECT_THAT(ParseNote(text), RefusedWith(Reason::kStatementMalformed)) << text;
  }
}

TEST(NoteTest, ParsingFailsAboveSixtyFourSignatures) {
  std::string lines;
  for (int i = 0; i < 64; ++i) {
    lines += StrangerLine("s" + std::to_string(i));
  }
  EXPECT_THAT(ParseNote("text\n\n" + lines), IsOk());
  EXPECT_THAT(ParseNote("text\n\n" + lines + StrangerLine("last")),
              RefusedWith(Reason::kStatementMalformed));
}

TEST(NoteTest, ParsingFailsAboveSixtyFourKibibytes) {
  const std::string tail = "\n\n" + StrangerLine("a");
  const std::string text = std::string((64 << 10) - tail.size(), 't') + tail;
  EXPECT_THAT(ParseNote(text), IsOk());
  EXPECT_THAT(ParseNote("t" + text), RefusedWith(Reason::kStatementMalformed));
}

TEST(VerifyCheckpointTest, ASignedCheckpointVerifies) {
  const PrivateKey key = TestLogKey();
  const std::string text = SignCheckpoint(TestCheckpoint(), key);
  ASSERT_OK_AND_ASSIGN(const Checkpoint checkpoint,
                       VerifyCheckpoint(text, kTestOrigin, key.public_key()));
  EXPECT_EQ(checkpoint.origin, kTestOrigin);
  EXPECT_EQ(checkpoint.size, 42u);
  EXPECT_EQ(checkpoint.root, TestCheckpoint().root);
}

TEST(VerifyCheckpointTest, UnknownSignersAreIgnored) {
  const PrivateKey key = TestLogKey();
  // Also one that shares the log's name, and one that shares its key id, but not both.
  const std::string raw = *Ed25519RawFromSpki(key.public_key().spki());
  const std::string same_id = std::string(kDash) + "other.example " +
                              Base64Encode(NoteKeyId(kTestOrigin, raw) + std::string(64, 'x')) +
                              "\n";
  const std::string text =
      Note(StrangerLine("w.example") + LogLine(key) + StrangerLine(kTestOrigin) + same_id);
  EXPECT_THAT(VerifyCheckpoint(text, kTestOrigin, key.public_key()), IsOk());
}

TEST(VerifyCheckpointTest, FailsWhenNobodyKnownSigned) {
  const PrivateKey key = TestLogKey();
  EXPECT_THAT(VerifyCheckpoint(Note(StrangerLine("w.example")), kTestOrigin, key.public_key()),
              RefusedWith(Reason::kSignatureInvalid));
}

TEST(VerifyCheckpointTest, FailsForAnotherKey) {
  const std::string text = SignCheckpoint(TestCheckpoint(), TestLogKey(1));
  EXPECT_THAT(VerifyCheckpoint(text, kTestOrigin, TestLogKey().public_key()),
              RefusedWith(Reason::kSignatureInvalid));
}

TEST(VerifyCheckpointTest, FailsForAnotherOrigin) {
  const PrivateKey key = TestLogKey();
  const std::string text = SignCheckpoint(TestCheckpoint(), key);
  EXPECT_THAT(VerifyCheckpoint(text, "example.comity/us/storage", key.public_key()),
              RefusedWith(Reason::kSignatureInvalid));
}

TEST(VerifyCheckpointTest, FailsWhenTheKeySignedAStatementOfAnotherOrigin) {
  // The signature line names this log, the body another one.
  const PrivateKey key = TestLogKey();
  const std::string raw = *Ed25519RawFromSpki(key.public_key().spki());
  SignedNote note;
  note.body = FormatCheckpointBody({"example.comity/us/storage", 42, TestCheckpoint().root});
  note.signatures.push_back({kTestOrigin, NoteKeyId(kTestOrigin, raw), key.Sign(note.body)});
  EXPECT_THAT(VerifyCheckpoint(FormatNote(note), kTestOrigin, key.public_key()),
              RefusedWith(Reason::kSignatureInvalid));
}

TEST(VerifyCheckpointTest, FailsWhenAnyByteOfTheBodyIsFlipped) {
  const PrivateKey key = TestLogKey();
  const std::string text = SignCheckpoint(TestCheckpoint(), key);
  const size_t body = FormatCheckpointBody(TestCheckpoint()).size();
  for (size_t i = 0; i < body; ++i) {
    std::string flipped = text;
    flipped[i] = static_cast<char>(flipped[i] ^ 1);
    EXPECT_FALSE(VerifyCheckpoint(flipped, kTestOrigin, key.public_key()).ok()) << i;
  }
}

TEST(VerifyCheckpointTest, FailsWhenTheKnownSignatureDoesNotVerifyEvenBesideOthers) {
  const PrivateKey key = TestLogKey();
  const std::string line = LogLine(key, {kTestOrigin, 43, TestCheckpoint().root});
  EXPECT_THAT(VerifyCheckpoint(Note(line + StrangerLine("w")), kTestOrigin, key.public_key()),
              RefusedWith(Reason::kSignatureInvalid));
}

TEST(VerifyCheckpointTest, FailsWhenTheKnownSignatureIsShort) {
  const PrivateKey key = TestLogKey();
  ASSERT_OK_AND_ASSIGN(SignedNote note, ParseNote(SignCheckpoint(TestCheckpoint(), key)));
  note.signatures[0].signature.pop_back();
  EXPECT_THAT(VerifyCheckpoint(FormatNote(note), kTestOrigin, key.public_key()),
              RefusedWith(Reason::kSignatureInvalid));
}

TEST(VerifyCheckpointTest, FailsForTwoSignaturesOfOneKey) {
  const PrivateKey key = TestLogKey();
  EXPECT_THAT(VerifyCheckpoint(Note(LogLine(key) + LogLine(key)), kTestOrigin, key.public_key()),
              RefusedWith(Reason::kSignatureInvalid));
  const std::string stranger = StrangerLine("w.example");
  EXPECT_THAT(
      VerifyCheckpoint(Note(LogLine(key) + stranger + stranger), kTestOrigin, key.public_key()),
      RefusedWith(Reason::kSignatureInvalid));
}

TEST(VerifyCheckpointTest, FailsForAKeyOfAnotherAlgorithm) {
  const PrivateKey device = PrivateKey::Generate(SignatureAlgorithm::kEcdsaP256);
  const std::string text = SignCheckpoint(TestCheckpoint(), TestLogKey());
  EXPECT_THAT(VerifyCheckpoint(text, kTestOrigin, device.public_key()),
              RefusedWith(Reason::kSignatureInvalid));
}

TEST(VerifyCheckpointTest, FailsWithMalformedWhenTheTextIsNoNoteOrNoCheckpoint) {
  const PublicKey key = TestLogKey().public_key();
  EXPECT_THAT(VerifyCheckpoint("nonsense", kTestOrigin, key),
              RefusedWith(Reason::kStatementMalformed));
  EXPECT_THAT(VerifyCheckpoint("text\n\n" + StrangerLine("a"), kTestOrigin, key),
              RefusedWith(Reason::kStatementMalformed));
}

}  // namespace
}  // namespace comity
