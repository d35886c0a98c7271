#include "client/profile/profile.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include <nlohmann/json.hpp>

#include "services/common/crypto/digest.h"
#include "services/common/crypto/random.h"
#include "services/common/crypto/x509.h"
#include "services/common/files/files.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity {
namespace {

using nlohmann::json;

// A device's certificate only carries its key: no authority vouches for it, so its dates say
// nothing beyond "now".
constexpr UnixMillis kNotBefore = 1'483'228'800'000;  // 2017-01-01
constexpr UnixMillis kNotAfter = 4'102'444'800'000;   // 2100-01-01
constexpr size_t kRecoveryBytes = 20;                 // 160 random bits

std::string DeviceKeyPath(const std::string& folder) { return folder + "/device.key"; }
std::string CertificatePath(const std::string& folder) { return folder + "/device.crt"; }
std::string SealingKeyPath(const std::string& folder) { return folder + "/sealing.key"; }
std::string SealingPublicPath(const std::string& folder) { return folder + "/sealing.pub"; }
std::string AccountPath(const std::string& folder) { return folder + "/account.json"; }

// Groups of four, as it is printed for people.
std::string Grouped(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (i > 0 && i % 4 == 0) out += '-';
    out += text[i];
  }
  return out;
}

absl::StatusOr<PrivateKey> RecoveryKey(const std::string& raw_code) {
  const SecretBytes code = SecretBytes::CopyOf(raw_code);
  const SecretBytes seed = HkdfSha256(code, "", "comity recovery key v1", 32);
  return PrivateKey::FromSeed(SignatureAlgorithm::kEcdsaP256, seed);
}

json StatementsToJson(const std::vector<Statement>& statements) {
  json out = json::array();
  for (const Statement& s : statements) out.push_back(Base32Encode(EncodeStatement(s)));
  return out;
}

absl::StatusOr<Statement> StatementFromJson(const json& value) {
  ASSIGN_OR_RETURN(const std::string bytes, Base32Decode(value.get<std::string>()));
  return DecodeStatement(bytes);
}

}  // namespace

absl::StatusOr<std::string> ComityHome() {
  if (const char* home = std::getenv("COMITY_HOME"); home != nullptr && *home != '\0') return home;
  if (const char* xdg = std::getenv("XDG_CONFIG_HOME"); xdg != nullptr && *xdg != '\0') {
    return std::string(xdg) + "/comity";
  }
  if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0') {
    return std::string(home) + "/.config/comity";
  }
  return Refuse(Reason::kFieldInvalid, "set COMITY_HOME: there is no home folder");
}

Profile::Profile(std::string folder, PrivateKey device_key, X25519KeyPair sealing,
                 DeviceChain chain)
    : folder_(std::move(folder)),
      device_key_(std::move(device_key)),
      sealing_(std::move(sealing)),
      account_(chain.account()),
      chain_(std::move(chain)) {}

absl::StatusOr<Profile> Profile::Create(const std::string& folder, const std::string& deployment,
                                        UnixMillis now) {
  if (FileExists(AccountPath(folder))) {
    return Refuse(Reason::kStateNotReady, "there is a profile in " + folder + " already");
  }
  PrivateKey device = PrivateKey::Generate(SignatureAlgorithm::kEcdsaP256);
  X25519KeyPair sealing = GenerateX25519();
  const std::string code = RandomBytes(kRecoveryBytes);
  ASSIGN_OR_RETURN(const PrivateKey recovery, RecoveryKey(code));

  ChainEntry first;
  first.device_key = device.public_key().spki();
  first.sealing_key = sealing.public_key;
  first.recovery_key = recovery.public_key().spki();
  const AccountId account = AccountIdOf(device.public_key().spki());
  Envelope envelope;
  envelope.deployment = deployment;
  envelope.subject = std::string(account.bytes());
  envelope.time = now;
  ASSIGN_OR_RETURN(DeviceChain chain,
                   DeviceChain::Verify(account, {SignStatement(envelope, first, device)}));

  CertificateSpec spec;
  spec.common_name = "comity device";
  spec.not_before = kNotBefore;
  spec.not_after = kNotAfter;
  RETURN_IF_ERROR(MakePrivateFolders(folder));
  RETURN_IF_ERROR(WritePrivateFile(DeviceKeyPath(folder), device.ToPem()));
  RETURN_IF_ERROR(WritePrivateFile(SealingKeyPath(folder), sealing.private_key));
  RETURN_IF_ERROR(
      WriteFileDurably(SealingPublicPath(folder), sealing.public_key, FileMode::kPrivate));
  RETURN_IF_ERROR(WriteFileDurably(CertificatePath(folder), SelfSignedCertificate(device, spec),
                                   FileMode::kPrivate));
  Profile profile(folder, std::move(device), std::move(sealing), std::move(chain));
  profile.deployment_ = deployment;
  profile.recovery_code_ = Grouped(Base32Encode(code));
  RETURN_IF_ERROR(profile.Save());
  return profile;
}

