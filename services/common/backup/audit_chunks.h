#ifndef COMITY_COMMON_BACKUP_AUDIT_CHUNKS_H_
#define COMITY_COMMON_BACKUP_AUDIT_CHUNKS_H_

#include <cstdint>
#include <string>

// How the blocks of an audit log lie in a backup: by 65,536 records a partition, whose names are
// numbers in order, so that the newest is found by counting down. The version of a partition is the
// number of the record after its last one.
namespace comity {

inline uint64_t ChunkOf(uint64_t record) { return record >> 16; }
inline std::string ChunkName(uint64_t chunk) { return std::to_string(chunk); }
// 20 digits, so that they sort by number.
inline std::string AuditBlockName(uint64_t first) {
  const std::string digits = std::to_string(first);
  return std::string(20 - digits.size(), '0') + digits;
}

}  // namespace comity

#endif  // COMITY_COMMON_BACKUP_AUDIT_CHUNKS_H_
