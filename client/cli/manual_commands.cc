#include "client/cli/manual_commands.h"

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <unistd.h>

#include "client/cli/manual_pages.h"
#include "client/manual/command_page.h"
#include "client/manual/man_page.h"
#include "client/manual/shell_scripts.h"
#include "services/common/files/files.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity::cli {
namespace {

namespace fs = std::filesystem;
using manual::ManPage;
using nlohmann::json;

struct ManOptions {
  std::vector<std::string> command;
  std::string directory;
};

// <directory>/man1/comity-put.1 and so on, as man(1) looks for them.
absl::Status WritePages(const Context& context, const std::vector<ManPage>& pages,
                        const std::string& directory) {
  json written = json::array();
  std::string text;
  for (const ManPage& page : pages) {
    const std::string section = std::to_string(page.section);
    const std::string folder = directory + "/man" + section;
    std::error_code error;
    fs::create_directories(folder, error);
    if (error) return Refuse(Reason::kStoreUnavailable, "cannot make the folder " + folder);
    const std::string path = folder + "/" + page.name + "." + section;
    RETURN_IF_ERROR(WriteFileDurably(path, RenderMan(page), FileMode::kPublic));
    written.push_back(path);
    text += path + "\n";
  }
  context.Print(text, written);
  return absl::OkStatus();
}

// On a terminal, man(1) shows the page; false when that is not possible.
bool ShowOnTerminal(const std::string& page) {
  if (isatty(STDOUT_FILENO) == 0 || std::system("command -v man >/dev/null 2>&1") != 0) {
    return false;
  }
  std::FILE* man = popen("man -l -", "w");
  if (man == nullptr) return false;
  std::fwrite(page.data(), 1, page.size(), man);
  return pclose(man) == 0;
}

absl::Status Man(const CLI::App& app, const Context& context, const ManOptions& options) {
  const manual::CommandPage root = manual::Describe(app);
  const std::vector<ManPage> pages = ManPages(root);
  if (!options.directory.empty()) return WritePages(context, pages, options.directory);
  // The page of a command is that of its group.
  const std::string asked = options.command.empty() ? "comity" : options.command.front();
  const ManPage* found = nullptr;
  for (const ManPage& page : pages) {
    // `comity custody` and the service comity-custody share a name: its full form means the
    // service.
    const bool is_it = page.name == asked || page.name == "comity-" + asked;
    if (is_it && (found == nullptr || (page.name == asked && page.section > found->section))) {
      found = &page;
    }
  }
  if (found != nullptr) {
    const std::string text = RenderMan(*found);
    if (!context.json && ShowOnTerminal(text)) return absl::OkStatus();
    context.Print(text, {{"name", found->name}, {"section", found->section}, {"mdoc", text}});
    return absl::OkStatus();
  }
  std::string names;
  for (const std::string& name : ManPageNames(root)) names += (names.empty() ? "" : ", ") + name;
  return Refuse(Reason::kFieldInvalid, "there is no page \"" + asked + "\"; there are " + names);
}

}  // namespace

void AddManualCommands(CLI::App& app, Context& context) {
  CLI::App* man = app.add_subcommand("man", "The manual: a page for each command and service");
  auto options = std::make_shared<ManOptions>();
  man->add_option("command", options->command,
                  "Command or service, for instance put, account create or comity-custody; "
                  "default: the page of comity itself")
      ->type_name("COMMAND");
  man->add_option("--man-dir", options->directory,
                  "Write every page below this folder, as man1/NAME.1 and man8/NAME.8")
      ->type_name("DIR");
  man->footer(
      "Examples:\n"
      "  comity man account                        read about accounts\n"
      "  comity man comity-storage                 read about a service\n"
      "  comity man --man-dir ~/.local/share/man   then `man comity-put` works\n"
      "On a terminal man(1) shows the page; elsewhere its source is printed (mdoc).");
  man->callback([&app, &context, options] {
    context.command = [&app, &context, options] { return Man(app, context, *options); };
  });

  CLI::App* completion =
      app.add_subcommand("completion", "Print the script that lets a shell complete `comity`");
  auto shell = std::make_shared<std::string>();
  completion->add_option("shell", *shell, "Which shell")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  completion->footer(
      "Examples:\n"
      "  source <(comity completion bash)          this shell; put it in ~/.bashrc for all\n"
      "  source <(comity completion zsh)           the same in zsh, after compinit\n"
      "  comity completion fish | source           the same in fish\n"
      "Completes commands, options and values: regions, profiles, persons, accounts, territories,\n"
      "names of objects, and cases of the person given with --as.");
  completion->callback([&context, shell] {
    context.command = [&context, shell] {
      const std::string script(manual::CompletionScript(*shell));
      context.Print(script, {{"shell", *shell}, {"script", script}});
      return absl::OkStatus();
    };
  });
}

}  // namespace comity::cli
