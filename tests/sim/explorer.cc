#include "tests/sim/explorer.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <memory>
#include <new>
#include <random>
#include <utility>

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "absl/synchronization/mutex.h"

#include "services/common/status/check.h"

namespace comity::sim {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr size_t kTextBytes = 64 << 10;

// Shared by a process and its children, of which one runs at a time.
struct Shared {
  std::atomic<uint64_t> states{0};
  std::atomic<uint64_t> steps{0};
  std::atomic<uint64_t> ends{0};
  std::atomic<uint32_t> depth{0};
  std::atomic<bool> stopped{false};
  std::atomic<bool> bounded{false};
  char breach[kTextBytes] = {};
  char path[kTextBytes] = {};
};

template <typename T>
T* MapShared(size_t count) {
  void* const memory = mmap(nullptr, sizeof(T) * count, PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  COMITY_CHECK(memory != MAP_FAILED);
  return static_cast<T*>(memory);
}

void CopyText(const std::string& text, char (&to)[kTextBytes]) {
  // Of a long path the end is worth more.
  const size_t skip = text.size() < kTextBytes ? 0 : text.size() - kTextBytes + 1;
  std::memcpy(to, text.data() + skip, text.size() - skip);
  to[text.size() - skip] = '\0';
}

// A set of hashes in shared memory, open addressing.
class HashSet final {
 public:
  explicit HashSet(size_t least) : size_(least * 2), slots_(MapShared<uint64_t>(size_)) {}
  ~HashSet() { munmap(slots_, size_ * sizeof(uint64_t)); }
  HashSet(const HashSet&) = delete;
  HashSet& operator=(const HashSet&) = delete;
  // False when it was there.
  bool Insert(uint64_t hash) {
    if (hash == 0) hash = 1;
    for (size_t at = hash % size_;; at = (at + 1) % size_) {
      if (slots_[at] == hash) return false;
      if (slots_[at] == 0) {
        slots_[at] = hash;
        return true;
      }
    }
  }
  bool Has(uint64_t hash) const {
    if (hash == 0) hash = 1;
    for (size_t at = hash % size_;; at = (at + 1) % size_) {
      if (slots_[at] == hash) return true;
      if (slots_[at] == 0) return false;
    }
  }

 private:
  const size_t size_;
  uint64_t* const slots_;
};

class Explorer final {
 public:
  Explorer(World* world, const Bounds& bounds)
      : world_(world),
        bounds_(bounds),
        seen_(bounds.states + 1),
        ended_(bounds.states + 1),
        shared_(new (MapShared<Shared>(1)) Shared()),
        deadline_(SteadyClock::now() + std::chrono::seconds(bounds.seconds)) {}
  ~Explorer() { munmap(shared_, sizeof(Shared)); }
  Explorer(const Explorer&) = delete;
  Explorer& operator=(const Explorer&) = delete;

  Exploration Run() {
    InChild([this] { Explore(0); });
    Exploration result;
    result.states = shared_->states;
    result.steps = shared_->steps;
    result.ends = shared_->ends;
    result.depth = shared_->depth;
    result.breach = shared_->breach;
    result.path = shared_->path;
    result.complete = !shared_->bounded && !shared_->stopped;
    return result;
  }

 private:
  template <typename Do>
  void InChild(const Do& what) {
    const pid_t child = fork();
    COMITY_CHECK(child >= 0);
    if (child == 0) {
      what();
      _exit(0);
    }
    int status = 0;
    COMITY_CHECK(waitpid(child, &status, 0) == child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
      Stop("the product's code ended the process");
    }
  }

  void Stop(const std::string& breach) {
    if (shared_->stopped.exchange(true)) return;
    CopyText(breach, shared_->breach);
    std::string path;
    for (const std::string& step : path_) path += step + "\n";
    CopyText(path, shared_->path);
  }

  // From the state of this process on. It is used up.
  void Explore(uint32_t depth) {
    for (;; ++depth) {
      if (shared_->stopped || !seen_.Insert(world_->Look())) return;
      if (shared_->depth < depth) shared_->depth = depth;
      if (++shared_->states >= bounds_.states || depth >= bounds_.depth ||
          SteadyClock::now() >= deadline_) {
        shared_->bounded = true;
        return;
      }
      const uint64_t disks = world_->LookAtDisks();
      if (disks != checked_) {
        if (const std::optional<std::string> breach = world_->FindBreach()) return Stop(*breach);
        checked_ = disks;
      }
      if (world_->Quiet() && ended_.Insert(world_->LookAtDisks())) {
        ++shared_->ends;
        InChild([this] { LookAtEnd(); });
      }
      const std::vector<World::Choice> choices = world_->Choices();
      if (choices.empty()) return;
      // What gets on by itself comes last and needs no child: a path of many steps would otherwise
      // be as many processes deep, and forks of deep families are slow.
      for (size_t i = choices.size() - 1; i > 0 && !shared_->stopped && !shared_->bounded; --i) {
        if (choices[i].leads_to.has_value() && seen_.Has(*choices[i].leads_to)) {
          ++shared_->steps;
          continue;
        }
        path_.push_back(choices[i].text);
        ++shared_->steps;
        InChild([&] {
          choices[i].apply();
          Explore(depth + 1);
        });
        path_.pop_back();
      }
      ++shared_->steps;
      path_.push_back(choices.front().text);
      choices.front().apply();
    }
  }

  void LookAtEnd() {
    const auto passed = [this](uint64_t disks) { ended_.Insert(disks); };
    if (const std::optional<std::string> bad = world_->FindBadEnd(passed)) {
      path_.push_back("(from here on without trouble)");
      Stop(*bad);
    }
  }

  World* const world_;
  const Bounds bounds_;
  HashSet seen_;
  HashSet ended_;
  Shared* const shared_;
  const SteadyClock::time_point deadline_;
  std::vector<std::string> path_;
  uint64_t checked_ = 0;
};

// One path in this process.
class RandomPath final {
 public:
  RandomPath(World* world, Shared* shared, uint64_t seed)
      : world_(world), shared_(shared), random_(seed) {}

  void Run(uint32_t steps) {
    // Some paths are calm, others are nothing but trouble.
    const uint32_t trouble = 2 + Draw(40);
    for (uint32_t i = 0; i < steps; ++i) {
      std::vector<World::Choice> choices = world_->Choices();
      if (choices.empty()) break;
      const bool calm = Draw(100) >= trouble;
      if (calm && !choices.front().trouble) {
        std::erase_if(choices, [](const World::Choice& choice) { return choice.trouble; });
      }
      const World::Choice& choice = choices[Draw(static_cast<uint32_t>(choices.size()))];
      path_ += choice.text + "\n";
      ++shared_->steps;
      choice.apply();
      if (const std::optional<std::string> breach = world_->FindBreach()) return Stop(*breach);
    }
    path_ += "(from here on without trouble)\n";
    CopyText(path_, shared_->path);
    if (const std::optional<std::string> bad = world_->FindRestedEnd()) Stop(*bad);
  }

 private:
  uint32_t Draw(uint32_t below) { return static_cast<uint32_t>(random_() % below); }
  void Stop(const std::string& breach) {
    shared_->stopped = true;
    CopyText(breach, shared_->breach);
    CopyText(path_, shared_->path);
  }

  World* const world_;
  Shared* const shared_;
  std::mt19937_64 random_;
  std::string path_;
};

}  // namespace

Exploration ExploreAll(const TestDeployment& deployment, const Scenario& scenario,
                       const Bounds& bounds) {
  // Locks change hands on one thread, which their deadlock detector does not understand.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  World world(deployment, scenario);
  return Explorer(&world, bounds).Run();
}

Exploration RunSeed(const TestDeployment& deployment, const Scenario& scenario, uint64_t seed,
                    uint32_t steps) {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  Shared* const shared = new (MapShared<Shared>(1)) Shared();
  const pid_t child = fork();
  COMITY_CHECK(child >= 0);
  if (child == 0) {
    World world(deployment, scenario);
    RandomPath(&world, shared, seed).Run(steps);
    _exit(0);
  }
  int status = 0;
  COMITY_CHECK(waitpid(child, &status, 0) == child);
  if (status != 0) CopyText("the product's code ended the process", shared->breach);
  Exploration result;
  result.steps = shared->steps;
  result.breach = shared->breach;
  result.path = shared->path;
  result.complete = true;
  munmap(shared, sizeof(Shared));
  return result;
}

}  // namespace comity::sim
