// Work inside a network namespace, done by a thread that lives only for it, so that the caller's own
// namespaces never change and no window is left in which a failure would strand the caller elsewhere.
#include <fcntl.h>
#include <linux/mount.h>
#include <pthread.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <functional>

#include "args.h"
#include "error.h"
#include "families.h"

namespace gantry {
namespace {

/** A failure inside the thread, where no JavaScript error can be made. */
struct Failure {
  int error = 0;
  const char* syscall = nullptr;
};

void* runWork(void* work) {
  (*static_cast<std::function<void()>*>(work))();
  return nullptr;
}

void inThread(Napi::Env env, std::function<void()> work) {
  pthread_t thread;
  const int error = pthread_create(&thread, nullptr, runWork, &work);
  if (error != 0) throw systemError(env, error, "pthread_create");
  pthread_join(thread, nullptr);
}

/** Makes the directories above a path, as `mkdir -p` would. */
void makeParents(Napi::Env env, const std::string& path) {
  for (size_t at = path.find('/', 1); at != std::string::npos; at = path.find('/', at + 1)) {
    const std::string directory = path.substr(0, at);
    if (mkdir(directory.c_str(), 0755) < 0 && errno != EEXIST) throw systemError(env, errno, "mkdir", directory);
  }
}

Napi::Value createNetnsVerb(const Args& args) {
  const Napi::Env env = args.env();
  const auto path = args.text(0);
  makeParents(env, path);
  const int file = open(path.c_str(), O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0444);
  if (file < 0 && errno != EEXIST) throw systemError(env, errno, "open", path);
  if (file >= 0) close(file);
  Failure failure;
  inThread(env, [&] {
    if (unshare(CLONE_NEWNET) < 0) {
      failure = {errno, "unshare"};
    } else if (syscall(SYS_mount, "/proc/thread-self/ns/net", path.c_str(), nullptr, MS_BIND, nullptr) < 0) {
      failure = {errno, "mount"};
    }
  });
  if (failure.error != 0) {
    if (file >= 0) unlink(path.c_str());
    throw systemError(env, failure.error, failure.syscall, path);
  }
  return env.Undefined();
}

Napi::Value socketInNetnsVerb(const Args& args) {
  const Napi::Env env = args.env();
  const auto path = args.maybeText(0);
  const int domain = args.integer(1), type = args.integer(2) | SOCK_CLOEXEC, protocol = args.integer(3);
  if (!path) return Napi::Number::New(env, check(env, socket(domain, type, protocol), "socket"));
  int made = -1;
  Failure failure;
  inThread(env, [&] {
    const int space = open(path->c_str(), O_RDONLY | O_CLOEXEC);
    if (space < 0) {
      failure = {errno, "open"};
      return;
    }
    if (setns(space, CLONE_NEWNET) < 0) {
      failure = {errno, "setns"};
    } else {
      made = socket(domain, type, protocol);
      if (made < 0) failure = {errno, "socket"};
    }
    close(space);
  });
  if (failure.error != 0) throw systemError(env, failure.error, failure.syscall, *path);
  return Napi::Number::New(env, made);
}

}  // namespace

void defineNamespace(Napi::Object exports) {
  define(exports, "createNetns", createNetnsVerb);
  define(exports, "socketInNetns", socketInNetnsVerb);
}

}  // namespace gantry
