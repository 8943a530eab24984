// One direction of a copy between two sockets through a pipe: the bytes stay in the kernel.
#pragma once

#include <cstddef>
#include <cstdint>

namespace gantry {

class SpliceFlow {
 public:
  enum class Wants { reading, writing, nothing };

  SpliceFlow(int from, int to) : from_(from), to_(to) {}
  ~SpliceFlow();
  SpliceFlow(const SpliceFlow&) = delete;
  SpliceFlow& operator=(const SpliceFlow&) = delete;

  /** @return 0 or -errno */
  int open();
  /** Moves available data, up to a limit so that other flows are served too. @return 0 or -errno */
  int pump();
  /** The event that pump waits for. */
  Wants wants() const { return wants_; }
  bool ended() const { return wants_ == Wants::nothing; }
  uint64_t bytes() const { return bytes_; }

 private:
  long fill();
  long drain();

  int from_, to_;
  int pipe_[2] = {-1, -1};
  size_t capacity_ = 65536;
  size_t held_ = 0;
  bool sourceEnded_ = false;
  Wants wants_ = Wants::reading;
  uint64_t bytes_ = 0;
};

}  // namespace gantry
