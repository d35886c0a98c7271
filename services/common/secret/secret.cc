#include "services/common/secret/secret.h"

#include <cstring>
#include <utility>

#include "services/common/secret/arena.h"

namespace comity {
namespace {

// The volatile accumulator keeps the compiler from leaving the loop early.
bool EqualBytes(const uint8_t* a, const uint8_t* b, size_t size) {
  volatile uint8_t difference = 0;
  for (size_t i = 0; i < size; ++i) {
    difference = difference | static_cast<uint8_t>(a[i] ^ b[i]);
  }
  return difference == 0;
}

}  // namespace

SecretBytes::SecretBytes(size_t size)
    : data_(size == 0 ? nullptr : SecretArena::Get().Allocate(size)), size_(size) {}

SecretBytes SecretBytes::CopyOf(std::string_view bytes) {
  SecretBytes copy(bytes.size());
  if (copy.data_ != nullptr) {
    std::memcpy(copy.data_, bytes.data(), bytes.size());
  }
  return copy;
}

SecretBytes SecretBytes::CopyOf(std::span<const uint8_t> bytes) {
  return CopyOf(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

SecretBytes SecretBytes::TakeFrom(std::string& bytes) {
  SecretBytes taken = CopyOf(bytes);
  WipeString(bytes);
  return taken;
}

SecretBytes::SecretBytes(SecretBytes&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
  // By way of a temporary, so that the old bytes are wiped now and self-assignment is harmless.
  SecretBytes moved(std::move(other));
  std::swap(data_, moved.data_);
  std::swap(size_, moved.size_);
  return *this;
}

SecretBytes::~SecretBytes() {
  if (data_ != nullptr) {
    SecretArena::Get().Free(data_, size_);
  }
}

SecretBytes SecretBytes::Clone() const { return CopyOf(std::span<const uint8_t>(data_, size_)); }

bool SecretBytes::ConstantTimeEquals(const SecretBytes& other) const {
  return size_ == other.size_ && EqualBytes(data_, other.data_, size_);
}

bool ConstantTimeEquals(std::string_view a, std::string_view b) {
  return a.size() == b.size() && EqualBytes(reinterpret_cast<const uint8_t*>(a.data()),
                                            reinterpret_cast<const uint8_t*>(b.data()), a.size());
}

void WipeString(std::string& s) {
  s.resize(s.capacity());  // never reallocates: the bytes behind the end are wiped as well
  explicit_bzero(s.data(), s.size());
  s.clear();
}

}  // namespace comity
