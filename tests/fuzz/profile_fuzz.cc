#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

#include <unistd.h>

#include "client/profile/profile.h"
#include "services/common/status/check.h"
#include "services/common/status/reason.h"

// account.json of a profile whose keys are real. What can be read can be written.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace comity;  // NOLINT
  static const std::string folder = [] {
    const std::string path =
        std::filesystem::temp_directory_path() / ("profile_fuzz." + std::to_string(getpid()));
    COMITY_CHECK(Profile::Create(path, "deployment", 1'512'086'400'000).ok());
    return path;
  }();
  static const struct Cleanup {
    ~Cleanup() {
      std::error_code ignored;
      std::filesystem::remove_all(folder, ignored);
    }
  } cleanup;
  static const std::string real = [] {
    std::ifstream file(folder + "/account.json", std::ios::binary);
    return std::string{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }();
  // "#<offset>:" puts the rest over a part of the real file, which no input could guess.
  std::string text(reinterpret_cast<const char*>(data), size);
  if (const size_t colon = text.find(':'); text.starts_with("#") && colon < 8) {
    size_t offset = 0;
    for (size_t i = 1; i < colon; ++i) offset = offset * 10 + static_cast<uint8_t>(text[i]) % 10;
    const std::string patch = text.substr(colon + 1);
    text = real;
    if (offset < text.size()) text.replace(offset, patch.size(), patch);
  }
  std::ofstream(folder + "/account.json", std::ios::binary) << text;
  const absl::StatusOr<Profile> profile = Profile::Load(folder);
  COMITY_CHECK(profile.ok() || ReasonOf(profile.status()) == Reason::kDataCorrupt);
  if (profile.ok()) COMITY_CHECK(profile->Save().ok());
  return 0;
}
