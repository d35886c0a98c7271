#ifndef COMITY_COMMON_STATEMENT_OPERATOR_H_
#define COMITY_COMMON_STATEMENT_OPERATOR_H_

#include <cstdint>
#include <string>
#include <vector>

#include "services/common/ids/ids.h"
#include "services/common/statement/statement.h"

// What operators sign (Ed25519, keys in the topology).
namespace comity {

enum class ServiceKind : uint8_t { kStorage = 1, kCustody = 2, kReview = 3 };
constexpr bool IsValid(ServiceKind k) {
  return k >= ServiceKind::kStorage && k <= ServiceKind::kReview;
}
std::string_view Name(ServiceKind kind);  // "storage", "custody", "review"

// A service's statement key counts only with its operator's endorsement. Envelope: region, subject
// = service name ("custody"), expiry at most 90 days after time (development: the certificate
// dates).
struct Endorsement {
  static constexpr std::string_view kType = "operator.endorsement";
  ServiceKind kind = ServiceKind::kStorage;
  std::string operator_name;
  std::string statement_key;  // DER SPKI, Ed25519
  template <class Io, class Self>
  static void Fields(Io& io, Self& b) {
    io(16, b.kind), io(17, b.operator_name), io(18, b.statement_key);
  }
};

// Signs one topology file. Envelope: subject = "topology", number = serial. One statement with the
// signatures of all operators in it and all of the serial before.
struct TopologySignature {
  static constexpr std::string_view kType = "operator.topology";
  Digest file_digest;      // SHA-256 of the exact file bytes
  Digest previous_digest;  // of the serial before; zero for the first
  template <class Io, class Self>
  static void Fields(Io& io, Self& b) {
    io(16, b.file_digest), io(17, b.previous_digest);
  }
};

enum class PersonRole : uint8_t {
  kAgent = 1,
  kReviewer = 2,
  kApprover = 3,
  kLawyer = 4,
  kOperatorPerson = 5,
};
constexpr bool IsValid(PersonRole r) {
  return r >= PersonRole::kAgent && r <= PersonRole::kOperatorPerson;
}

// One natural person, however many certificates.
struct RosterPerson {
  std::string name;
  std::vector<PersonRole> roles;
  std::string organisation;       // agents: authority; operator persons: operator
  std::string enrolled_by;        // operator
  std::vector<std::string> keys;  // DER SPKI, P-256: what certificates and signatures count
  template <class Io, class Self>
  static void Fields(Io& io, Self& b) {
    io(16, b.name), io(17, b.roles), io(18, b.organisation), io(19, b.enrolled_by);
    io(20, b.keys);
  }
};

// Who may ask and who may decide in one region. Envelope: region, subject = "roster", number =
// roster number. Signed by the operators of review and custody (two signatures, one if they are the
// same). Number 1 counts at once, later ones after 72 h.
struct RosterStatement {
  static constexpr std::string_view kType = "operator.roster";
  std::vector<RosterPerson> persons;
  template <class Io, class Self>
  static void Fields(Io& io, Self& b) {
    io(16, b.persons);
  }
};

}  // namespace comity

#endif  // COMITY_COMMON_STATEMENT_OPERATOR_H_
