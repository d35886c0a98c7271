// docs/cli.md names every command and every option that there is.

#include <fstream>
#include <iterator>
#include <string>

#include <CLI/CLI.hpp>
#include <gtest/gtest.h>

#include "client/cli/command_tree.h"
#include "client/cli/context.h"

namespace comity::cli {
namespace {

std::string Reference() {
  std::ifstream in(COMITY_CLI_REFERENCE);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// Calls `look` with the words of every command that does something ("account create").
template <typename Look>
void ForEachCommand(const CLI::App& app, const std::string& before, Look look) {
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    const std::string words =
        before.empty() ? command->get_name() : before + " " + command->get_name();
    if (command->get_subcommands([](const CLI::App*) { return true; }).empty()) {
      look(words, *command);
    }
    ForEachCommand(*command, words, look);
  }
}

class CliReferenceTest : public testing::Test {
 protected:
  CliReferenceTest() { DeclareCommands(app_, context_); }
  Context context_;
  CLI::App app_;
  const std::string reference_ = Reference();
};

TEST_F(CliReferenceTest, EveryCommandIsDescribed) {
  size_t commands = 0;
  ForEachCommand(app_, "", [&](const std::string& words, const CLI::App&) {
    ++commands;
    EXPECT_NE(reference_.find("`" + words), std::string::npos) << words;
  });
  EXPECT_GT(commands, 30u);
}

TEST_F(CliReferenceTest, EveryOptionIsDescribed) {
  ForEachCommand(app_, "", [&](const std::string& words, const CLI::App& command) {
    for (const CLI::Option* option : command.get_options()) {
      for (const std::string& name : option->get_lnames()) {
        if (name == "help") continue;
        const bool described =
            reference_.find("--" + name) != std::string::npos ||
            // "-o FILE" stands for "-o,--output".
            (!option->get_snames().empty() &&
             reference_.find("-" + option->get_snames()[0] + " ") != std::string::npos);
        EXPECT_TRUE(described) << words << " --" << name;
      }
    }
  });
}

TEST_F(CliReferenceTest, EveryCommandSaysInOneSentenceWhatItDoes) {
  ForEachCommand(app_, "", [&](const std::string& words, const CLI::App& command) {
    EXPECT_GT(command.get_description().size(), 10u) << words;
  });
}

}  // namespace
}  // namespace comity::cli
