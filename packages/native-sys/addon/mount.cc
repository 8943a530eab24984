// mount(2), umount2(2), pivot_root(2) and the mount API of file descriptors.
// Through syscall(): glibc has the newer wrappers only since 2.36.
#include <fcntl.h>
#include <linux/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "args.h"
#include "error.h"
#include "families.h"

namespace gantry {
namespace {

Napi::Value mountVerb(const Args& args) {
  const auto source = args.maybeText(0), type = args.maybeText(2), data = args.maybeText(4);
  const auto target = args.text(1);
  const auto flags = static_cast<unsigned long>(args.wide(3));
  check(args.env(), syscall(SYS_mount, orNull(source), target.c_str(), orNull(type), flags, orNull(data)), "mount",
        target);
  return args.env().Undefined();
}

Napi::Value umountVerb(const Args& args) {
  const auto target = args.text(0);
  check(args.env(), syscall(SYS_umount2, target.c_str(), args.integer(1)), "umount", target);
  return args.env().Undefined();
}

/** The kernel's messages about a failure, one per read of the file system context. */
std::string contextLog(int fd) {
  std::string log;
  char message[512];
  for (;;) {
    const ssize_t length = read(fd, message, sizeof message);
    if (length <= 0) return log;
    // "e ", "w " or "i " precedes the message.
    const size_t skip = length > 2 && message[1] == ' ' ? 2 : 0;
    if (!log.empty()) log += "; ";
    log.append(message + skip, static_cast<size_t>(length) - skip);
    while (!log.empty() && log.back() == '\n') log.pop_back();
  }
}

Napi::Value fsopenVerb(const Args& args) {
  const auto type = args.text(0);
  const auto flags = static_cast<unsigned>(args.integer(1)) | FSOPEN_CLOEXEC;
  return Napi::Number::New(args.env(), check(args.env(), syscall(SYS_fsopen, type.c_str(), flags), "fsopen", type));
}

Napi::Value fsconfigVerb(const Args& args) {
  const int fd = args.integer(0), command = args.integer(1), aux = args.integer(4);
  const auto key = args.maybeText(2), value = args.maybeText(3);
  if (syscall(SYS_fsconfig, fd, command, orNull(key), orNull(value), aux) < 0) {
    const int error = errno;
    const std::string subject = !key ? "" : !value ? *key : *key + "=" + *value;
    throw systemError(args.env(), error, "fsconfig", subject, contextLog(fd));
  }
  return args.env().Undefined();
}

Napi::Value fsmountVerb(const Args& args) {
  const int fd = args.integer(0);
  const auto flags = static_cast<unsigned>(args.integer(1)) | FSMOUNT_CLOEXEC;
  const long mounted = syscall(SYS_fsmount, fd, flags, static_cast<unsigned>(args.wide(2)));
  if (mounted < 0) {
    const int error = errno;
    throw systemError(args.env(), error, "fsmount", "", contextLog(fd));
  }
  return Napi::Number::New(args.env(), static_cast<double>(mounted));
}

Napi::Value openTreeVerb(const Args& args) {
  const auto path = args.text(1);
  const auto flags = static_cast<unsigned>(args.wide(2)) | O_CLOEXEC;
  const long fd = check(args.env(), syscall(SYS_open_tree, args.integer(0), path.c_str(), flags), "open_tree", path);
  return Napi::Number::New(args.env(), static_cast<double>(fd));
}

Napi::Value moveMountVerb(const Args& args) {
  const auto from = args.text(1), to = args.text(3);
  const auto flags = static_cast<unsigned>(args.wide(4));
  check(args.env(), syscall(SYS_move_mount, args.integer(0), from.c_str(), args.integer(2), to.c_str(), flags),
        "move_mount", to);
  return args.env().Undefined();
}

Napi::Value mountSetattrVerb(const Args& args) {
  const auto path = args.text(1);
  const auto flags = static_cast<unsigned>(args.wide(2));
  mount_attr attributes{};
  attributes.attr_set = args.unsignedBig(3);
  attributes.attr_clr = args.unsignedBig(4);
  attributes.propagation = args.unsignedBig(5);
  // The kernel reads the descriptor only with MOUNT_ATTR_IDMAP; -1 otherwise is refused by none.
  attributes.userns_fd = static_cast<uint64_t>(args.wide(6));
  check(args.env(), syscall(SYS_mount_setattr, args.integer(0), path.c_str(), flags, &attributes, sizeof attributes),
        "mount_setattr", path);
  return args.env().Undefined();
}

Napi::Value pivotRootVerb(const Args& args) {
  const auto root = args.text(0), old = args.text(1);
  check(args.env(), syscall(SYS_pivot_root, root.c_str(), old.c_str()), "pivot_root", root);
  return args.env().Undefined();
}

}  // namespace

void defineMount(Napi::Object exports) {
  define(exports, "mount", mountVerb);
  define(exports, "umount", umountVerb);
  define(exports, "fsopen", fsopenVerb);
  define(exports, "fsconfig", fsconfigVerb);
  define(exports, "fsmount", fsmountVerb);
  define(exports, "openTree", openTreeVerb);
  define(exports, "moveMount", moveMountVerb);
  define(exports, "mountSetattr", mountSetattrVerb);
  define(exports, "pivotRoot", pivotRootVerb);
}

}  // namespace gantry
