#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "splice.h"

namespace gantry {
namespace {

constexpr int wantedPipeSize = 1 << 20;
constexpr int smallerPipeSize = 1 << 18;
// One flow's share of a wake-up: enough to keep a fast pair busy, little enough that others wait under a millisecond.
constexpr uint64_t shareBytes = 4 << 20;
constexpr unsigned flags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;

}  // namespace

SpliceFlow::~SpliceFlow() {
  if (pipe_[0] >= 0) close(pipe_[0]);
  if (pipe_[1] >= 0) close(pipe_[1]);
}

int SpliceFlow::open() {
  if (pipe2(pipe_, O_CLOEXEC | O_NONBLOCK) < 0) return -errno;
  int size = fcntl(pipe_[1], F_SETPIPE_SZ, wantedPipeSize);
  if (size < 0) size = fcntl(pipe_[1], F_SETPIPE_SZ, smallerPipeSize);
  if (size > 0) capacity_ = static_cast<size_t>(size);
  return 0;
}

/** @return bytes taken, 0 at the source's end, -EAGAIN when nothing came or the pipe is full, -errno */
long SpliceFlow::fill() {
  ssize_t moved;
  do moved = splice(from_, nullptr, pipe_[1], nullptr, capacity_, flags);
  while (moved < 0 && errno == EINTR);
  if (moved < 0) return -errno;
  if (moved == 0) sourceEnded_ = true;
  held_ += static_cast<size_t>(moved);
  return moved;
}

long SpliceFlow::drain() {
  ssize_t moved;
  do moved = splice(pipe_[0], nullptr, to_, nullptr, held_, flags);
  while (moved < 0 && errno == EINTR);
  if (moved < 0) return -errno;
  held_ -= static_cast<size_t>(moved);
  bytes_ += static_cast<uint64_t>(moved);
  return moved;
}

int SpliceFlow::pump() {
  const uint64_t stopAt = bytes_ + shareBytes;
  while (wants_ != Wants::nothing && bytes_ < stopAt) {
    if (!sourceEnded_ && held_ < capacity_) {
      const long got = fill();
      if (got < 0 && got != -EAGAIN) return static_cast<int>(got);
      // EAGAIN with bytes held may as well mean that the pipe has no slot left: those are written first.
      if (got == -EAGAIN && held_ == 0) {
        wants_ = Wants::reading;
        return 0;
      }
    }
    if (held_ > 0) {
      const long put = drain();
      if (put == -EAGAIN) {
        wants_ = Wants::writing;
        return 0;
      }
      if (put < 0) return static_cast<int>(put);
    }
    if (sourceEnded_ && held_ == 0) {
      // ENOTCONN: the other side has gone altogether, which is an end as well.
      shutdown(to_, SHUT_WR);
      wants_ = Wants::nothing;
    }
  }
  return 0;
}

}  // namespace gantry
