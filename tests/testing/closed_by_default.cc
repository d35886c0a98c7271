#include "tests/testing/closed_by_default.h"

#include <chrono>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/support/byte_buffer.h>
#include <gtest/gtest.h>

#include "absl/synchronization/notification.h"

#include "services/common/crypto/pem.h"
#include "services/common/crypto/x509.h"
#include "services/common/identity/spiffe.h"
#include "services/common/server/reflection.h"
#include "services/common/server/status_codec.h"
#include "services/common/server/topology_mark.h"
#include "services/common/status/reason.h"
#include "tests/testing/matchers.h"

namespace comity {
namespace {

using google::protobuf::MethodDescriptor;
using google::protobuf::ServiceDescriptor;

constexpr std::chrono::seconds kPatience{20};
constexpr uint32_t kAllBits = 2 * kAllowAnyVerified - 1;

std::string FullMethod(const MethodDescriptor& method) {
  return "/" + method.service()->full_name() + "/" + method.name();
}

// Calls any method with one empty message and tells how it ended.
absl::Status CallEmpty(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
                       const Topology& topology) {
  grpc::GenericStub stub(channel);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kPatience);
  context.AddMetadata(kTopologyMetadata, FormatTopologyMark(MarkOf(topology)));
  const grpc::Slice nothing{std::string()};
  const grpc::ByteBuffer request(&nothing, 1);
  grpc::ByteBuffer response;
  grpc::Status status;
  absl::Notification done;
  stub.UnaryCall(&context, method, {}, &request, &response, [&](grpc::Status outcome) {
    status = std::move(outcome);
    done.Notify();
  });
  done.WaitForNotification();
  return FromGrpcStatus(status, context);
}

// Somebody who calls, and the rule that lets them.
struct Somebody {
  std::string description;
  uint32_t rule;
  std::shared_ptr<grpc::Channel> channel;
};

std::string FirstPerson(const TestDeployment& deployment, const std::string& region,
                        PersonRole role, const std::string& organisation = {}) {
  for (const RosterPerson& person : deployment.roster(region).persons()) {
    if (HasRole(person, role) && (organisation.empty() || person.organisation == organisation)) {
      return person.name;
    }
  }
  return {};
}

std::string OtherRegion(const Topology& topology, const RegionId& region) {
  for (const auto& [id, info] : topology.regions()) {
    if (id != region) {
      return id.name();
    }
  }
  return {};
}

std::vector<Somebody> Everybody(const TestDeployment& deployment, TestServer& server) {
  const ServiceEnvironment& environment = server.environment();
  const std::string own = environment.region().name();
  const std::string other = OtherRegion(deployment.topology(), environment.region());
  const ServiceKind kind = environment.kind();
  std::vector<Somebody> all = {
      {"a device", kAllowDevice, server.AsDevice(MakeTestDevice())},
      {"storage of the region", kAllowOwnStorage, server.AsService(own, ServiceKind::kStorage)},
      {"custody of the region", kAllowOwnCustody, server.AsService(own, ServiceKind::kCustody)},
      {"review of the region", kAllowOwnReview, server.AsService(own, ServiceKind::kReview)},
      {"an agent", kAllowAgent,
       server.AsPerson(own, FirstPerson(deployment, own, PersonRole::kAgent))},
      {"a reviewer", kAllowReviewer,
       server.AsPerson(own, FirstPerson(deployment, own, PersonRole::kReviewer))},
      {"an approver", kAllowReviewer,
       server.AsPerson(own, FirstPerson(deployment, own, PersonRole::kApprover))},
      {"a person of the operator", kAllowOwnOperatorPerson,
       server.AsPerson(own, FirstPerson(deployment, own, PersonRole::kOperatorPerson,
                                        environment.operator_name()))},
      {"a foreign agent", 0,
       server.AsPerson(other, FirstPerson(deployment, other, PersonRole::kAgent))},
      {"a foreign approver", 0,
       server.AsPerson(other, FirstPerson(deployment, other, PersonRole::kApprover))},
  };
  for (const ServiceKind foreign :
       {ServiceKind::kStorage, ServiceKind::kCustody, ServiceKind::kReview}) {
    const bool border =
        foreign == kind &&
        deployment.topology().BorderAllows(*RegionId::Create(other), environment.region(), kind);
    all.push_back({"foreign " + std::string(Name(foreign)), border ? kAllowForeignSame : 0U,
                   server.AsService(other, foreign)});
  }
  for (const RosterPerson& person : deployment.roster(own).persons()) {
    if (HasRole(person, PersonRole::kOperatorPerson) &&
        person.organisation != environment.operator_name()) {
      all.push_back({"a person of another operator", 0, server.AsPerson(own, person.name)});
    }
  }
  return all;
}

bool StoppedAtGuard(const absl::Status& status) {
  switch (ReasonOf(status)) {
    case Reason::kCertificateInvalid:
    case Reason::kCallerUnknown:
    case Reason::kCallerNotAllowed:
    case Reason::kBorderClosed:
    case Reason::kTopologyStale:
      return true;
    default:
      return false;
  }
}

// The same certificate with another last byte, which is of its signature.
std::string WithChangedSignature(const std::string& certificate) {
  const SecretBytes der = DecodePem("CERTIFICATE", certificate).value();
  std::string bytes(der.RevealView(RevealKey::ForTest()));
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  const SecretBytes pem =
      EncodePem("CERTIFICATE", {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
  return std::string(pem.RevealView(RevealKey::ForTest()));
}

// Certificates that prove nothing.
std::vector<Somebody> Pretenders(const TestDeployment& deployment, TestServer& server) {
  const std::string own = server.environment().region().name();
  const PrivateKey key = PrivateKey::Generate(SignatureAlgorithm::kEcdsaP256);
  const std::string name = FormatSpiffe({.kind = SpiffeName::Kind::kService,
                                         .region = server.environment().region(),
                                         .deployment = deployment.topology().deployment(),
                                         .organisation = server.environment().operator_name(),
                                         .service = ServiceKind::kReview,
                                         .name = "0"});
  const CertificateSpec named{.common_name = "review",
                              .uris = {name},
                              .not_before = TestDeployment::kNotBefore,
                              .not_after = TestDeployment::kNotAfter};
  const CertificateSpec expired{.common_name = "device",
                                .not_before = TestDeployment::kNotBefore,
                                .not_after = TestDeployment::kNotBefore + kDayMs};
  CertificateSpec coming = expired;
  coming.not_before = TestDeployment::kNotAfter - kDayMs;
  coming.not_after = TestDeployment::kNotAfter;
  const std::string real = deployment.Certify(own, key.public_key(), name);
  const std::string foreign = OtherRegion(deployment.topology(), server.environment().region());
  const TestRoot& foreign_root = deployment.root(foreign);
  std::string elsewhere = name;
  elsewhere.replace(elsewhere.find('.') + 1, deployment.topology().deployment().size(),
                    "another.test");
  // As the region's root would be called, with somebody else's key.
  const PrivateKey forger = PrivateKey::Generate(SignatureAlgorithm::kEcdsaP256);
  const std::string forged_root = SelfSignedAuthority(
      forger, {.common_name = own + " root",
               .not_before = TestDeployment::kNotBefore,
               .not_after = TestDeployment::kNotAfter,
               .permitted_uri_host = own + "." + deployment.topology().deployment()});
  return {
      {"a self-signed service", 0, server.As(SelfSignedCertificate(key, named), key)},
      {"an expired device", 0, server.As(SelfSignedCertificate(key, expired), key)},
      {"a device that is not valid yet", 0, server.As(SelfSignedCertificate(key, coming), key)},
      {"an expired service", 0,
       server.As(deployment.Certify(own, key.public_key(), name, TestDeployment::kNotBefore,
                                    TestDeployment::kNotBefore + kDayMs),
                 key)},
      {"a service whose certificate was changed", 0, server.As(WithChangedSignature(real), key)},
      {"a service by the root of another region", 0,
       server.As(
           IssueCertificate(foreign_root.key, foreign_root.certificate, key.public_key(), named)
               .value(),
           key)},
      {"a service by a root that nobody knows", 0,
       server.As(IssueCertificate(forger, forged_root, key.public_key(), named).value(), key)},
      {"a service of another deployment", 0,
       server.As(deployment.Certify(own, key.public_key(), elsewhere), key)},
      {"the root itself", 0, server.As(deployment.root(own).certificate, deployment.root(own).key)},
  };
}

}  // namespace

void ExpectEveryMethodHasRule(const ServiceDescriptor& service, const MethodRules& rules) {
  std::set<std::string> methods;
  for (int i = 0; i < service.method_count(); ++i) {
    const std::string method = FullMethod(*service.method(i));
    methods.insert(method);
    const auto rule = rules.find(method);
    EXPECT_NE(rule, rules.end()) << method << " has no rule";
    if (rule != rules.end()) {
      EXPECT_NE(rule->second, 0U) << method;
      EXPECT_EQ(rule->second & ~kAllBits, 0U) << method;
    }
  }
  for (const auto& [method, rule] : rules) {
    // Of every server, and for every verified identity; health alone is for strangers, too.
    if (method == kReflectionMethod) {
      EXPECT_EQ(rule, kAllowAnyVerified);
      continue;
    }
    EXPECT_TRUE(methods.contains(method)) << "a rule for " << method << ", which does not exist";
  }
}

void ExpectClosedByDefault(const ServiceDescriptor& service, const TestDeployment& deployment,
                           TestServer& server) {
  const MethodRules& rules = server.environment().guard().rules();
  ExpectEveryMethodHasRule(service, rules);
  const Topology& topology = server.environment().topology();
  const std::shared_ptr<grpc::Channel> nobody = server.WithoutCertificate();
  const std::vector<Somebody> pretenders = Pretenders(deployment, server);
  const std::vector<Somebody> everybody = Everybody(deployment, server);
  for (int i = 0; i < service.method_count(); ++i) {
    const std::string method = FullMethod(*service.method(i));
    SCOPED_TRACE(method);
    EXPECT_THAT(CallEmpty(nobody, method, topology), RefusedWith(Reason::kPeerUnavailable))
        << "the handshake without a certificate";
    for (const Somebody& pretender : pretenders) {
      EXPECT_THAT(CallEmpty(pretender.channel, method, topology),
                  RefusedWith(Reason::kCertificateInvalid))
          << pretender.description;
    }
    const auto rule = rules.find(method);
    const uint32_t allowed = rule == rules.end() ? 0 : rule->second;
    for (const Somebody& caller : everybody) {
      const absl::Status outcome = CallEmpty(caller.channel, method, topology);
      const bool may = (allowed & (caller.rule | kAllowAnyVerified)) != 0;
      EXPECT_EQ(StoppedAtGuard(outcome), !may)
          << caller.description << " got " << DescribeStatus(outcome);
    }
  }
}

}  // namespace comity
