#include "services/common/seal/seal_record.h"

#include <algorithm>
#include <utility>

#include "services/common/crypto/digest.h"
#include "services/common/crypto/random.h"
#include "services/common/encoding/canonical.h"
#include "services/common/seal/shamir.h"
#include "services/common/statement/fields.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity {
namespace {

constexpr std::string_view kRootSalt = "comity seal root v1";
constexpr size_t kMaxPersonName = 32;

CanonicalWriter Place(const SealRecord& record) {
  CanonicalWriter writer(1);
  writer.Bytes(16, record.deployment).Bytes(17, record.region.name()).Bytes(18, record.set.bytes());
  return writer;
}

Digest CommitmentTo(const SealRecord& record, std::string_view person, const SealShare& share) {
  CanonicalWriter place = Place(record);
  place.Bytes(19, person).U8(20, share.index);
  return *Digest::FromBytes(HmacSha256(share.value, std::move(place).Finish()));
}

Digest CheckOf(const SealRecord& record, const SecretBytes& root) {
  const SecretBytes check = HkdfSha256(root, kRootSalt, Place(record).Finish(), Digest::kSize);
  return *Digest::FromBytes(check.RevealView(RevealKey::ForCrypto()));
}

absl::Status CheckForm(const SealRecord& record) {
  if (record.holders.size() > kMaxShares || record.threshold < 2 ||
      record.threshold > record.holders.size()) {
    return Refuse(Reason::kFieldInvalid, "2 <= threshold <= holders <= 16");
  }
  for (size_t i = 0; i < record.holders.size(); ++i) {
    const SealHolder& holder = record.holders[i];
    if (holder.index != i + 1 || holder.person.empty() || holder.person.size() > kMaxPersonName ||
        record.Find(holder.person) != &holder) {
      return Refuse(Reason::kFieldInvalid, "a holder without a name or place of its own");
    }
  }
  return absl::OkStatus();
}

}  // namespace

const SealHolder* SealRecord::Find(std::string_view person) const {
  const auto found = std::ranges::find(holders, person, &SealHolder::person);
  return found == holders.end() ? nullptr : &*found;
}

std::string EncodeSealRecord(const SealRecord& record) { return EncodeRecord(record); }

absl::StatusOr<SealRecord> DecodeSealRecord(std::string_view bytes) {
  ASSIGN_OR_RETURN(SealRecord record, DecodeRecord<SealRecord>(bytes));
  RETURN_IF_ERROR(CheckForm(record));
  return record;
}

absl::StatusOr<NewSeal> SplitRoot(const SecretBytes& root, std::string_view deployment,
                                  const RegionId& region, size_t threshold,
                                  const std::vector<std::string>& persons) {
  if (root.size() != kSealedRootSize) {
    return Refuse(Reason::kFieldInvalid, "a root key has 32 bytes");
  }
  ASSIGN_OR_RETURN(std::vector<ShamirShare> values, SplitSecret(root, threshold, persons.size()));
  NewSeal seal;
  seal.record.deployment = deployment;
  seal.record.region = region;
  seal.record.set = RandomId<SealSetId>();
  seal.record.threshold = static_cast<uint8_t>(threshold);
  for (size_t i = 0; i < persons.size(); ++i) {
    SealShare share{seal.record.set, values[i].index, std::move(values[i].value)};
    seal.record.holders.push_back(
        {persons[i], share.index, CommitmentTo(seal.record, persons[i], share)});
    seal.shares.push_back(std::move(share));
  }
  seal.record.root_check = CheckOf(seal.record, root);
  RETURN_IF_ERROR(CheckForm(seal.record));
  return seal;
}

absl::Status CheckSealShare(const SealRecord& record, std::string_view person,
                            const SealShare& share) {
  const SealHolder* holder = record.Find(person);
  if (holder == nullptr) {
    return Refuse(Reason::kShareInvalid, "the person holds no share of this seal");
  }
  if (share.set != record.set || share.index != holder->index) {
    return Refuse(Reason::kShareInvalid, "a share of another person or another split");
  }
  // Both sides are digests of secrets: how long they agree must not show.
  if (!ConstantTimeEquals(CommitmentTo(record, person, share).bytes(),
                          holder->commitment.bytes())) {
    return Refuse(Reason::kShareInvalid, "not the value that was given out");
  }
  return absl::OkStatus();
}

absl::StatusOr<SecretBytes> JoinRoot(const SealRecord& record,
                                     const std::vector<const SealShare*>& shares) {
  if (shares.size() < record.threshold) {
    return Refuse(Reason::kSealed, "not enough shares");
  }
  std::vector<ShamirShare> values;
  values.reserve(shares.size());
  for (const SealShare* share : shares) {
    values.push_back({share->index, share->value.Clone()});
  }
  ASSIGN_OR_RETURN(SecretBytes root, CombineShares(values));
  if (!ConstantTimeEquals(CheckOf(record, root).bytes(), record.root_check.bytes())) {
    return Refuse(Reason::kDataCorrupt, "the shares give another root key");
  }
  return root;
}

}  // namespace comity
