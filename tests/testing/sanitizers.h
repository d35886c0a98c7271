#ifndef COMITY_TESTS_TESTING_SANITIZERS_H_
#define COMITY_TESTS_TESTING_SANITIZERS_H_

#include <cstdint>

// For tests that look at their process from outside, as the kernel sees it.

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define COMITY_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define COMITY_SANITIZED 1
#endif
#endif

namespace comity {

// Whether this is a build under a sanitizer. Such a build locks no memory: mlock does nothing in
// it.
#ifdef COMITY_SANITIZED
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif
#undef COMITY_SANITIZED

// How much more memory a process may take for it: shadow memory, freed blocks held back.
inline constexpr uint64_t kSanitizerMemory = kSanitized ? 8 : 1;

}  // namespace comity

#endif  // COMITY_TESTS_TESTING_SANITIZERS_H_
