#include "child.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC 4
#endif

namespace gantry {
namespace {

[[noreturn]] void fail(ChildPlan& plan, const char* call) {
  plan.failure = errno;
  plan.failedCall = call;
  for (;;) _exit(127);
}

/** Puts every signal back to its default: an ignored one would stay ignored through exec. */
void resetSignals() {
  // All zero is SIG_DFL without flags in every architecture's struct, and larger than any of them.
  const uint64_t defaultAction[8] = {};
  for (int signal = 1; signal <= 64; signal++) {
    if (signal != SIGKILL && signal != SIGSTOP) syscall(SYS_rt_sigaction, signal, defaultAction, nullptr, 8);
  }
}

/** Moves the descriptors to 0, 1, 2, … by way of numbers above the range, so that none overwrites another. */
void placeDescriptors(ChildPlan& plan) {
  const int range = static_cast<int>(plan.fdCount);
  for (unsigned i = 0; i < plan.fdCount; i++) {
    plan.fds[i] = fcntl(plan.fds[i], F_DUPFD_CLOEXEC, range);
    if (plan.fds[i] < 0) fail(plan, "fcntl F_DUPFD");
  }
  if (plan.programFd >= 0) {
    plan.programFd = fcntl(plan.programFd, F_DUPFD_CLOEXEC, range);
    if (plan.programFd < 0) fail(plan, "fcntl F_DUPFD");
  }
  for (unsigned i = 0; i < plan.fdCount; i++) {
    if (dup2(plan.fds[i], static_cast<int>(i)) < 0) fail(plan, "dup2");
  }
}

/** Marks all other descriptors close-on-exec: also those that a library opened without saying so. */
void closeOthersOnExec(unsigned from) {
  if (syscall(SYS_close_range, from, ~0U, CLOSE_RANGE_CLOEXEC) == 0) return;
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  for (rlim_t fd = from; fd < limit.rlim_cur; fd++) fcntl(static_cast<int>(fd), F_SETFD, FD_CLOEXEC);
}

void joinCgroup(ChildPlan& plan) {
  const int procs = openat(plan.cgroupToJoin, "cgroup.procs", O_WRONLY | O_CLOEXEC);
  if (procs < 0 || write(procs, "0", 1) != 1) fail(plan, "write cgroup.procs");
  close(procs);
}

}  // namespace

void runChild(ChildPlan& plan) {
  resetSignals();
  if (plan.cgroupToJoin >= 0) joinCgroup(plan);
  if (plan.newSession && setsid() < 0) fail(plan, "setsid");
  if (plan.cwd && chdir(plan.cwd) < 0) fail(plan, "chdir");
  placeDescriptors(plan);
  closeOthersOnExec(plan.fdCount);
  const uint64_t none = 0;
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, nullptr, sizeof none);
  if (plan.programFd >= 0) {
    syscall(SYS_execveat, plan.programFd, "", plan.argv, plan.env, AT_EMPTY_PATH);
    fail(plan, "execveat");
  }
  execve(plan.programPath, plan.argv, plan.env);
  fail(plan, "execve");
}

}  // namespace gantry
