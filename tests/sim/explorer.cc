#include "tests/sim/explorer.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <memory>
#include <new>
#include <random>
#include <span>
#include <thread>
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

// Text that any process may leave to the first one.
struct SharedText {
  char text[kTextBytes] = {};
  void Set(const std::string& from) {
    // Of a long path the end is worth more.
    const size_t skip = from.size() < kTextBytes ? 0 : from.size() - kTextBytes + 1;
    std::memcpy(text, from.data() + skip, from.size() - skip);
    text[from.size() - skip] = '\0';
  }
};

// Shared by all processes of an exploration.
struct Shared {
  std::atomic<uint64_t> states{0};
  std::atomic<uint64_t> steps{0};
  std::atomic<uint64_t> ends{0};
  std::atomic<uint64_t> jobs{0};
  std::atomic<uint32_t> depth{0};
  std::atomic<bool> stopped{false};
  std::atomic<bool> bounded{false};
  SharedText breach;
  SharedText path;
};

// Memory that children share, zeros at first; what is never touched costs nothing.
template <typename T>
class SharedArray final {
 public:
  explicit SharedArray(size_t size)
      : size_(size),
        items_(static_cast<T*>(mmap(nullptr, sizeof(T) * size, PROT_READ | PROT_WRITE,
                                    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0))) {
    COMITY_CHECK(items_ != MAP_FAILED);
  }
  ~SharedArray() { munmap(items_, sizeof(T) * size_); }
  SharedArray(const SharedArray&) = delete;
  SharedArray& operator=(const SharedArray&) = delete;
  size_t size() const { return size_; }
  T& operator[](size_t i) const { return items_[i]; }

 private:
  const size_t size_;
  T* const items_;
};

// A set of hashes, open addressing; processes insert at the same time.
class HashSet final {
 public:
  explicit HashSet(size_t least) : slots_(least * 2) {}
  // False when it was there.
  bool Insert(uint64_t hash) {
    if (hash == 0) hash = 1;
    for (size_t at = hash % slots_.size();; at = (at + 1) % slots_.size()) {
      uint64_t found = 0;
      if (slots_[at].compare_exchange_strong(found, hash)) return true;
      if (found == hash) return false;
    }
  }
  bool Has(uint64_t hash) const {
    if (hash == 0) hash = 1;
    for (size_t at = hash % slots_.size();; at = (at + 1) % slots_.size()) {
      const uint64_t found = slots_[at];
      if (found == hash) return true;
      if (found == 0) return false;
    }
  }

 private:
  SharedArray<std::atomic<uint64_t>> slots_;
};

// The way to a state: at every step the first choice, but for these.
struct Turn {
  uint32_t step = 0;
  uint32_t choice = 0;
};
struct Job {
  static constexpr uint32_t kMaxTurns = 61;
  uint64_t state = 0;
  uint32_t turns = 0;
  Turn turn[kMaxTurns];
  std::atomic<bool> written{false};
};

// Goes from the beginning to a state that nobody has looked into, and on from there: straight ahead
// in one process, which forks a child for each other choice. A child goes on likewise, but not as
// deep in the family as it likes, for a fork takes the longer the more ancestors a process has:
// from there on the way is written down, and somebody begins anew.
class Explorer final {
 public:
  Explorer(World* world, const Bounds& bounds)
      : world_(world),
        bounds_(bounds),
        seen_(bounds.states + kSlack),
        ended_(bounds.states + kSlack),
        jobs_(bounds.states + kSlack),
        shared_memory_(1),
        shared_(new (&shared_memory_[0]) Shared()),
        deadline_(SteadyClock::now() + std::chrono::seconds(bounds.seconds)) {}
  Explorer(const Explorer&) = delete;
  Explorer& operator=(const Explorer&) = delete;

  Exploration Run() {
    Note(world_->Look());
    RunJobs();
    Exploration result;
    result.states = shared_->states;
    result.steps = shared_->steps;
    result.ends = shared_->ends;
    result.depth = shared_->depth;
    result.breach = shared_->breach.text;
    result.path = shared_->path.text;
    result.complete = !shared_->bounded && !shared_->stopped;
    return result;
  }

 private:
  // States that processes add after the bound was met.
  static constexpr size_t kSlack = 4096;
  static constexpr int kMaxGenerations = 4;
  static constexpr std::chrono::seconds kTellEvery{5};

  template <typename Do>
  static pid_t Fork(const Do& what) {
    const pid_t child = fork();
    COMITY_CHECK(child >= 0);
    if (child == 0) {
      what();
      _exit(0);
    }
    return child;
  }

  template <typename Do>
  void InChild(const Do& what) {
    int status = 0;
    const pid_t child = Fork(what);
    COMITY_CHECK(waitpid(child, &status, 0) == child);
    if (status != 0) Stop("the product's code ended the process");
  }

