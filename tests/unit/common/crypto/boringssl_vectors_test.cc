#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "services/common/crypto/aead.h"
#include "services/common/crypto/hpke.h"
#include "tests/testing/hex.h"
#include "tests/testing/matchers.h"

// The vectors of RFC 8452 and RFC 9180, as BoringSSL's own tests hold them.
namespace comity {
namespace {

constexpr RevealKey kReveal = RevealKey::ForTest();

using Record = std::map<std::string, std::string>;

// Records of "name = value" or "name: value" lines, parted by empty lines. Of a name that stands
// several times in a record, the first is kept.
std::vector<Record> ReadRecords(const std::string& name) {
  std::ifstream file(std::string(COMITY_BORINGSSL_CRYPTO_DIR) + "/" + name);
  EXPECT_TRUE(file.good()) << name;
  std::vector<Record> records(1);
  std::string line;
  while (std::getline(file, line)) {
    const size_t mark = line.find_first_of("=:");
    if (line.empty()) {
      records.emplace_back();
    } else if (line[0] != '#' && mark != std::string::npos) {
      const size_t name_end = line.find_last_not_of(' ', mark - 1) + 1;
      const size_t value = line.find_first_not_of(' ', mark + 1);
      records.back().emplace(line.substr(0, name_end),
                             value == std::string::npos ? "" : line.substr(value));
    }
  }
  return records;
}

TEST(PublishedVectorsTest, Rfc8452Aes256GcmSivAgrees) {
  size_t count = 0;
  for (const Record& record : ReadRecords("cipher_extra/test/aes_256_gcm_siv_tests.txt")) {
    if (!record.contains("KEY") || record.contains("FAILS") || record.contains("NO_SEAL")) {
      continue;
    }
    ASSERT_OK_AND_ASSIGN(const auto key,
                         GcmSivKey::Create(SecretBytes::CopyOf(FromHex(record.at("KEY")))));
    const std::string sealed = FromHex(record.at("NONCE") + record.at("CT") + record.at("TAG"));
    ASSERT_OK_AND_ASSIGN(const SecretBytes opened, key->Open(sealed, FromHex(record.at("AD"))));
    EXPECT_EQ(ToHex(opened.RevealView(kReveal)), record.at("IN"));
    ++count;
  }
  EXPECT_GE(count, 50);
}

TEST(PublishedVectorsTest, Rfc9180BaseModeAgrees) {
  size_t count = 0;
  for (const Record& record : ReadRecords("hpke/hpke_test_vectors.txt")) {
    if (!record.contains("mode") || record.at("mode") != "0" || record.at("kdf_id") != "1" ||
        record.at("aead_id") != "2") {
      continue;
    }
    const SecretBytes private_key = SecretBytes::CopyOf(FromHex(record.at("skRm")));
    const std::string info = FromHex(record.at("info"));
    const std::string sealed = FromHex(record.at("pkEm") + record.at("ct"));
    ASSERT_OK_AND_ASSIGN(const SecretBytes opened,
                         HpkeOpen(private_key, info, FromHex(record.at("aad")), sealed));
    EXPECT_EQ(ToHex(opened.RevealView(kReveal)), record.at("pt"));
    ++count;
  }
  EXPECT_GE(count, 1);
}

}  // namespace
}  // namespace comity
