#ifndef COMITY_COMMON_IDENTITY_AUTHORIZATION_H_
#define COMITY_COMMON_IDENTITY_AUTHORIZATION_H_

#include <chrono>
#include <memory>
#include <string_view>
#include <utility>

#include "services/common/identity/call_note.h"
#include "services/common/identity/caller.h"

namespace comity {

// Proof that the guard let this caller call this method. Domain functions take it, so that code
// that forgot to ask does not compile. Only the guard makes one (and, in tests, the helper of
// tests/testing/unsafe_authorization.h). Copyable value; sharing it between threads is safe.
class Authorization final {
 public:
  using Deadline = std::chrono::system_clock::time_point;

  const Caller& caller() const { return *caller_; }
  // "/package.Service/Method", of the guard's rules, which outlive calls.
  std::string_view method() const { return method_; }
  // When the answer is of no use any more; calls made on behalf of this one carry it along.
  Deadline deadline() const { return deadline_; }

  // What the call turned out to ask for, once its message is read: for the record of it. Nothing is
  // decided by it. Where nobody keeps records it is forgotten.
  void Note(const CallNote& note) const {
    if (note_ != nullptr) *note_ = note;
  }

  bool IsDevice() const { return caller().kind == Caller::Kind::kDevice; }
  bool IsService(ServiceKind kind, const RegionId& region) const {
    return caller().kind == Caller::Kind::kService && caller().service == kind &&
           caller().region == region;
  }

 private:
  friend class ActiveCall;
  friend class Guard;
  friend class UnsafeAuthorizationForTest;
  Authorization(std::shared_ptr<const Caller> caller, std::string_view method, Deadline deadline)
      : caller_(std::move(caller)), method_(method), deadline_(deadline) {}

  std::shared_ptr<const Caller> caller_;
  std::string_view method_;
  Deadline deadline_;
  CallNote* note_ = nullptr;  // of the call, which outlives everything that answers it
};

}  // namespace comity

#endif  // COMITY_COMMON_IDENTITY_AUTHORIZATION_H_
