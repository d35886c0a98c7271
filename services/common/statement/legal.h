#ifndef COMITY_COMMON_STATEMENT_LEGAL_H_
#define COMITY_COMMON_STATEMENT_LEGAL_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "services/common/ids/ids.h"
#include "services/common/statement/statement.h"

// What agents, reviewers, approvers (ECDSA P-256, keys in the roster) and reviews (Ed25519) sign.
// Envelope: region = the region whose review it is for.
namespace comity {

enum class DataClass : uint8_t { kC0 = 1, kC1 = 2, kC2 = 3, kC3 = 4, kC4 = 5, kC5 = 6, kC6 = 7 };
constexpr bool IsValid(DataClass c) { return c >= DataClass::kC0 && c <= DataClass::kC6; }

enum class InstrumentType : uint8_t { kSubpoena = 1, kCourtOrder = 2, kWarrant = 3 };
constexpr bool IsValid(InstrumentType t) {
  return t >= InstrumentType::kSubpoena && t <= InstrumentType::kWarrant;
}

enum class KeyPurpose : uint8_t { kContent = 1, kAttributes = 2 };
constexpr bool IsValid(KeyPurpose p) {
  return p == KeyPurpose::kContent || p == KeyPurpose::kAttributes;
}

// A request for data. Envelope: subject = "request", number chosen by the agent, strictly
// increasing.
struct LegalRequest {
  static constexpr std::string_view kType = "legal.request";
  std::string authority;       // roster organisation
  std::string case_reference;  // the authority's docket
  InstrumentType instrument = InstrumentType::kSubpoena;
  Digest instrument_hash;  // SHA-256 of the instrument's document
  int64_t instrument_issued = 0;
  int64_t instrument_expiry = 0;
  std::string legal_basis;           // the provision, for people
  std::string ground;                // why these targets, for people
  std::vector<std::string> targets;  // "region/account id"; predicates ("region/*") are Bulk
  std::vector<DataClass> classes;
  int64_t begin_time = 0;  // closed range for C3-C5
  int64_t end_time = 0;
  std::string recipient_key;        // X25519, 32 bytes; private half stays with the agent
  int64_t notice_barred_until = 0;  // 0 = not barred
  template <class Io, class Self>
  static void Fields(Io& io, Self& b) {
    io(16, b.authority), io(17, b.case_reference), io(18, b.instrument);
    io(19, b.instrument_hash), io(20, b.instrument_issued), io(21, b.instrument_expiry);
    io(22, b.legal_basis), io(23, b.ground), io(24, b.targets), io(25, b.classes);
    io(26, b.begin_time), io(27, b.end_time), io(28, b.recipient_key);
    io(29, b.notice_barred_until);
  }
};

// A reviewer or approver has no conflict of interest in this case. Envelope: subject = case id.
struct NoConflict {
  static constexpr std::string_view kType = "legal.no-conflict";
  uint64_t generation = 0;
  template <class Io, class Self>
  static void Fields(Io& io, Self& b) {
    io(16, b.generation);
  }
};

inline constexpr size_t kMaxAuthorisedContents = 4'096;
inline constexpr size_t kMaxAuthorisationCore = 128 << 10;  // encoded

// What is authorised: one account, one recipient. Not a statement: approvers sign its digest.
struct AuthorisationCore {
  std::string deployment;
  RegionId region;
  std::string case_id;
  AccountId account;
  AccountEpoch account_epoch = 0;      // 0 = whichever is active here
  Digest request;                      // digest of legal.request
  std::string agent;                   // roster person
  std::string recipient_key;           // X25519, 32 bytes
  std::vector<std::string> audiences;  // "storage", "custody"
  std::vector<DataClass> classes;
  std::vector<KeyPurpose> purposes;
  std::vector<ContentId> contents;  // exact scope, 1 to 4,096
  uint64_t lifetime_seconds = 0;
  int64_t notice_not_before = 0;  // the account's device gets the opening after this time
  std::string reason_code;        // "legal.warrant"
  template <class Io, class Self>
  static void Fields(Io& io, Self& b) {
    io(16, b.deployment), io(17, b.region), io(18, b.case_id), io(19, b.account);
    io(20, b.account_epoch), io(21, b.request), io(22, b.agent), io(23, b.recipient_key);
    io(24, b.audiences), io(25, b.classes), io(26, b.purposes), io(27, b.contents);
    io(28, b.lifetime_seconds), io(29, b.notice_not_before), io(30, b.reason_code);
  }
};

// An approver's decision over the whole list of the case. Envelope: subject = case id.
struct Approval {
  static constexpr std::string_view kType = "legal.approval";
  uint64_t generation = 0;
  std::vector<Digest> authorisations;  // SHA-256 of each core, ascending
  uint8_t approve = 0;                 // 1 = approve, 0 = disagree
  uint8_t no_conflict = 0;             // must be 1: the declaration of rule 8
  template <class Io, class Self>
  static void Fields(Io& io, Self& b) {
    io(16, b.generation), io(17, b.authorisations), io(18, b.approve), io(19, b.no_conflict);
  }
};

// Review's envelope around one authorisation. Envelope: subject = case id, time = not before,
// expiry at most the signed lifetime after the later approval.
struct Grant {
  static constexpr std::string_view kType = "legal.grant";
  Digest authorisation;
  std::vector<Digest> approvals;  // digests of the two approvals, ascending
  template <class Io, class Self>
  static void Fields(Io& io, Self& b) {
    io(16, b.authorisation), io(17, b.approvals);
  }
};

// Tells a device that its account is the target of a case. Envelope: subject = account id.
struct Notice {
  static constexpr std::string_view kType = "legal.notice";
  std::string case_id;
  std::string authority;
  InstrumentType instrument = InstrumentType::kSubpoena;
  std::vector<DataClass> classes;
  int64_t received = 0;
  int64_t objection_end = 0;  // 0 = notice after the fact
  std::string outcome;        // empty while it runs; else "rejected: …", "executed: …"
  template <class Io, class Self>
  static void Fields(Io& io, Self& b) {
    io(16, b.case_id), io(17, b.authority), io(18, b.instrument), io(19, b.classes);
    io(20, b.received), io(21, b.objection_end), io(22, b.outcome);
  }
};

// The authority's wish. Envelope: subject = case id.
struct CaseAnswer {
  static constexpr std::string_view kType = "legal.answer";
  uint8_t withdraw = 0;  // 1 = withdraw; 0 = the text answers a clarification
  std::string text;
  template <class Io, class Self>
  static void Fields(Io& io, Self& b) {
    io(16, b.withdraw), io(17, b.text);
  }
};

// Storage's signed answer to an authorisation. Envelope: subject = account id.
struct LegalManifest {
  static constexpr std::string_view kType = "legal.manifest";
  Digest authorisation;
  std::vector<Digest> objects;  // SHA-256 of each object version's canonical record, in order
  template <class Io, class Self>
  static void Fields(Io& io, Self& b) {
    io(16, b.authorisation), io(17, b.objects);
  }
};

// One opened data key inside custody's sealed answer.
struct AnsweredKey {
  ContentId content;
  KeyPurpose purpose = KeyPurpose::kContent;
  std::string data_key;  // 32 bytes, secret: wipe after use
  template <class Io, class Self>
  static void Fields(Io& io, Self& b) {
    io(16, b.content), io(17, b.purpose), io(18, b.data_key);
  }
};
// The plaintext of the sealed answer. HPKE info = "comity answer v1" || authorisation digest ||
// "custody" || u32 part (0).
struct LegalAnswer {
  std::vector<AnsweredKey> keys;
  template <class Io, class Self>
  static void Fields(Io& io, Self& b) {
    io(16, b.keys);
  }
};

// Everything that an audience verifies (rule 12), as carried in comity.common.v1.Authorisation.
struct Authorisation {
  std::string core;
  Statement request;
  std::vector<Statement> approvals;
  Statement grant;
  Statement endorsement;
  std::string grant_leaf;
  std::string grant_receipt;

  Digest digest() const;  // SHA-256(core)
};

}  // namespace comity

#endif  // COMITY_COMMON_STATEMENT_LEGAL_H_
