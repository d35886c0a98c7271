#ifndef COMITY_REVIEW_OWN_CUSTODY_H_
#define COMITY_REVIEW_OWN_CUSTODY_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "services/common/ids/ids.h"
#include "services/common/secret/secret.h"
#include "services/common/statement/legal.h"

namespace comity::review {

// One wrapped data key in scope, with the context that its opening needs.
struct AuthorisedWrap {
  ObjectId object;
  ContentId content;
  KeyPurpose purpose = KeyPurpose::kContent;
  std::string wrapped;
};

// Custody's answer: sealed to the authority, unreadable here. A repeat gives the same.
struct CustodyAnswer {
  std::string sealed_answer;
  std::string leaf;  // "about to use"
  std::string receipt;
};

struct OpenedRecordKey {
  SecretBytes plaintext;  // 32 bytes
  std::string wrapped;    // to be kept
};

// The custody of this region. Thread-safe; calls block. PEER_UNAVAILABLE, and what custody refuses.
class OwnCustody {
 public:
  virtual ~OwnCustody() = default;
  // Makes a new key when `wrapped` is empty.
  virtual absl::StatusOr<OpenedRecordKey> OpenRecordKey(const std::string& wrapped) = 0;
  // 1 to 4,096 wraps.
  virtual absl::StatusOr<CustodyAnswer> Execute(const Authorisation& authorisation,
                                                const std::vector<AuthorisedWrap>& wraps) = 0;
};

}  // namespace comity::review

#endif  // COMITY_REVIEW_OWN_CUSTODY_H_
