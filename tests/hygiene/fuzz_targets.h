#ifndef COMITY_TESTS_HYGIENE_FUZZ_TARGETS_H_
#define COMITY_TESTS_HYGIENE_FUZZ_TARGETS_H_

#include <string>
#include <vector>

#include "tests/hygiene/source_tree.h"

namespace comity::hygiene {

// A function that a header of services/ or client/ declares and whose name begins with Parse,
// Decode or From: it makes a value of bytes or text that somebody else may have written.
struct Decoder {
  std::string header;
  size_t line = 0;
  std::string name;
  // "CreateAccountRequest", when the header overloads the name and the type of the first parameter
  // tells them apart.
  std::string message;
};
std::vector<Decoder> FindDecoders(const SourceFile& header);

// Findings: decoders that no tests/fuzz/*_fuzz.cc calls which includes their header; targets that
// tests/fuzz/CMakeLists.txt does not declare; lines of tests/fuzz/exempt.txt ("<header> <name>:
// <why>") that exempt nothing.
std::vector<std::string> CheckFuzzTargets(const std::vector<SourceFile>& files);

}  // namespace comity::hygiene

#endif  // COMITY_TESTS_HYGIENE_FUZZ_TARGETS_H_