  // Side by side, in the order in which they were written down.
  void RunJobs() {
    const size_t at_once = std::max(1u, std::thread::hardware_concurrency());
    size_t running = 0;
    SteadyClock::time_point told = SteadyClock::now();
    for (size_t next = 0;;) {
      const bool more = next < shared_->jobs && jobs_[next].written && !Over();
      if (more && running < at_once) {
        const Job& job = jobs_[next++];
        Fork([this, &job] { Do(job); });
        ++running;
        continue;
      }
      if (running == 0) return;
      int status = 0;
      COMITY_CHECK(wait(&status) > 0);
      if (status != 0) Stop("the product's code ended the process, on a way whose text is lost");
      --running;
      if (bounds_.progress && SteadyClock::now() - told >= kTellEvery) {
        told = SteadyClock::now();
        bounds_.progress(shared_->states, shared_->jobs - next);
      }
    }
  }

  bool Over() const { return shared_->stopped || shared_->bounded; }

  void Stop(const std::string& breach) {
    if (shared_->stopped.exchange(true)) return;
    shared_->breach.Set(breach);
    std::string path;
    for (const std::string& step : path_) path += step + "\n";
    shared_->path.Set(path);
  }

  // Whether the state is new. Then whoever asked has to look into it.
  bool IsNew(uint64_t state) {
    if (!seen_.Insert(state)) return false;
    if (++shared_->states >= bounds_.states || SteadyClock::now() >= deadline_) {
      shared_->bounded = true;
    }
    return true;
  }

  // Writes down the way to the state where this process is, and that it is new.
  void Note(uint64_t state) {
    if (!IsNew(state)) return;
    if (turns_.size() > Job::kMaxTurns) {
      shared_->bounded = true;
      return;
    }
    Job& job = jobs_[shared_->jobs++];
    job.state = state;
    job.turns = static_cast<uint32_t>(turns_.size());
    std::ranges::copy(turns_, job.turn);
    job.written = true;
  }

  void Take(const std::vector<World::Choice>& choices, size_t i) {
    path_.push_back(choices[i].text);
    if (i > 0) turns_.push_back({step_, static_cast<uint32_t>(i)});
    ++step_;
    choices[i].apply();
  }

  void Do(const Job& job) {
    for (const Turn& turn : std::span(job.turn, job.turns)) {
      while (step_ < turn.step) Take(world_->Choices(), 0);
      Take(world_->Choices(), turn.choice);
    }
    if (world_->Look() != job.state) return Stop("the same way has led to another state");
    LookInto();
  }

  // From the state of this process on, which is new. It is used up.
  void LookInto() {
    do {
      if (Over()) return;
      uint32_t depth = shared_->depth;
      while (depth < step_ && !shared_->depth.compare_exchange_weak(depth, step_)) {
      }
      const uint64_t disks = world_->LookAtDisks();
      if (disks != checked_) {
        if (const std::optional<std::string> breach = world_->FindBreach()) return Stop(*breach);
        checked_ = disks;
      }
      if (world_->Quiet() && ended_.Insert(disks)) {
        ++shared_->ends;
        InChild([this] { LookAtEnd(); });
      }
      const std::vector<World::Choice> choices = world_->Choices();
      if (choices.empty()) return;
      for (size_t i = 1; i < choices.size() && !Over(); ++i) {
        ++shared_->steps;
        const std::optional<uint64_t> state = choices[i].leads_to();
        if (state.has_value() && seen_.Has(*state)) continue;
        InChild([&] { TurnOff(choices, i, state); });
      }
      ++shared_->steps;
      Take(choices, 0);
    } while (IsNew(world_->Look()));
  }

  void TurnOff(const std::vector<World::Choice>& choices, size_t i,
               const std::optional<uint64_t>& foretold) {
    ++generation_;
    Take(choices, i);
    const uint64_t state = world_->Look();
    if (state != foretold.value_or(state)) return Stop("it leads elsewhere than foretold");
    if (generation_ == kMaxGenerations) return Note(state);
    if (IsNew(state)) LookInto();
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
  SharedArray<Job> jobs_;
  SharedArray<Shared> shared_memory_;
  Shared* const shared_;
  const SteadyClock::time_point deadline_;
  // Of the way to where this process is.
  std::vector<std::string> path_;
  std::vector<Turn> turns_;
  uint32_t step_ = 0;
  int generation_ = 0;
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
    shared_->path.Set(path_);
    if (const std::optional<std::string> bad = world_->FindRestedEnd()) Stop(*bad);
  }

 private:
  uint32_t Draw(uint32_t below) { return static_cast<uint32_t>(random_() % below); }
  void Stop(const std::string& breach) {
    shared_->stopped = true;
    shared_->breach.Set(breach);
    shared_->path.Set(path_);
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
  const SharedArray<Shared> memory(1);
  Shared* const shared = new (&memory[0]) Shared();
  const pid_t child = fork();
  COMITY_CHECK(child >= 0);
  if (child == 0) {
    World world(deployment, scenario);
    RandomPath(&world, shared, seed).Run(steps);
    _exit(0);
  }
  int status = 0;
  COMITY_CHECK(waitpid(child, &status, 0) == child);
  if (status != 0) shared->breach.Set("the product's code ended the process");
  Exploration result;
  result.steps = shared->steps;
  result.breach = shared->breach.text;
  result.path = shared->path.text;
  result.complete = true;
  return result;
}

}  // namespace comity::sim
