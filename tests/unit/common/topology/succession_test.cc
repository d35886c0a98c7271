#include "services/common/topology/succession.h"

#include <functional>
#include <string>
#include <vector>

#include <google/protobuf/text_format.h>

#include "comity/topology/v1/topology.pb.h"
#include "tests/testing/deployment.h"
#include "tests/testing/matchers.h"

namespace comity {
namespace {

using ::testing::HasSubstr;
namespace pb = comity::topology::v1;

class SuccessionTest : public ::testing::Test {
 protected:
  static const TestDeployment& deployment() {
    static const auto* const shared = new TestDeployment();
    return *shared;
  }

  // Makes serial 2 of the shipped topology with one change, signed by `signers`, and asks whether
  // it may follow.
  static absl::Status Follow(const std::function<void(pb::Topology&)>& change,
                             const std::vector<std::string>& signers) {
    pb::Topology file;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(deployment().topology_text(), &file));
    file.set_serial(2);
    change(file);
    std::string text;
    EXPECT_TRUE(google::protobuf::TextFormat::PrintToString(file, &text));
    const absl::StatusOr<Topology> after = Topology::Parse(text);
    EXPECT_THAT(after, IsOk());
    return CheckSuccession(deployment().topology(), *after,
                           deployment().SignTopology(text, after->serial(),
                                                     deployment().topology().digest(), signers));
  }
  static void ExpectRefused(const absl::Status& status, const std::string& cause) {
    EXPECT_THAT(status, RefusedWith(Reason::kTopologyInvalid));
    EXPECT_THAT(CauseOf(status), HasSubstr(cause));
  }

  // Takes everything of gcbd away: its region, what is said of it, and the operator.
  static void CutOffGcbd(pb::Topology& file) {
    file.mutable_operators()->DeleteSubrange(1, 1);
    file.mutable_regions()->DeleteSubrange(1, 1);
    file.clear_borders();
    file.mutable_territories(0)->mutable_homes()->DeleteSubrange(1, 1);
    file.clear_terms();
    file.mutable_review_rules()->DeleteSubrange(1, 1);
    for (int i = file.people_size() - 1; i >= 0; --i) {
      if (file.people(i).region() == "cn") file.mutable_people()->DeleteSubrange(i, 1);
    }
    file.mutable_jurisdictions()->DeleteSubrange(1, 1);
  }
};

TEST_F(SuccessionTest, AnythingMayChangeWhenAllHaveSigned) {
  EXPECT_THAT(Follow([](auto& f) { f.set_title("Another title"); }, {"apple", "gcbd"}), IsOk());
}

TEST_F(SuccessionTest, RefusedWhenAnOperatorOfTheNewOneHasNotSigned) {
  ExpectRefused(Follow([](auto& f) { f.set_title("Another title"); }, {"apple"}),
                "the signature is missing of operator gcbd");
}

TEST_F(SuccessionTest, NobodyCanVetoBeingCutOff) {
  EXPECT_THAT(Follow(CutOffGcbd, {"apple"}), IsOk());
}

TEST_F(SuccessionTest, RefusedWhenSomethingIsAddedWhileOneIsCutOff) {
  ExpectRefused(Follow(
                    [](auto& f) {
                      CutOffGcbd(f);
                      pb::Territory* territory = f.add_territories();
                      territory->set_code("FR");
                      territory->set_title("France");
                      territory->add_homes()->set_region("us");
                    },
                    {"apple"}),
                "adds a territory without the signature of operator gcbd");
}

TEST_F(SuccessionTest, RefusedWhenTheHeadChangesWhileOneIsCutOff) {
  ExpectRefused(Follow(
                    [](auto& f) {
                      CutOffGcbd(f);
                      f.set_title("Another title");
                    },
                    {"apple"}),
                "changes the head");
}

TEST_F(SuccessionTest, RefusedWhenAnAddressChangesWhileOneIsCutOff) {
  ExpectRefused(Follow(
                    [](auto& f) {
                      CutOffGcbd(f);
                      f.mutable_regions(0)->mutable_services(0)->set_address("127.0.0.1:4711");
                    },
                    {"apple"}),
                "adds or changes regions");
}

TEST_F(SuccessionTest, RefusedWhenASealChangesWhileOneIsCutOff) {
  ExpectRefused(Follow(
                    [](auto& f) {
                      CutOffGcbd(f);
                      for (pb::Service& service : *f.mutable_regions(0)->mutable_services()) {
                        if (service.kind() != pb::SERVICE_KIND_CUSTODY) continue;
                        service.mutable_pkcs11_seal()->set_token_label("custody-us");
                        service.mutable_pkcs11_seal()->set_key_label("root-wrapping");
                      }
                    },
                    {"apple"}),
                "adds or changes regions");
}

TEST_F(SuccessionTest, RefusedWhenAnOperatorChangesWhileOneIsCutOff) {
  ExpectRefused(Follow(
                    [](auto& f) {
                      CutOffGcbd(f);
                      f.mutable_operators(0)->set_title("Another");
                    },
                    {"apple"}),
                "adds or changes operators");
}

TEST_F(SuccessionTest, RefusedWhenReviewRulesChangeWhileOneIsCutOff) {
  ExpectRefused(Follow(
                    [](auto& f) {
                      CutOffGcbd(f);
                      f.mutable_review_rules(0)->set_cap_content(6);
                    },
                    {"apple"}),
                "changes the review rules of \"us\"");
}

TEST_F(SuccessionTest, RefusedWhenPeopleChangeWhileOneIsCutOff) {
  ExpectRefused(Follow(
                    [](auto& f) {
                      CutOffGcbd(f);
                      pb::Person* person = f.add_people();
                      *person = f.people(2);
                      person->set_name("approver-new");
                    },
                    {"apple"}),
                "changes people");
}

TEST_F(SuccessionTest, RefusedWhenHomesChangeWhileOneIsCutOff) {
  ExpectRefused(Follow(
                    [](auto& f) {
                      CutOffGcbd(f);
                      pb::Home* home = f.mutable_territories(0)->add_homes();
                      home->set_region("us");
                      home->set_from("2019-01-01");
                    },
                    {"apple"}),
                "changes the homes of territory \"CN\"");
}

// A topology of three operators, each with a region of its own.
class ThreeOperatorsTest : public SuccessionTest {
 protected:
  static const TestDeployment& three() {
    static const auto* const shared = [] {
      std::string text = ReadTopologyTemplate();
      text +=
          R"(jurisdictions { code: "DE" title: "Germany" }
             operators { name: "third" title: "Third" home_jurisdictions: "DE" }
             regions {
               name: "de" title: "Germany" jurisdiction: "DE"
               services { kind: SERVICE_KIND_STORAGE operator: "third" }
               services { kind: SERVICE_KIND_CUSTODY operator: "third" }
               services { kind: SERVICE_KIND_REVIEW operator: "third" }
             }
             borders { from: "us" to: "de" kinds: SERVICE_KIND_STORAGE })";
      return new TestDeployment(std::move(text));
    }();
    return *shared;
  }
  static absl::Status Follow(const std::function<void(pb::Topology&)>& change,
                             const std::vector<std::string>& signers, uint64_t serial = 2) {
    pb::Topology file;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(three().topology_text(), &file));
    file.set_serial(serial);
    change(file);
    std::string text;
    EXPECT_TRUE(google::protobuf::TextFormat::PrintToString(file, &text));
    const absl::StatusOr<Topology> after = Topology::Parse(text);
    EXPECT_THAT(after, IsOk());
    return CheckSuccession(
        three().topology(), *after,
        three().SignTopology(text, serial, three().topology().digest(), signers));
  }
  // Region, border and operator of `third`.
  static void TakeAwayThird(pb::Topology& file) {
    file.mutable_regions()->RemoveLast();
    file.mutable_borders()->RemoveLast();
    file.mutable_operators()->RemoveLast();
  }
};

