#include "services/custody/key_export.h"

#include <utility>

#include "services/common/crypto/aead.h"
#include "services/common/crypto/hpke.h"
#include "services/common/crypto/random.h"
#include "services/common/encoding/canonical.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/custody/secret_writer.h"

namespace comity::custody {
namespace {

constexpr std::string_view kInfo = "comity key export v1";
constexpr std::string_view kPairCheck = "comity metadata key check v1";
constexpr size_t kEntrySize = 4 + 8 + kAeadKeySize;

std::string Info(const ExportPlace& place) {
  CanonicalWriter writer(1);
  writer.Bytes(16, kInfo)
      .Bytes(17, place.deployment)
      .Bytes(18, place.source.name())
      .Bytes(19, place.destination.name())
      .Bytes(20, place.account.bytes())
      .U32(21, place.epoch)
      .Bytes(22, place.consent.bytes());
  return std::move(writer).Finish();
}

SecretBytes Encode(const ExportedKeys& keys) {
  const size_t entries = keys.versions.size() * kEntrySize;
  SecretWriter writer(4 * SecretWriter::kFieldOverhead + 2 + entries + 2 * kX25519KeySize);
  writer.Version().Field(16, entries);
  for (const ExportedKeys::Version& version : keys.versions) {
    writer.U32(version.version)
        .U64(static_cast<uint64_t>(version.created))
        .Raw(version.key.Reveal(RevealKey::ForSealing()));
  }
  writer.Field(17, kX25519KeySize).Raw(keys.metadata_private_key.Reveal(RevealKey::ForSealing()));
  writer.Field(18, kX25519KeySize).Raw(keys.metadata_public_key);
  return std::move(writer).Finish();
}

uint64_t TakeInteger(std::string_view& rest, size_t bytes) {
  uint64_t value = 0;
  for (const char c : rest.substr(0, bytes)) {
    value = value << 8 | static_cast<uint8_t>(c);
  }
  rest.remove_prefix(bytes);
  return value;
}

absl::StatusOr<ExportedKeys> Decode(const SecretBytes& bytes) {
  ASSIGN_OR_RETURN(CanonicalReader reader,
                   CanonicalReader::Open(bytes.RevealView(RevealKey::ForCrypto()), 1));
  ASSIGN_OR_RETURN(std::string_view entries, reader.Bytes(16));
  ASSIGN_OR_RETURN(const std::string_view private_key, reader.FixedBytes(17, kX25519KeySize));
  ASSIGN_OR_RETURN(const std::string_view public_key, reader.FixedBytes(18, kX25519KeySize));
  RETURN_IF_ERROR(reader.Finish());
  if (entries.empty() || entries.size() % kEntrySize != 0 ||
      entries.size() / kEntrySize > kMaxExportedVersions) {
    return Refuse(Reason::kDataCorrupt, "1 to 64 key versions");
  }
  ExportedKeys keys;
  while (!entries.empty()) {
    ExportedKeys::Version version;
    version.version = static_cast<KeyVersion>(TakeInteger(entries, 4));
    version.created = static_cast<UnixMillis>(TakeInteger(entries, 8));
    version.key = SecretBytes::CopyOf(entries.substr(0, kAeadKeySize));
    entries.remove_prefix(kAeadKeySize);
    if (version.version <= (keys.versions.empty() ? 0 : keys.versions.back().version)) {
      return Refuse(Reason::kDataCorrupt, "key versions must ascend from 1");
    }
    keys.versions.push_back(std::move(version));
  }
  keys.metadata_private_key = SecretBytes::CopyOf(private_key);
  keys.metadata_public_key = std::string(public_key);
  return keys;
}

// Opens a challenge: a private half that does not belong to the public one would only be found out
// when it is needed.
absl::Status CheckPair(const ExportedKeys& keys) {
  const SecretBytes challenge = RandomSecret(16);
  ASSIGN_OR_RETURN(const std::string sealed,
                   HpkeSeal(keys.metadata_public_key, kPairCheck, "", challenge));
  ASSIGN_OR_RETURN(const SecretBytes opened,
                   HpkeOpen(keys.metadata_private_key, kPairCheck, "", sealed));
  return opened.ConstantTimeEquals(challenge)
             ? absl::OkStatus()
             : Refuse(Reason::kDataCorrupt, "the metadata key is not a pair");
}

}  // namespace

absl::StatusOr<std::string> SealExport(std::string_view transport_key, const ExportPlace& place,
                                       const ExportedKeys& keys) {
  return HpkeSeal(transport_key, Info(place), "", Encode(keys));
}

absl::StatusOr<ExportedKeys> OpenExport(const SecretBytes& transport_private_key,
                                        const ExportPlace& place, std::string_view sealed) {
  ASSIGN_OR_RETURN(const SecretBytes bytes,
                   HpkeOpen(transport_private_key, Info(place), "", sealed));
  absl::StatusOr<ExportedKeys> keys = Decode(bytes);
  if (!keys.ok()) {
    return Refuse(Reason::kDataCorrupt, CauseOf(keys.status()));
  }
  if (absl::Status pair = CheckPair(*keys); !pair.ok()) {
    return Refuse(Reason::kDataCorrupt, CauseOf(pair));
  }
  return keys;
}

}  // namespace comity::custody
