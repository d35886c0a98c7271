#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "services/common/log/log_http.h"
#include "services/common/log/merkle.h"
#include "services/common/log/tiles.h"
#include "services/common/status/check.h"
#include "services/common/status/reason.h"

namespace comity {
namespace {

constexpr char kOrigin[] = "fuzz/cn/custody";

class Leaves final : public merkle::NodeSource {
 public:
  explicit Leaves(const std::vector<std::string>& leaves) : leaves_(leaves) {}
  absl::StatusOr<Digest> Node(int level, uint64_t index) override {
    if (level == 0) return merkle::LeafHash(leaves_.at(index));
    return merkle::NodeHash(*Node(level - 1, 2 * index), *Node(level - 1, 2 * index + 1));
  }

 private:
  const std::vector<std::string>& leaves_;
};

// A log signs a checkpoint over what it has, and then gives out files as it likes.
void Audit(uint64_t count, bool honest, std::string_view bundle, std::string_view tile) {
  static const auto* const key = new PrivateKey(PrivateKey::Generate(SignatureAlgorithm::kEd25519));
  const absl::StatusOr<std::vector<std::string>> leaves = DecodeBundle(bundle, count);
  Checkpoint checkpoint{.origin = kOrigin, .size = count};
  TileHashes hashes;
  if (leaves.ok() && honest) {
    Leaves source(*leaves);
    checkpoint.root = *merkle::Root(source, count);
    for (const std::string& leaf : *leaves) hashes.push_back(merkle::LeafHash(leaf));
  }
  const LogFetcher fetch = [&](const std::string& path) -> absl::StatusOr<std::string> {
    if (path == kCheckpointPath) return SignCheckpoint(checkpoint, *key);
    if (path.starts_with("tile/entries/")) return std::string(bundle);
    return honest && tile.empty() ? EncodeTile(hashes) : std::string(tile);
  };
  const absl::StatusOr<VerifiedLog> log = FetchAndVerifyLog(fetch, kOrigin, key->public_key());
  COMITY_CHECK(log.ok() || ReasonOf(log.status()) != Reason::kInternal);
  if (log.ok() && count > 0) COMITY_CHECK(honest && leaves.ok() && log->leaves == *leaves);
  if (honest && leaves.ok() && tile.empty()) COMITY_CHECK(log.ok());
}

// Sizes and hashes of a proof that nobody made.
void Prove(std::string_view input) {
  uint64_t numbers[2] = {};
  for (uint64_t& number : numbers) {
    for (int i = 0; i < 8 && !input.empty(); ++i, input.remove_prefix(1)) {
      number = number << 8 | static_cast<uint8_t>(input.front());
    }
  }
  std::vector<Digest> proof;
  for (; input.size() >= Digest::kSize && proof.size() < 80; input.remove_prefix(Digest::kSize)) {
    proof.push_back(*Digest::FromBytes(input.substr(0, Digest::kSize)));
  }
  const Digest leaf = merkle::LeafHash("leaf");
  const auto root = merkle::RootFromInclusion(leaf, numbers[0], numbers[1], proof);
  COMITY_CHECK(!root.ok() || numbers[0] < numbers[1]);
  COMITY_CHECK(!root.ok() || numbers[1] > 1 || *root == leaf);
  const auto extends = merkle::VerifyConsistency(numbers[0], leaf, numbers[1], leaf, proof);
  COMITY_CHECK(!extends.ok() || (0 < numbers[0] && numbers[0] <= numbers[1]));
}

}  // namespace
}  // namespace comity

// The files of a log as whoever serves them likes, and proofs. First byte: how many leaves; second:
// how many bytes of the rest are the tile, and whether the checkpoint tells the truth.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::string_view tile = input.substr(0, data[1] & 0x7f);
  comity::Audit(data[0], (data[1] & 0x80) != 0, input.substr(tile.size()), tile);
  comity::Prove(input);
  return 0;
}
