#include "tests/e2e/staged_world.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>
#include <utility>

#include <gtest/gtest.h>

#include "client/account/account.h"
#include "client/deployment/templates.h"
#include "client/scenario/files.h"
#include "services/common/status/reason.h"

namespace comity::testing {
namespace {

constexpr char kTemplates[] = COMITY_SOURCE_DIR "/deploy/topologies/";
constexpr int kFiles = 4;
constexpr auto kPatience = std::chrono::minutes(2);
constexpr auto kLook = std::chrono::milliseconds(20);
constexpr int kAttempts = 5;

std::string Explain(const absl::Status& status) {
  return std::string(Describe(ReasonOf(status)).name) + ": " + CauseOf(status);
}

}  // namespace

StagedWorld::StagedWorld(const std::string& topology) {
  const std::string files = dir_.path() + "/files";
  std::filesystem::create_directories(files);
  for (int i = 0; i < kFiles; ++i) {
    std::ofstream(files + "/" + std::to_string(i)) << std::string(5000, static_cast<char>('a' + i));
  }
  absl::StatusOr<std::vector<scenario::SourceFile>> listed = scenario::ListFiles(files);
  const absl::Status made =
      MakeFromTemplate(kTemplates + topology + ".txtpb", directory(), nullptr);
  absl::StatusOr<Supervisor> supervisor = Supervisor::Open(directory());
  if (!made.ok() || !supervisor.ok() || !listed.ok()) {
    ADD_FAILURE() << "no deployment: " << Explain(made);
    std::abort();
  }
  supervisor_ = std::make_unique<Supervisor>(*std::move(supervisor));
  SetFaults({});
  const absl::Status started = supervisor_->Start();
  EXPECT_TRUE(started.ok()) << Explain(started);
  world_ = std::make_unique<scenario::World>(
      scenario::World::Options{.supervisor = supervisor_.get(),
                               .home = home(),
                               .files = *std::move(listed),
                               .show = [](const std::string&) {},
                               .progress = [](const std::string&) {}});
}

StagedWorld::~StagedWorld() {
  world_.reset();
  EXPECT_TRUE(supervisor_->Stop().ok());
}

absl::Status StagedWorld::Try(const std::string& step) {
  const absl::StatusOr<scenario::Scenario> parsed = scenario::ParseScenario(
      R"({"title": "a step", "topology": "icloud-cn-2018", "steps": [)" + step + "]}");
  if (!parsed.ok()) return parsed.status();
  return scenario::Perform(*world_, parsed->steps.front()).status();
}

void StagedWorld::Do(const std::string& step) {
  const absl::Status done = Try(step);
  EXPECT_TRUE(done.ok()) << step << "\n" << Explain(done);
}

Session& StagedWorld::Operator() {
  absl::StatusOr<scenario::Actor*> actor = world_->FindActor("us/ops-evans");
  EXPECT_TRUE(actor.ok());
  return *(*actor)->session;
}

RequestId StagedWorld::StartMigration() {
  RequestId id;
  const RegionId us = *RegionId::Create("us");
  Await("the migration starts", [&] {
    const absl::StatusOr<MigrationView> view = comity::StartMigration(Operator(), us, "", 0);
    if (view.ok()) id = view->id;
    return view.ok();
  });
  return id;
}

absl::StatusOr<MigrationView> StagedWorld::Migration(const RequestId& id) {
  return GetMigration(Operator(), *RegionId::Create("us"), &id);
}

absl::StatusOr<MoveView> StagedWorld::MoveOf(const RequestId& id, const std::string& name) {
  const absl::StatusOr<MigrationView> view = Migration(id);
  if (!view.ok()) return view.status();
  for (const MoveView& move : view->moves) {
    if (world_->OwnerOf(move.account) == name) return move;
  }
  return Refuse(Reason::kStateNotReady, name + " is not moved");
}

void StagedWorld::MoveAll(const std::vector<std::string>& names) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const RequestId id = StartMigration();
    absl::StatusOr<MigrationView> view = MigrationView{};
    Await("the migration ends", [&] {
      view = Migration(id);
      return view.ok() && view->done;
    });
    const bool all = std::ranges::all_of(names, [&](const std::string& name) {
      absl::StatusOr<scenario::Owner*> owner = world_->FindOwner(name);
      if (!owner.ok()) return false;
      AccountClient client((*owner)->session.get(), (*owner)->profile.get());
      const absl::StatusOr<AccountView> account = client.Show();
      return account.ok() && account->home_region == "cn" && Name(account->state) == "active";
    });
    if (all) return;
  }
  ADD_FAILURE() << "not everybody moved";
}

DeploymentCheck StagedWorld::Check(bool settled) {
  EXPECT_TRUE(supervisor_->Stop().ok());
  const absl::StatusOr<DeploymentCheck> check =
      CheckDeployment(*supervisor_, {.acts = world_->acts(), .settled = settled});
  EXPECT_TRUE(check.ok()) << Explain(check.status());
  const absl::Status started = supervisor_->Start();
  EXPECT_TRUE(started.ok()) << Explain(started);
  return check.value_or(DeploymentCheck{});
}

void StagedWorld::ExpectNothingLost(bool settled) {
  const DeploymentCheck check = Check(settled);
  EXPECT_EQ(check.services, 6U);
  for (const Finding& finding : check.findings) {
    if (!finding.violation) continue;
    ADD_FAILURE() << finding.service << " " << finding.rule << " " << finding.where << ": "
                  << finding.what;
  }
}

void StagedWorld::SetBorder(BorderState state, bool kill) {
  absl::StatusOr<FaultPlan> plan = supervisor_->Faults();
  ASSERT_TRUE(plan.ok());
  BorderFault border = plan->Border("us", "cn");
  border.state = state;
  border.kills += kill ? 1 : 0;
  plan->SetBorder(border);
  SetFaults(*plan);
}

void StagedWorld::SetFaults(const FaultPlan& plan) {
  const absl::Status set = supervisor_->SetFaults(plan);
  EXPECT_TRUE(set.ok()) << Explain(set);
}

bool StagedWorld::Runs(const std::string& region, ServiceKind kind) const {
  return DetachedProcess(supervisor_->paths().Service(region, kind) + "/pid").Running().has_value();
}

bool StagedWorld::Await(const std::string& what, const std::function<bool()>& look) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < end) {
    if (look()) return true;
    std::this_thread::sleep_for(kLook);
  }
  ADD_FAILURE() << "it never came to be that " << what;
  return false;
}

}  // namespace comity::testing
