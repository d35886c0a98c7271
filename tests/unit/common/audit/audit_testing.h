#ifndef COMITY_TESTS_UNIT_COMMON_AUDIT_AUDIT_TESTING_H_
#define COMITY_TESTS_UNIT_COMMON_AUDIT_AUDIT_TESTING_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "services/common/audit/audit_block.h"
#include "services/common/audit/audit_log.h"

namespace comity {

inline constexpr UnixMillis kAuditTime = 1'519'776'000'000;

// A record of a device's call with every field set, told apart by `mark`.
AuditRecord CallRecord(UnixMillis time, uint8_t mark = 1);

// Somebody who calls.
std::shared_ptr<const Caller> TestCaller(Caller::Kind kind = Caller::Kind::kDevice);
AuditLog::Call TestCall(std::string_view method = "/comity.custody.v1.CustodyService/UnwrapDataKey",
                        Reason outcome = Reason::kUnspecified);

// Writes blocks of one record each as one file of the log; returns where the log ends.
AuditEnd WriteAuditFile(const std::string& directory, AuditEnd end, int blocks,
                        int64_t step_ms = 1'000);

// All that the log has, in order.
std::vector<AuditRecord> RecordsIn(const std::string& directory);

std::string ReadBytes(const std::string& path);
void WriteBytes(const std::string& path, std::string_view bytes);

}  // namespace comity

#endif  // COMITY_TESTS_UNIT_COMMON_AUDIT_AUDIT_TESTING_H_
