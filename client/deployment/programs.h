#ifndef COMITY_CLIENT_DEPLOYMENT_PROGRAMS_H_
#define COMITY_CLIENT_DEPLOYMENT_PROGRAMS_H_

#include <string>

namespace comity {

// Where comity-storage and the others are: $COMITY_BIN_DIR, else beside the running program when
// they are there, else the first folder of $PATH that has them, else beside the running program
// after all, for the error that names what is missing.
std::string ProgramFolder();

}  // namespace comity

#endif  // COMITY_CLIENT_DEPLOYMENT_PROGRAMS_H_
