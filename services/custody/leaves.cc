#include "services/custody/leaves.h"

#include <utility>

#include "services/common/crypto/random.h"
#include "services/common/statement/leaf.h"

namespace comity::custody {
namespace {

constexpr size_t kSaltSize = 32;

// Collects the commitments of one leaf.
class LeafMaker final {
 public:
  LeafMaker(const Site& site, std::string_view type) {
    const UnixMillis now = site.Now();
    leaf_.type = std::string(type);
    leaf_.day = now - now % kDayMs;
    leaf_.region = site.region;
  }
  LeafMaker& Add(const std::string& field, std::string_view value) {
    std::string salt = RandomBytes(kSaltSize);
    leaf_.commitments[field] = Commit(salt, leaf_.type + "/" + field, value);
    opening_.salts[field] = std::move(salt);
    return *this;
  }
  LeafOpening Finish() && {
    opening_.leaf = EncodeLeaf(leaf_);
    return std::move(opening_);
  }

 private:
  Leaf leaf_;
  LeafOpening opening_;
};

std::string ChainValue(uint64_t number, const Digest& previous) {
  std::string value;
  for (int shift = 56; shift >= 0; shift -= 8) {
    value.push_back(static_cast<char>((number >> shift) & 0xff));
  }
  value.append(previous.bytes());
  return value;
}

}  // namespace

LeafOpening MakeLifecycleLeaf(const Site& site, const Account& account, std::string_view type,
                              const Digest& about) {
  const uint64_t number = account.leaves + 1;
  LeafMaker maker(site, type);
  maker.Add("account", account.id.bytes())
      .Add("chain", ChainValue(number, account.last_leaf))
      .Add("statement", about.bytes());
  LeafOpening opening = std::move(maker).Finish();
  opening.number = number;
  return opening;
}

LeafOpening MakeLegalUseLeaf(const Site& site, const AccountId& account,
                             const Digest& authorisation) {
  LeafMaker maker(site, kLeafLegalUse);
  maker.Add("account", account.bytes()).Add("authorisation", authorisation.bytes());
  return std::move(maker).Finish();
}

}  // namespace comity::custody
