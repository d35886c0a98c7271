#ifndef COMITY_COMMON_SERVER_LIMITS_H_
#define COMITY_COMMON_SERVER_LIMITS_H_

// Sizes that both ends of a connection agree on.
namespace comity {

// The largest legal message: a batch of 1,024 wraps with modest contexts, or a chunk of 1 MiB.
inline constexpr int kMaxMessageBytes = 2 << 20;
inline constexpr int kMaxMetadataBytes = 16 << 10;

}  // namespace comity

#endif  // COMITY_COMMON_SERVER_LIMITS_H_
