// Stores one file under an account and reads it back: the whole of what a program needs from the
// client library. docs/client-library.md walks through it.
//
//   put_get DEPLOYMENT PROFILE FILE
//
// DEPLOYMENT is the folder that `comity up` made, PROFILE a folder for the device's keys, which is
// made, with an account in Hong Kong, when there is none.

#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>

#include "client/account/account.h"
#include "client/objects/objects.h"
#include "client/profile/profile.h"
#include "client/session/session.h"
#include "services/common/status/end_process.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace {

// Makes the device's keys first: they are durable before anything is sent.
absl::StatusOr<comity::Profile> OpenOrMakeProfile(const std::string& deployment,
                                                  const std::string& folder) {
  if (std::filesystem::exists(folder + "/account.json")) return comity::Profile::Load(folder);
  ASSIGN_OR_RETURN(const comity::Topology topology,
                   comity::Topology::Load(deployment + "/topology.txtpb"));
  ASSIGN_OR_RETURN(const std::unique_ptr<comity::Clock> clock,
                   comity::OpenDeploymentClock(deployment));
  ASSIGN_OR_RETURN(comity::Profile profile,
                   comity::Profile::Create(folder, topology.deployment(), clock->Now()));
  std::cout << "recovery code, shown only now: " << profile.recovery_code() << "\n";
  return profile;
}

absl::Status PutAndGet(const std::string& deployment, const std::string& folder,
                       const std::string& file) {
  ASSIGN_OR_RETURN(comity::Profile profile, OpenOrMakeProfile(deployment, folder));
  ASSIGN_OR_RETURN(comity::TlsIdentity identity, profile.Tls());
  ASSIGN_OR_RETURN(const std::unique_ptr<comity::Session> session,
                   comity::Session::Open(deployment, std::move(identity)));

  comity::AccountClient account(session.get(), &profile);
  if (profile.state().epoch == 0) {
    RETURN_IF_ERROR(account.Create("HK").status());
  } else {
    RETURN_IF_ERROR(account.Show().status());  // follows a move, after checking its proofs
  }

  std::ifstream in(file, std::ios::binary);
  if (!in) return comity::Refuse(comity::Reason::kFieldInvalid, "cannot read " + file);
  comity::ObjectAttributes attributes;
  attributes.name = std::filesystem::path(file).filename().string();
  attributes.size = std::filesystem::file_size(file);
  comity::ObjectClient objects(session.get(), &profile);
  ASSIGN_OR_RETURN(const comity::ObjectInfo stored, objects.Put(in, attributes));

  std::ostringstream back;
  RETURN_IF_ERROR(objects.Get(stored.attributes.name, back).status());
  std::ostringstream original;
  original << std::ifstream(file, std::ios::binary).rdbuf();
  if (back.str() != original.str()) {
    return comity::Refuse(comity::Reason::kDataCorrupt, "what came back is not what was stored");
  }
  std::cout << stored.attributes.name << " version " << stored.version << ", " << back.str().size()
            << " bytes, came back unchanged from region " << profile.state().home_region << "\n";
  return absl::OkStatus();
}

int RunExample(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: put_get DEPLOYMENT PROFILE FILE\n";
    return 2;
  }
  const absl::Status status = PutAndGet(argv[1], argv[2], argv[3]);
  if (status.ok()) return 0;
  const comity::ReasonInfo& info = comity::Describe(comity::ReasonOf(status));
  std::cerr << info.text << " (" << info.name << ")\n"
            << comity::CauseOf(status) << "\n"
            << info.remedy << "\n";
  return 1;
}

}  // namespace

int main(int argc, char** argv) { comity::EndProcess(RunExample(argc, argv)); }
