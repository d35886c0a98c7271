#include <cstdint>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "services/common/crypto/random.h"
#include "services/custody/store_check.h"
#include "services/review/store_check.h"
#include "services/storage/store_check.h"
#include "tests/fakes/fake_blob_store.h"
#include "tests/fakes/fake_record_store.h"
#include "tests/fuzz/decode_message.h"
#include "tests/testing/deployment.h"

namespace comity {
namespace {

std::string_view Take(std::string_view& input, size_t length_bytes) {
  size_t length = 0;
  for (; length_bytes > 0 && !input.empty(); --length_bytes, input.remove_prefix(1)) {
    length = length << 8 | static_cast<uint8_t>(input.front());
  }
  const std::string_view taken = input.substr(0, length);
  input.remove_prefix(taken.size());
  return taken;
}

// A store with what the input says: (u8 partition, u8 key, u16 value), each with its length before
// it; a partition of "blob" has a blob of that name.
template <auto kCheck>
void Check(std::string_view input) {
  static const auto* const deployment = new TestDeployment;
  FakeRecordStore records;
  FakeBlobStore blobs;
  for (int i = 0; i < 32 && !input.empty(); ++i) {
    const std::string partition(Take(input, 1));
    const std::string key(Take(input, 1));
    const std::string value(Take(input, 2));
    if (partition == "blob") {
      (void)blobs.PutIfAbsentOrEqual(key, value);
    } else {
      (void)records.Commit(partition, RandomId<RequestId>(), {}, {Mutation::Put(key, value)});
    }
  }
  CheckReport report([](const nlohmann::json& line) {
    (void)line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  });
  const TestService& service = deployment->service("cn", ServiceKind::kCustody);
  const absl::Status checked = kCheck({.topology = deployment->topology(),
                                       .region = TestDeployment::Region("cn"),
                                       .directory = "/nonexistent",
                                       .now = TestDeployment::kHandover,
                                       .records = records,
                                       .blobs = blobs,
                                       .log_key = service.log_key.public_key(),
                                       .log_origin = "fuzz/cn/custody",
                                       .report = report});
  COMITY_CHECK(checked.ok());
}

constexpr void (*kChecks[])(std::string_view) = {Check<custody::CheckCustodyStore>,
                                                 Check<storage::CheckStorageStore>,
                                                 Check<review::CheckReviewStore>};

}  // namespace
}  // namespace comity

// --check-store over a store in which anything may lie: it reports, and gets to its end.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  comity::fuzz::Choose(data, size, comity::kChecks);
  return 0;
}
