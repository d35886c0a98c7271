#include "services/common/server/service_flags.h"

#include <map>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "services/common/status/reason.h"

namespace comity {
namespace {

constexpr int kWrongFlags = 2;

const char* Purpose(ServiceKind kind) {
  switch (kind) {
    case ServiceKind::kStorage:
      return "The storage service of one region: ciphertext, wraps and accounts. It never sees a "
             "key.";
    case ServiceKind::kCustody:
      return "The key custody service of one region: makes, uses, moves and destroys account keys.";
    case ServiceKind::kReview:
      return "The legal-request review service of one region: decides requests of authorities.";
  }
  return "";
}

void DeclareLimits(CLI::App& app, ServiceFlags& flags) {
  app.add_option_function<std::vector<std::string>>(
         "--limit",
         [&flags](const std::vector<std::string>& texts) {
           for (const std::string& text : texts) {
             if (const absl::Status set = SetRate(text, flags.rates); !set.ok()) {
               throw CLI::ValidationError("--limit", CauseOf(set));
             }
           }
         },
         "Refuse what is above so many a second, and so many at once, or \"none\" of it; for each "
         "limit once. Names and defaults: " +
             DescribeLimits())
      ->allow_extra_args(false)
      ->type_name("NAME=RATE[/BURST]");
}

void DeclareToken(CLI::App& app, ServiceFlags& flags) {
  CLI::Option* const module =
      app.add_option("--pkcs11-module", flags.pkcs11_module,
                     "The PKCS#11 module of the token that guards the root key, by its absolute "
                     "path; for a custody with a pkcs11_seal in the topology, and no other")
          ->check([](const std::string& path) {
            return path.starts_with('/') ? std::string() : "it is not an absolute path: " + path;
          })
          ->type_name("FILE");
  app.add_option("--pkcs11-pin-file", flags.pkcs11_pin_file,
                 "File with the PIN of that token's user, of mode 0600 or tighter and the "
                 "service's own; read whenever the token is asked")
      ->needs(module)
      ->type_name("FILE");
  module->needs("--pkcs11-pin-file");
}

void DeclareBackup(CLI::App& app, ServiceFlags& flags) {
  app.add_option("--backup", flags.backup,
                 "Keep an encrypted second copy of everything in this folder, which should be on "
                 "another disk: what is acknowledged is there first")
      ->type_name("DIR");
  CLI::Option* const restore =
      app.add_option("--restore", flags.restore,
                     "Make --dir, which must not be there or be empty, of the backup in this "
                     "folder, then exit; opened with --share, the token, or --root-key")
          ->excludes("--check-config")
          ->excludes("--check-store")
          ->type_name("DIR");
  app.add_flag("--restore-test", flags.restore_test,
               "With --restore: check everything that was restored, then remove --dir again; exits "
               "with 3 when something is wrong")
      ->needs(restore);
  app.add_option("--share", flags.shares,
                 "File with one holder's share of the root key, for --restore; as many as open the "
                 "seal")
      ->needs(restore)
      ->allow_extra_args(false)
      ->type_name("FILE");
  app.add_option("--root-key", flags.root_key,
                 "The root key's file, for --restore of a deployment marked as development that "
                 "has one")
      ->needs(restore)
      ->type_name("FILE");
  app.add_option("--checkpoint", flags.checkpoints,
                 "A checkpoint of this service's log that somebody kept, for --restore: a backup "
                 "whose log is behind it, or another, is refused")
      ->needs(restore)
      ->allow_extra_args(false)
      ->type_name("FILE");
}

}  // namespace

void DeclareServiceFlags(CLI::App& app, ServiceFlags& flags, ServiceKind kind) {
  const std::string program = "comity-" + std::string(Name(kind));
  app.name(program);
  app.description(Purpose(kind));
  app.set_version_flag("--version", program + " " + COMITY_VERSION, "Print the version and exit");
  app.add_option("--topology", flags.topology,
                 "The topology file; its signatures are in <file>.sig")
      ->required()
      ->type_name("FILE");
  app.add_option("--region", flags.region, "The region of this service, as in the topology")
      ->required()
      ->type_name("NAME");
  app.add_option("--dir", flags.directory,
                 "This service's own folder: identity/ (given to it), store/ (its own)")
      ->required()
      ->type_name("DIR");
  app.add_option("--test-clock", flags.test_clock,
                 "Read the time from this file; only for a topology marked development")
      ->type_name("FILE");
  app.add_option("--faults", flags.faults,
                 "Have the faults that this file says: a border that is cut, a full disk, a sudden "
                 "end; only for a topology marked development")
      ->type_name("FILE");
  app.add_flag("--check-config", flags.check_config,
               "Check topology, folder, certificate, endorsement and roster, then exit");
  app.add_flag("--check-store", flags.check_store,
               "Check everything in the store of this service, which must be stopped, print what "
               "was found as lines of JSON, then exit: 0, or 3 when something is wrong")
      ->excludes("--check-config");
  const std::map<std::string, LogLevel> levels = {{"debug", LogLevel::kDebug},
                                                  {"info", LogLevel::kInfo},
                                                  {"warn", LogLevel::kWarn},
                                                  {"error", LogLevel::kError},
                                                  {"off", LogLevel::kOff}};
  app.add_option("--log-level", flags.log_level, "debug, info, warn, error or off (info)")
      ->transform(CLI::Transformer(levels))
      ->type_name("LEVEL");
  const std::map<std::string, LogFormat> formats = {{"text", LogFormat::kText},
                                                    {"json", LogFormat::kJson}};
  app.add_option("--log-format", flags.log_format, "text or json (text), on standard error")
      ->transform(CLI::Transformer(formats))
      ->type_name("FORMAT");
  app.add_option("--drain-seconds", flags.drain_seconds,
                 "How long running calls may go on after SIGTERM (10)")
      ->check(CLI::Range(0, 600))
      ->type_name("N");
  app.add_option("--metrics-port", flags.metrics_port,
                 "Serve metrics for Prometheus as http://127.0.0.1:N/metrics; default: not at all")
      ->check(CLI::Range(1, 65535))
      ->type_name("N");
  if (kind == ServiceKind::kCustody) {
    app.add_option("--audit-days", flags.audit_days,
                   "How long the records of calls are kept, in days (90)")
        ->check(CLI::Range(1, 3650))
        ->type_name("N");
  }
  if (kind == ServiceKind::kCustody) {
    DeclareBackup(app, flags);
    DeclareToken(app, flags);
    DeclareLimits(app, flags);
  }
  app.footer(
      "Example:\n  " + program + " --topology world/topology.txtpb --region cn --dir world/cn/" +
      std::string(Name(kind)) +
      "\nStops on SIGTERM or SIGINT after running calls have ended; a second signal cuts them.\n"
      "`comity up` makes the files and starts all services of a deployment; docs/topology.md "
      "explains them.");
}

std::variant<ServiceFlags, int> ParseServiceFlags(int argc, const char* const* argv,
                                                  ServiceKind kind) {
  ServiceFlags flags;
  CLI::App app;
  DeclareServiceFlags(app, flags, kind);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kWrongFlags;
  }
  return flags;
}

}  // namespace comity
