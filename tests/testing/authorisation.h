#ifndef COMITY_TESTS_TESTING_AUTHORISATION_H_
#define COMITY_TESTS_TESTING_AUTHORISATION_H_

#include <string>
#include <string_view>
#include <vector>

#include "services/common/crypto/hpke.h"
#include "services/common/statement/legal.h"
#include "tests/testing/deployment.h"

// Legal authorisations for tests: valid as they are, and every part can be changed before Build().
namespace comity {

struct TestApproval {
  std::string person;
  Approval body;  // `authorisations` is filled in by Build() when empty
  UnixMillis time = 0;
};

// One case with one authorisation for content and attributes of one account. `deployment` outlives
// the value.
class TestAuthorisation final {
 public:
  // In region "cn" by default: agent-lin asks, approver-wang and approver-moore approve.
  TestAuthorisation(const TestDeployment& deployment, const AccountId& account,
                    std::vector<ContentId> contents, UnixMillis now,
                    std::string_view region = "cn");

  // What Build() puts together, in this order: each part refers to those before it.
  LegalRequest request;
  AuthorisationCore core;  // request digest, agent and recipient key are filled in
  std::vector<TestApproval> approvals;
  Grant grant;  // both fields are filled in when zero or empty
  UnixMillis grant_time = 0;
  UnixMillis grant_expiry = 0;

  // The private half of the recipient key.
  const SecretBytes& recipient_private_key() const { return recipient_.private_key; }
  UnixMillis now() const { return now_; }

  Authorisation Build() const;
  // For forgeries: the parts of Build(), so that a test can replace one and keep the rest.
  Statement SignRequest(std::string_view person) const;
  Statement SignApproval(const TestApproval& approval, const Digest& authorisation) const;
  Statement SignGrant(const Authorisation& parts, const PrivateKey& key) const;
  // Sets leaf and receipt for the grant in `authorisation`, in a log of one leaf.
  void LogGrant(Authorisation& authorisation) const;
  // Sets the receipt for the leaf in `authorisation` in a log of this origin and key.
  static void Prove(Authorisation& authorisation, const std::string& origin,
                    const PrivateKey& log_key);

 private:
  Envelope MakeEnvelope(std::string subject, UnixMillis time) const;

  const TestDeployment& deployment_;
  std::string region_;
  std::string agent_;
  UnixMillis now_;
  X25519KeyPair recipient_;
};

}  // namespace comity

#endif  // COMITY_TESTS_TESTING_AUTHORISATION_H_
