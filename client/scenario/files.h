#ifndef COMITY_CLIENT_SCENARIO_FILES_H_
#define COMITY_CLIENT_SCENARIO_FILES_H_

#include <cstdint>
#include <fstream>
#include <ostream>
#include <streambuf>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace comity::scenario {

// One file that a scenario stores.
struct SourceFile {
  std::string path;
  std::string name;  // below the folder; the name it is stored under
  uint64_t size = 0;
};

// All regular files below `folder`, by name, hidden ones left out. FIELD_INVALID when there is
// none or the folder cannot be read.
absl::StatusOr<std::vector<SourceFile>> ListFiles(const std::string& folder);

// Takes what is written to it and compares it, byte for byte, with a file, in constant memory.
class ComparingStream final : public std::ostream {
 public:
  explicit ComparingStream(const std::string& path) : std::ostream(&buffer_), buffer_(path) {}
  // Was exactly the whole file written?
  bool Equal() { return buffer_.Equal(); }
  uint64_t bytes() const { return buffer_.bytes; }

 private:
  class Buffer final : public std::streambuf {
   public:
    explicit Buffer(const std::string& path) : file_(path, std::ios::binary) {}
    bool Equal();
    uint64_t bytes = 0;

   protected:
    std::streamsize xsputn(const char* data, std::streamsize size) override;
    int_type overflow(int_type c) override;

   private:
    std::ifstream file_;
    bool same_ = true;
  };
  Buffer buffer_;
};

}  // namespace comity::scenario

#endif  // COMITY_CLIENT_SCENARIO_FILES_H_
