#ifndef COMITY_COMMON_IDS_IDS_H_
#define COMITY_COMMON_IDS_IDS_H_

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace comity {

// Lower-case RFC 4648 base32 without padding: the one written form of every id. Decoding is exact:
// other letters, a wrong length or non-zero spare bits are refused (FIELD_INVALID).
std::string Base32Encode(std::string_view bytes);
absl::StatusOr<std::string> Base32Decode(std::string_view text);

// A fixed-size identifier. `Tag` only makes the types distinct. Copyable value.
template <typename Tag, size_t kBytes>
class FixedId final {
 public:
  static constexpr size_t kSize = kBytes;
  FixedId() : bytes_{} {}
  // `bytes` must have exactly kSize bytes: FIELD_INVALID otherwise.
  static absl::StatusOr<FixedId> FromBytes(std::string_view bytes);
  static absl::StatusOr<FixedId> Parse(std::string_view base32);

  std::string_view bytes() const {
    return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()};
  }
  std::string ToString() const { return Base32Encode(bytes()); }
  bool IsZero() const { return *this == FixedId(); }
  friend auto operator<=>(const FixedId&, const FixedId&) = default;

  template <typename H>
  friend H AbslHashValue(H h, const FixedId& id) {
    return H::combine(std::move(h), id.bytes_);
  }

 private:
  std::array<uint8_t, kBytes> bytes_;
};

// First 20 bytes of SHA-256("comity account v1" || SPKI of the first device key).
using AccountId = FixedId<struct AccountIdTag, 20>;
// Chosen by the client; the bucket of an object is its first byte.
using ObjectId = FixedId<struct ObjectIdTag, 16>;
// Names one immutable ciphertext; drawn by the client before upload; bound into its data keys.
using ContentId = FixedId<struct ContentIdTag, 16>;
// Idempotency key of a mutation.
using RequestId = FixedId<struct RequestIdTag, 16>;
// SHA-256 of a DER SubjectPublicKeyInfo: names a signing key.
using SigningKeyId = FixedId<struct SigningKeyIdTag, 32>;
// One split of a custody's root key among persons.
using SealSetId = FixedId<struct SealSetIdTag, 16>;
// A permission that an account gives another one to use its key; drawn at random.
using GrantId = FixedId<struct GrantIdTag, 16>;
// SHA-256 of something.
using Digest = FixedId<struct DigestTag, 32>;

using KeyVersion = uint32_t;    // from 1
using AccountEpoch = uint32_t;  // from 1; +1 with each completed move of the account

extern template class FixedId<struct AccountIdTag, 20>;
extern template class FixedId<struct ObjectIdTag, 16>;
extern template class FixedId<struct ContentIdTag, 16>;
extern template class FixedId<struct RequestIdTag, 16>;
extern template class FixedId<struct SigningKeyIdTag, 32>;
extern template class FixedId<struct SealSetIdTag, 16>;
extern template class FixedId<struct GrantIdTag, 16>;
extern template class FixedId<struct DigestTag, 32>;

// A region's name: 1 to 16 of [a-z0-9-], starting with a letter ("us", "cn-north").
class RegionId final {
 public:
  RegionId() = default;
  static absl::StatusOr<RegionId> Create(std::string_view name);
  const std::string& name() const { return name_; }
  bool empty() const { return name_.empty(); }
  friend auto operator<=>(const RegionId&, const RegionId&) = default;

 private:
  std::string name_;
};

}  // namespace comity

#endif  // COMITY_COMMON_IDS_IDS_H_
