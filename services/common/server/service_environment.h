#ifndef COMITY_COMMON_SERVER_SERVICE_ENVIRONMENT_H_
#define COMITY_COMMON_SERVER_SERVICE_ENVIRONMENT_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <grpcpp/impl/codegen/service_type.h>

#include "absl/status/statusor.h"

#include "comity/common/v1/common.pb.h"
#include "services/common/audit/audit_log.h"
#include "services/common/backup/backup.h"
#include "services/common/check/store_check.h"
#include "services/common/clock/clock.h"
#include "services/common/identity/service_signer.h"
#include "services/common/limits/rate_limits.h"
#include "services/common/log/transparency_log.h"
#include "services/common/secret/secret.h"
#include "services/common/server/audit_keeper.h"
#include "services/common/server/call_environment.h"
#include "services/common/server/credentials.h"
#include "services/common/server/guard.h"
#include "services/common/server/measured_record_store.h"
#include "services/common/server/metrics.h"
#include "services/common/server/peers.h"
#include "services/common/server/service_log.h"
#include "services/common/store/blob_store.h"
#include "services/common/store/record_store.h"
#include "services/common/topology/roster.h"
#include "services/common/topology/topology.h"

namespace comity {

// What a service brings along to be run.
class ServiceEnvironment;
class ServiceInstance {
 public:
  // Stops the instance's own threads. Runs after the server has stopped, before the environment
  // and its stores go.
  virtual ~ServiceInstance() = default;
  virtual std::vector<grpc::Service*> GrpcServices() = 0;
};
// How a custody reaches the token that guards its root key, on this machine alone. Both empty: it
// has none.
struct TokenAccess {
  std::string module;    // path of a PKCS#11 module
  std::string pin_file;  // path
};

// What there is to open a backup of a service with, when nothing else is left of it.
struct BackupOpening {
  const Topology& topology;
  RegionId region;
  std::string directory;            // in its identity/ lie the opening files of the backup
  std::vector<SecretBytes> shares;  // files of people
  TokenAccess token;
  std::map<uint32_t, std::string> keys;  // the backup's key, sealed
  UnixMillis now = 0;
};
// How a service that can have a backup (common/backup) guards it.
struct BackupRules {
  std::vector<std::string> opening_files;  // see BackupOptions
  std::vector<std::string> left_out;
  // Gives the key of the backup. Null: the service has no backups.
  std::function<absl::StatusOr<SecretBytes>(const BackupOpening&)> open;
};
struct ServiceDefinition {
  ServiceKind kind = ServiceKind::kStorage;
  MethodRules rules;
  CallLimits limits;
  std::set<std::string, std::less<>> frequent_methods;  // see CallEnvironment::Options
  size_t pool_threads = 8;  // of HandleOnPool(), and how much may wait for them
  size_t pool_queue = 256;
  std::set<std::string, std::less<>> protective_methods;  // see CallEnvironment::Options
  bool audited = false;  // whether it keeps a record of each call (common/audit)
  std::function<absl::StatusOr<std::unique_ptr<ServiceInstance>>(ServiceEnvironment&)> make;
  BackupRules backup;
  StoreChecker check_store;  // of --check-store; null for a service that keeps nothing of its own
};

// What the environment is made of. A deployed service gets it from its folder (service_main.h),
// a test from memory.
struct ServiceResources {
  Topology topology;
  RegionId region;
  ServiceKind kind = ServiceKind::kStorage;
  std::string directory;  // of this service; empty in tests
  std::shared_ptr<const Clock> clock;
  TlsIdentity tls;
  PrivateKey statement_key;
  Statement endorsement;
  std::shared_ptr<const Roster> roster;
  std::shared_ptr<Backup> backup;  // null: none is kept. Then it has records and blobs
  std::shared_ptr<RecordStore> records;
  std::shared_ptr<BlobStore> blobs;
  std::shared_ptr<TransparencyLog> log;
  std::shared_ptr<AuditLog> audit;  // null: no records of calls
  int64_t audit_keep_ms = 0;        // how long they are kept
  AddressBook addresses;            // for peers; see Peers::Options
  LogLevel log_level = LogLevel::kInfo;
  LogFormat log_format = LogFormat::kText;
  Rates rates{};  // of the services that have limits
  TokenAccess token;
};

// Do certificate, keys, endorsement, roster and topology belong together, so that no other party
// would refuse this service? CERTIFICATE_INVALID, ENDORSEMENT_MISSING, TOPOLOGY_INVALID,
// SIGNATURE_INVALID; the cause says what is wrong.
absl::Status CheckServiceResources(const ServiceResources& resources);

// Everything that one running service shares. All getters are thread-safe and give objects that
// live as long as the environment.
class ServiceEnvironment final {
 public:
  // Refuses what CheckServiceResources() refuses; STORE_UNAVAILABLE.
  static absl::StatusOr<std::unique_ptr<ServiceEnvironment>> Create(
      ServiceResources resources, const ServiceDefinition& definition);
  ~ServiceEnvironment();

