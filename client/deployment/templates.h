#ifndef COMITY_CLIENT_DEPLOYMENT_TEMPLATES_H_
#define COMITY_CLIENT_DEPLOYMENT_TEMPLATES_H_

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace comity {

// The file of a template that was named by its path, or by a bare name ("icloud-cn-2018") that is
// looked for in $COMITY_SHARE_DIR/topologies, else in deploy/topologies of the source tree that the
// running program was built in and in share/comity/topologies of where it was installed.
// STORE_UNAVAILABLE with the folders that were searched.
absl::StatusOr<std::string> FindTemplate(const std::string& name);

// Makes a deployment of that template in `directory`, or completes the one that is there: the
// template it was made of is kept beside it and `name` is not looked for again. See
// MakeDeployment().
absl::Status MakeFromTemplate(const std::string& name, const std::string& directory,
                              std::function<void(const std::string&)> progress);

// As FindTemplate(), for what ships beside the templates: `kind` is "topologies" or "scenarios".
absl::StatusOr<std::string> FindShipped(std::string_view kind, const std::string& name,
                                        std::string_view suffix);

// The names of what ships of that kind, sorted; none when its folder is not found.
std::vector<std::string> ListShipped(std::string_view kind);

}  // namespace comity

#endif  // COMITY_CLIENT_DEPLOYMENT_TEMPLATES_H_
