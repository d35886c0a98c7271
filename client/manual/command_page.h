#ifndef COMITY_CLIENT_MANUAL_COMMAND_PAGE_H_
#define COMITY_CLIENT_MANUAL_COMMAND_PAGE_H_

#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
}

// What a command says about itself, read from its CLI11 declaration: the one source of --help, of
// the man pages and of completion.
namespace comity::manual {

struct OptionPage {
  std::vector<std::string> names;    // "-o", "--output"; empty for a positional argument
  std::string value;                 // "FILE"; empty for a flag
  std::vector<std::string> choices;  // the only values there are; empty = any
  std::string text;                  // with its default, if there is one
  bool required = false;
  bool repeatable = false;
  bool positional() const { return names.empty(); }
};

struct ExamplePage {
  std::string command;  // lines end with a backslash where it goes on
  std::string text;     // may be empty
};

// A value. The footer of a command is read like this: "Example: COMMAND" is an example, the lines
// indented below a line that ends with a colon are examples ("  COMMAND   what it does", two spaces
// or more between), blank lines and these end a paragraph; everything else is prose.
struct CommandPage {
  std::string path;     // "comity account create"
  std::string purpose;  // one sentence, without its full stop
  std::string footer;   // as it was written; empty when the command has none of its own
  std::vector<std::string> paragraphs;
  std::vector<ExamplePage> examples;
  std::vector<OptionPage> options;    // in the order of their declaration
  std::vector<OptionPage> arguments;  // positional ones
  std::vector<CommandPage> commands;  // without those that are hidden

  std::string_view name() const;  // last word of the path
  const CommandPage* Find(std::string_view command) const;
  const OptionPage* FindOption(std::string_view name) const;
};

CommandPage Describe(const CLI::App& app);

// "--territory CODE", "-o, --output FILE", "[WHAT]", "FILE..."
std::string Signature(const OptionPage& option);
// "comity account create --territory CODE [OPTIONS]"
std::string Synopsis(const CommandPage& page);

}  // namespace comity::manual

#endif  // COMITY_CLIENT_MANUAL_COMMAND_PAGE_H_
