// Every command teaches: a purpose, an example that is a valid command line, values in words.

#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <gmock/gmock.h>

#include "client/cli/command_tree.h"
#include "client/cli/context.h"
#include "client/manual/command_page.h"

namespace comity::cli {
namespace {

using manual::CommandPage;

// The words of an example, as a shell would split them, up to the first pipe or redirection.
// Empty when the line begins with another program.
std::vector<std::string> WordsOf(const std::string& example) {
  std::vector<std::string> words;
  std::string word;
  bool quoted = false;
  bool any = false;
  const auto end = [&] {
    if (any) words.push_back(word);
    word.clear();
    any = false;
  };
  for (const char c : example) {
    if (c == '\'') {
      quoted = !quoted;
      any = true;
    } else if (quoted) {
      word += c;
    } else if (c == '|' || c == '>') {
      if (!words.empty() && words.front() == "comity") break;
      end();
      words.clear();
    } else if (c == ' ' || c == '\n' || c == '\\') {
      end();
    } else {
      word += c;
      any = true;
    }
  }
  end();
  if (words.empty() || words.front() != "comity") return {};
  return {words.begin() + 1, words.end()};
}

class HelpTest : public testing::Test {
 protected:
  HelpTest() {
    DeclareCommands(app_, context_);
    root_ = manual::Describe(app_);
  }

  template <typename Look>
  static void ForEach(const CommandPage& page, Look look) {
    look(page);
    for (const CommandPage& below : page.commands) ForEach(below, look);
  }

  // What is wrong with the line; empty when nothing is, but that its files are not here.
  static std::string Try(const std::string& example) {
    std::vector<std::string> words = WordsOf(example);
    if (words.empty()) return {};
    Context context;
    CLI::App app;
    DeclareCommands(app, context);
    std::vector<const char*> argv = {"comity"};
    for (const std::string& word : words) argv.push_back(word.c_str());
    try {
      app.parse(static_cast<int>(argv.size()), argv.data());
    } catch (const CLI::ValidationError& error) {
      const std::string what = error.what();
      return what.find("does not exist") == std::string::npos ? what : "";
    } catch (const CLI::ParseError& error) {
      return error.what();
    }
    return {};
  }

  Context context_;
  CLI::App app_;
  CommandPage root_;
};

TEST_F(HelpTest, EveryCommandHasAnExampleOfItsOwn) {
  size_t commands = 0;
  ForEach(root_, [&](const CommandPage& page) {
    ++commands;
    EXPECT_FALSE(page.examples.empty())
        << page.path << ": say `->footer(\"Example: comity ...\")`, and what to do next";
  });
  EXPECT_GT(commands, 40u);
}

TEST_F(HelpTest, EveryExampleIsAValidCommandLine) {
  ForEach(root_, [](const CommandPage& page) {
    for (const manual::ExamplePage& example : page.examples) {
      EXPECT_EQ(Try(example.command), "") << page.path << ": " << example.command;
    }
  });
}

TEST_F(HelpTest, ExampleThatIsWrongIsFound) {
  EXPECT_NE(Try("comity putt letter.pdf"), "");
  EXPECT_NE(Try("comity put letter.pdf --region cn"), "");
  EXPECT_EQ(Try("tar c photos | comity put - --name photos.tar"), "");
}

TEST_F(HelpTest, ExampleShowsTheCommandItStandsWith) {
  ForEach(root_, [](const CommandPage& page) {
    const std::string words = page.path.substr(page.path.find(' ') + 1);
    bool shown = page.path == "comity";
    for (const manual::ExamplePage& example : page.examples) {
      shown = shown || example.command.find(words) != std::string::npos;
    }
    EXPECT_TRUE(shown) << page.path;
  });
}

TEST_F(HelpTest, PurposeIsOneSentenceAndOptionsAreExplained) {
  ForEach(root_, [](const CommandPage& page) {
    EXPECT_GT(page.purpose.size(), 10u) << page.path;
    EXPECT_LT(page.purpose.size(), 100u) << page.path;
    EXPECT_EQ(page.purpose.find('\n'), std::string::npos) << page.path;
    for (const auto* options : {&page.options, &page.arguments}) {
      for (const manual::OptionPage& option : *options) {
        EXPECT_GT(option.text.size(), 4u) << page.path << " " << Signature(option);
      }
    }
  });
}

TEST_F(HelpTest, NoLineIsWiderThanTheScreen) {
  std::vector<CLI::App*> commands = {&app_};
  while (!commands.empty()) {
    const CLI::App* command = commands.back();
    commands.pop_back();
    for (CLI::App* below :
         const_cast<CLI::App*>(command)->get_subcommands([](CLI::App*) { return true; })) {
      commands.push_back(below);
    }
    const std::string help = command->help();
    for (size_t begin = 0; begin < help.size();) {
      const size_t end = help.find('\n', begin);
      EXPECT_LE(end - begin, 100u) << help.substr(begin, end - begin);
      begin = end + 1;
    }
  }
}

}  // namespace
}  // namespace comity::cli
