#include "tests/unit/common/audit/audit_testing.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include <gtest/gtest.h>

#include "services/common/crypto/digest.h"
#include "services/common/crypto/signing.h"
#include "tests/testing/matchers.h"

namespace comity {
namespace {

template <typename Id>
Id Marked(uint8_t mark) {
  return *Id::FromBytes(std::string(Id::kSize, static_cast<char>(mark)));
}

}  // namespace

AuditRecord CallRecord(UnixMillis time, uint8_t mark) {
  AuditRecord record;
  record.time = time;
  record.method = "UnwrapDataKey";
  record.caller = "device";
  record.caller_key = Marked<SigningKeyId>(mark);
  record.account = Marked<AccountId>(mark);
  record.use = 1;
  record.items = 2;
  record.items_digest = Sha256Digest("items");
  return record;
}

std::shared_ptr<const Caller> TestCaller(Caller::Kind kind) {
  static const PrivateKey* const key =
      new PrivateKey(PrivateKey::Generate(SignatureAlgorithm::kEcdsaP256));
  return std::make_shared<const Caller>(Caller{.kind = kind,
                                               .key = key->public_key(),
                                               .valid_from = 0,
                                               .valid_until = 0,
                                               .region = *RegionId::Create("us"),
                                               .service = ServiceKind::kReview,
                                               .operator_name = "acme",
                                               .authority = "bureau",
                                               .name = "evans"});
}

AuditLog::Call TestCall(std::string_view method, Reason outcome) {
  return {.method = method,
          .caller = TestCaller(),
          .note = {.account = Marked<AccountId>(7), .use = 1, .items = 1},
          .outcome = outcome};
}

AuditEnd WriteAuditFile(const std::string& directory, AuditEnd end, int blocks, int64_t step_ms) {
  std::string bytes;
  const std::string path = directory + "/" + AuditFileName(end.next);
  for (int i = 0; i < blocks; ++i) {
    AuditBlock block;
    block.first = end.next;
    block.previous = end.hash;
    block.time = end.time == 0 ? kAuditTime : end.time + step_ms;
    block.records = {CallRecord(block.time, static_cast<uint8_t>(end.next))};
    const FramedAuditBlock framed = FrameAuditBlock(block);
    bytes += framed.bytes;
    end = {block.end(), framed.hash, block.time};
  }
  WriteBytes(path, bytes);
  return end;
}

std::vector<AuditRecord> RecordsIn(const std::string& directory) {
  std::vector<AuditRecord> records;
  const absl::Status status = ReadAuditBlocks(directory, 1, [&](const ReadAuditBlock& read) {
    records.insert(records.end(), read.block.records.begin(), read.block.records.end());
    return true;
  });
  EXPECT_THAT(status, IsOk());
  return records;
}

std::string ReadBytes(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in) << path;
  return {std::istreambuf_iterator<char>(in), {}};
}

void WriteBytes(const std::string& path, std::string_view bytes) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  EXPECT_TRUE(out) << path;
}

}  // namespace comity
