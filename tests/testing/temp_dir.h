#ifndef COMITY_TESTS_TESTING_TEMP_DIR_H_
#define COMITY_TESTS_TESTING_TEMP_DIR_H_

#include <string>

namespace comity {

// A new folder of a test's own, removed with all it holds when the object goes.
class TempDir final {
 public:
  TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir();
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace comity

#endif  // COMITY_TESTS_TESTING_TEMP_DIR_H_
