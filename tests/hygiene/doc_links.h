#ifndef COMITY_TESTS_HYGIENE_DOC_LINKS_H_
#define COMITY_TESTS_HYGIENE_DOC_LINKS_H_

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/hygiene/source_tree.h"

namespace comity::hygiene {

// Links of Markdown pages that lead to no file or folder of the repository. Code is passed over,
// and so are addresses of the web and headings of the same page. `exists` is asked with a path from
// the repository root.
std::vector<std::string> CheckLinks(const SourceFile& file,
                                    const std::function<bool(const std::string&)>& exists);

}  // namespace comity::hygiene

#endif  // COMITY_TESTS_HYGIENE_DOC_LINKS_H_
