// Somebody else's program: the client library as it was installed, and nothing of its sources.

#include <iostream>

#include "client/key/key.h"
#include "client/session/session.h"
#include "services/common/status/reason.h"

int main(int argc, char** argv) {
  const auto topology = comity::Topology::Load(argc > 1 ? argv[1] : "nowhere.txtpb");
  if (!topology.ok()) {
    // It was linked with all that it needs, and refuses what is not there.
    std::cout << comity::Describe(comity::ReasonOf(topology.status())).name << "\n";
    return 0;
  }
  const auto key = comity::PrivateKey::Generate(comity::SignatureAlgorithm::kEcdsaP256);
  comity::TlsIdentity identity;
  identity.private_key = key.ToPem();
  std::cout << comity::Session::Open(argv[1], std::move(identity)).ok() << "\n";
  return 1;
}
