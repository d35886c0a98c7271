#ifndef COMITY_TESTS_HYGIENE_LAYERING_H_
#define COMITY_TESTS_HYGIENE_LAYERING_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tests/hygiene/source_tree.h"

namespace comity::hygiene {

// The rules of allowed_includes.txt, whose head explains them.
struct IncludeRules {
  struct Only {
    std::string include;
    std::vector<std::string> files;
  };
  std::map<std::string, std::vector<std::string>, std::less<>> allow;
  std::vector<Only> only;
  // Lines that are no rule, and edges that close a circle.
  std::vector<std::string> errors;
};

IncludeRules ParseIncludeRules(const SourceFile& text);

// The folder of `allow` lines that a path belongs to: "services/common/ids", "services/custody",
// "client", "tests"; "proto" for generated code; empty for what is not ours.
std::string FolderOf(std::string_view path);

// Findings for one C++ file: forbidden edges, forbidden foreign includes, includes of our code that
// are not written from the root, and a source that does not include its own header first (which is
// what proves that the header compiles alone).
std::vector<std::string> CheckIncludes(const IncludeRules& rules, const SourceFile& file,
                                       bool has_own_header);

}  // namespace comity::hygiene

#endif  // COMITY_TESTS_HYGIENE_LAYERING_H_
