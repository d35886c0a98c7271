#ifndef COMITY_CLIENT_MANUAL_SHELL_SCRIPTS_H_
#define COMITY_CLIENT_MANUAL_SHELL_SCRIPTS_H_

#include <string_view>

namespace comity::manual {

// The first argument that makes the program answer a shell instead of running a command; the words
// of the line follow it. See FormatCompletion() for the answer.
inline constexpr std::string_view kCompletionRequest = "__complete";

// The script for "bash", "zsh" or "fish" that asks the program itself what may stand at the cursor,
// so that it is never older than the program. Empty for any other shell.
std::string_view CompletionScript(std::string_view shell);

}  // namespace comity::manual

#endif  // COMITY_CLIENT_MANUAL_SHELL_SCRIPTS_H_
