#ifndef COMITY_TESTS_TESTING_HEX_H_
#define COMITY_TESTS_TESTING_HEX_H_

#include <string>
#include <string_view>

namespace comity {

// Bytes of lower-case or upper-case hex; ends the test program when `hex` is anything else.
std::string FromHex(std::string_view hex);
std::string ToHex(std::string_view bytes);

}  // namespace comity

#endif  // COMITY_TESTS_TESTING_HEX_H_
