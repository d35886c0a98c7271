#ifndef COMITY_TESTS_TESTING_SANITIZERS_H_
#define COMITY_TESTS_TESTING_SANITIZERS_H_

#include <cstdint>

// For tests that look at their process from outside, as the kernel sees it.

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define COMITY_ADDRESS_SANITIZED true
#elif __has_feature(thread_sanitizer)
#define COMITY_THREAD_SANITIZED true
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define COMITY_ADDRESS_SANITIZED true
#elif defined(__SANITIZE_THREAD__)
#define COMITY_THREAD_SANITIZED true
#endif
#ifndef COMITY_ADDRESS_SANITIZED
#define COMITY_ADDRESS_SANITIZED false
#endif
#ifndef COMITY_THREAD_SANITIZED
#define COMITY_THREAD_SANITIZED false
#endif

namespace comity {

inline constexpr bool kThreadSanitized = COMITY_THREAD_SANITIZED;
// Whether this is a build under a sanitizer. Such a build locks no memory: mlock does nothing in
// it.
inline constexpr bool kSanitized = COMITY_ADDRESS_SANITIZED || COMITY_THREAD_SANITIZED;

// How much more memory a process may take for it: shadow memory, freed blocks held back.
inline constexpr uint64_t kSanitizerMemory = kSanitized ? 8 : 1;

}  // namespace comity

#undef COMITY_ADDRESS_SANITIZED
#undef COMITY_THREAD_SANITIZED

#endif  // COMITY_TESTS_TESTING_SANITIZERS_H_
