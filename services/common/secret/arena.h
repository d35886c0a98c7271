#ifndef COMITY_COMMON_SECRET_ARENA_H_
#define COMITY_COMMON_SECRET_ARENA_H_

#include <cstddef>
#include <cstdint>

namespace comity {

// Where secrets live: pages that are locked into memory (mlock) and excluded from core dumps.
// Thread-safe. Freed bytes are wiped before they are reused.
class SecretArena final {
 public:
  static SecretArena& Get();  // never destroyed, so that static-destruction order cannot matter

  uint8_t* Allocate(size_t size);
  void Free(uint8_t* data, size_t size);

  struct Stats {
    size_t bytes_in_use = 0;
    size_t bytes_mapped = 0;
    bool all_locked = true;  // false after any mlock was refused (RLIMIT_MEMLOCK)
  };
  Stats stats() const;

 private:
  SecretArena();
  struct Impl;
  Impl* impl_;
};

}  // namespace comity

#endif  // COMITY_COMMON_SECRET_ARENA_H_
