#include "tests/hygiene/symbols.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/hygiene/source_tree.h"

// gRPC brings OpenSSL into our processes, BoringSSL is linked into them. Each must be blind to the
// other (cmake/ComityBoringssl.cmake).
namespace comity::hygiene {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kPrefix[] = "COMITY_BORINGSSL_";

std::set<std::string> BoringsslSymbols() {
  std::ifstream in(COMITY_BORINGSSL_SYMBOLS);
  std::set<std::string> names;
  for (std::string name; in >> name;) names.insert(name);
  return names;
}

std::vector<std::string> Programs() {
  std::vector<std::string> programs;
  for (const char* folder : {COMITY_BIN_DIR, COMITY_TEST_BIN_DIR}) {
    if (!std::filesystem::exists(folder)) continue;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      char magic[4] = {};
      std::ifstream in(entry.path(), std::ios::binary);
      if (in.read(magic, sizeof magic) && std::string_view(magic, 4) ==
                                              "\x7f"
                                              "ELF") {
        programs.push_back(entry.path().string());
      }
    }
  }
  return programs;
}

TEST(SymbolsTest, ListOfBoringsslSymbolsIsComplete) {
  const std::set<std::string> symbols = BoringsslSymbols();
  EXPECT_GT(symbols.size(), 2000u);
  EXPECT_THAT(symbols, Contains("EVP_HPKE_CTX_new"));
  EXPECT_THAT(symbols, Contains("CRYPTO_memcmp"));
}

TEST(SymbolsTest, EverySymbolOfOurArchiveHasItsPrefix) {
  const std::set<std::string> defined = Nm("-g --defined-only", COMITY_BORINGSSL_ARCHIVE);
  EXPECT_THAT(defined, Contains("COMITY_BORINGSSL_EVP_HPKE_CTX_new"));
  for (const std::string& name : defined) EXPECT_TRUE(name.starts_with(kPrefix)) << name;
}

TEST(SymbolsTest, NoProgramExportsOrImportsBoringssl) {
  const std::set<std::string> boringssl = BoringsslSymbols();
  const std::vector<std::string> programs = Programs();
  ASSERT_FALSE(programs.empty());
  for (const std::string& program : programs) {
    const std::vector<std::string> findings = CheckProgram(
        Nm("-D --defined-only", program), Nm("-D --undefined-only", program), boringssl, kPrefix);
    EXPECT_TRUE(findings.empty()) << program << Listing(findings);
  }
}

TEST(SymbolsTest, ExportedSymbolIsFound) {
  EXPECT_THAT(CheckProgram({"main", "EVP_sha256"}, {}, {"EVP_sha256"}, kPrefix),
              ElementsAre("exports EVP_sha256"));
  EXPECT_THAT(CheckProgram({"COMITY_BORINGSSL_EVP_sha256"}, {}, {"EVP_sha256"}, kPrefix),
              ElementsAre("exports COMITY_BORINGSSL_EVP_sha256"));
}

TEST(SymbolsTest, ImportedPrefixedSymbolIsFoundAndOpensslOfGrpcIsNot) {
  EXPECT_THAT(CheckProgram({}, {"COMITY_BORINGSSL_EVP_sha256"}, {"EVP_sha256"}, kPrefix),
              ElementsAre("imports COMITY_BORINGSSL_EVP_sha256"));
  EXPECT_THAT(CheckProgram({}, {"EVP_sha256"}, {"EVP_sha256"}, kPrefix), IsEmpty());
}

TEST(SymbolsTest, NmOutputIsParsedWithoutVersions) {
  EXPECT_THAT(ParseNm("a.o:\n\nmemcpy@GLIBC_2.14 U         \nmain T 10 20\n"),
              ElementsAre("main", "memcpy"));
}

}  // namespace
}  // namespace comity::hygiene
