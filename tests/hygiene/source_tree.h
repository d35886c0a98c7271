#ifndef COMITY_TESTS_HYGIENE_SOURCE_TREE_H_
#define COMITY_TESTS_HYGIENE_SOURCE_TREE_H_

#include <string>
#include <string_view>
#include <vector>

// The repository as text, for the tests that check how it is written.
namespace comity::hygiene {

struct SourceFile {
  std::string path;  // from the repository root, with slashes
  std::vector<std::string> lines;
};

// Every text file below `root` that a person wrote: without build folders, hidden folders and files
// that are not text. Sorted by path.
std::vector<SourceFile> ReadTree(const std::string& root);

// As ReadTree for the repository that this test was built from.
const std::vector<SourceFile>& Repository();

SourceFile MakeFile(std::string path, std::string_view text);

bool IsCpp(std::string_view path);
bool IsTest(std::string_view path);
// Below services/ or client/.
bool IsProduct(std::string_view path);

// "path:line: message"; `line` counts from 1.
std::string Finding(const SourceFile& file, size_t line, std::string_view message);

// One finding a line, for the message of a failed expectation.
std::string Listing(const std::vector<std::string>& findings);

}  // namespace comity::hygiene

#endif  // COMITY_TESTS_HYGIENE_SOURCE_TREE_H_
