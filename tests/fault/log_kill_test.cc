#include <memory>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "services/common/log/base64.h"
#include "services/common/log/transparency_log.h"
#include "services/common/store/open.h"
#include "tests/testing/killed_process.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_dir.h"
#include "tests/unit/common/log/log_testing.h"

namespace comity {
namespace {

Acknowledged ParseLine(const std::string& line) {
  const size_t space = line.find(' ');
  const std::string receipt = Base64Decode(line.substr(space + 1)).value();
  return {line.substr(0, space), ParseReceipt(receipt).value()};
}

TEST(LogKillTest, NoReceiptIsBrokenWhenTheProcessIsKilledAtAnyMoment) {
  std::mt19937_64 random(20'180'228);
  const TempDir directory;
  std::vector<Acknowledged> acknowledged;
  for (int round = 0; round < 12; ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    KilledProcess process(COMITY_LOG_APPEND_LOOP, {directory.path(), std::to_string(round)});
    for (const std::string& line : process.KillAfter(random() % 120 + 1)) {
      acknowledged.push_back(ParseLine(line));
    }
    ASSERT_OK_AND_ASSIGN(const auto records, OpenRocksRecordStore(directory.path()));
    ASSERT_OK_AND_ASSIGN(const auto blobs, OpenFileBlobStore(directory.path()));
    ASSERT_OK_AND_ASSIGN(const auto log, OpenTestLog(records.get(), blobs.get()));
    ExpectHolds(*log, acknowledged);
    if (HasFailure()) {
      return;
    }
  }
}

}  // namespace
}  // namespace comity
