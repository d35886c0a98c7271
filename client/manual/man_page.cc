#include "client/manual/man_page.h"

#include <algorithm>
#include <cctype>
#include <string_view>

namespace comity::manual {
namespace {

// Hyphens of what somebody types stay hyphens.
std::string EscapedCharacters(std::string_view text, bool typed = false) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-' && typed) {
      out += "\\-";
    } else if (c == '\'') {
      out += "\\(aq";
    } else if (c == '"') {
      out += "\\(dq";
    } else {
      out += c;
    }
  }
  return out;
}

// One argument of a macro, or text: nothing in it is a request of roff.
std::string Escaped(std::string_view text, bool typed = false) {
  std::string out = EscapedCharacters(text, typed);
  if (out.starts_with('.')) out.insert(0, "\\&");
  return out;
}

// A macro's argument of several words is one argument.
std::string Quoted(std::string_view text) {
  std::string out = Escaped(text);
  if (out.find(' ') == std::string::npos) return out;
  return "\"" + out + "\"";
}

// Prose: `code` in quotation marks, each sentence on a line of its own as mdoc wants it.
std::string Prose(std::string_view text) {
  std::string marked;
  bool open = false;
  for (const char c : text) {
    if (c == '`') {
      marked += open ? "\\(rq" : "\\(lq";
      open = !open;
    } else {
      marked += EscapedCharacters(std::string_view(&c, 1));
    }
  }
  std::string out;
  for (size_t i = 0; i < marked.size(); ++i) {
    const bool sentence_ends =
        i >= 2 && marked[i] == ' ' && marked[i - 1] == '.' && i + 1 < marked.size() &&
        (std::isupper(static_cast<unsigned char>(marked[i + 1])) != 0 || marked[i + 1] == '\\');
    const bool line_begins = out.empty() || out.back() == '\n';
    if (sentence_ends) {
      out += '\n';
    } else if (line_begins && (marked[i] == '.' || marked[i] == '\'')) {
      out += "\\&";
      out += marked[i];
    } else {
      out += marked[i];
    }
  }
  return out + "\n";
}

std::string Sentence(std::string text) {
  if (!text.empty() && text.back() != '.') text += '.';
  return Prose(text);
}

// "Fl o , Fl -output Ar FILE": the names of an option as macros.
std::string Macros(const OptionPage& option) {
  std::string out;
  for (const std::string& name : option.names) {
    if (!out.empty()) out += " , ";
    out += "Fl " + Escaped(name.substr(1));
  }
  if (!option.value.empty()) out += (out.empty() ? "Ar " : " Ar ") + Quoted(option.value);
  if (option.repeatable) out += " ...";
  return out;
}

// The longest name alone, for a synopsis.
std::string ShortMacros(OptionPage option) {
  if (!option.names.empty()) option.names = {option.names.back()};
  return Macros(option);
}

bool IsHelp(const OptionPage& option) {
  return !option.positional() && option.names.back() == "--help";
}

// The words after the program's name.
std::string WordsOf(const CommandPage& command) {
  const size_t space = command.path.find(' ');
  return space == std::string::npos ? "" : command.path.substr(space + 1);
}

std::string SynopsisOf(const CommandPage& command, const std::string& program) {
  std::string out = ".Nm " + program + "\n";
  if (const std::string words = WordsOf(command); !words.empty()) out += ".Cm " + words + "\n";
  for (const OptionPage& option : command.options) {
    if (option.required) out += "." + ShortMacros(option) + "\n";
  }
  for (const OptionPage& option : command.options) {
    if (!option.required && !IsHelp(option)) out += ".Op " + ShortMacros(option) + "\n";
  }
  for (const OptionPage& argument : command.arguments) {
    out += (argument.required ? "." : ".Op ") + Macros(argument) + "\n";
  }
  if (!command.commands.empty()) out += ".Ar COMMAND ...\n";
  return out;
}

std::string OptionList(const std::vector<OptionPage>& options) {
  std::string out;
  for (const OptionPage& option : options) {
    if (IsHelp(option)) continue;
    out += ".It " + Macros(option) + "\n" + Sentence(option.text);
    if (option.required && !option.positional()) out += "Required.\n";
  }
  return out.empty() ? out : ".Bl -tag -width Ds\n" + out + ".El\n";
}

std::string Paragraphs(const CommandPage& command) {
  std::string out;
  for (const std::string& paragraph : command.paragraphs) out += ".Pp\n" + Sentence(paragraph);
  return out;
}

// Every command that does something, below `command`.
void Collect(const CommandPage& command, std::vector<const CommandPage*>& out) {
  if (command.commands.empty()) {
    out.push_back(&command);
  } else {
    for (const CommandPage& below : command.commands) Collect(below, out);
  }
}

std::string CommandSections(const CommandPage& group, const std::string& program) {
  std::vector<const CommandPage*> commands;
  Collect(group, commands);
  std::string out = ".Sh COMMANDS\n";
  for (const CommandPage* command : commands) {
    out += ".Ss " + Quoted(program + " " + WordsOf(*command)) + "\n";
    out += Sentence(command->purpose) + Paragraphs(*command);
    std::vector<OptionPage> all = command->arguments;
    all.insert(all.end(), command->options.begin(), command->options.end());
    out += OptionList(all);
  }
  return out;
}