  const Topology& topology() const { return resources_.topology; }
  const RegionId& region() const { return resources_.region; }
  ServiceKind kind() const { return resources_.kind; }
  const std::string& operator_name() const { return operator_name_; }
  const std::string& directory() const { return resources_.directory; }
  const Clock& clock() const { return *resources_.clock; }
  UnixMillis Now() const { return clock().Now(); }
  const Roster& roster() const { return *resources_.roster; }
  const Statement& endorsement() const { return resources_.endorsement; }
  const TlsIdentity& tls() const { return resources_.tls; }
  const Rates& rates() const { return resources_.rates; }
  const TokenAccess& token() const { return resources_.token; }

  RecordStore& records() { return *resources_.records; }
  BlobStore& blobs() { return *resources_.blobs; }
  TransparencyLog& transparency_log() { return *resources_.log; }
  Backup* backup() { return resources_.backup.get(); }  // null: none is kept
  AuditLog* audit() { return resources_.audit.get(); }  // null: no records of calls
  ServiceSigner& signer() { return *signer_; }
  Guard& guard() { return *guard_; }
  Peers& peers() { return *peers_; }
  CallEnvironment& calls() { return *calls_; }
  // What every service counts is in it already; a service adds its own before it is served.
  Metrics& metrics() { return *metrics_; }
  ServiceLog& log() { return *log_; }

  // `tick` is called on the one maintenance thread, first right after start, then every 200 ms
  // (development) or 5 s of real time; what it compares is clock(). It must return soon when
  // stopping() is true. Register before the server starts.
  void RegisterTicker(std::string name, std::function<void()> tick);
  bool stopping() const;
  // The next round begins as soon as the maintenance thread is free: for what a call has made due.
  void TickSoon();
  // Runs every registered ticker once, on this thread: for tests that start no thread.
  void TickOnce();
  void StartTickers();
  void StopTickers();  // returns when no tick is running

  // Fills all fields that are the same for every service; the others stay as they are.
  void FillStatus(comity::common::v1::ServiceStatus& status);

 private:
  struct Tickers;
  ServiceEnvironment(ServiceResources resources, const ServiceDefinition& definition);
  void AddMetrics(const MeasuredRecordStore& records);
  void KeepAudit();

  ServiceResources resources_;
  std::string operator_name_;
  std::unique_ptr<ServiceLog> log_;
  std::unique_ptr<ServiceSigner> signer_;
  std::unique_ptr<Guard> guard_;
  std::unique_ptr<Peers> peers_;
  std::unique_ptr<CallEnvironment> calls_;
  std::unique_ptr<Metrics> metrics_;
  std::unique_ptr<AuditKeeper> audit_keeper_;  // null without an audit log
  std::unique_ptr<Tickers> tickers_;
};

// Signs `body` about `subject` as this service, now: see ServiceSigner::Sign.
template <typename Body>
absl::StatusOr<Statement> SignServiceStatement(ServiceEnvironment& environment, std::string subject,
                                               const Body& body, UnixMillis expiry = 0) {
  return environment.signer().Sign(std::move(subject), body, expiry);
}

}  // namespace comity

#endif  // COMITY_COMMON_SERVER_SERVICE_ENVIRONMENT_H_
