// Files and descriptors.
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "args.h"
#include "error.h"
#include "families.h"

namespace gantry {
namespace {

Napi::Value openat2Verb(const Args& args) {
  const auto path = args.text(1);
  open_how how{};
  how.flags = static_cast<uint64_t>(args.wide(2)) | O_CLOEXEC;
  how.mode = static_cast<uint64_t>(args.wide(3));
  how.resolve = static_cast<uint64_t>(args.wide(4));
  // EAGAIN: a rename raced with a resolve that must not leave the root; asking again is the answer.
  long fd = -1;
  for (int attempt = 0; attempt < 64; attempt++) {
    fd = syscall(SYS_openat2, args.integer(0), path.c_str(), &how, sizeof how);
    if (fd >= 0 || (errno != EAGAIN && errno != EINTR)) break;
  }
  return Napi::Number::New(args.env(), static_cast<double>(check(args.env(), fd, "openat2", path)));
}

Napi::Value closeVerb(const Args& args) {
  // On Linux the descriptor is gone even after EINTR, so the call is not repeated.
  if (close(args.integer(0)) < 0 && errno != EINTR) throw systemError(args.env(), errno, "close");
  return args.env().Undefined();
}

Napi::Value mknodVerb(const Args& args) {
  const auto path = args.text(0);
  const dev_t device = makedev(static_cast<unsigned>(args.wide(2)), static_cast<unsigned>(args.wide(3)));
  check(args.env(), mknod(path.c_str(), static_cast<mode_t>(args.integer(1)), device), "mknod", path);
  return args.env().Undefined();
}

/** Nanoseconds since the epoch, before it too. */
timespec toTimespec(int64_t nanoseconds) {
  constexpr int64_t second = 1'000'000'000;
  int64_t rest = nanoseconds % second;
  if (rest < 0) rest += second;
  timespec time{};
  time.tv_sec = static_cast<time_t>((nanoseconds - rest) / second);
  time.tv_nsec = static_cast<long>(rest);
  return time;
}

Napi::Value utimensVerb(const Args& args) {
  const auto path = args.text(0);
  const timespec times[2] = {toTimespec(args.signedBig(1)), toTimespec(args.signedBig(2))};
  const int flags = args.flag(3) ? 0 : AT_SYMLINK_NOFOLLOW;
  check(args.env(), utimensat(AT_FDCWD, path.c_str(), times, flags), "utimensat", path);
  return args.env().Undefined();
}

Napi::Value renameat2Verb(const Args& args) {
  const auto from = args.text(0), to = args.text(1);
  const auto flags = static_cast<unsigned>(args.integer(2));
  check(args.env(), syscall(SYS_renameat2, AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), flags), "renameat2",
        from + " -> " + to);
  return args.env().Undefined();
}

Napi::Value flockVerb(const Args& args) {
  const int fd = args.integer(0), operation = args.integer(1);
  const int result = retry([&] { return flock(fd, operation); });
  if (result < 0 && errno == EWOULDBLOCK) return Napi::Boolean::New(args.env(), false);
  check(args.env(), result, "flock");
  return Napi::Boolean::New(args.env(), true);
}

Napi::Value copyFileRangeVerb(const Args& args) {
  const int in = args.integer(0), out = args.integer(1);
  const auto length = static_cast<size_t>(args.wide(2));
  const long copied = retry([&] { return syscall(SYS_copy_file_range, in, nullptr, out, nullptr, length, 0U); });
  return Napi::Number::New(args.env(), static_cast<double>(check(args.env(), copied, "copy_file_range")));
}

/** An offset below 0 stands for none: the descriptor is a pipe. */
Napi::Value spliceVerb(const Args& args) {
  const int in = args.integer(0), out = args.integer(1);
  auto offset = static_cast<loff_t>(args.wide(2));
  const auto length = static_cast<size_t>(args.wide(3));
  loff_t* at = offset < 0 ? nullptr : &offset;
  const ssize_t moved = retry([&] { return splice(in, nullptr, out, at, length, SPLICE_F_MOVE | SPLICE_F_NONBLOCK); });
  if (moved < 0 && errno == EAGAIN) return args.env().Null();
  return Napi::Number::New(args.env(), static_cast<double>(check(args.env(), moved, "splice")));
}

Napi::Value punchHoleVerb(const Args& args) {
  const int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
  const auto offset = static_cast<off_t>(args.wide(1)), length = static_cast<off_t>(args.wide(2));
  check(args.env(), retry([&] { return fallocate(args.integer(0), mode, offset, length); }), "fallocate");
  return args.env().Undefined();
}

Napi::Value seekVerb(const Args& args) {
  const off_t position = lseek(args.integer(0), static_cast<off_t>(args.wide(1)), args.integer(2));
  if (position < 0 && errno == ENXIO) return args.env().Null();
  return Napi::Number::New(args.env(), static_cast<double>(check(args.env(), position, "lseek")));
}

Napi::Value setNonBlockingVerb(const Args& args) {
  int on = args.flag(1) ? 1 : 0;
  check(args.env(), ioctl(args.integer(0), FIONBIO, &on), "ioctl FIONBIO");
  return args.env().Undefined();
}

Napi::Value setCloseOnExecVerb(const Args& args) {
  check(args.env(), fcntl(args.integer(0), F_SETFD, args.flag(1) ? FD_CLOEXEC : 0), "fcntl F_SETFD");
  return args.env().Undefined();
}

Napi::Value memfdCreateVerb(const Args& args) {
  const auto name = args.text(0);
  const auto flags = static_cast<unsigned>(args.integer(1)) | 1U;  // MFD_CLOEXEC
  const long fd = check(args.env(), syscall(SYS_memfd_create, name.c_str(), flags), "memfd_create", name);
  return Napi::Number::New(args.env(), static_cast<double>(fd));
}

Napi::Value addSealsVerb(const Args& args) {
  check(args.env(), fcntl(args.integer(0), F_ADD_SEALS, args.integer(1)), "fcntl F_ADD_SEALS");
  return args.env().Undefined();
}

Napi::Value pipeVerb(const Args& args) {
  int fds[2];
  check(args.env(), pipe2(fds, args.integer(0) | O_CLOEXEC), "pipe2");
  Napi::Array ends = Napi::Array::New(args.env(), 2);
  ends.Set(0U, fds[0]);
  ends.Set(1U, fds[1]);
  return ends;
}

Napi::Value eventFdVerb(const Args& args) {
  const long fd = check(args.env(), eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd");
  return Napi::Number::New(args.env(), static_cast<double>(fd));
}

}  // namespace

void defineFile(Napi::Object exports) {
  define(exports, "openat2", openat2Verb);
  define(exports, "closeFd", closeVerb);
  define(exports, "mknod", mknodVerb);
  define(exports, "utimens", utimensVerb);
  define(exports, "renameat2", renameat2Verb);
  define(exports, "flock", flockVerb);
  define(exports, "copyFileRange", copyFileRangeVerb);
  define(exports, "splice", spliceVerb);
  define(exports, "punchHole", punchHoleVerb);
  define(exports, "seek", seekVerb);
  define(exports, "setNonBlocking", setNonBlockingVerb);
  define(exports, "setCloseOnExec", setCloseOnExecVerb);
  define(exports, "memfdCreate", memfdCreateVerb);
  define(exports, "addSeals", addSealsVerb);
  define(exports, "pipe", pipeVerb);
  define(exports, "eventFd", eventFdVerb);
}

}  // namespace gantry