std::string CommandIndex(const CommandPage& root) {
  std::string out = ".Sh COMMANDS\n.Bl -tag -width Ds\n";
  for (const CommandPage& command : root.commands) {
    out += ".It Cm " + std::string(command.name()) + "\n" + Sentence(command.purpose);
    if (command.name() == "help") continue;
    out += "See\n.Xr comity-" + std::string(command.name()) + " 1 .\n";
  }
  return out + ".El\n";
}

std::string TopicList(const std::string& title, const std::string& macro,
                      const std::vector<Topic>& topics) {
  if (topics.empty()) return {};
  std::string out = ".Sh " + title + "\n.Bl -tag -width Ds\n";
  for (const Topic& topic : topics) {
    out += ".It " + macro + (macro.empty() ? "" : " ") + Quoted(topic.term) + "\n" +
           Sentence(topic.text);
  }
  return out + ".El\n";
}

void CollectExamples(const CommandPage& command, std::vector<ExamplePage>& out) {
  out.insert(out.end(), command.examples.begin(), command.examples.end());
  for (const CommandPage& below : command.commands) CollectExamples(below, out);
}

std::string ExampleSection(const std::vector<ExamplePage>& examples) {
  if (examples.empty()) return {};
  std::string out = ".Sh EXAMPLES\n";
  for (const ExamplePage& example : examples) {
    if (!example.text.empty()) {
      if (out.ends_with(".Ed\n")) out += ".Pp\n";
      std::string text = example.text;
      text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
      out += Prose(text + ":");
    }
    out += ".Bd -literal -offset indent\n";
    for (size_t begin = 0; begin <= example.command.size();) {
      const size_t end = std::min(example.command.find('\n', begin), example.command.size());
      out += Escaped(example.command.substr(begin, end - begin), /*typed=*/true) + "\n";
      begin = end + 1;
    }
    out += ".Ed\n";
  }
  return out;
}

std::string SeeAlso(std::vector<PageReference> pages) {
  std::sort(pages.begin(), pages.end(), [](const PageReference& a, const PageReference& b) {
    return a.section != b.section ? a.section < b.section : a.name < b.name;
  });
  std::string out = ".Sh SEE ALSO\n";
  for (size_t i = 0; i < pages.size(); ++i) {
    out += ".Xr " + pages[i].name + " " + std::to_string(pages[i].section) +
           (i + 1 < pages.size() ? " ,\n" : "\n");
  }
  return out;
}

std::string Title(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return name;
}

std::string LowerFirst(std::string text) {
  // "A signed answer" becomes "a signed answer"; "TLS keys" stays.
  if (text.size() > 1 && std::islower(static_cast<unsigned char>(text[1])) != 0) {
    text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  }
  if (text.starts_with("A ")) text[0] = 'a';
  return text;
}

}  // namespace

std::string RenderMan(const ManPage& page) {
  const CommandPage& command = page.command;
  const bool is_root = command.path.find(' ') == std::string::npos;
  const std::string program = command.path.substr(0, command.path.find(' '));
  std::string out = ".\\\" Made by `comity man` from the declarations of the commands.\n";
  out += ".Dd " + page.date + "\n.Dt " + Title(page.name) + " " + std::to_string(page.section) +
         "\n.Os \"Comity " + page.version + "\"\n";
  out += ".Sh NAME\n.Nm " + page.name + "\n.Nd " +
         Escaped(LowerFirst(command.purpose.substr(0, command.purpose.find(". ")))) + "\n";
  out += ".Sh SYNOPSIS\n";
  std::vector<const CommandPage*> forms;
  if (is_root) {
    forms.push_back(&command);
  } else {
    Collect(command, forms);
  }
  for (const CommandPage* form : forms) out += SynopsisOf(*form, program);

  out += ".Sh DESCRIPTION\n" + Sentence(command.purpose) + Paragraphs(command);
  std::vector<OptionPage> own = command.arguments;
  own.insert(own.end(), command.options.begin(), command.options.end());
  const std::string options = OptionList(own);
  if (!command.commands.empty()) {
    out += is_root ? CommandIndex(command) : CommandSections(command, program);
  }
  out += ".Sh OPTIONS\n" + options;
  if (!page.global_options.empty()) {
    if (!options.empty()) out += ".Pp\n";
    out += "These may stand before or after every command:\n" + OptionList(page.global_options);
  }
  out += TopicList("ENVIRONMENT", "Ev", page.environment);
  out += TopicList("FILES", "Pa", page.files);
  out += TopicList("EXIT STATUS", "", page.exit_status);
  std::vector<ExamplePage> examples;
  if (is_root) {
    examples = command.examples;
  } else {
    CollectExamples(command, examples);
  }
  out += ExampleSection(examples);
  out += SeeAlso(page.see_also);
  return out;
}

}  // namespace comity::manual
