#ifndef COMITY_TESTS_HYGIENE_TEXT_RULES_H_
#define COMITY_TESTS_HYGIENE_TEXT_RULES_H_

#include <string>
#include <vector>

#include "tests/hygiene/source_tree.h"

// What is checked in the text of files, line by line. Each function returns its findings.
namespace comity::hygiene {

// C++ and proto files of more than 600 lines, and lines of C++ of more than 100 columns.
std::vector<std::string> CheckLength(const SourceFile& file);

// Words that promise work instead of doing it. One of them is also gRPC's name for a client's proxy
// object, and so counts in comments and prose only.
std::vector<std::string> CheckWords(const SourceFile& file);

// Printing a whole message would print its secrets: protobuf 3.21 redacts nothing.
std::vector<std::string> CheckTokens(const SourceFile& file);

// A main() of the product that ends otherwise than with EndProcess(): status/end_process.h says
// why.
std::vector<std::string> CheckMain(const SourceFile& file);

// Headers are guarded by their path: services/custody/key.h by COMITY_CUSTODY_KEY_H_.
std::vector<std::string> CheckGuard(const SourceFile& file);

// Legal and policy rules cited in product code ("Rule" and an id after a colon) must be cited by a
// test too, and the other way round.
std::vector<std::string> CheckRuleCitations(const std::vector<SourceFile>& files);

}  // namespace comity::hygiene

#endif  // COMITY_TESTS_HYGIENE_TEXT_RULES_H_
