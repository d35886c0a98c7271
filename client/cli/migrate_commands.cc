#include "client/cli/migrate_commands.h"

#include <map>
#include <memory>

#include "client/account/account.h"
#include "client/cli/counted.h"
#include "client/migrate/migrate.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity::cli {
namespace {

using nlohmann::json;

absl::Status Plan(const Context& context, bool every_account) {
  ASSIGN_OR_RETURN(Context::Actor actor, context.OpenActor());
  ASSIGN_OR_RETURN(const RegionId source, actor.session->FindRegion(actor.person->region));
  ASSIGN_OR_RETURN(const MigrationPlan plan, PlanMigration(*actor.session, source));
  json value = {{"region", source.name()}, {"counts", json::array()}, {"accounts", json::array()}};
  std::string text = "Standings of the accounts in region " + source.name() + "\n";
  for (const StandingCount& count : plan.counts) {
    value["counts"].push_back({{"standing", Name(count.standing)},
                               {"territory", count.territory},
                               {"accounts", count.accounts}});
    text += "  " + std::to_string(count.accounts) + "  " + count.territory + "  " +
            std::string(Name(count.standing)) + "\n";
  }
  for (const AccountStanding& account : plan.accounts) {
    value["accounts"].push_back({{"account", account.account.ToString()},
                                 {"standing", Name(account.standing)},
                                 {"territory", account.territory},
                                 {"reason", account.reason}});
    if (every_account) {
      text += account.account.ToString() + "  " + account.territory + "  " +
              std::string(Name(account.standing)) + ": " + account.reason + "\n";
    }
  }
  context.Print(text, value);
  return absl::OkStatus();
}

json ToJson(const MigrationView& view) {
  json value = {{"migration", view.id.ToString()}, {"done", view.done},
                {"accounts", view.accounts},       {"moved", view.moved},
                {"failed", view.failed},           {"moves", json::array()}};
  for (const MoveView& move : view.moves) {
    value["moves"].push_back({{"account", move.account.ToString()},
                              {"step", Name(move.step)},
                              {"objects", move.objects},
                              {"bytes", move.bytes},
                              {"pause_ms", move.pause_ms},
                              {"destination", move.destination}});
    if (move.failure != Reason::kUnspecified) {
      value["moves"].back()["failure"] = Describe(move.failure).name;
    }
  }
  return value;
}

std::string ToText(const MigrationView& view) {
  std::string text = "migration " + view.id.ToString() + (view.done ? ", done" : ", running") +
                     ": " + std::to_string(view.moved) + " of " + std::to_string(view.accounts) +
                     " accounts moved, " + std::to_string(view.failed) + " not\n";
  for (const MoveView& move : view.moves) {
    text += "  " + move.account.ToString() + " to " + move.destination + "  " +
            std::string(Name(move.step)) + "  " + Counted(move.objects, "object") + ", " +
            HumanBytes(move.bytes) + ", paused " + std::to_string(move.pause_ms) + " ms";
    if (move.failure != Reason::kUnspecified) {
      text += "  " + std::string(Describe(move.failure).name) + ": " +
              std::string(Describe(move.failure).text);
    }
    text += "\n";
  }
  return text;
}

struct RunOptions {
  std::string destination;
  uint64_t max_accounts = 0;
};

absl::Status RunMigration(Context& context, const RunOptions& options) {
  ASSIGN_OR_RETURN(Context::Actor actor, context.OpenActor());
  ASSIGN_OR_RETURN(const RegionId source, actor.session->FindRegion(actor.person->region));
  ASSIGN_OR_RETURN(
      const MigrationView started,
      StartMigration(*actor.session, source, options.destination, options.max_accounts));
  ASSIGN_OR_RETURN(
      const MigrationView view,
      WaitForMigration(*actor.session, source, started.id, [&](const MigrationView& now) {
        context.Progress(std::to_string(now.moved) + " of " + std::to_string(now.accounts) +
                         " accounts moved");
      }));
  context.EndProgress();
  context.Print(ToText(view), ToJson(view));
  if (view.failed > 0) context.exit_code = kPromise;
  return absl::OkStatus();
}

absl::Status Status(const Context& context) {
  ASSIGN_OR_RETURN(Context::Actor actor, context.OpenActor());
  ASSIGN_OR_RETURN(const RegionId source, actor.session->FindRegion(actor.person->region));
  ASSIGN_OR_RETURN(const MigrationView view, GetMigration(*actor.session, source));
  context.Print(ToText(view), ToJson(view));
  return absl::OkStatus();
}

}  // namespace

void AddMigrateCommands(CLI::App& app, Context& context) {
  CLI::App* migrate = app.add_subcommand(
      "migrate",
      "Move the accounts that may move (as an operator person of the storage they leave)");
  migrate->require_subcommand(1);
  migrate->footer(
      "Examples:\n"
      "  comity --as us/ops-evans migrate plan\n"
      "  comity --as us/ops-evans migrate run\n"
      "Only accounts whose own device consented are moved; an operator carries, and decides "
      "nothing.");
  CLI::App* plan = migrate->add_subcommand("plan", "What the residency rules say of every account");
  auto every_account = std::make_shared<bool>(false);
  plan->add_flag("--accounts", *every_account, "List each account with its reason");
  plan->footer(
      "Example: comity --as us/ops-evans migrate plan --accounts\n"
      "Changes nothing. Next: `comity migrate run` moves those that are eligible.");
  plan->callback([&context, every_account] {
    context.command = [&context, every_account] { return Plan(context, *every_account); };
  });
  CLI::App* run =
      migrate->add_subcommand("run", "Move every eligible account and wait for the end");
  auto options = std::make_shared<RunOptions>();
  run->add_option("--to", options->destination, "Only accounts that go to this region")
      ->type_name("REGION");
  run->add_option("--max", options->max_accounts, "At most so many accounts; default: all")
      ->type_name("N");
  run->footer(
      "Example: comity --as us/ops-evans migrate run --to cn --max 100\n"
      "Data goes first, keys last, and one record in the source custody decides. Exits with 3 "
      "when\n"
      "an account could not be moved; run it again to retry. It may be interrupted: `comity "
      "migrate\n"
      "status` shows how far the services have come on their own.");
  run->callback([&context, options] {
    context.command = [&context, options] { return RunMigration(context, *options); };
  });
  migrate->add_subcommand("status", "How far the newest migration is, account by account")
      ->footer(
          "Example: comity --as us/ops-evans migrate status\n"
          "A failure names its reason; `comity migrate run` tries those accounts again.")
      ->callback([&context] { context.command = [&context] { return Status(context); }; });
}

}  // namespace comity::cli
