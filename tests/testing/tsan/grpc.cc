// Whoever starts an operation of gRPC, and whoever completes it, comes before whoever takes its tag
// out of the completion queue (behind.h).

#include <utility>

#include <grpc/grpc.h>
#include <sanitizer/tsan_interface.h>

#include "absl/status/status.h"

#include "tests/testing/tsan/behind.h"

// Inside gRPC: declared in no header that is installed, but called across its libraries. (1.51:
// src/core/lib/surface/completion_queue.h)
struct grpc_cq_completion;
bool grpc_cq_begin_op(grpc_completion_queue* queue, void* tag);
void grpc_cq_end_op(grpc_completion_queue* queue, void* tag, absl::Status error,
                    void (*done)(void*, grpc_cq_completion*), void* argument,
                    grpc_cq_completion* storage, bool internal);

using comity::Behind;

bool grpc_cq_begin_op(grpc_completion_queue* queue, void* tag) {
  static const auto behind =
      Behind<bool, grpc_completion_queue*, void*>("_Z16grpc_cq_begin_opP21grpc_completion_queuePv");
  __tsan_release(tag);
  return behind(queue, tag);
}

void grpc_cq_end_op(grpc_completion_queue* queue, void* tag, absl::Status error,
                    void (*done)(void*, grpc_cq_completion*), void* argument,
                    grpc_cq_completion* storage, bool internal) {
  using Done = void (*)(void*, grpc_cq_completion*);
  static const auto behind =
      Behind<void, grpc_completion_queue*, void*, absl::Status, Done, void*, grpc_cq_completion*,
             bool>("_Z14grpc_cq_end_opP21grpc_completion_queuePvN" + comity::MangledAbsl() +
                   "6StatusEPFvS1_P18grpc_cq_completionES1_S6_b");
  __tsan_release(tag);
  behind(queue, tag, std::move(error), done, argument, storage, internal);
}

extern "C" grpc_event grpc_completion_queue_next(grpc_completion_queue* queue,
                                                 gpr_timespec deadline, void* reserved) {
  static const auto behind =
      Behind<grpc_event, grpc_completion_queue*, gpr_timespec, void*>("grpc_completion_queue_next");
  const grpc_event event = behind(queue, deadline, reserved);
  if (event.type == GRPC_OP_COMPLETE) __tsan_acquire(event.tag);
  return event;
}

extern "C" grpc_event grpc_completion_queue_pluck(grpc_completion_queue* queue, void* tag,
                                                  gpr_timespec deadline, void* reserved) {
  static const auto behind = Behind<grpc_event, grpc_completion_queue*, void*, gpr_timespec, void*>(
      "grpc_completion_queue_pluck");
  const grpc_event event = behind(queue, tag, deadline, reserved);
  if (event.type == GRPC_OP_COMPLETE) __tsan_acquire(event.tag);
  return event;
}
