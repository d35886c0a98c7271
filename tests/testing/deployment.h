#ifndef COMITY_TESTS_TESTING_DEPLOYMENT_H_
#define COMITY_TESTS_TESTING_DEPLOYMENT_H_

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "services/common/clock/clock.h"
#include "services/common/crypto/signing.h"
#include "services/common/statement/operator.h"
#include "services/common/status/check.h"
#include "services/common/topology/roster.h"
#include "services/common/topology/topology.h"
#include "tests/testing/account.h"

// A whole deployment in memory: the shipped topology icloud-cn-2018 with keys, certificates and
// addresses, signed by its operators, and every identity that it names.
namespace comity {

struct TestService {
  std::string certificate;  // PEM, of the region's root
  PrivateKey tls_key;
  PrivateKey statement_key;
  PrivateKey log_key;
  Statement endorsement;
};

struct TestPerson {
  RegionId region;
  std::string name;
  std::string certificate;  // PEM, of the region's root
  PrivateKey key;           // of the certificate and of what the person signs
};

struct TestRoot {
  std::string certificate;  // PEM
  PrivateKey key;
};

// Text of the shipped template.
std::string ReadTopologyTemplate(std::string_view name = "icloud-cn-2018");

// The same with the root key of custody "us" split: any two of ops-evans and ops-fox, who live in
// the US, and ops-grant, who lives in CN.
std::string SealedTopologyTemplate();

// The shipped template with the root key of custody "us" guarded by the token "custody-us", wrapped
// by its key "root-wrapping".
std::string TokenTopologyTemplate();

// Not thread-safe while it is changed. References stay valid.
class TestDeployment final {
 public:
  static constexpr UnixMillis kNotBefore = 1'483'228'800'000;  // 2017-01-01, of all certificates
  static constexpr UnixMillis kNotAfter = 2'114'380'800'000;   // 2037-01-01
  static constexpr UnixMillis kStart = 1'512'086'400'000;      // 2017-12-01, of the test clock
  static constexpr UnixMillis kAnnounced = 1'515'542'400'000;  // 2018-01-10
  static constexpr UnixMillis kHandover = 1'519'776'000'000;   // 2018-02-28
  static constexpr UnixMillis kWindowEnd = 1'582'848'000'000;  // 2020-02-28

  TestDeployment();
  explicit TestDeployment(std::string template_text);

  const Topology& topology() const { return topology_; }
  // The file and its signature, as they would stand on disk.
  const std::string& topology_text() const { return topology_text_; }
  const Statement& topology_signature() const { return topology_signature_; }

  // Changes the address of a service and signs the topology anew, under the same serial. Without
  // it, services have addresses on 127.0.0.1 that nobody listens on.
  void SetAddress(std::string_view region, ServiceKind kind, std::string address);
  // Like SetAddress, for the base URL of the log files.
  void SetLogUrl(std::string_view region, ServiceKind kind, std::string url);

  const TestRoot& root(std::string_view region) const { return Find(roots_, region); }
  const PrivateKey& operator_key(std::string_view name) const { return Find(operators_, name); }
  const TestService& service(std::string_view region, ServiceKind kind) const;
  const TestPerson& person(std::string_view region, std::string_view name) const;
  const Roster& roster(std::string_view region) const { return Find(rosters_, region).second; }
  const Statement& roster_statement(std::string_view region) const {
    return Find(rosters_, region).first;
  }

  // An account whose first device was made at `time`.
  TestAccount NewAccount(UnixMillis time = kStart) const;

  // For forgeries: a certificate of the region's root for any key and URI, and an endorsement or
  // roster with any content, signed by the operators that `signers` names.
  std::string Certify(std::string_view region, const PublicKey& key, std::string uri,
                      UnixMillis not_before = kNotBefore, UnixMillis not_after = kNotAfter) const;
  Statement Endorse(std::string_view region, ServiceKind kind, const PublicKey& statement_key,
                    std::string_view signer, UnixMillis time = kNotBefore,
                    UnixMillis expiry = kNotAfter) const;
  RosterStatement RosterBody(std::string_view region) const;
  Statement SignRoster(std::string_view region, const RosterStatement& body,
                       const std::vector<std::string>& signers, uint64_t number = 1,
                       UnixMillis time = kNotBefore) const;
  Statement SignTopology(std::string_view text, uint64_t serial, const Digest& previous,
                         const std::vector<std::string>& signers) const;

  static RegionId Region(std::string_view name);

 private:
  // Ends the test program when there is no such name.
  template <typename Value>
  static const Value& Find(const std::map<std::string, Value, std::less<>>& map,
                           std::string_view name) {
    const auto found = map.find(name);
    COMITY_CHECK(found != map.end());
    return found->second;
  }
  void MakeTopologyText();
  void ParseTopology();
  void MakeIdentities();

  std::string template_text_;
  std::string topology_text_;
  std::map<std::string, std::string> addresses_;  // "<region>/<kind>"
  std::map<std::string, std::string> log_urls_;
  Topology topology_;
  Statement topology_signature_;
  std::map<std::string, TestRoot, std::less<>> roots_;
  std::map<std::string, PrivateKey, std::less<>> operators_;
  std::map<std::string, TestService, std::less<>> services_;  // "<region>/<kind>"
  std::map<std::string, TestPerson, std::less<>> persons_;    // "<region>/<name>"
  std::map<std::string, std::pair<Statement, Roster>, std::less<>> rosters_;
};

}  // namespace comity

#endif  // COMITY_TESTS_TESTING_DEPLOYMENT_H_
