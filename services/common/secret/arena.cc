#include "services/common/secret/arena.h"

#include <array>
#include <bit>
#include <cstring>
#include <new>
#include <vector>

#include <sys/mman.h>
#include <unistd.h>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

#include "services/common/status/check.h"

namespace comity {
namespace {

constexpr size_t kSlabSize = size_t{1} << 20;
constexpr size_t kSmallestBlock = 16;
constexpr size_t kLargestBlock = size_t{64} << 10;  // larger requests get a mapping of their own
constexpr size_t kClassCount = std::countr_zero(kLargestBlock / kSmallestBlock) + 1;

size_t ClassOf(size_t size) {
  const size_t block = std::bit_ceil(size < kSmallestBlock ? kSmallestBlock : size);
  return static_cast<size_t>(std::countr_zero(block / kSmallestBlock));
}

size_t BlockSize(size_t size_class) { return kSmallestBlock << size_class; }

size_t RoundToPages(size_t size) {
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  if (size > SIZE_MAX - page) {
    throw std::bad_alloc();
  }
  return (size + page - 1) / page * page;
}

}  // namespace

struct SecretArena::Impl {
  // The free lists stand apart from the blocks, so that a free block is nothing but zeros.
  struct SizeClass {
    std::vector<uint8_t*> free;
    size_t block_count = 0;
  };

  uint8_t* Map(size_t size) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    void* pages = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) {
      throw std::bad_alloc();
    }
    COMITY_CHECK(madvise(pages, size, MADV_DONTDUMP) == 0);
    if (mlock(pages, size) != 0) {
      stats.all_locked = false;  // whether that is acceptable is for the service to decide
    }
    stats.bytes_mapped += size;
    return static_cast<uint8_t*>(pages);
  }

  void AddSlab(SizeClass& size_class, size_t block_size) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    const size_t blocks = kSlabSize / block_size;
    // Room for every block of the class, so that Free() never allocates.
    size_class.free.reserve(size_class.block_count + blocks);
    uint8_t* slab = Map(kSlabSize);
    size_class.block_count += blocks;
    for (size_t i = blocks; i > 0; --i) {
      size_class.free.push_back(slab + (i - 1) * block_size);
    }
  }

  mutable absl::Mutex mutex;
  std::array<SizeClass, kClassCount> classes ABSL_GUARDED_BY(mutex);
  Stats stats ABSL_GUARDED_BY(mutex);
};

SecretArena::SecretArena() : impl_(new Impl) {}

SecretArena& SecretArena::Get() {
  static SecretArena* const arena = new SecretArena;
  return *arena;
}

uint8_t* SecretArena::Allocate(size_t size) {
  absl::MutexLock lock(&impl_->mutex);
  if (size > kLargestBlock) {
    uint8_t* data = impl_->Map(RoundToPages(size));
    impl_->stats.bytes_in_use += size;
    return data;
  }
  const size_t index = ClassOf(size);
  Impl::SizeClass& size_class = impl_->classes[index];
  if (size_class.free.empty()) {
    impl_->AddSlab(size_class, BlockSize(index));
  }
  uint8_t* data = size_class.free.back();
  size_class.free.pop_back();
  impl_->stats.bytes_in_use += size;
  return data;
}

void SecretArena::Free(uint8_t* data, size_t size) {
  explicit_bzero(data, size);  // outside the lock: the block is still the caller's
  absl::MutexLock lock(&impl_->mutex);
  impl_->stats.bytes_in_use -= size;
  if (size > kLargestBlock) {
    const size_t mapped = RoundToPages(size);
    COMITY_CHECK(munmap(data, mapped) == 0);
    impl_->stats.bytes_mapped -= mapped;
    return;
  }
  impl_->classes[ClassOf(size)].free.push_back(data);
}

SecretArena::Stats SecretArena::stats() const {
  absl::MutexLock lock(&impl_->mutex);
  return impl_->stats;
}

}  // namespace comity
