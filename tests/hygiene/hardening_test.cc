#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <elf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

// Programs of a hardened build are what the README promises: position independent, with read-only
// relocations, everything bound at start and no executable stack.
namespace comity::hygiene {
namespace {

using ::testing::Contains;
using ::testing::IsEmpty;

template <typename T>
T At(const std::string& file, size_t offset) {
  T value{};
  if (offset <= file.size() && sizeof value <= file.size() - offset) {
    std::memcpy(&value, file.data() + offset, sizeof value);
  }
  return value;
}

// What is missing from a 64-bit ELF program.
std::vector<std::string> Missing(const std::string& file) {
  const auto header = At<Elf64_Ehdr>(file, 0);
  bool read_only = false;
  bool plain_stack = false;
  bool independent = false;
  bool bound = false;
  for (size_t i = 0; i < header.e_phnum; ++i) {
    const auto part = At<Elf64_Phdr>(file, header.e_phoff + i * sizeof(Elf64_Phdr));
    if (part.p_type == PT_GNU_RELRO) read_only = true;
    if (part.p_type == PT_GNU_STACK) plain_stack = (part.p_flags & PF_X) == 0;
    if (part.p_type != PT_DYNAMIC) continue;
    for (size_t at = 0; at + sizeof(Elf64_Dyn) <= part.p_filesz; at += sizeof(Elf64_Dyn)) {
      const auto entry = At<Elf64_Dyn>(file, part.p_offset + at);
      if (entry.d_tag != DT_FLAGS_1) continue;
      independent = (entry.d_un.d_val & DF_1_PIE) != 0;
      bound = (entry.d_un.d_val & DF_1_NOW) != 0;
    }
  }
  std::vector<std::string> missing;
  if (!independent) missing.emplace_back("PIE");
  if (!read_only) missing.emplace_back("RELRO");
  if (!bound) missing.emplace_back("BIND_NOW");
  if (!plain_stack) missing.emplace_back("stack without execution");
  return missing;
}

std::string Read(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

TEST(HardeningTest, EveryProgramIsHardened) {
  size_t programs = 0;
  for (const char* folder : {COMITY_BIN_DIR, COMITY_TEST_BIN_DIR}) {
    if (!std::filesystem::exists(folder)) continue;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      const std::string file = Read(entry.path());
      if (!file.starts_with(ELFMAG)) continue;
      ++programs;
      EXPECT_THAT(Missing(file), IsEmpty()) << entry.path();
    }
  }
  EXPECT_GT(programs, 0u);
}

TEST(HardeningTest, ProgramWithoutReadOnlyRelocationsIsFound) {
  std::string file = Read("/proc/self/exe");
  ASSERT_THAT(Missing(file), IsEmpty());
  const auto header = At<Elf64_Ehdr>(file, 0);
  for (size_t i = 0; i < header.e_phnum; ++i) {
    const size_t at = header.e_phoff + i * sizeof(Elf64_Phdr);
    auto part = At<Elf64_Phdr>(file, at);
    if (part.p_type != PT_GNU_RELRO) continue;
    part.p_type = PT_NULL;
    std::memcpy(file.data() + at, &part, sizeof part);
  }
  EXPECT_THAT(Missing(file), Contains("RELRO"));
}

TEST(HardeningTest, FileWithoutProgramPartsIsFound) {
  EXPECT_THAT(Missing(ELFMAG), Contains("PIE"));
}

}  // namespace
}  // namespace comity::hygiene
