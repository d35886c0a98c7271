#ifndef COMITY_CLIENT_MANUAL_COMPLETION_H_
#define COMITY_CLIENT_MANUAL_COMPLETION_H_

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "client/manual/command_page.h"

namespace comity::manual {

struct Candidate {
  std::string value;
  std::string text;  // what it is; may be empty
};

// What may stand where the cursor is. When `files` or `folders` is set, the shell adds those.
struct Completion {
  std::vector<Candidate> candidates;
  bool files = false;
  bool folders = false;
};

// The values that the line has given to options so far, by the longest name ("--profile").
using GivenOptions = std::map<std::string, std::string>;

// Finds the values of a kind ("REGION", "CASE"), in any order. An unknown kind has none.
using ValueSource =
    std::function<std::vector<Candidate>(const std::string& kind, const GivenOptions& given)>;

// Completes the last of `words`, the words after the program's name; it may be empty. The kinds
// FILE and DIR, alone or within a name such as "NEW-DIR", are the shell's to complete.
Completion Complete(const CommandPage& root, const std::vector<std::string>& words,
                    const ValueSource& values);

// One candidate a line, "value" or "value TAB text"; then ":files" or ":folders" when the shell
// shall add those. What the scripts of shell_scripts.h read.
std::string FormatCompletion(const Completion& completion);

}  // namespace comity::manual

#endif  // COMITY_CLIENT_MANUAL_COMPLETION_H_
