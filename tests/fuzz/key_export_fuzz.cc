#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "services/common/crypto/hpke.h"
#include "services/common/encoding/canonical.h"
#include "services/common/status/check.h"
#include "services/common/status/reason.h"
#include "services/custody/key_export.h"

// Keys that another region's custody sealed to this one's transport key. That custody may have
// sealed anything, so the input is what it sealed.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace comity;           // NOLINT
  using namespace comity::custody;  // NOLINT
  static const auto* const transport = new X25519KeyPair(GenerateX25519());
  static const auto* const place = new ExportPlace{.deployment = "fuzz",
                                                   .source = *RegionId::Create("us"),
                                                   .destination = *RegionId::Create("cn")};
  // docs/formats-custody.md
  static const auto* const info =
      new std::string(std::move(CanonicalWriter(1)
                                    .Bytes(16, "comity key export v1")
                                    .Bytes(17, place->deployment)
                                    .Bytes(18, place->source.name())
                                    .Bytes(19, place->destination.name())
                                    .Bytes(20, place->account.bytes())
                                    .U32(21, place->epoch)
                                    .Bytes(22, place->consent.bytes()))
                          .Finish());
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  COMITY_CHECK(!OpenExport(transport->private_key, *place, input).ok());
  const absl::StatusOr<std::string> sealed =
      HpkeSeal(transport->public_key, *info, "", SecretBytes::CopyOf(input));
  const absl::StatusOr<ExportedKeys> keys = OpenExport(transport->private_key, *place, *sealed);
  if (!keys.ok()) {
    COMITY_CHECK(ReasonOf(keys.status()) == Reason::kDataCorrupt);
    return 0;
  }
  COMITY_CHECK(!keys->versions.empty() && keys->versions.size() <= kMaxExportedVersions);
  const absl::StatusOr<std::string> again = SealExport(transport->public_key, *place, *keys);
  COMITY_CHECK(again.ok() && HpkeOpen(transport->private_key, *info, "", *again)
                                 ->ConstantTimeEquals(SecretBytes::CopyOf(input)));
  return 0;
}
