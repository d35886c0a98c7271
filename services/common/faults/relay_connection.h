#ifndef COMITY_COMMON_FAULTS_RELAY_CONNECTION_H_
#define COMITY_COMMON_FAULTS_RELAY_CONNECTION_H_

#include <array>
#include <string>

#include <poll.h>

#include "services/common/faults/fault_file.h"

namespace comity {

// One connection through a relay: two sockets, and what was read from one and not yet written to
// the other. Not thread-safe. Both sockets are closed when it goes; with a reset unless both ends
// have said that they are done.
class RelayConnection final {
 public:
  // Takes the accepted socket, and begins to connect to "127.0.0.1:<port>".
  RelayConnection(int accepted, int upstream) : ends_{End{accepted}, End{upstream}} {}
  ~RelayConnection();
  RelayConnection(const RelayConnection&) = delete;
  RelayConnection& operator=(const RelayConnection&) = delete;

  // What to wait for; nothing at all while the border is cut.
  std::array<pollfd, 2> Interest(bool cut) const;
  // Moves bytes. False when the connection is over.
  bool Serve(const std::array<pollfd, 2>& ready);

 private:
  struct End {
    int fd = -1;
    std::string out;     // read from the other end, to be written here
    bool ended = false;  // nothing more will be read here
    bool shut = false;   // it has been told that nothing more comes
  };
  bool Read(End& from, End& to);
  static bool Write(End& end);

  std::array<End, 2> ends_;
};

}  // namespace comity

#endif  // COMITY_COMMON_FAULTS_RELAY_CONNECTION_H_