TEST_F(ThreeOperatorsTest, TheOthersMayTakeOneAway) {
  EXPECT_THAT(Follow(TakeAwayThird, {"apple", "gcbd"}), IsOk());
}

TEST_F(ThreeOperatorsTest, BordersMayBeCutAlongWithTheOperator) {
  EXPECT_THAT(Follow(
                  [](auto& f) {
                    TakeAwayThird(f);
                    f.clear_borders();
                  },
                  {"apple", "gcbd"}),
              IsOk());
}

TEST_F(ThreeOperatorsTest, RefusedWhenABorderOpensInstead) {
  ExpectRefused(Follow(
                    [](auto& f) {
                      TakeAwayThird(f);
                      f.mutable_borders(0)->add_kinds(pb::SERVICE_KIND_REVIEW);
                    },
                    {"apple", "gcbd"}),
                "opens a border from \"us\" to \"cn\"");
}

TEST_F(ThreeOperatorsTest, RefusedWhenARegionOfThoseWhoSignedGoesAlong) {
  ExpectRefused(Follow(
                    [](auto& f) {
                      TakeAwayThird(f);
                      f.mutable_regions()->RemoveLast();
                      f.clear_borders();
                      f.mutable_territories(0)->mutable_homes()->DeleteSubrange(1, 1);
                      f.mutable_review_rules()->DeleteSubrange(1, 1);
                      for (int i = f.people_size() - 1; i >= 0; --i) {
                        if (f.people(i).region() == "cn") f.mutable_people()->DeleteSubrange(i, 1);
                      }
                    },
                    {"apple", "gcbd"}),
                "takes away region \"cn\"");
}

TEST_F(ThreeOperatorsTest, RefusedWhenAJurisdictionOrTermsAreChangedAlong) {
  ExpectRefused(Follow(
                    [](auto& f) {
                      TakeAwayThird(f);
                      f.mutable_jurisdictions(0)->set_title("Another");
                    },
                    {"apple", "gcbd"}),
                "adds or changes jurisdictions");
  ExpectRefused(Follow(
                    [](auto& f) {
                      TakeAwayThird(f);
                      f.mutable_terms(0)->set_text("Another");
                    },
                    {"apple", "gcbd"}),
                "adds or changes terms");
}

TEST_F(ThreeOperatorsTest, RefusedWhenTheSerialDoesNotRise) {
  ExpectRefused(Follow([](auto&) {}, {"apple", "gcbd", "third"}, 1), "does not follow");
}

TEST_F(ThreeOperatorsTest, RefusedWhenAnOperatorWhoSignedIsTakenAwayAlong) {
  // gcbd signs and still loses its place, while third does not sign.
  ExpectRefused(Follow(
                    [](auto& f) {
                      CutOffGcbd(f);
                      f.mutable_regions()->RemoveLast();
                      f.mutable_operators()->RemoveLast();
                    },
                    {"apple", "gcbd"}),
                "takes away operator \"gcbd\", who has signed");
}

TEST_F(SuccessionTest, RefusedWhenThePredecessorIsAnother) {
  pb::Topology file;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(deployment().topology_text(), &file));
  file.set_serial(2);
  std::string text;
  ASSERT_TRUE(google::protobuf::TextFormat::PrintToString(file, &text));
  ASSERT_OK_AND_ASSIGN(const Topology after, Topology::Parse(text));
  ExpectRefused(CheckSuccession(deployment().topology(), after,
                                deployment().SignTopology(text, 2, Digest(), {"apple", "gcbd"})),
                "another predecessor");
}

}  // namespace
}  // namespace comity
