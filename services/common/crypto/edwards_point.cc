#include "services/common/crypto/edwards_point.h"

#include <string>

#include <openssl/bn.h>

#include "services/common/crypto/bytes.h"
#include "services/common/status/check.h"

#ifndef OPENSSL_IS_BORINGSSL
#error "services/common/crypto is built with BoringSSL only"
#endif

namespace comity {
namespace {

using Number = bssl::UniquePtr<BIGNUM>;

// Arithmetic modulo p = 2^255 - 19. Allocation failure is the only way to fail.
class Field final {
 public:
  Field() : context_(BN_CTX_new()), p_(BN_new()) {
    COMITY_CHECK(context_ != nullptr && p_ != nullptr);
    COMITY_CHECK(BN_set_bit(p_.get(), 255) == 1 && BN_sub_word(p_.get(), 19) == 1);
  }

  bool Contains(const Number& a) const { return BN_cmp(a.get(), p_.get()) < 0; }
  Number Small(BN_ULONG value) const {
    Number r(BN_new());
    COMITY_CHECK(r != nullptr && BN_set_word(r.get(), value) == 1);
    return r;
  }
  Number Add(const Number& a, const Number& b) const {
    Number r(BN_new());
    COMITY_CHECK(BN_mod_add(r.get(), a.get(), b.get(), p_.get(), context_.get()) == 1);
    return r;
  }
  Number Sub(const Number& a, const Number& b) const {
    Number r(BN_new());
    COMITY_CHECK(BN_mod_sub(r.get(), a.get(), b.get(), p_.get(), context_.get()) == 1);
    return r;
  }
  Number Mul(const Number& a, const Number& b) const {
    Number r(BN_new());
    COMITY_CHECK(BN_mod_mul(r.get(), a.get(), b.get(), p_.get(), context_.get()) == 1);
    return r;
  }
  Number Inverse(const Number& a) const {
    Number r(BN_new());
    COMITY_CHECK(BN_mod_inverse(r.get(), a.get(), p_.get(), context_.get()) != nullptr);
    return r;
  }
  // Euler's criterion; zero is a square.
  bool IsSquare(const Number& a) const {
    Number half(BN_dup(p_.get()));
    Number r(BN_new());
    COMITY_CHECK(half != nullptr && BN_rshift1(half.get(), half.get()) == 1);
    COMITY_CHECK(BN_mod_exp(r.get(), a.get(), half.get(), p_.get(), context_.get()) == 1);
    return BN_is_zero(r.get()) || BN_is_one(r.get());
  }

 private:
  bssl::UniquePtr<BN_CTX> context_;
  Number p_;
};

}  // namespace

bool IsEd25519PublicPoint(std::string_view bytes) {
  if (bytes.size() != 32) {
    return false;
  }
  std::string y_bytes(bytes);
  const bool x_is_odd = (static_cast<uint8_t>(y_bytes[31]) & 0x80) != 0;
  y_bytes[31] = static_cast<char>(y_bytes[31] & 0x7f);
  const Field field;
  const Number y(BN_le2bn(AsBytes(y_bytes), y_bytes.size(), nullptr));
  COMITY_CHECK(y != nullptr);
  if (!field.Contains(y)) {
    return false;
  }

  // The curve is -x^2 + y^2 = 1 + d x^2 y^2 with d = -121665/121666, so x^2 = u / v.
  const Number one = field.Small(1);
  const Number d =
      field.Mul(field.Sub(field.Small(0), field.Small(121665)), field.Inverse(field.Small(121666)));
  const Number y2 = field.Mul(y, y);
  const Number u = field.Sub(y2, one);
  const Number v = field.Add(field.Mul(d, y2), one);  // never zero: -1/d is not a square
  if (!field.IsSquare(field.Mul(u, v))) {
    return false;
  }
  if (BN_is_zero(u.get()) && x_is_odd) {
    return false;  // x = 0 has one sign only
  }
  // Orders 1 and 2 have x = 0, order 4 has y = 0, and twice a point of order 8 has y = 0, which
  // is where y^2 = -x^2.
  const bool order_divides_4 = BN_is_zero(u.get()) || BN_is_zero(y.get());
  const bool order_is_8 = BN_is_zero(field.Add(field.Mul(y2, v), u).get());
  return !order_divides_4 && !order_is_8;
}

}  // namespace comity
