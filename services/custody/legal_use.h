#ifndef COMITY_CUSTODY_LEGAL_USE_H_
#define COMITY_CUSTODY_LEGAL_USE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "services/common/authorisation/authorisation.h"
#include "services/common/identity/authorization.h"
#include "services/common/secret/secret.h"
#include "services/common/statement/legal.h"
#include "services/custody/account.h"
#include "services/custody/data_keys.h"
#include "services/custody/leaf_log.h"
#include "services/custody/ledger.h"
#include "services/custody/site.h"
#include "services/custody/vault.h"

namespace comity::custody {

// The encoding of LegalAnswer (services/common/statement/legal.h), written once into secret memory.
struct OpenedKey {
  ContentId content;
  KeyPurpose purpose = KeyPurpose::kContent;
  SecretBytes data_key;  // kDataKeySize bytes
};
SecretBytes EncodeLegalAnswer(const std::vector<OpenedKey>& keys);
// HPKE info of custody's answer: "comity answer v1" || authorisation digest || "custody" || u32 0.
std::string LegalAnswerInfo(const Digest& authorisation);

// Opens data keys under a legal authorisation and seals them to its recipient: the only use of an
// account's key that its devices did not ask for. Thread-safe. What it is given outlives it.
class LegalUses final {
 public:
  LegalUses(const Site* site, AccountStore* store, Ledger* ledger, LeafLog* log, const Vault* vault)
      : site_(site), store_(store), ledger_(ledger), log_(log), vault_(vault) {}

  // Verifies the authorisation against this custody's own topology and roster, whatever review
  // says; writes the leaf; opens in memory; commits the sealed answer; returns it. A repeat returns
  // the stored answer and computes nothing, also after the authorisation has expired.
  //   AUTHORISATION_INVALID, FOUR_EYES, ENDORSEMENT_MISSING, RULES_FORBID  VerifyAuthorisation; or
  //                     a wrap that is not in its scope, or another account epoch.
  //   FIELD_INVALID     the same key twice.
  //   ACCOUNT_NOT_HERE  never here, or released: a release ends legal uses too.
  //   KEY_DESTROYED     closing has come to its end. Until then a closing account is answered.
  //   DATA_CORRUPT      a wrap does not open: then nothing is answered at all.
  //   RATE_LIMITED      more keys than custody opens for authorities within so short a time.
  //   LOG_UNAVAILABLE   no leaf, no use.
  //   SEALED            repeats too.
  absl::StatusOr<LegalUse> Execute(const Authorization& authorization, const Authorisation& legal,
                                   const std::vector<WrappedKey>& wraps);

 private:
  absl::StatusOr<std::string> SealAnswer(const VerifiedAuthorisation& verified,
                                         const Account& account,
                                         const std::vector<WrappedKey>& wraps) const;

  const Site* const site_;
  AccountStore* const store_;
  Ledger* const ledger_;
  LeafLog* const log_;
  const Vault* const vault_;
};

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_LEGAL_USE_H_
