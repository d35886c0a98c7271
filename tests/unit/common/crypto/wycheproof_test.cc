#include <fstream>
#include <string>

#include <nlohmann/json.hpp>

#include "services/common/crypto/aead.h"
#include "services/common/crypto/digest.h"
#include "services/common/crypto/signing.h"
#include "tests/testing/hex.h"
#include "tests/testing/matchers.h"

// Project Wycheproof's vectors, as BoringSSL's source package carries them.
namespace comity {
namespace {

using nlohmann::json;

constexpr RevealKey kReveal = RevealKey::ForTest();

json LoadVectors(const std::string& name) {
  std::ifstream file(std::string(COMITY_WYCHEPROOF_DIR) + "/" + name);
  EXPECT_TRUE(file.good()) << name;
  return json::parse(file);
}

std::string Bytes(const json& test, const char* field) {
  return FromHex(test.at(field).get<std::string>());
}

bool IsValid(const json& test) { return test.at("result") == "valid"; }

// Calls `check` for each test whose group has these sizes; the count keeps a renamed field or file
// from passing as no tests at all.
template <typename Check>
void ForEachAead(const std::string& name, size_t least, const Check& check) {
  size_t count = 0;
  const json vectors = LoadVectors(name);
  for (const json& group : vectors.at("testGroups")) {
    if (group.at("keySize") != 256 || group.at("ivSize") != 96 || group.at("tagSize") != 128) {
      continue;
    }
    for (const json& test : group.at("tests")) {
      check(test);
      ++count;
    }
  }
  EXPECT_GE(count, least);
}

TEST(WycheproofTest, Aes256GcmAgrees) {
  ForEachAead("aes_gcm_test.json", 48, [](const json& test) {
    const SecretBytes key = SecretBytes::CopyOf(Bytes(test, "key"));
    const std::string sealed = Bytes(test, "ct") + Bytes(test, "tag");
    const auto opened = GcmOpen(key, Bytes(test, "iv"), sealed, Bytes(test, "aad"));
    ASSERT_EQ(opened.ok(), IsValid(test)) << test.at("tcId");
    if (opened.ok()) {
      EXPECT_EQ(ToHex(opened->RevealView(kReveal)), test.at("msg"));
      EXPECT_EQ(GcmSeal(key, Bytes(test, "iv"), Bytes(test, "msg"), Bytes(test, "aad")), sealed);
    }
  });
}

TEST(WycheproofTest, Aes256GcmSivAgrees) {
  ForEachAead("aes_gcm_siv_test.json", 60, [](const json& test) {
    ASSERT_OK_AND_ASSIGN(const auto key,
                         GcmSivKey::Create(SecretBytes::CopyOf(Bytes(test, "key"))));
    const auto opened =
        key->Open(Bytes(test, "iv") + Bytes(test, "ct") + Bytes(test, "tag"), Bytes(test, "aad"));
    ASSERT_EQ(opened.ok(), IsValid(test)) << test.at("tcId");
    if (opened.ok()) {
      EXPECT_EQ(ToHex(opened->RevealView(kReveal)), test.at("msg"));
    }
  });
}

TEST(WycheproofTest, EcdsaP256Agrees) {
  size_t count = 0;
  const json vectors = LoadVectors("ecdsa_secp256r1_sha256_p1363_test.json");
  for (const json& group : vectors.at("testGroups")) {
    ASSERT_OK_AND_ASSIGN(const PublicKey key, PublicKey::FromSpki(Bytes(group, "keyDer")));
    for (const json& test : group.at("tests")) {
      // "acceptable" are signatures of other sizes, which are refused here.
      EXPECT_EQ(key.Verify(Bytes(test, "msg"), Bytes(test, "sig")), IsValid(test))
          << test.at("tcId");
      ++count;
    }
  }
  EXPECT_GE(count, 200);
}

TEST(WycheproofTest, Ed25519Agrees) {
  size_t count = 0;
  const json vectors = LoadVectors("eddsa_test.json");
  for (const json& group : vectors.at("testGroups")) {
    ASSERT_OK_AND_ASSIGN(const PublicKey key, PublicKey::FromSpki(Bytes(group, "keyDer")));
    ASSERT_OK_AND_ASSIGN(const PrivateKey signer,
                         PrivateKey::FromSeed(SignatureAlgorithm::kEd25519,
                                              SecretBytes::CopyOf(Bytes(group.at("key"), "sk"))));
    EXPECT_EQ(signer.public_key().spki(), key.spki());
    for (const json& test : group.at("tests")) {
      EXPECT_EQ(key.Verify(Bytes(test, "msg"), Bytes(test, "sig")), IsValid(test))
          << test.at("tcId");
      if (IsValid(test)) {
        EXPECT_EQ(ToHex(signer.Sign(Bytes(test, "msg"))), test.at("sig")) << test.at("tcId");
      }
      ++count;
    }
  }
  EXPECT_GE(count, 140);
}

TEST(WycheproofTest, HkdfSha256Agrees) {
  size_t count = 0;
  const json vectors = LoadVectors("hkdf_sha256_test.json");
  for (const json& group : vectors.at("testGroups")) {
    for (const json& test : group.at("tests")) {
      if (!IsValid(test)) {
        continue;  // asks for more than the limit, which is a programming error here
      }
      const SecretBytes derived =
          HkdfSha256(SecretBytes::CopyOf(Bytes(test, "ikm")), Bytes(test, "salt"),
                     Bytes(test, "info"), test.at("size").get<size_t>());
      EXPECT_EQ(ToHex(derived.RevealView(kReveal)), test.at("okm")) << test.at("tcId");
      ++count;
    }
  }
  EXPECT_GE(count, 80);
}

TEST(WycheproofTest, HmacSha256Agrees) {
  size_t count = 0;
  const json vectors = LoadVectors("hmac_sha256_test.json");
  for (const json& group : vectors.at("testGroups")) {
    if (group.at("tagSize") != 256) {
      continue;
    }
    for (const json& test : group.at("tests")) {
      const std::string mac =
          ToHex(HmacSha256(SecretBytes::CopyOf(Bytes(test, "key")), Bytes(test, "msg")));
      EXPECT_EQ(mac == test.at("tag"), IsValid(test)) << test.at("tcId");
      ++count;
    }
  }
  EXPECT_GE(count, 80);
}

}  // namespace
}  // namespace comity
