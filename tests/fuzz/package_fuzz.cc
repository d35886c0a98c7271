#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <unistd.h>

#include "client/legal/package_reader.h"
#include "client/objects/wire.h"
#include "services/common/crypto/hpke.h"
#include "services/common/files/files.h"
#include "services/common/statement/proto_codec.h"
#include "services/common/status/check.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "tests/testing/authorisation.h"
#include "tests/testing/deployment.h"

namespace comity {
namespace {

namespace pb = comity::review::v1;

constexpr UnixMillis kNow = TestDeployment::kHandover + kDayMs;

// An agent with a folder, a case, and a storage that signs whatever list it is given.
class Agent final {
 public:
  Agent()
      : root_(std::filesystem::temp_directory_path() /
              ("package_fuzz." + std::to_string(getpid()))),
        authorisation_(deployment_, AccountId(), {ContentId()}, kNow) {
    COMITY_CHECK(MakePrivateFolders(files()).ok());
    authorisation_.core.case_id = "case";
    COMITY_CHECK(WritePrivateFile(root_.string() + "/recipient-" +
                                      Base32Encode(authorisation_.core.recipient_key) + ".key",
                                  authorisation_.recipient_private_key())
                     .ok());
  }
  ~Agent() {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }
  std::string files() const { return root_.string() + "/files"; }

  // Signatures and seals that no input could guess, around what the input says.
  void Repair(pb::PackageAccount& account) {
    authorisation_.core.classes = {DataClass::kC4};
    if (account.authorisation().core().empty()) {
      authorisation_.core.classes.push_back(DataClass::kC5);
    }
    Authorisation authorisation;
    authorisation.core = EncodeRecord(authorisation_.core);
    authorisation.request = authorisation_.SignRequest("agent-lin");
    authorisation.endorsement = deployment_.service("cn", ServiceKind::kReview).endorsement;
    authorisation.grant = authorisation.request;
    authorisation.approvals = {authorisation.request, authorisation.request};
    authorisation.grant_leaf = authorisation.grant_receipt = "-";
    *account.mutable_authorisation() = ToProto(authorisation);
    LegalManifest manifest{.authorisation = authorisation.digest()};
    for (const auto& object : account.objects()) {
      const absl::StatusOr<ObjectRecord> record = RecordOf(object);
      if (record.ok()) manifest.objects.push_back(ObjectRecordDigest(*record));
    }
    const TestService& storage = deployment_.service("cn", ServiceKind::kStorage);
    const Envelope envelope{.deployment = deployment_.topology().deployment(),
                            .region = "cn",
                            .subject = std::string(authorisation_.core.account.bytes()),
                            .time = kNow};
    *account.mutable_manifest() = ToProto(SignStatement(envelope, manifest, storage.statement_key));
    *account.mutable_storage_endorsement() = ToProto(storage.endorsement);
    if (account.sealed_answer().empty()) return;
    const std::string info = "comity answer v1" + std::string(authorisation.digest().bytes()) +
                             "custody" + std::string(4, '\0');
    account.set_sealed_answer(*HpkeSeal(authorisation_.core.recipient_key, info, "",
                                        SecretBytes::CopyOf(account.sealed_answer())));
  }

  absl::Status Read(const std::vector<pb::DownloadPackageResponse>& messages,
                    std::vector<OpenedFile>& opened) {
    PackageReader reader({.topology = &deployment_.topology(),
                          .now = kNow,
                          .person_folder = root_.string(),
                          .case_id = "case",
                          .folder = files()});
    for (const pb::DownloadPackageResponse& message : messages) {
      if (absl::Status taken = reader.Take(message); !taken.ok()) return taken;
    }
    ASSIGN_OR_RETURN(opened, reader.Finish());
    return absl::OkStatus();
  }

 private:
  const std::filesystem::path root_;
  const TestDeployment deployment_;
  TestAuthorisation authorisation_;
};

// Messages of a package, each after its length (u16).
std::vector<pb::DownloadPackageResponse> Split(std::string_view input) {
  std::vector<pb::DownloadPackageResponse> messages;
  while (input.size() >= 2 && messages.size() < 16) {
    const size_t length = static_cast<uint8_t>(input[0]) << 8 | static_cast<uint8_t>(input[1]);
    const std::string_view bytes = input.substr(2, length);
    pb::DownloadPackageResponse& message = messages.emplace_back();
    if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) messages.pop_back();
    input.remove_prefix(2 + bytes.size());
  }
  return messages;
}

void Check(std::string_view input) {
  static Agent agent;
  std::vector<OpenedFile> opened;
  std::vector<pb::DownloadPackageResponse> messages = Split(input);
  COMITY_CHECK(messages.empty() || !agent.Read(messages, opened).ok());
  for (pb::DownloadPackageResponse& message : messages) {
    if (message.has_account()) agent.Repair(*message.mutable_account());
  }
  const absl::Status read = agent.Read(messages, opened);
  COMITY_CHECK(read.ok() || ReasonOf(read) != Reason::kInternal);
  for (const OpenedFile& file : opened) {
    if (file.path.empty()) continue;
    COMITY_CHECK(std::filesystem::path(file.path).lexically_normal().parent_path() ==
                 agent.files());
    COMITY_CHECK(std::filesystem::file_size(file.path) == file.size);
  }
}

}  // namespace
}  // namespace comity

// The package of a case, as a review sends it. What follows a head that storage has signed, may be
// anything.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  comity::Check({reinterpret_cast<const char*>(data), size});
  return 0;
}
