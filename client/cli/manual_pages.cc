#include "client/cli/manual_pages.h"

#include <utility>

#include <CLI/CLI.hpp>

#include "services/common/server/service_flags.h"
#include "services/common/statement/operator.h"

namespace comity::cli {
namespace {

using manual::CommandPage;
using manual::ManPage;
using manual::OptionPage;
using manual::PageReference;
using manual::Topic;

constexpr ServiceKind kKinds[] = {ServiceKind::kStorage, ServiceKind::kCustody,
                                  ServiceKind::kReview};

std::vector<Topic> Environment() {
  return {
      {"COMITY_HOME",
       "Where profiles, checkpoints and the remembered deployment are kept; without it "
       "$XDG_CONFIG_HOME/comity, else ~/.config/comity"},
      {"COMITY_DEPLOYMENT", "The deployment's folder, when --deployment is not given"},
      {"COMITY_BIN_DIR", "Where `comity up` finds the service programs; default: beside comity"},
      {"COMITY_SHARE_DIR", "Where topologies and scenarios that ship are looked for first"}};
}

std::vector<Topic> Files() {
  return {
      {"~/.config/comity/deployment", "The folder of the deployment that was last up"},
      {"~/.config/comity/profiles/NAME/",
       "A device: device.key and sealing.key with their public halves, and account.json with what "
       "it signed. Losing the keys and the recovery code loses the account"},
      {"~/.config/comity/checkpoints/",
       "The last verified checkpoint of each log, by deployment, region and service"},
      {"DEPLOYMENT/topology.txtpb", "The signed topology: regions, operators, borders, rules"}};
}

std::vector<Topic> ExitStatus() {
  return {{"0", "Done"},
          {"1",
           "Refused or failed. Standard error says what, why, the closed reason, and what to do "
           "next"},
          {"2", "The command line is wrong"},
          {"3", "It ran, and something that it checks does not hold"}};
}

std::vector<Topic> ServiceFiles(const std::string& service) {
  std::vector<Topic> files = {
      {"DIR/identity/tls.crt, tls.key", "The TLS identity that the region's root certified"},
      {"DIR/identity/statement.key", "Signs what the service states"},
      {"DIR/identity/log.key", "Signs the checkpoints of its public log"},
      {"DIR/identity/endorsement", "The operator's word that this is its service's statement key"},
      {"DIR/identity/roster", "The persons of the region"},
      {"DIR/store/", "Records and blobs; the service's own, made at its first start"}};
  if (service == "custody") {
    files.push_back({"DIR/identity/root.key",
                     "The root key under which account keys rest, with the key-file seal"});
  }
  return files;
}

std::vector<Topic> ServiceExitStatus() {
  return {{"0", "A clean stop, and a configuration that is valid"},
          {"1", "It does not start; one sentence on standard error says why"},
          {"2", "The flags are wrong"},
          {"3", "A check of the store found something wrong"}};
}

ManPage Finished(ManPage page) {
  page.version = COMITY_VERSION;
  page.date = COMITY_MANUAL_DATE;
  return page;
}

ManPage RootPage(const CommandPage& root) {
  ManPage page{.name = "comity", .section = 1, .command = root};
  page.environment = Environment();
  page.files = Files();
  page.exit_status = ExitStatus();
  for (const CommandPage& command : root.commands) {
    page.see_also.push_back({"comity-" + std::string(command.name()), 1});
  }
  for (const ServiceKind kind : kKinds) {
    page.see_also.push_back({"comity-" + std::string(Name(kind)), 8});
  }
  return Finished(std::move(page));
}

// Which other pages somebody who reads about `name` may want.
std::vector<PageReference> Neighbours(const CommandPage& root, std::string_view name) {
  static constexpr std::pair<std::string_view, std::string_view> kPairs[] = {
      {"up", "down"},      {"up", "status"},  {"up", "test"},          {"up", "scenario"},
      {"put", "get"},      {"put", "ls"},     {"put", "rm"},           {"put", "account"},
      {"get", "ls"},       {"get", "rm"},     {"account", "key"},      {"account", "migrate"},
      {"legal", "report"}, {"log", "report"}, {"completion", "man"},   {"topology", "up"},
      {"key", "put"},      {"legal", "log"},  {"topology", "migrate"}, {"rm", "ls"}};
  std::vector<PageReference> pages = {{"comity", 1}};
  for (const auto& [one, other] : kPairs) {
    const std::string_view found = one == name ? other : other == name ? one : "";
    if (!found.empty() && root.Find(found) != nullptr) {
      pages.push_back({"comity-" + std::string(found), 1});
    }
  }
  return pages;
}

ManPage CommandManPage(const CommandPage& root, const CommandPage& command) {
  ManPage page{.name = "comity-" + std::string(command.name()), .section = 1, .command = command};
  for (const OptionPage& option : root.options) {
    if (option.names.back() != "--version") page.global_options.push_back(option);
  }
  page.exit_status = ExitStatus();
  page.see_also = Neighbours(root, command.name());
  return Finished(std::move(page));
}

ManPage ServicePage(ServiceKind kind) {
  const std::string name(Name(kind));
  CLI::App app;
  ServiceFlags flags;
  DeclareServiceFlags(app, flags, kind);
  ManPage page{.name = "comity-" + name, .section = 8, .command = manual::Describe(app)};
  page.environment = {
      {"NOTIFY_SOCKET", "Set by systemd: the service tells it when it serves and when it stops"}};
  page.files = ServiceFiles(name);
  page.exit_status = ServiceExitStatus();
  page.see_also = {{"comity", 1}, {"comity-up", 1}, {"comity-topology", 1}, {"systemd.service", 5}};
  for (const ServiceKind other : kKinds) {
    if (other != kind) page.see_also.push_back({"comity-" + std::string(Name(other)), 8});
  }
  return Finished(std::move(page));
}

}  // namespace

std::vector<ManPage> ManPages(const CommandPage& root) {
  std::vector<ManPage> pages = {RootPage(root)};
  for (const CommandPage& command : root.commands) {
    pages.push_back(CommandManPage(root, command));
  }
  for (const ServiceKind kind : kKinds) pages.push_back(ServicePage(kind));
  return pages;
}

std::vector<std::string> ManPageNames(const CommandPage& root) {
  std::vector<std::string> names = {"comity"};
  for (const CommandPage& command : root.commands) names.emplace_back(command.name());
  for (const ServiceKind kind : kKinds) names.push_back("comity-" + std::string(Name(kind)));
  return names;
}

}  // namespace comity::cli
