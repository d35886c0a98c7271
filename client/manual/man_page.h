#ifndef COMITY_CLIENT_MANUAL_MAN_PAGE_H_
#define COMITY_CLIENT_MANUAL_MAN_PAGE_H_

#include <string>
#include <vector>

#include "client/manual/command_page.h"

namespace comity::manual {

// A term and what it means: a file, a variable, an exit status.
struct Topic {
  std::string term;
  std::string text;
};

struct PageReference {
  std::string name;
  int section = 1;
};

// One page of the manual. What --help says comes from `command`; the rest is what a man page has
// beyond that.
struct ManPage {
  std::string name;  // "comity-account"
  int section = 1;
  CommandPage command;                     // a command, or a group with its commands
  std::vector<OptionPage> global_options;  // shown with every command but the root
  std::vector<Topic> environment;
  std::vector<Topic> files;
  std::vector<Topic> exit_status;
  std::vector<PageReference> see_also;
  std::string version;  // "0.1.0"
  std::string date;     // "November 24, 2026"
};

// The page in mdoc(7), for man(1) and mandoc(1).
std::string RenderMan(const ManPage& page);

}  // namespace comity::manual

#endif  // COMITY_CLIENT_MANUAL_MAN_PAGE_H_
