#include "tests/sim/kernel.h"

#include <algorithm>

#include "services/common/status/check.h"
#include "services/common/status/reason.h"

namespace comity::sim {

std::string_view NameOf(Machine machine) {
  switch (machine) {
    case Machine::kUsStorage:
      return "us/storage";
    case Machine::kUsCustody:
      return "us/custody";
    case Machine::kCnStorage:
      return "cn/storage";
    case Machine::kCnCustody:
      return "cn/custody";
  }
  return "";
}

uint64_t Mix(uint64_t seed, uint64_t value) {
  // The finaliser of SplitMix64 over both.
  uint64_t x = seed * 0x9e3779b97f4a7c15ULL + value + 0x632be59bd9b4e019ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

uint64_t HashOf(std::string_view text) { return std::hash<std::string_view>()(text); }

Kernel::Task* Kernel::Find(int id) const {
  const auto it = std::ranges::find_if(tasks_, [&](const auto& task) { return task->id == id; });
  return it == tasks_.end() ? nullptr : it->get();
}

std::string_view Kernel::running_work() const {
  return current_ == nullptr ? std::string_view() : current_->work.name;
}

void Kernel::Contact(std::string_view what, uint32_t holds) {
  if (current_ == nullptr) return;
  current_->contact = std::string(what);
  current_->holds = holds | current_->work.keeps;
  Activity::Suspend();
}

void Kernel::Settle() {
  if (current_ == nullptr) return;
  current_->seen = Mix(HashOf(current_->work.name), hooks_.look(current_->machine));
}

absl::Status Kernel::Exchange(Machine to, Work work, std::function<void(bool)> handle,
                              bool may_come_twice) {
  if (current_ == nullptr) {
    handle(true);
    return absl::OkStatus();
  }
  Task* const self = current_;
  messages_.push_back(
      {next_id_++, to, std::move(work), std::move(handle), self->id, self->seen, may_come_twice});
  self->waits_for = messages_.back().id;
  self->answered = false;
  self->fresh = true;
  self->contact = "call " + messages_.back().work.name;
  self->holds = self->work.keeps;
  Activity::Suspend();
  self->waits_for = 0;
  return std::exchange(self->outcome, absl::OkStatus());
}

bool Kernel::LocksFree(Machine machine, const Work& work, const Task* but) const {
  return std::ranges::none_of(tasks_, [&](const auto& task) {
    return task.get() != but && task->machine == machine && (task->holds & work.takes) != 0;
  });
}

bool Kernel::MayGoOn(const Task& task) const {
  return (task.waits_for == 0 || task.answered) && LocksFree(task.machine, task.work, &task);
}

bool Kernel::MayBegin(Machine machine, const Work& work) const {
  return LocksFree(machine, work, nullptr);
}

size_t Kernel::roots() const {
  return static_cast<size_t>(
      std::ranges::count_if(tasks_, [](const auto& task) { return task->root; }));
}

size_t Kernel::strays() const {
  return static_cast<size_t>(
      std::ranges::count_if(messages_, [](const Message& m) { return m.caller == 0; }));
}

bool Kernel::IsRunning(Machine machine, std::string_view name) const {
  return std::ranges::any_of(tasks_, [&](const auto& task) {
    return task->machine == machine && task->work.name == name;
  });
}

Kernel::Task& Kernel::Add(Machine machine, Work work, std::function<void()> body) {
  auto task = std::make_unique<Task>();
  task->id = next_id_++;
  task->machine = machine;
  task->seen = HashOf(work.name);
  task->holds = work.keeps;
  task->contact = "begin";
  task->work = std::move(work);
  task->activity = std::make_unique<Activity>(std::move(body));
  tasks_.push_back(std::move(task));
  return *tasks_.back();
}

void Kernel::Begin(Machine machine, Work work, std::function<void()> body) {
  Task& task = Add(machine, std::move(work), std::move(body));
  task.root = true;
  Step(task);
}

bool Kernel::MayDie(Machine machine) const {
  const bool at_work = std::ranges::any_of(tasks_, [&](const auto& task) {
    return task->machine == machine && (task->waits_for == 0 || task->fresh);
  });
  // The transport keys that it offered are all that an idle machine can lose.
  const bool keys_out = machine == Machine::kCnCustody &&
                        (tasks_.empty() || std::ranges::any_of(messages_, [](const Message& m) {
                           return m.work.name == "ImportKeys";
                         }));
  return at_work || keys_out;
}

std::vector<Kernel::Choice> Kernel::Choices() const {
  using Kind = Choice::Kind;
  std::vector<Choice> choices;
  for (const auto& task : tasks_) {
    if (MayGoOn(*task)) {
      choices.push_back({Kind::kResume, task->id,
                         std::string(NameOf(task->machine)) + " " + task->work.name + ": " +
                             (task->waits_for != 0 ? "answer" : task->contact)});
    }
  }
  for (const Message& message : messages_) {
    if (message.caller != 0 && MayBegin(message.to, message.work)) {
      choices.push_back({Kind::kDeliver, message.id, "deliver " + message.work.name});
    }
  }
  // From here on it is trouble.
  const auto add = [&](Kind kind, int id, std::string text) {
    choices.push_back({kind, id, std::move(text), true});
  };
  for (const Message& message : messages_) {
    if (!MayBegin(message.to, message.work)) continue;
    if (message.caller == 0) {
      add(Kind::kDeliver, message.id, "late: " + message.work.name);
    } else {
      if (limits_.repeats && message.may_come_twice && strays() < limits_.strays) {
        add(Kind::kRepeat, message.id, "deliver and keep a copy: " + message.work.name);
      }
      if (limits_.refusals && message.work.name == "ImportKeys") {
        add(Kind::kRefuse, message.id, "refuse " + message.work.name);
      }
    }
  }
  if (limits_.losses) {
    for (const auto& task : tasks_) {
      if (task->waits_for != 0 && task->fresh && ReasonOf(task->outcome) != Reason::kDeadline &&
          LocksFree(task->machine, task->work, task.get())) {
        add(Kind::kTimeOut, task->id,
            std::string(NameOf(task->machine)) + " " + task->work.name + ": no answer to its " +
                task->contact);
      }
    }
  }
  if (limits_.crashes) {
    for (const Machine machine : kAllMachines) {
      if (MayDie(machine)) {
        add(Kind::kCrash, static_cast<int>(machine), "kill " + std::string(NameOf(machine)));
      }
    }
  }
  return choices;
}

void Kernel::Apply(const Choice& choice) {
  switch (choice.kind) {
    case Choice::Kind::kResume:
      Step(*Find(choice.id));
      return;
    case Choice::Kind::kDeliver:
      Deliver(choice.id, false);
      return;
    case Choice::Kind::kRepeat:
      Deliver(choice.id, true);
      return;
    case Choice::Kind::kTimeOut:
      TimeOut(*Find(choice.id));
      return;
    case Choice::Kind::kRefuse: {
      const auto it =
          std::ranges::find_if(messages_, [&](const Message& m) { return m.id == choice.id; });
      const int caller = it->caller;
      messages_.erase(it);
      Answer(caller, Refuse(Reason::kRulesForbid, "the destination will not have it"));
      return;
    }
    case Choice::Kind::kCrash:
      Crash(static_cast<Machine>(choice.id));
      return;
  }
}

std::optional<uint64_t> Kernel::LookAfter(const Choice& choice) const {
  using Kind = Choice::Kind;
  if (choice.kind != Kind::kTimeOut && choice.kind != Kind::kRefuse &&
      choice.kind != Kind::kCrash) {
    return std::nullopt;
  }
  Kernel after(limits_);
  after.hooks_.restart = [](Machine) {};
  after.next_id_ = next_id_;
  for (const auto& task : tasks_) {
    after.tasks_.push_back(std::make_unique<Task>());
    static_cast<TaskFacts&>(*after.tasks_.back()) = *task;
  }
  for (const Message& m : messages_) {
    after.messages_.push_back({m.id, m.to, m.work, nullptr, m.caller, m.seen, m.may_come_twice});
  }
  after.Apply(choice);
  return after.Look();
}

void Kernel::Step(Task& task) {
  task.seen = Mix(task.seen, hooks_.look(task.machine));
  if (task.waits_for != 0) {
    // What the answer says follows from how the world was when it was given.
    task.seen = Mix(task.seen,
                    Mix(hooks_.look_everywhere(), static_cast<uint64_t>(ReasonOf(task.outcome))));
  }
  task.contact.clear();
  if (Task* const caller = Find(task.answers)) caller->fresh = task.steps == 0;
  ++task.steps;
  current_ = &task;
  task.activity->Resume();
  current_ = nullptr;
  if (task.activity->ended()) End(task.id);
}

void Kernel::End(int id) {
  const auto it = std::ranges::find_if(tasks_, [&](const auto& task) { return task->id == id; });
  const int caller = (*it)->answers;
  tasks_.erase(it);
  Answer(caller, absl::OkStatus());
}

void Kernel::Answer(int caller, absl::Status outcome) {
  Task* const task = Find(caller);
  if (task == nullptr) return;
  task->answered = true;
  task->outcome = std::move(outcome);
}

void Kernel::Deliver(int id, bool keep_copy) {
  const auto it = std::ranges::find_if(messages_, [&](const Message& m) { return m.id == id; });
  COMITY_CHECK(it != messages_.end());
  const Message message = *it;
  if (keep_copy) {
    it->caller = 0;
  } else {
    messages_.erase(it);
  }
  const bool wanted = message.caller != 0;
  Task& task = Add(message.to, message.work, [handle = message.handle, wanted] { handle(wanted); });
  task.answers = message.caller;
  task.seen = Mix(task.seen, message.seen);
  if (Task* const caller = Find(message.caller)) caller->waits_for = task.id;
  Step(task);
}

void Kernel::TimeOut(Task& task) {
  for (auto it = messages_.begin(); it != messages_.end(); ++it) {
    if (it->id != task.waits_for) continue;
    it->caller = 0;
    // It may still arrive, later; of too many that might, this one is lost.
    if (strays() > limits_.strays) messages_.erase(it);
    break;
  }
  if (Task* const callee = Find(task.waits_for)) callee->answers = 0;
  // It learns of it when it goes on; the others may be faster.
  task.waits_for = next_id_++;
  task.answered = true;
  task.fresh = false;
  task.outcome = Refuse(Reason::kDeadline, "no answer");
}

void Kernel::Crash(Machine machine) {
  std::vector<int> callers;
  for (auto it = tasks_.begin(); it != tasks_.end();) {
    if ((*it)->machine != machine) {
      ++it;
      continue;
    }
    if ((*it)->answers != 0) callers.push_back((*it)->answers);
    for (auto message = messages_.begin(); message != messages_.end();) {
      if (message->id != (*it)->waits_for) {
        ++message;
        continue;
      }
      message->caller = 0;
      message = strays() > limits_.strays ? messages_.erase(message) : message + 1;
    }
    if (Task* const callee = Find((*it)->waits_for)) callee->answers = 0;
    graveyard_.push_back(std::move(*it));
    it = tasks_.erase(it);
  }
  ++lives_[static_cast<size_t>(machine)];
  hooks_.restart(machine);
  for (const int caller : callers) Answer(caller, Refuse(Reason::kPeerUnavailable, "it died"));
}

void Kernel::DropStrays() {
  std::erase_if(messages_, [](const Message& message) { return message.caller == 0; });
}

uint64_t Kernel::Look() const {
  // Ids differ from path to path; which task waits for which does not.
  const auto index = [&](int id) -> uint64_t {
    for (size_t i = 0; i < tasks_.size(); ++i) {
      if (tasks_[i]->id == id) return i + 1;
    }
    return 0;
  };
  std::vector<uint64_t> parts;
  for (const auto& task : tasks_) {
    uint64_t part = Mix(HashOf(task->work.name), static_cast<uint64_t>(task->machine));
    part = Mix(part, task->seen);
    part = Mix(part, HashOf(task->contact));
    part = Mix(part, task->holds);
    const Task* caller = Find(task->answers);
    part = Mix(part, caller == nullptr ? 0 : HashOf(caller->work.name));
    part = Mix(part, (task->waits_for != 0 ? 2 : 0) + (task->answered ? 1 : 0));
    part = Mix(part, task->answered ? static_cast<uint64_t>(ReasonOf(task->outcome)) + 1 : 0);
    parts.push_back(part);
  }
  for (const Message& message : messages_) {
    uint64_t part = Mix(HashOf(message.work.name), message.seen);
    parts.push_back(Mix(part, index(message.caller) == 0 ? 1 : 2));
  }
  std::ranges::sort(parts);
  uint64_t all = 1;
  for (const uint64_t part : parts) all = Mix(all, part);
  return all;
}

}  // namespace comity::sim
