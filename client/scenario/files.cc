#include "client/scenario/files.h"

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "services/common/status/reason.h"

namespace comity::scenario {

namespace fs = std::filesystem;

absl::StatusOr<std::vector<SourceFile>> ListFiles(const std::string& folder) {
  std::vector<SourceFile> files;
  std::error_code error;
  fs::recursive_directory_iterator entry(folder, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    if (entry->path().filename().string().starts_with('.')) {
      if (entry->is_directory(error)) entry.disable_recursion_pending();
      continue;
    }
    if (!entry->is_regular_file(error)) continue;
    SourceFile& file = files.emplace_back();
    file.path = entry->path().string();
    file.name = entry->path().lexically_relative(folder).string();
    file.size = entry->file_size(error);
  }
  if (error) {
    return Refuse(Reason::kFieldInvalid,
                  "cannot read the folder " + folder + ": " + error.message());
  }
  if (files.empty()) return Refuse(Reason::kFieldInvalid, "there are no files in " + folder);
  std::sort(files.begin(), files.end(),
            [](const SourceFile& a, const SourceFile& b) { return a.name < b.name; });
  return files;
}

std::streamsize ComparingStream::Buffer::xsputn(const char* data, std::streamsize size) {
  char expected[1 << 14];
  for (std::streamsize done = 0; done < size;) {
    const std::streamsize part =
        std::min<std::streamsize>(size - done, static_cast<std::streamsize>(sizeof(expected)));
    file_.read(expected, part);
    same_ = same_ && file_.gcount() == part &&
            std::memcmp(expected, data + done, static_cast<size_t>(part)) == 0;
    done += part;
  }
  bytes += static_cast<uint64_t>(size);
  return size;
}

std::streambuf::int_type ComparingStream::Buffer::overflow(int_type c) {
  if (traits_type::eq_int_type(c, traits_type::eof())) return traits_type::not_eof(c);
  const char byte = traits_type::to_char_type(c);
  xsputn(&byte, 1);
  return c;
}

bool ComparingStream::Buffer::Equal() {
  return same_ && file_.is_open() && file_.peek() == std::ifstream::traits_type::eof();
}

}  // namespace comity::scenario
