#ifndef COMITY_COMMON_SERVER_LIMITS_H_
#define COMITY_COMMON_SERVER_LIMITS_H_

// Sizes that both ends of a connection agree on.
namespace comity {

// The largest legal message: a batch of 1,024 wraps with modest contexts, or a chunk of 1 MiB.
inline constexpr int kMaxMessageBytes = 2 << 20;
inline constexpr int kMaxMetadataBytes = 16 << 10;
// What may be under way on a stream, and so waits in the memory of a receiver that is slower than
// the line. Fixed: gRPC's own estimate takes a receiver's slowness for length of the line, and
// grows with every gigabyte.
inline constexpr int kStreamWindowBytes = 8 << 20;

}  // namespace comity

#endif  // COMITY_COMMON_SERVER_LIMITS_H_
