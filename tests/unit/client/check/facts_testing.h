#ifndef COMITY_TESTS_UNIT_CLIENT_CHECK_FACTS_TESTING_H_
#define COMITY_TESTS_UNIT_CLIENT_CHECK_FACTS_TESTING_H_

#include <string>
#include <vector>

#include "client/check/facts.h"

namespace comity {

// A deployment of two regions, "us" and "cn", in which one account has moved from the first to the
// second and everything is as it should be; tests change what is to be found.
struct WorldFacts {
  static constexpr char kAccount[] = "account";

  WorldFacts() {
    us_custody.region = us_storage.region = us_review.region = "us";
    cn_custody.region = cn_storage.region = cn_review.region = "cn";
    us_custody.service = cn_custody.service = "custody";
    us_storage.service = cn_storage.service = "storage";
    us_review.service = cn_review.service = "review";

    CustodyFact& source = us_custody.custody[kAccount];
    source.presence = "released";
    source.epoch = 1;
    source.keys = {{1, "released"}};
    source.decisions = {{2, "released"}};
    source.statements = {"consent"};
    source.move = KeyMoveFact{2, "cn", "consent", "released", true};
    CustodyFact& destination = cn_custody.custody[kAccount];
    destination.presence = "active";
    destination.epoch = 2;
    destination.keys = {{2, "active"}};
    destination.statements = {"consent"};

    StorageFact& from = us_storage.storage[kAccount];
    from.state = "moved";
    from.epoch = 2;
    from.serving = "cn";
    from.data_here = true;
    from.statements = {"consent"};
    from.objects["object"] = {1, "content", "digest"};
    from.move = DataMoveFact{2, 5, false, true, false};
    StorageFact& to = cn_storage.storage[kAccount];
    to.state = "active";
    to.epoch = 2;
    to.serving = "cn";
    to.data_here = true;
    to.statements = {"consent"};
    to.objects["object"] = {1, "content", "digest"};

    cn_review.cases["case"].results = {"authorisation"};
    cn_review.grants = 1;
    to.uses["authorisation"] = 1;
    destination.uses = {"authorisation"};
  }

  std::vector<ServiceFacts> All() const {
    return {us_custody, us_storage, us_review, cn_custody, cn_storage, cn_review};
  }

  ServiceFacts us_custody;
  ServiceFacts us_storage;
  ServiceFacts us_review;
  ServiceFacts cn_custody;
  ServiceFacts cn_storage;
  ServiceFacts cn_review;
};

// "rule: what" of the violations, or of the notes.
inline std::vector<std::string> Texts(const std::vector<Finding>& findings, bool violations) {
  std::vector<std::string> texts;
  for (const Finding& finding : findings) {
    if (finding.violation == violations) texts.push_back(finding.rule + ": " + finding.what);
  }
  return texts;
}

}  // namespace comity

#endif  // COMITY_TESTS_UNIT_CLIENT_CHECK_FACTS_TESTING_H_
