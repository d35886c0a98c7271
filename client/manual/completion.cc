#include "client/manual/completion.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string_view>

namespace comity::manual {
namespace {

// Where the words before the cursor lead.
class Walk final {
 public:
  explicit Walk(const CommandPage& root) : chain_{&root} {}

  void Take(const std::string& word) {
    if (pending_ != nullptr) {
      given_[pending_->names.back()] = word;
      pending_ = nullptr;
    } else if (word == "--" && !only_arguments_) {
      only_arguments_ = true;
    } else if (word.starts_with('-') && word.size() > 1 && !only_arguments_) {
      TakeOption(word);
    } else if (const CommandPage* next = arguments_ == 0 ? command().Find(word) : nullptr) {
      chain_.push_back(next);
    } else {
      ++arguments_;
    }
  }

  const CommandPage& command() const { return *chain_.back(); }
  const OptionPage* pending() const { return pending_; }
  const GivenOptions& given() const { return given_; }
  bool only_arguments() const { return only_arguments_; }
  bool Used(const OptionPage& option) const { return used_.contains(option.names.back()); }

  // Global options may stand after the command.
  const OptionPage* FindOption(std::string_view name) const {
    for (auto page = chain_.rbegin(); page != chain_.rend(); ++page) {
      if (const OptionPage* option = (*page)->FindOption(name)) return option;
    }
    return nullptr;
  }
  std::vector<const OptionPage*> Options() const {
    std::vector<const OptionPage*> options;
    for (auto page = chain_.rbegin(); page != chain_.rend(); ++page) {
      for (const OptionPage& option : (*page)->options) {
        // --version is the root's own, and every command has its --help.
        const bool own = page == chain_.rbegin();
        const std::string& name = option.names.back();
        if (own || (name != "--help" && name != "--version")) options.push_back(&option);
      }
    }
    return options;
  }
  // The argument that is next, if there is one.
  const OptionPage* Argument() const {
    const std::vector<OptionPage>& arguments = command().arguments;
    if (arguments_ < arguments.size()) return &arguments[arguments_];
    return !arguments.empty() && arguments.back().repeatable ? &arguments.back() : nullptr;
  }

 private:
  void TakeOption(const std::string& word) {
    const size_t equals = word.find('=');
    const OptionPage* option = FindOption(word.substr(0, equals));
    if (option == nullptr) return;
    used_.insert(option->names.back());
    if (option->value.empty()) return;
    if (equals == std::string::npos) {
      pending_ = option;
    } else {
      given_[option->names.back()] = word.substr(equals + 1);
    }
  }

  std::vector<const CommandPage*> chain_;  // from the root to the command
  size_t arguments_ = 0;                   // how many were given
  const OptionPage* pending_ = nullptr;    // an option that waits for its value
  bool only_arguments_ = false;            // after "--"
  GivenOptions given_;
  std::set<std::string> used_;
};

// Candidates that begin with `prefix`, sorted, each once; `before` is put in front of their values.
void Keep(std::vector<Candidate> candidates, std::string_view prefix, const std::string& before,
          Completion& out) {
  std::sort(candidates.begin(), candidates.end(),
            [](const Candidate& a, const Candidate& b) { return a.value < b.value; });
  for (Candidate& candidate : candidates) {
    if (!candidate.value.starts_with(prefix)) continue;
    candidate.value = before + candidate.value;
    if (out.candidates.empty() || out.candidates.back().value != candidate.value) {
      out.candidates.push_back(std::move(candidate));
    }
  }
}

void CompleteValue(const OptionPage& option, std::string_view prefix, const std::string& before,
                   const Walk& walk, const ValueSource& values, Completion& out) {
  if (!option.choices.empty()) {
    std::vector<Candidate> choices;
    for (const std::string& choice : option.choices) choices.push_back({choice, ""});
    Keep(std::move(choices), prefix, before, out);
    return;
  }
  out.files = option.value.find("FILE") != std::string::npos;
  out.folders = !out.files && option.value.find("DIR") != std::string::npos;
  Keep(values(option.value, walk.given()), prefix, before, out);
}

// A shell that breaks words at "=" (bash does) hands over "--to", "=", "cn".
std::vector<std::string> WithoutEquals(const std::vector<std::string>& words) {
  std::vector<std::string> out;
  for (size_t i = 0; i < words.size(); ++i) {
    const bool after_option = !out.empty() && out.back().starts_with("--");
    if (words[i] == "=" && after_option) {
      if (i + 1 == words.size()) out.emplace_back();
    } else {
      out.push_back(words[i]);
    }
  }
  return out;
}

}  // namespace

Completion Complete(const CommandPage& root, const std::vector<std::string>& words,
                    const ValueSource& values) {
  const std::vector<std::string> line = WithoutEquals(words);
  const std::string current = line.empty() ? "" : line.back();
  Walk walk(root);
  for (size_t i = 0; i + 1 < line.size(); ++i) walk.Take(line[i]);

  Completion out;
  if (walk.pending() != nullptr) {
    CompleteValue(*walk.pending(), current, "", walk, values, out);
    return out;
  }
  if (current.starts_with('-') && !walk.only_arguments()) {
    if (const size_t equals = current.find('='); equals != std::string::npos) {
      const OptionPage* option = walk.FindOption(current.substr(0, equals));
      if (option != nullptr && !option->value.empty()) {
        CompleteValue(*option, current.substr(equals + 1), current.substr(0, equals + 1), walk,
                      values, out);
      }
      return out;
    }
    std::vector<Candidate> options;
    for (const OptionPage* option : walk.Options()) {
      if (walk.Used(*option) && !option->repeatable) continue;
      options.push_back({option->names.back(), option->text});
    }
    Keep(std::move(options), current, "", out);
    return out;
  }
  if (!walk.command().commands.empty()) {
    std::vector<Candidate> commands;
    for (const CommandPage& command : walk.command().commands) {
      commands.push_back({std::string(command.name()), command.purpose});
    }
    Keep(std::move(commands), current, "", out);
  } else if (const OptionPage* argument = walk.Argument()) {
    CompleteValue(*argument, current, "", walk, values, out);
  }
  return out;
}

std::string FormatCompletion(const Completion& completion) {
  std::string out;
  for (const Candidate& candidate : completion.candidates) {
    // A line is a candidate: what cannot be written on one is not offered.
    if (candidate.value.find_first_of("\n\t") != std::string::npos) continue;
    out += candidate.value;
    if (!candidate.text.empty()) out += "\t" + candidate.text.substr(0, candidate.text.find('\n'));
    out += "\n";
  }
  if (completion.files) out += ":files\n";
  if (completion.folders) out += ":folders\n";
  return out;
}

}  // namespace comity::manual
