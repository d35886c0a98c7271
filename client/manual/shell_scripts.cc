#include "client/manual/shell_scripts.h"

namespace comity::manual {
namespace {

// Words come raw from bash, with the user's backslashes; candidates go back quoted.
constexpr std::string_view kBash =
    R"sh(# bash completion for comity. Use it now:  source <(comity completion bash)
_comity() {
  local line current=${COMP_WORDS[COMP_CWORD]}
  local -a words=("${COMP_WORDS[@]:1:COMP_CWORD}") found=()
  words=("${words[@]//\\/}")
  [[ $current == '=' ]] && current=''
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in
      :files)
        compopt -o filenames 2>/dev/null
        mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$current")
        ;;
      :folders)
        compopt -o filenames 2>/dev/null
        mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -d -- "$current")
        ;;
      *)
        found+=("$(printf %q "${line%%$'\t'*}")")
        ;;
    esac
  done < <("$1" __complete "${words[@]}" 2>/dev/null)
  COMPREPLY+=("${found[@]}")
}
complete -F _comity comity
)sh";

constexpr std::string_view kZsh = R"sh(#compdef comity
# zsh completion for comity. Use it now:  source <(comity completion zsh)
_comity() {
  local line
  local -a found
  local files=0 folders=0
  while IFS= read -r line; do
    case $line in
      :files) files=1 ;;
      :folders) folders=1 ;;
      *) found+=("${${line//:/\\:}/$'\t'/:}") ;;
    esac
  done < <("${words[1]}" __complete "${(@Q)words[2,CURRENT]}" 2>/dev/null)
  (( ${#found} )) && _describe comity found
  (( files )) && _files
  (( folders )) && _files -/
  return 0
}
if [[ ${funcstack[1]-} == _comity ]]; then
  _comity "$@"
else
  compdef _comity comity
fi
)sh";

constexpr std::string_view kFish =
    R"sh(# fish completion for comity. Use it now:  comity completion fish | source
function __comity_complete
    set -l words (commandline -opc)
    set -l program $words[1]
    set -e words[1]
    set -l current (commandline -ct)
    for line in ($program __complete $words "$current" 2>/dev/null)
        switch $line
            case ':files'
                __fish_complete_path "$current"
            case ':folders'
                __fish_complete_directories "$current"
            case '*'
                echo $line
        end
    end
end
complete -c comity -f -a '(__comity_complete)'
)sh";

}  // namespace

std::string_view CompletionScript(std::string_view shell) {
  if (shell == "bash") return kBash;
  if (shell == "zsh") return kZsh;
  if (shell == "fish") return kFish;
  return {};
}

}  // namespace comity::manual
