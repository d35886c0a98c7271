#ifndef COMITY_CUSTODY_PKCS11_NAMES_H_
#define COMITY_CUSTODY_PKCS11_NAMES_H_

#include <string>

namespace comity::custody {

// The name of what a function of PKCS#11 returned: "CKR_PIN_INCORRECT"; "CKR 0x80000003" for one
// that the standard has no name for.
std::string CkrName(unsigned long result);

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_PKCS11_NAMES_H_
