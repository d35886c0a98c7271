#include "tests/testing/temp_dir.h"

#include <filesystem>
#include <system_error>

#include <stdlib.h>

#include "services/common/status/check.h"

namespace comity {

TempDir::TempDir()
    : path_((std::filesystem::temp_directory_path() / "comity-test-XXXXXX").string()) {
  COMITY_CHECK(mkdtemp(path_.data()) != nullptr);
}

TempDir::~TempDir() {
  std::error_code ignored;  // what stays behind is a temporary folder
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace comity
