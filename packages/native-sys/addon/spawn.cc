// Starting a program with vfork semantics from a process of many threads: the child borrows this memory and this
// thread waits until it has become the program, so the cost does not grow with the size of this process.
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "args.h"
#include "child.h"
#include "clone3.h"
#include "error.h"
#include "families.h"

namespace gantry {
namespace {

constexpr size_t stackSize = 32 * 1024;
constexpr uint64_t intoCgroup = 0x200000000ULL;

/** A request from JavaScript, with the memory that its plan points into. */
struct Request {
  explicit Request(const Napi::Object& options);

  std::string programPath, cwd;
  std::vector<std::string> argvTexts, envTexts;
  std::vector<char*> argv, env;
  std::vector<int> fds;
  uint64_t cloneFlags = 0;
  int cgroupFd = -1;
  ChildPlan plan{};
};

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  result.reserve(texts.size() + 1);
  for (auto& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

bool given(const Napi::Value& value) { return !value.IsUndefined() && !value.IsNull(); }

Request::Request(const Napi::Object& options) {
  const Napi::Value program = options.Get("program"), directory = options.Get("cwd");
  const Napi::Value flags = options.Get("cloneFlags"), cgroup = options.Get("cgroupFd");
  plan.programFd = program.IsNumber() ? static_cast<int>(toInteger(program, "program")) : -1;
  if (plan.programFd < 0) programPath = toText(program, "program");
  argvTexts = toTexts(options.Get("argv"), "argv");
  envTexts = toTexts(options.Get("env"), "env");
  fds = toInts(options.Get("fds"), "fds");
  if (given(flags)) cloneFlags = static_cast<uint64_t>(toInteger(flags, "cloneFlags"));
  if (given(cgroup)) cgroupFd = static_cast<int>(toInteger(cgroup, "cgroupFd"));
  if (given(directory)) cwd = toText(directory, "cwd");
  if (cloneFlags & (CLONE_VM | CLONE_FILES | CLONE_THREAD | CLONE_SIGHAND | CLONE_FS)) {
    throw wrongType(options.Env(), "cloneFlags",
                    "free of CLONE_VM, CLONE_FILES, CLONE_FS, CLONE_SIGHAND and CLONE_THREAD");
  }
  argv = pointers(argvTexts);
  env = pointers(envTexts);
  plan.programPath = programPath.c_str();
  plan.argv = argv.data();
  plan.env = env.data();
  plan.fds = fds.data();
  plan.fdCount = static_cast<unsigned>(fds.size());
  plan.cwd = cwd.empty() ? nullptr : cwd.c_str();
  plan.cgroupToJoin = -1;
  plan.newSession = options.Get("setsid").ToBoolean();
}

/**
 * A child's stack, with a page below it that no overflow passes. Its pages are there from the start: the child's own
 * would be charged to the cgroup that it starts in, and where that has no memory left the kernel tries forever, because
 * it ends no child that borrows its parent's memory.
 */
class Stack {
 public:
  Stack() : base_(mmap(nullptr, stackSize, PROT_READ | PROT_WRITE, flags, -1, 0)) {
    if (base_ != MAP_FAILED) mprotect(base_, 4096, PROT_NONE);
  }
  ~Stack() {
    if (base_ != MAP_FAILED) munmap(base_, stackSize);
  }
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;
  bool ok() const { return base_ != MAP_FAILED; }
  char* base() const { return static_cast<char*>(base_); }

 private:
  static constexpr int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_POPULATE;
  void* base_;
};

/** No signal handler of this process may run in the child, which shares its memory: all are blocked meanwhile. */
class SignalsBlocked {
 public:
  SignalsBlocked() {
    const uint64_t all = ~uint64_t{0};
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &former_, sizeof former_);
  }
  ~SignalsBlocked() { syscall(SYS_rt_sigprocmask, SIG_SETMASK, &former_, nullptr, sizeof former_); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  uint64_t former_ = 0;
};

void childEntry(void* plan) { runChild(*static_cast<ChildPlan*>(plan)); }

int cloneEntry(void* plan) { runChild(*static_cast<ChildPlan*>(plan)); }

/** @return the child's id, or -errno */
long start(Request& request, const Stack& stack, int& pidFd) {
  const uint64_t flags = request.cloneFlags | CLONE_VM | CLONE_VFORK | CLONE_PIDFD;
  clone_args how{};
  how.flags = flags | (request.cgroupFd >= 0 ? intoCgroup : 0);
  how.pidfd = reinterpret_cast<uint64_t>(&pidFd);
  // A sibling (CLONE_PARENT) reports its end as this process does, and may not choose.
  how.exit_signal = (request.cloneFlags & CLONE_PARENT) ? 0 : SIGCHLD;
  how.stack = reinterpret_cast<uint64_t>(stack.base());
  how.stack_size = stackSize;
  how.cgroup = request.cgroupFd >= 0 ? static_cast<uint64_t>(request.cgroupFd) : 0;
  const SignalsBlocked blocked;
  const long pid = clone3OnStack(&how, childEntry, &request.plan);
  if (pid != -ENOSYS) return pid;
  request.plan.cgroupToJoin = request.cgroupFd;
  const int cloned =
      clone(cloneEntry, stack.base() + stackSize, static_cast<int>(flags) | SIGCHLD, &request.plan, &pidFd);
  return cloned < 0 ? -errno : cloned;
}

Napi::Value spawnVerb(const Args& args) {
  const Napi::Env env = args.env();
  if (!args.at(0).IsObject()) throw wrongType(env, "argument 1", "an object");
  Request request(args.at(0).As<Napi::Object>());
  const Stack stack;
  if (!stack.ok()) throw systemError(env, errno, "mmap");
  int pidFd = -1;
  const long pid = start(request, stack, pidFd);
  const std::string name =
      request.plan.programFd >= 0 ? request.argvTexts.empty() ? "" : request.argvTexts[0] : request.programPath;
  if (pid < 0) throw systemError(env, static_cast<int>(-pid), "clone", name);
  if (request.plan.failure != 0) {
    // Fails with ECHILD for a sibling, which only the common parent can wait for.
    retry([&] { return waitpid(static_cast<pid_t>(pid), nullptr, __WALL); });
    if (pidFd >= 0) close(pidFd);
    const bool inCwd = std::string(request.plan.failedCall) == "chdir";
    throw systemError(env, request.plan.failure, request.plan.failedCall, inCwd ? request.cwd : name);
  }
  if (pidFd < 0) pidFd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0U));
  Napi::Object process = Napi::Object::New(env);
  process.Set("pid", static_cast<double>(pid));
  process.Set("pidFd", pidFd);
  return process;
}

}  // namespace

void defineSpawn(Napi::Object exports) { define(exports, "spawn", spawnVerb); }

}  // namespace gantry
