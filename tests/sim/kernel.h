#ifndef COMITY_TESTS_SIM_KERNEL_H_
#define COMITY_TESTS_SIM_KERNEL_H_

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "tests/sim/activity.h"

// Who may do what next, in a world of four machines: the part of the simulation that knows nothing
// of storages and custodies. Whatever happens at all is one choice out of those that are possible.
namespace comity::sim {

enum class Machine : uint8_t { kUsStorage, kUsCustody, kCnStorage, kCnCustody };
inline constexpr size_t kMachines = 4;
inline constexpr std::array<Machine, kMachines> kAllMachines = {
    Machine::kUsStorage, Machine::kUsCustody, Machine::kCnStorage, Machine::kCnCustody};
std::string_view NameOf(Machine machine);

// Locks of the product that are held across contacts. Whoever might want one that another holds is
// not gone on with: it would only wait.
inline constexpr uint32_t kAccountLock = 1;  // storage: one change of an account at a time
inline constexpr uint32_t kArrivalLock = 2;  // storage: one change of an arrival at a time
inline constexpr uint32_t kTurn = 4;         // custody: one run of an account's move at a time

// What an activity is about: names it and says which locks it takes.
struct Work {
  std::string name;
  uint32_t takes = 0;  // locks that it may take when it goes on
  uint32_t keeps = 0;  // locks that it holds from its beginning to its end
};

// A change of one of the machines' memories into a number: equal states give equal numbers.
uint64_t Mix(uint64_t seed, uint64_t value);
uint64_t HashOf(std::string_view text);

class Kernel final {
 public:
  struct Limits {
    size_t strays = 1;  // messages under way that nobody waits for any more
    size_t roots = 2;   // things begun by themselves at the same time
    bool crashes = true;
    bool losses = true;     // calls that end without an answer; the call may be done all the same
    bool repeats = false;   // calls that arrive twice, the second time whenever
    bool refusals = false;  // custody's import may be refused for good
    bool blobs = false;     // machines may die between the bytes of an object and its record
  };
  struct Hooks {
    // The machine's memory is gone: make it anew over its disk.
    std::function<void(Machine)> restart;
    // What the machine has on disk and in memory, as a number; of all machines together.
    std::function<uint64_t(Machine)> look;
    std::function<uint64_t()> look_everywhere;
  };

  explicit Kernel(Limits limits) : limits_(limits) {}
  void SetHooks(Hooks hooks) { hooks_ = std::move(hooks); }
  void SetLimits(const Limits& limits) { limits_ = limits; }
  const Limits& limits() const { return limits_; }

  // --- For ports, called from activities; outside of all activities they do nothing.

  // Just before the running activity changes something that outlives its process.
  void Contact(std::string_view what, uint32_t holds);
  // The running activity knows nothing any more but what is on its machine's disk.
  void Settle();
  // Carries a call to another machine. OK when `handle(true)` has run to its end there and the
  // answer has come back; `handle(false)` is a call whose answer nobody gets.
  absl::Status Exchange(Machine to, Work work, std::function<void(bool)> handle,
                        bool may_come_twice);
  // Name of the running activity's work; empty outside.
  std::string_view running_work() const;

  // --- For the world.

  struct Choice {
    enum class Kind : uint8_t { kResume, kDeliver, kRepeat, kTimeOut, kRefuse, kCrash };
    Kind kind = Kind::kResume;
    int id = 0;  // of the task, the message or the machine
    std::string text;
    bool trouble = false;  // something went wrong
  };
  // Everything that can happen to what is under way. What gets on by itself comes first.
  std::vector<Choice> Choices() const;
  void Apply(const Choice& choice);
  // What Look() gives after the choice, where that is known without trying it: when a machine dies,
  // an answer is lost or a call refused, nothing of the product runs.
  std::optional<uint64_t> LookAfter(const Choice& choice) const;

  // Could this begin now?
  bool MayBegin(Machine machine, const Work& work) const;
  size_t roots() const;
  void Begin(Machine machine, Work work, std::function<void()> body);
  bool IsRunning(Machine machine, std::string_view name) const;
  // Nothing is under way but messages that nobody waits for.
  bool Quiet() const { return tasks_.empty(); }
  void DropStrays();
  void Crash(Machine machine);
  // What is under way, as a number.
  uint64_t Look() const;
  // How often a machine has been made anew.
  int life(Machine machine) const { return lives_[static_cast<size_t>(machine)]; }

 private:
  // What is known of a task from outside.
  struct TaskFacts {
    int id = 0;
    Machine machine = Machine::kUsStorage;
    Work work;
    uint64_t seen = 0;      // what it may know, as a number
    std::string contact;    // what it is about to touch
    uint32_t holds = 0;     // and the locks that it holds meanwhile
    int answers = 0;        // the task that waits for this one; 0 = none
    bool root = false;      // began by itself
    int waits_for = 0;      // message or task; 0 = none
    bool answered = false;  // and the outcome is here
    // Whom it waits for has not got beyond its first contact. That the one who waits dies or gives
    // up later makes no difference to the other one, so only this moment has to be tried.
    bool fresh = false;
    int steps = 0;
    absl::Status outcome;
  };
  struct Task : TaskFacts {
    std::unique_ptr<Activity> activity;
  };
  struct Message {
    int id = 0;
    Machine to = Machine::kUsStorage;
    Work work;
    std::function<void(bool)> handle;
    int caller = 0;  // 0: nobody waits for it any more
    uint64_t seen = 0;
    bool may_come_twice = false;
  };

  Task* Find(int id) const;
  bool MayGoOn(const Task& task) const;
  bool MayDie(Machine machine) const;
  bool LocksFree(Machine machine, const Work& work, const Task* but) const;
  void Step(Task& task);
  void End(int id);
  void Deliver(int id, bool keep_copy);
  void TimeOut(Task& task);
  void Answer(int caller, absl::Status outcome);
  size_t strays() const;
  Task& Add(Machine machine, Work work, std::function<void()> body);

  Limits limits_;
  Hooks hooks_;
  std::vector<std::unique_ptr<Task>> tasks_;
  std::vector<Message> messages_;
  std::array<int, kMachines> lives_{};
  Task* current_ = nullptr;
  int next_id_ = 1;
  // Stacks of killed processes: what they own is never given back, and never used.
  std::vector<std::unique_ptr<Task>> graveyard_;
};

}  // namespace comity::sim

#endif  // COMITY_TESTS_SIM_KERNEL_H_
