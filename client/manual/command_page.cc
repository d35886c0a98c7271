#include "client/manual/command_page.h"

#include <algorithm>
#include <cctype>

#include <CLI/CLI.hpp>

namespace comity::manual {
namespace {

constexpr size_t kShortChoices = 32;

std::string Upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

std::string Joined(const std::vector<std::string>& parts, std::string_view between) {
  std::string out;
  for (const std::string& part : parts) {
    if (!out.empty()) out += between;
    out += part;
  }
  return out;
}

// The names in "TEXT:{a,b}" and in "ENUM:value in {a->1,b->2} OR {1,2}", as CLI11 describes its
// validators.
std::vector<std::string> Choices(const std::string& type) {
  std::vector<std::string> choices;
  const size_t begin = type.find('{');
  const size_t end = type.find('}', begin);
  if (begin == std::string::npos || end == std::string::npos) return choices;
  std::string rest = type.substr(begin + 1, end - begin - 1) + ",";
  for (size_t comma = 0; (comma = rest.find(',')) != std::string::npos;) {
    std::string name = rest.substr(0, comma);
    name = name.substr(0, name.find("->"));
    if (!name.empty()) choices.push_back(name);
    rest.erase(0, comma + 1);
  }
  return choices;
}

std::string ValueName(const CLI::Option& option, const std::string& type) {
  const std::string bare = type.substr(0, type.find(':'));
  for (const char* generic : {"", "TEXT", "ENUM", "BOOLEAN", "FLOAT"}) {
    if (bare != generic) continue;
    if (!option.nonpositional()) return Upper(option.get_name(/*positional=*/true));
    return Upper(option.get_lnames().empty() ? option.get_snames().front()
                                             : option.get_lnames().front());
  }
  return bare == "UINT" || bare == "INT" ? "N" : bare;
}

OptionPage DescribeOption(const CLI::Option& option) {
  OptionPage page;
  for (const std::string& name : option.get_snames()) page.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) page.names.push_back("--" + name);
  page.text = option.get_description();
  page.required = option.get_required();
  page.repeatable = option.get_items_expected_max() > 1;
  if (option.get_items_expected_max() == 0) return page;
  const std::string type = option.get_type_name();
  page.choices = Choices(type);
  page.value = ValueName(option, type);
  if (!page.choices.empty()) {
    const std::string all = Joined(page.choices, "|");
    if (all.size() <= kShortChoices) {
      page.value = all;
    } else if (page.text.find(page.choices.front()) == std::string::npos) {
      page.text += "; one of " + Joined(page.choices, ", ");
    }
  }
  if (const std::string value = option.get_default_str(); !value.empty()) {
    page.text += "; default: " + value;
  }
  return page;
}

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

ExamplePage ParseExample(const std::string& line) {
  const size_t begin = line.find_first_not_of(' ');
  const std::string text = line.substr(begin == std::string::npos ? line.size() : begin);
  const size_t gap = text.find("  ");
  if (gap == std::string::npos) return {text, ""};
  const size_t words = text.find_first_not_of(' ', gap);
  return {text.substr(0, gap), words == std::string::npos ? "" : text.substr(words)};
}

// See CommandPage.
class FooterReader final {
 public:
  explicit FooterReader(CommandPage& page) : page_(page) {}

  void Read(const std::string& footer) {
    for (const std::string& line : Lines(footer)) ReadLine(line);
    EndParagraph();
  }

 private:
  void ReadLine(const std::string& line) {
    constexpr std::string_view kExample = "Example: ";
    const bool indented = line.starts_with("  ");
    if (continues_) {
      AddToExample(line);
    } else if (line.empty()) {
      EndParagraph();
      examples_ = false;
    } else if (line.starts_with(kExample)) {
      EndParagraph();
      examples_ = false;
      page_.examples.push_back({line.substr(kExample.size()), ""});
      continues_ = line.back() == '\\';
    } else if (indented && examples_) {
      page_.examples.push_back(ParseExample(line));
      continues_ = line.back() == '\\';
    } else if (line.ends_with(':') && !indented) {
      EndParagraph();
      examples_ = true;
    } else {
      examples_ = false;
      if (!paragraph_.empty()) paragraph_ += ' ';
      paragraph_ += line;
    }
  }

  void AddToExample(const std::string& line) {
    page_.examples.back().command += "\n" + line;
    continues_ = line.ends_with('\\');
  }

  void EndParagraph() {
    if (!paragraph_.empty()) page_.paragraphs.push_back(paragraph_);
    paragraph_.clear();
  }

  CommandPage& page_;
  std::string paragraph_;
  bool examples_ = false;   // below a line that ends with a colon
  bool continues_ = false;  // the example's last line ends with a backslash
};

std::string WithoutStop(std::string text) {
  if (text.ends_with('.')) text.pop_back();
  return text;
}

}  // namespace

std::string_view CommandPage::name() const {
  const size_t space = path.rfind(' ');
  return std::string_view(path).substr(space == std::string::npos ? 0 : space + 1);
}

const CommandPage* CommandPage::Find(std::string_view command) const {
  for (const CommandPage& page : commands) {
    if (page.name() == command) return &page;
  }
  return nullptr;
}

const OptionPage* CommandPage::FindOption(std::string_view name) const {
  for (const OptionPage& option : options) {
    if (std::find(option.names.begin(), option.names.end(), name) != option.names.end()) {
      return &option;
    }
  }
  return nullptr;
}

CommandPage Describe(const CLI::App& app) {
  CommandPage page;
  for (const CLI::App* up = &app; up != nullptr; up = up->get_parent()) {
    page.path = up->get_name() + (page.path.empty() ? "" : " ") + page.path;
  }
  // "purpose", or "purpose", an empty line, and more.
  const std::string& description = app.get_description();
  const size_t end = std::min(description.find("\n\n"), description.size());
  page.purpose = WithoutStop(description.substr(0, end));
  if (end < description.size()) {
    FooterReader(page).Read(description.substr(end + 2));
  }
  // CLI11 gives a new command the footer of its parent.
  const CLI::App* parent = app.get_parent();
  if (parent == nullptr || parent->get_footer() != app.get_footer()) {
    page.footer = app.get_footer();
    FooterReader(page).Read(page.footer);
  }
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_group().empty()) continue;
    OptionPage described = DescribeOption(*option);
    (described.positional() ? page.arguments : page.options).push_back(std::move(described));
  }
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (!command->get_group().empty()) page.commands.push_back(Describe(*command));
  }
  return page;
}

std::string Signature(const OptionPage& option) {
  std::string text = Joined(option.names, ", ");
  if (!option.value.empty()) text += (text.empty() ? "" : " ") + option.value;
  if (option.repeatable) text += "...";
  return option.positional() && !option.required ? "[" + text + "]" : text;
}

std::string Synopsis(const CommandPage& page) {
  std::string text = page.path;
  bool optional = false;
  for (const OptionPage& option : page.options) {
    if (option.required) {
      text += " " + option.names.back() + " " + option.value;
    } else {
      optional = optional || option.names.back() != "--help";
    }
  }
  if (optional) text += " [OPTIONS]";
  for (const OptionPage& argument : page.arguments) text += " " + Signature(argument);
  if (!page.commands.empty()) text += " COMMAND [...]";
  return text;
}

}  // namespace comity::manual
