#include "services/common/statement/legal.h"

#include "services/common/crypto/digest.h"

namespace comity {

Digest Authorisation::digest() const { return Sha256Digest(core); }

}  // namespace comity
