#ifndef COMITY_COMMON_STATUS_END_PROCESS_H_
#define COMITY_COMMON_STATUS_END_PROCESS_H_

namespace comity {

// How a program that has used gRPC ends: what it has written is flushed, then the process is gone
// with `exit_code`.
//
// Not by return from main(), nor by exit(): these take apart the libraries' own state (OpenSSL's
// tables, upb's, gRPC's), while threads that gRPC keeps for itself may be at a handshake with a
// service that does not answer. Such a program crashes now and then although all its work is done.
// gRPC has no call that waits for those threads.
//
// Destructors of what main() holds do not run: end their scopes first. Of static objects none runs.
[[noreturn]] void EndProcess(int exit_code);

}  // namespace comity

#endif  // COMITY_COMMON_STATUS_END_PROCESS_H_
