#ifndef COMITY_COMMON_STORE_FILE_CALLS_H_
#define COMITY_COMMON_STORE_FILE_CALLS_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace comity {

// The system calls of the file driver, so that tests can make each of them fail. Every function
// returns 0 or an errno. Thread-safe.
class FileCalls {
 public:
  virtual ~FileCalls() = default;

  // A new file, mode 0600, open for writing; EEXIST if the name is taken.
  virtual int Create(const std::string& path, int& fd) = 0;
  // All of `bytes`; after an error any part of them may have been written.
  virtual int Write(int fd, std::string_view bytes) = 0;
  virtual int Sync(int fd) = 0;
  virtual void Close(int fd) = 0;
  // A second name for a file; EEXIST if the name is taken.
  virtual int Link(const std::string& from, const std::string& to) = 0;
  virtual int Remove(const std::string& path) = 0;
  // Mode 0700.
  virtual int MakeDirectory(const std::string& path) = 0;
  // Makes the names in a directory durable.
  virtual int SyncDirectory(const std::string& path) = 0;
  // The whole file; EFBIG if it is larger than `max`.
  virtual int Read(const std::string& path, size_t max, std::string& bytes) = 0;
};

class PosixFileCalls final : public FileCalls {
 public:
  int Create(const std::string& path, int& fd) override;
  int Write(int fd, std::string_view bytes) override;
  int Sync(int fd) override;
  void Close(int fd) override;
  int Link(const std::string& from, const std::string& to) override;
  int Remove(const std::string& path) override;
  int MakeDirectory(const std::string& path) override;
  int SyncDirectory(const std::string& path) override;
  int Read(const std::string& path, size_t max, std::string& bytes) override;
};

}  // namespace comity

#endif  // COMITY_COMMON_STORE_FILE_CALLS_H_
