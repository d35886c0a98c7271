#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "services/common/store/forwarding_stores.h"
#include "tests/fakes/failing_stores.h"
#include "tests/testing/matchers.h"
#include "tests/testing/review_world.h"

// A review whose machine dies at every call to its stores, once just before it took effect and once
// just after. Whoever did not get an answer comes again with the same words, and everything must
// end right.
namespace comity::review {
namespace {

// Stores whose driver can be changed while they are in use.
class ChangingRecordStore final : public ForwardingRecordStore {
 public:
  explicit ChangingRecordStore(RecordStore* store) : ForwardingRecordStore(store) {}
  void Use(RecordStore* store) { behind_ = store; }
};

class ChangingBlobStore final : public ForwardingBlobStore {
 public:
  explicit ChangingBlobStore(BlobStore* store) : ForwardingBlobStore(store) {}
  void Use(BlobStore* store) { behind_ = store; }
};

// One case from the request to its answer, on a machine that dies once.
class CaseRun final {
 public:
  CaseRun(const TestDeployment& deployment, uint64_t dies_at, FailurePlan::Fate fate)
      : world_(deployment),
        plan_(dies_at, fate),
        faulty_records_(&world_.records, &plan_),
        faulty_blobs_(&world_.blobs, &plan_),
        records_(&world_.records),
        blobs_(&world_.blobs),
        account_(world_.NewAccount(2)) {
    world_.Restart(&records_, &blobs_);
    records_.Use(&faulty_records_);
    blobs_.Use(&faulty_blobs_);
  }
  ~CaseRun() { world_.Restart(); }

  void Go() {
    const LegalRequest draft = world_.Draft({&account_});
    const Statement request = world_.Sign(draft);
    std::string id;
    Insist([&]() -> absl::Status {
      const auto c = world_.review().intake().Submit(world_.As("agent-lin"), request);
      if (c.ok()) id = c->id;
      return c.status();
    });
    const Case received = Show(id);
    const DecideCommand decide = world_.DecideCommandFor(received, "reviewer-chen");
    Insist([&] {
      return world_.review().decisions().Decide(world_.As("reviewer-chen"), decide).status();
    });
    world_.clock.Advance(7 * kDayMs);
    for (const char* person : {"approver-wang", "approver-moore"}) {
      const ApproveCommand approve = world_.ApproveCommandFor(Show(id), person);
      Insist(
          [&] { return world_.review().decisions().Approve(world_.As(person), approve).status(); });
    }
    Insist([&] { return world_.Execute(id).status(); });
    StartAnew();
    Check(Show(id));
  }
  bool died() const { return plan_.fired(); }

 private:
  // Comes again after each failure, to a machine that was started anew.
  void Insist(const std::function<absl::Status()>& act) {
    for (int i = 0; i < 3; ++i) {
      const absl::Status status = act();
      if (status.ok()) return;
      ASSERT_TRUE(died()) << DescribeStatus(status);
      StartAnew();
    }
    FAIL() << "not even a sound machine does it";
  }

  void StartAnew() {
    records_.Use(&world_.records);
    blobs_.Use(&world_.blobs);
    world_.Restart(&records_, &blobs_);
  }

  Case Show(const std::string& id) {
    Case c;
    Insist([&]() -> absl::Status {
      const auto shown = world_.Show(id, "reviewer-chen");
      if (shown.ok()) c = *shown;
      return shown.status();
    });
    return c;
  }

  void Check(const Case& c) {
    EXPECT_EQ(c.state, CaseState::kExecuted);
    EXPECT_EQ(c.outcome, CaseOutcome::kFull);
    EXPECT_EQ(world_.storage.executed(), 1U);
    EXPECT_EQ(world_.custody.executed(), 1U);
    // Told once before and once after.
    ASSERT_OK_AND_ASSIGN(const std::vector<Notice> notices, world_.Notices(account_));
    ASSERT_EQ(notices.size(), 2U);
    EXPECT_NE(notices[0].objection_end, 0);
    EXPECT_EQ(notices[1].outcome, "executed: FULL");
    // One case, in the list and in the log.
    ASSERT_OK_AND_ASSIGN(const CasePage page,
                         world_.review().ListCases(world_.As("agent-lin"), std::nullopt, "", 10));
    ASSERT_EQ(page.cases.size(), 1U);
    const std::vector<Leaf> leaves = world_.log().leaves();
    std::set<std::string> tags;
    std::string outcome;
    for (const Leaf& leaf : leaves) {
      tags.insert(leaf.clear.at("case_tag"));
      if (leaf.type == "legal.outcome") outcome = leaf.clear.at("outcome");
    }
    EXPECT_EQ(tags.size(), 1U);
    EXPECT_EQ(outcome, "FULL");
    // Nothing is in the case that was not in the log before.
    EXPECT_EQ(leaves.front().type, "legal.received");
    uint64_t last = 0;
    for (size_t i = 1; i < c.history.size(); ++i) {
      EXPECT_GT(c.history[i].leaf_index, last);
      last = c.history[i].leaf_index;
    }
  }

  ReviewWorld world_;
  FailurePlan plan_;
  FailingRecordStore faulty_records_;
  FailingBlobStore faulty_blobs_;
  ChangingRecordStore records_;
  ChangingBlobStore blobs_;
  TestAccount account_;
};

class ReviewCrashTest : public testing::TestWithParam<FailurePlan::Fate> {};
INSTANTIATE_TEST_SUITE_P(Fates, ReviewCrashTest,
                         testing::Values(FailurePlan::Fate::kNotApplied,
                                         FailurePlan::Fate::kApplied));

TEST_P(ReviewCrashTest, CaseEndsRightWhereverTheMachineDies) {
  const TestDeployment deployment;
  uint64_t calls = 0;
  for (bool died = true; died; ++calls) {
    CaseRun run(deployment, calls, GetParam());
    run.Go();
    died = run.died();
    ASSERT_FALSE(HasFailure()) << "died at call " << calls;
    ASSERT_LT(calls, 1'000U) << "no end";
  }
  EXPECT_GT(calls, 50U);
}

}  // namespace
}  // namespace comity::review
