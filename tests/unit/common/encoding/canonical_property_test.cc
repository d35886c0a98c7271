#include <map>
#include <string>
#include <vector>

#include <rapidcheck.h>

#include "services/common/encoding/canonical.h"
#include "tests/testing/matchers.h"

namespace comity {
namespace {

using Strings = std::vector<std::string>;
using StringMap = std::map<std::string, std::string>;

TEST(CanonicalPropertyTest, AnyRecordIsReadBackAsItWasWritten) {
  EXPECT_TRUE(rc::check([](uint16_t version, const std::string& bytes, uint8_t u8, uint16_t u16,
                           uint32_t u32, uint64_t u64, const Strings& list, const StringMap& map) {
    const std::string record = std::move(CanonicalWriter(version)
                                             .Bytes(2, bytes)
                                             .U8(3, u8)
                                             .U16(5, u16)
                                             .U32(8, u32)
                                             .U64(13, u64)
                                             .List(21, list)
                                             .Map(34, map))
                                   .Finish();
    absl::StatusOr<CanonicalReader> reader = CanonicalReader::Open(record, version);
    RC_ASSERT(reader.ok());
    RC_ASSERT(reader->Bytes(2).value() == bytes);
    RC_ASSERT(reader->U8(3).value() == u8);
    RC_ASSERT(reader->U16(5).value() == u16);
    RC_ASSERT(reader->U32(8).value() == u32);
    RC_ASSERT(reader->U64(13).value() == u64);
    RC_ASSERT(reader->List(21).value() == list);
    RC_ASSERT(reader->Map(34).value() == map);
    RC_ASSERT(reader->Finish().ok());
  }));
}

TEST(CanonicalPropertyTest, DifferentListsAreWrittenDifferently) {
  EXPECT_TRUE(rc::check([](const Strings& a, const Strings& b) {
    RC_PRE(a != b);
    RC_ASSERT(std::move(CanonicalWriter(1).List(2, a)).Finish() !=
              std::move(CanonicalWriter(1).List(2, b)).Finish());
  }));
}

TEST(CanonicalPropertyTest, AnyRecordCutShortIsNotTheRecord) {
  EXPECT_TRUE(rc::check([](const std::string& first, const std::string& second) {
    const std::string record =
        std::move(CanonicalWriter(1).Bytes(2, first).Bytes(3, second)).Finish();
    const size_t size = *rc::gen::inRange<size_t>(0, record.size());
    absl::StatusOr<CanonicalReader> reader =
        CanonicalReader::Open(std::string_view(record).substr(0, size), 1);
    const bool whole = reader.ok() && reader->Bytes(2).ok() && reader->Bytes(3).ok();
    RC_ASSERT_FALSE(whole);
  }));
}

}  // namespace
}  // namespace comity
