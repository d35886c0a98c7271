#include "client/cli/shell_exports.h"

#include <cctype>

#include "client/deployment/paths.h"

namespace comity::cli {
namespace {

std::string VariableName(const std::string& words) {
  std::string name;
  for (const char c : words) {
    const auto byte = static_cast<unsigned char>(c);
    name.push_back(std::isalnum(byte) != 0 ? static_cast<char>(std::toupper(byte)) : '_');
  }
  return name;
}

}  // namespace

std::map<std::string, std::string> DeploymentVariables(const Topology& topology,
                                                       const std::string& directory,
                                                       const std::string& home) {
  std::map<std::string, std::string> variables = {
      {"COMITY_DEPLOYMENT", directory}, {"COMITY_BUNDLE", DeploymentPaths(directory).Bundle()}};
  if (!home.empty()) variables["COMITY_HOME"] = home;
  for (const auto& [id, region] : topology.regions()) {
    for (const auto& [kind, service] : region.services) {
      variables[VariableName("comity_" + id.name() + "_" + std::string(Name(kind)))] =
          service.address;
    }
  }
  return variables;
}

std::string ShellExports(const std::map<std::string, std::string>& variables) {
  std::string text;
  for (const auto& [name, value] : variables) {
    text += "export " + name + "='";
    for (const char c : value) {
      // A quote ends the quoted part, stands quoted by itself, and begins the next part.
      text += c == '\'' ? "'\\''" : std::string(1, c);
    }
    text += "'\n";
  }
  return text;
}

}  // namespace comity::cli
