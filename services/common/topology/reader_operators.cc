#include <set>

#include "services/common/crypto/digest.h"
#include "services/common/status/macros.h"
#include "services/common/topology/reader_rules.h"

// The head of the file, jurisdictions, operators and terms.
namespace comity::internal {
namespace {

namespace pb = comity::topology::v1;

constexpr size_t kMaxTermsText = 8 << 10;

}  // namespace

absl::Status ReadHead(const pb::Topology& file, const Place& place, TopologyData& data) {
  if (file.serial() == 0) return place.Broken("serial", "serial: starts at 1");
  if (!IsDomain(file.deployment())) {
    return place.Broken("deployment",
                        "deployment: " + Quote(file.deployment()) + " is not a DNS name");
  }
  if (!IsTitle(file.title())) return place.Broken("title", "title: one sentence, not empty");
  if (!file.test_clock_start().empty()) {
    if (!file.development()) {
      return place.Broken("test_clock_start",
                          "test_clock_start: only a topology marked development has a test clock");
    }
    const absl::StatusOr<UnixMillis> start = ParseTime(file.test_clock_start());
    if (!start.ok()) {
      return place.Broken("test_clock_start",
                          "test_clock_start: " + Quote(file.test_clock_start()) + " is not a date");
    }
    data.test_clock_start = *start;
  }
  if (file.log_quorum() != "none") {
    return place.Broken("log_quorum",
                        "log_quorum: must be \"none\": this version has no witnesses yet, and "
                        "says so in every status");
  }
  if (!file.development()) {
    return place.Broken("log_quorum",
                        "log_quorum: \"none\" needs a topology marked development; this version "
                        "has no witnesses, so it runs development topologies only");
  }
  data.serial = file.serial();
  data.deployment = file.deployment();
  data.title = file.title();
  data.development = file.development();
  data.log_quorum = file.log_quorum();
  return absl::OkStatus();
}

absl::Status ReadJurisdictions(const pb::Topology& file, const Place& place, TopologyData& data) {
  for (int i = 0; i < file.jurisdictions_size(); ++i) {
    const pb::Jurisdiction& jurisdiction = file.jurisdictions(i);
    const Place here = place.Of("jurisdictions", i);
    const std::string subject = "jurisdiction " + Quote(jurisdiction.code());
    if (!IsCode(jurisdiction.code())) {
      return here.Broken("code", subject + ": a code is 2 to 8 upper-case letters or digits");
    }
    if (!IsTitle(jurisdiction.title())) return here.Broken("title", subject + ": needs a title");
    if (!data.jurisdictions.emplace(jurisdiction.code(), jurisdiction.title()).second) {
      return here.Broken("code", subject + ": listed twice");
    }
  }
  if (data.jurisdictions.empty()) {
    return place.Broken("jurisdictions", "jurisdictions: at least one");
  }
  return absl::OkStatus();
}

absl::Status ReadOperators(const pb::Topology& file, const Place& place, bool as_template,
                           TopologyData& data) {
  std::set<SigningKeyId> keys;
  for (int i = 0; i < file.operators_size(); ++i) {
    const pb::Operator& op = file.operators(i);
    const Place here = place.Of("operators", i);
    const std::string subject = "operator " + Quote(op.name());
    if (!IsName(op.name())) {
      return here.Broken("name", subject + ": a name is 1 to 32 of a-z, 0-9 and -");
    }
    if (!IsTitle(op.title())) return here.Broken("title", subject + ": needs a title");
    OperatorInfo info{op.name(), op.title(), {}, {}, std::nullopt};
    for (int j = 0; j < op.home_jurisdictions_size(); ++j) {
      const std::string& code = op.home_jurisdictions(j);
      if (!data.jurisdictions.contains(code)) {
        return here.Broken("home_jurisdictions", subject + ": no such jurisdiction " + Quote(code),
                           j);
      }
      info.home_jurisdictions.push_back(code);
    }
    if (info.home_jurisdictions.empty()) {
      return here.Broken("home_jurisdictions", subject + ": needs a home jurisdiction");
    }
    if (std::set(info.home_jurisdictions.begin(), info.home_jurisdictions.end()).size() !=
        info.home_jurisdictions.size()) {
      return here.Broken("home_jurisdictions", subject + ": names a jurisdiction twice");
    }
    for (int j = 0; j < op.overseers_size(); ++j) {
      if (!IsTitle(op.overseers(j))) {
        return here.Broken("overseers", subject + ": an overseer needs a name", j);
      }
      info.overseers.push_back(op.overseers(j));
    }
    if (!op.public_key().empty()) {
      absl::StatusOr<PublicKey> key = PublicKey::FromSpki(op.public_key());
      if (!key.ok() || key->algorithm() != SignatureAlgorithm::kEd25519) {
        return here.Broken("public_key", subject + ": public_key is not an Ed25519 key");
      }
      if (!keys.insert(key->id()).second) {
        return here.Broken("public_key", subject + ": has the key of another operator");
      }
      info.key = *std::move(key);
    } else if (!as_template) {
      return here.Broken("public_key", subject + ": public_key is missing");
    }
    if (!data.operators.emplace(info.name, std::move(info)).second) {
      return here.Broken("name", subject + ": listed twice");
    }
  }
  return absl::OkStatus();
}

absl::Status ReadTerms(const pb::Topology& file, const Place& place, TopologyData& data) {
  std::set<Digest> hashes;
  for (int i = 0; i < file.terms_size(); ++i) {
    const pb::Terms& terms = file.terms(i);
    const Place here = place.Of("terms", i);
    const std::string subject = "terms " + Quote(terms.version());
    if (!IsName(terms.version())) {
      return here.Broken("version", subject + ": a version is 1 to 32 of a-z, 0-9 and -");
    }
    if (!IsTitle(terms.title())) return here.Broken("title", subject + ": need a title");
    if (terms.text().empty() || terms.text().size() > kMaxTermsText) {
      return here.Broken("text", subject + ": need a text of at most 8 KiB");
    }
    TermsInfo info{terms.version(), terms.title(), terms.text(), Sha256Digest(terms.text())};
    // A consent names terms by hash: two versions of one text could not be told apart.
    if (!hashes.insert(info.hash).second) {
      return here.Broken("text", subject + ": have the text of another version");
    }
    if (!data.terms.emplace(info.version, std::move(info)).second) {
      return here.Broken("version", subject + ": listed twice");
    }
  }
  return absl::OkStatus();
}

}  // namespace comity::internal
