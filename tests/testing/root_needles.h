#ifndef COMITY_TESTS_TESTING_ROOT_NEEDLES_H_
#define COMITY_TESTS_TESTING_ROOT_NEEDLES_H_

#include "services/common/ids/ids.h"
#include "services/common/secret/secret.h"
#include "tests/testing/memory_scan.h"

namespace comity::custody {

// A custody's root key and all that is derived from it (docs/formats-custody.md), on the way too.
void AddRootNeedles(const SecretBytes& root, const RegionId& region, MemoryNeedles& needles);

}  // namespace comity::custody

#endif  // COMITY_TESTS_TESTING_ROOT_NEEDLES_H_
