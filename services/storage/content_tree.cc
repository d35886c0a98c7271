#include "services/storage/content_tree.h"

#include <array>
#include <cstdio>

#include "services/common/crypto/random.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity::storage {
namespace {

constexpr size_t kUploadTextSize = 26;
constexpr size_t kRefBytes = 4 + Digest::kSize;

}  // namespace

UploadId UploadId::Random() { return {Base32Encode(RandomBytes(16))}; }

std::string BlobFolder(const AccountId& account) { return "objects/" + account.ToString() + "/"; }

std::string BlobName(const AccountId& account, const UploadId& upload, uint8_t level,
                     uint64_t index) {
  std::array<char, 32> suffix;
  std::snprintf(suffix.data(), suffix.size(), "-%u-%08llx", unsigned{level},
                static_cast<unsigned long long>(index));
  return BlobFolder(account) + upload.text + suffix.data();
}

std::optional<UploadId> UploadOfBlob(const AccountId& account, std::string_view name) {
  const std::string folder = BlobFolder(account);
  if (!name.starts_with(folder)) return std::nullopt;
  name.remove_prefix(folder.size());
  if (name.size() <= kUploadTextSize || name[kUploadTextSize] != '-') return std::nullopt;
  return UploadId{std::string(name.substr(0, kUploadTextSize))};
}

Sha256Hasher HasherOfSegment(uint64_t index, const Digest& before) {
  return index == 0 ? Sha256Hasher() : Sha256Hasher::Resume(before, index * kSegmentBytes);
}

std::string EncodePage(const std::vector<BlobRef>& refs) {
  std::string page;
  page.reserve(refs.size() * kRefBytes);
  for (const BlobRef& ref : refs) {
    for (int shift = 24; shift >= 0; shift -= 8)
      page.push_back(static_cast<char>(ref.size >> shift));
    page.append(ref.digest.bytes());
  }
  return page;
}

absl::StatusOr<std::vector<BlobRef>> DecodePage(std::string_view bytes) {
  if (bytes.empty() || bytes.size() % kRefBytes != 0 || bytes.size() > kPageRefs * kRefBytes) {
    return Refuse(Reason::kDataCorrupt, "page of references of a wrong size");
  }
  std::vector<BlobRef> refs;
  refs.reserve(bytes.size() / kRefBytes);
  for (; !bytes.empty(); bytes.remove_prefix(kRefBytes)) {
    BlobRef ref;
    for (int i = 0; i < 4; ++i) ref.size = ref.size << 8 | static_cast<uint8_t>(bytes[i]);
    ref.digest = *Digest::FromBytes(bytes.substr(4, Digest::kSize));
    refs.push_back(ref);
  }
  return refs;
}

absl::Status DeleteUpload(BlobStore& blobs, const AccountId& account, const UploadExtent& extent) {
  uint64_t count = extent.segments;
  for (uint8_t level = 0;; ++level) {
    for (uint64_t i = 0; i < count; ++i) {
      RETURN_IF_ERROR(blobs.Delete(BlobName(account, extent.upload, level, i)));
    }
    if (level == extent.depth) return absl::OkStatus();
    count = (count + kPageRefs - 1) / kPageRefs;
  }
}

absl::Status DeleteAllBlobs(BlobStore& blobs, const AccountId& account) {
  const std::string folder = BlobFolder(account);
  for (;;) {
    // Always from the first: what was listed is gone by the next round.
    ASSIGN_OR_RETURN(const auto page, blobs.List(folder, "", 1000));
    if (page.empty()) return absl::OkStatus();
    for (const BlobStore::Entry& entry : page) RETURN_IF_ERROR(blobs.Delete(entry.name));
  }
}

}  // namespace comity::storage