absl::Status Profile::Save() const {
  json statements = json::object();
  for (const auto& [type, statement] : state_.statements) {
    statements[type] = Base32Encode(EncodeStatement(statement));
  }
  json file = {{"version", 1},
               {"deployment", deployment_},
               {"account", account_.ToString()},
               {"territory", state_.territory},
               {"home_region", state_.home_region},
               {"epoch", state_.epoch},
               {"last_number", state_.last_number},
               {"chain", StatementsToJson(chain_.entries())},
               {"statements", statements}};
  if (!state_.key_region.empty()) file["key_region"] = state_.key_region;
  return WriteFileDurably(AccountPath(folder_), file.dump(2) + "\n", FileMode::kPrivate);
}

absl::StatusOr<Profile> Profile::Load(const std::string& folder) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(AccountPath(folder)));
  ASSIGN_OR_RETURN(const SecretBytes pem, ReadPrivateFile(DeviceKeyPath(folder)));
  ASSIGN_OR_RETURN(PrivateKey device, PrivateKey::FromPem(pem));
  X25519KeyPair sealing;
  ASSIGN_OR_RETURN(sealing.private_key, ReadPrivateFile(SealingKeyPath(folder)));
  ASSIGN_OR_RETURN(sealing.public_key, ReadFile(SealingPublicPath(folder)));
  const auto read = [&]() -> absl::StatusOr<Profile> {
    const json file = json::parse(text);
    if (file.at("version") != 1) return Refuse(Reason::kDataCorrupt, "it has another version");
    ASSIGN_OR_RETURN(const AccountId account,
                     AccountId::Parse(file.at("account").get<std::string>()));
    std::vector<Statement> entries;
    for (const json& entry : file.at("chain")) {
      ASSIGN_OR_RETURN(Statement statement, StatementFromJson(entry));
      entries.push_back(std::move(statement));
    }
    ASSIGN_OR_RETURN(DeviceChain chain, DeviceChain::Verify(account, entries));
    const bool known =
        std::any_of(chain.devices().begin(), chain.devices().end(),
                    [&](const Device& d) { return d.key.id() == device.public_key().id(); });
    if (!known) return Refuse(Reason::kDataCorrupt, "device.key is no device of the account");
    Profile profile(folder, std::move(device), std::move(sealing), std::move(chain));
    profile.deployment_ = file.at("deployment").get<std::string>();
    profile.state_.territory = file.at("territory").get<std::string>();
    profile.state_.home_region = file.at("home_region").get<std::string>();
    profile.state_.key_region = file.value("key_region", std::string());
    profile.state_.epoch = file.at("epoch").get<AccountEpoch>();
    profile.state_.last_number = file.at("last_number").get<uint64_t>();
    for (const auto& [type, value] : file.at("statements").items()) {
      ASSIGN_OR_RETURN(profile.state_.statements[type], StatementFromJson(value));
    }
    return profile;
  };
  try {
    absl::StatusOr<Profile> profile = read();
    if (profile.ok()) return profile;
    return Refuse(Reason::kDataCorrupt, AccountPath(folder) + ": " + CauseOf(profile.status()));
  } catch (const json::exception& error) {
    return Refuse(Reason::kDataCorrupt, AccountPath(folder) + ": " + error.what());
  }
}

absl::StatusOr<TlsIdentity> Profile::Tls() const {
  TlsIdentity identity;
  ASSIGN_OR_RETURN(identity.certificate, ReadFile(CertificatePath(folder_)));
  identity.private_key = device_key_.ToPem();
  return identity;
}

}  // namespace comity
