#include <algorithm>
#include <optional>
#include <utility>

#include "client/account/account.h"
#include "client/migrate/migrate.h"
#include "client/scenario/world.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

// The move, and what goes wrong on purpose while it runs.
namespace comity::scenario {
namespace {

// Looks at the migration until it has begun to move something or is over.
absl::Status AwaitBegun(Session& session, const RegionId& source, const RequestId& id) {
  return Await([&]() -> absl::Status {
    ASSIGN_OR_RETURN(const MigrationView view, GetMigration(session, source, &id));
    const bool begun = std::any_of(view.moves.begin(), view.moves.end(), [](const MoveView& move) {
      return move.step != MoveStep::kNone;
    });
    return begun || view.done ? absl::OkStatus() : Unmet("the migration does not begin");
  });
}

// Kills one service after the other while accounts move, each time starting it again.
absl::Status KillInBetween(World& world, Session& session, const RegionId& source,
                           const RequestId& id, const std::vector<std::string>& services) {
  for (const std::string& text : services) {
    ASSIGN_OR_RETURN(const auto service, ParseService(text));
    RETURN_IF_ERROR(AwaitBegun(session, source, id));
    RETURN_IF_ERROR(world.supervisor().Kill(service.first, service.second));
    RETURN_IF_ERROR(world.supervisor().Start());
  }
  return absl::OkStatus();
}

absl::StatusOr<MigrationView> RunOnce(World& world, Actor& actor, const RegionId& source,
                                      const std::vector<std::string>& kill) {
  ASSIGN_OR_RETURN(const MigrationView started, StartMigration(*actor.session, source, {}, 0));
  RETURN_IF_ERROR(KillInBetween(world, *actor.session, source, started.id, kill));
  absl::StatusOr<MigrationView> view = started;
  // A service that was killed and started again is found again after a moment.
  RETURN_IF_ERROR(Await([&] {
    view = WaitForMigration(*actor.session, source, started.id, [&](const MigrationView& now) {
      world.Progress(std::to_string(now.moved) + " of " + std::to_string(now.accounts) +
                     " accounts moved");
    });
    return view.status();
  }));
  return view;
}

absl::StatusOr<std::string> Migrate(World& world, const Fields& fields) {
  ASSIGN_OR_RETURN(Actor * actor, world.FindActor(fields.Text("as")));
  ASSIGN_OR_RETURN(const RegionId source, world.FindRegion(actor->person->region));
  std::vector<std::string> kill = fields.Texts("kill");
  std::vector<std::string> moved;
  uint64_t pause = 0;
  uint64_t bytes = 0;
  // Without faults the first try moves everybody. With them a try may end with some that could not
  // be moved, which stay where they are, whole, and go with the next one.
  const int tries = kill.empty() ? 1 : 5;
  for (int i = 0; i < tries; ++i) {
    ASSIGN_OR_RETURN(const MigrationView view, RunOnce(world, *actor, source, kill));
    kill.clear();
    for (const MoveView& move : view.moves) {
      if (move.step < MoveStep::kCutOver || move.step == MoveStep::kAborted) continue;
      moved.push_back(world.OwnerOf(move.account));
      pause = std::max<uint64_t>(pause, move.pause_ms);
      bytes += move.bytes;
    }
    if (view.failed == 0) break;
    if (i + 1 == tries) {
      return Unmet(Count(view.failed, "account") + " could not be moved: " +
                   std::string(Describe(view.moves.front().failure).name));
    }
  }
  std::vector<std::string> expected = fields.Texts("moved");
  std::sort(expected.begin(), expected.end());
  std::sort(moved.begin(), moved.end());
  moved.erase(std::unique(moved.begin(), moved.end()), moved.end());
  if (moved != expected) return Unmet("moved: " + Join(moved) + "; expected: " + Join(expected));
  return "exactly " + Join(moved) + " moved, data first and keys last (" + std::to_string(bytes) +
         " bytes; longest pause of an account " + std::to_string(pause) + " ms)";
}

absl::StatusOr<std::string> ConfirmMove(World& world, const Fields& fields) {
  for (const std::string& name : fields.Texts("who")) {
    ASSIGN_OR_RETURN(Owner * owner, world.FindOwner(name));
    AccountClient client(owner->session.get(), owner->profile.get());
    RETURN_IF_ERROR(client.ConfirmMove().status());
  }
  return Join(fields.Texts("who")) +
         " signed that everything was read back; the source may destroy its copies";
}

}  // namespace

Outcome PerformMoveStep(World& world, const Step& step) {
  if (step.verb == "migrate") return Migrate(world, step.fields);
  if (step.verb == "confirm-move") return ConfirmMove(world, step.fields);
  return std::nullopt;
}

}  // namespace comity::scenario
