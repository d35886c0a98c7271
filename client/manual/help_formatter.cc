#include "client/manual/help_formatter.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace comity::manual {
namespace {

constexpr size_t kWidth = 100;
constexpr size_t kWidestTerm = 28;

using Row = std::pair<std::string, std::string>;

// `text` broken between words, each line after the first indented.
std::string Wrapped(const std::string& text, size_t indent) {
  std::string out;
  size_t column = indent;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find(' ', begin), text.size());
    const size_t length = end - begin;
    if (column > indent && column + 1 + length > kWidth) {
      out += "\n" + std::string(indent, ' ');
      column = indent;
    }
    if (column > indent) {
      out += ' ';
      ++column;
    }
    out.append(text, begin, length);
    column += length;
    begin = end + 1;
  }
  return out;
}

// Terms in one column, their texts in another; a term that is too wide stands on a line of its own.
std::string Table(const std::vector<Row>& rows) {
  size_t width = 0;
  for (const Row& row : rows) {
    if (row.first.size() <= kWidestTerm) width = std::max(width, row.first.size());
  }
  const size_t indent = width + 4;
  std::string out;
  for (const auto& [term, text] : rows) {
    out += "  " + term;
    const size_t used = term.size() + 2;
    out += used + 2 <= indent ? std::string(indent - used, ' ') : "\n" + std::string(indent, ' ');
    out += Wrapped(text, indent) + "\n";
  }
  return out;
}

Row RowOf(const OptionPage& option) {
  std::string text = option.text;
  if (option.required && !option.positional()) text += " (required)";
  return {Signature(option), text};
}

}  // namespace

std::string RenderHelp(const CommandPage& page) {
  std::string out = Wrapped(page.purpose, 0) + ".\n\nUsage: " + Wrapped(Synopsis(page), 7) + "\n";
  std::vector<Row> rows;
  for (const OptionPage& argument : page.arguments) rows.push_back(RowOf(argument));
  if (!rows.empty()) out += "\nArguments:\n" + Table(rows);
  rows.clear();
  for (const CommandPage& command : page.commands) {
    rows.emplace_back(command.name(), command.purpose);
  }
  if (!rows.empty()) out += "\nCommands:\n" + Table(rows);
  rows.clear();
  for (const OptionPage& option : page.options) {
    // Everybody who reads this has found --help.
    if (option.names.back() != "--help") rows.push_back(RowOf(option));
  }
  if (!rows.empty()) out += "\nOptions:\n" + Table(rows);
  if (!page.footer.empty()) out += "\n" + page.footer + "\n";
  return out;
}

std::string HelpFormatter::make_help(const CLI::App* app, std::string /*name*/,
                                     CLI::AppFormatMode /*mode*/) const {
  return RenderHelp(Describe(*app));
}

}  // namespace comity::manual
