#include "services/custody/key_export.h"

#include <algorithm>
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
constexpr size_t kWordSize = 4 + 8;
constexpr uint64_t kMaxTime = 253'402'300'799'999;  // the end of the year 9999

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

bool IsDisabled(const ExportedKeys::Version& version) { return version.word.disabled; }

SecretBytes Encode(const ExportedKeys& keys) {
  constexpr size_t kField = SecretWriter::kFieldOverhead;
  const size_t entries = keys.versions.size() * kEntrySize;
  const size_t words =
      static_cast<size_t>(std::ranges::count_if(keys.versions, IsDisabled)) * kWordSize;
  const bool raised = keys.min_unwrap_version != 1;
  const bool rotates = keys.rotation_days != 0;
  SecretWriter writer(4 * kField + 2 + entries + 2 * kX25519KeySize +
                      (words != 0 ? kField + words : 0) + (raised ? kField + 4 : 0) +
                      (rotates ? kField + 4 : 0));
  writer.Version().Field(16, entries);
  for (const ExportedKeys::Version& version : keys.versions) {
    writer.U32(version.version)
        .U64(static_cast<uint64_t>(version.created))
        .Raw(version.key.Reveal(RevealKey::ForSealing()));
  }
  writer.Field(17, kX25519KeySize).Raw(keys.metadata_private_key.Reveal(RevealKey::ForSealing()));
  writer.Field(18, kX25519KeySize).Raw(keys.metadata_public_key);
  if (words != 0) writer.Field(19, words);
  for (const ExportedKeys::Version& version : keys.versions) {
    if (!IsDisabled(version)) continue;
    writer.U32(version.version).U64(static_cast<uint64_t>(version.word.destroy_at));
  }
  if (raised) writer.Field(20, 4).U32(keys.min_unwrap_version);
  if (rotates) writer.Field(21, 4).U32(keys.rotation_days);
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

// What is there only where it says something: anything else would be a second way to write it.
absl::Status DecodeWords(CanonicalReader& reader, ExportedKeys& keys) {
  if (reader.Has(19)) {
    ASSIGN_OR_RETURN(std::string_view words, reader.Bytes(19));
    if (words.empty() || words.size() % kWordSize != 0) {
      return Refuse(Reason::kDataCorrupt, "words about no key version");
    }
    auto version = keys.versions.begin();
    while (!words.empty()) {
      const uint64_t about = TakeInteger(words, 4);
      const uint64_t destroy_at = TakeInteger(words, 8);
      version = std::find_if(version, keys.versions.end(),
                             [about](const auto& v) { return v.version == about; });
      if (version == keys.versions.end() || destroy_at > kMaxTime) {
        return Refuse(Reason::kDataCorrupt, "a word about another key version, or without end");
      }
      if (destroy_at != 0 && &*version == &keys.versions.back()) {
        return Refuse(Reason::kDataCorrupt, "the newest version is never given up");
      }
      version->word = {true, static_cast<UnixMillis>(destroy_at)};
      ++version;
    }
  }
  if (reader.Has(20)) {
    ASSIGN_OR_RETURN(keys.min_unwrap_version, reader.U32(20));
    if (keys.min_unwrap_version <= 1 || keys.min_unwrap_version > keys.versions.front().version) {
      return Refuse(Reason::kDataCorrupt, "versions before the least do not move");
    }
  }
  if (reader.Has(21)) {
    ASSIGN_OR_RETURN(keys.rotation_days, reader.U32(21));
    if (keys.rotation_days < kMinRotationDays || keys.rotation_days > kMaxRotationDays) {
      return Refuse(Reason::kDataCorrupt, "a rotation that is never or always due");
    }
  }
  return reader.Finish();
}

absl::StatusOr<ExportedKeys> Decode(const SecretBytes& bytes) {
  ASSIGN_OR_RETURN(CanonicalReader reader,
                   CanonicalReader::Open(bytes.RevealView(RevealKey::ForCrypto()), 1));
  ASSIGN_OR_RETURN(std::string_view entries, reader.Bytes(16));
  ASSIGN_OR_RETURN(const std::string_view private_key, reader.FixedBytes(17, kX25519KeySize));
  ASSIGN_OR_RETURN(const std::string_view public_key, reader.FixedBytes(18, kX25519KeySize));
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
    if (version.created < 0 || static_cast<uint64_t>(version.created) > kMaxTime) {
      return Refuse(Reason::kDataCorrupt, "a key version of no time");
    }
    if (version.version <= (keys.versions.empty() ? 0 : keys.versions.back().version)) {
      return Refuse(Reason::kDataCorrupt, "key versions must ascend from 1");
    }
    keys.versions.push_back(std::move(version));
  }
  keys.metadata_private_key = SecretBytes::CopyOf(private_key);
  keys.metadata_public_key = std::string(public_key);
  RETURN_IF_ERROR(DecodeWords(reader, keys));
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
