// Processes: waiting, signals, limits, and the calling process's own attributes.
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "args.h"
#include "error.h"
#include "families.h"

namespace gantry {
namespace {

Napi::Value waitidVerb(const Args& args) {
  siginfo_t info{};
  const auto type = static_cast<idtype_t>(args.integer(0));
  const auto id = static_cast<id_t>(args.wide(1));
  const int options = args.integer(2) | WEXITED | WNOHANG;
  const int result = retry([&] { return waitid(type, id, &info, options); });
  if (result < 0 && errno == ECHILD) return args.env().Null();
  check(args.env(), result, "waitid");
  if (info.si_pid == 0) return args.env().Null();
  Napi::Object exit = Napi::Object::New(args.env());
  exit.Set("pid", info.si_pid);
  exit.Set("code", info.si_code);
  exit.Set("status", info.si_status);
  return exit;
}

Napi::Value pidfdOpenVerb(const Args& args) {
  const int pid = args.integer(0);
  const long fd = check(args.env(), syscall(SYS_pidfd_open, pid, 0U), "pidfd_open", std::to_string(pid));
  return Napi::Number::New(args.env(), static_cast<double>(fd));
}

Napi::Value pidfdSendSignalVerb(const Args& args) {
  check(args.env(), syscall(SYS_pidfd_send_signal, args.integer(0), args.integer(1), nullptr, 0U), "pidfd_send_signal");
  return args.env().Undefined();
}

Napi::Value pidfdGetfdVerb(const Args& args) {
  const long fd = check(args.env(), syscall(SYS_pidfd_getfd, args.integer(0), args.integer(1), 0U), "pidfd_getfd");
  return Napi::Number::New(args.env(), static_cast<double>(fd));
}

Napi::Value killVerb(const Args& args) {
  const int pid = args.integer(0);
  check(args.env(), kill(pid, args.integer(1)), "kill", std::to_string(pid));
  return args.env().Undefined();
}

Napi::Value setnsVerb(const Args& args) {
  check(args.env(), setns(args.integer(0), args.integer(1)), "setns");
  return args.env().Undefined();
}

Napi::Value unshareVerb(const Args& args) {
  check(args.env(), unshare(static_cast<int>(args.wide(0))), "unshare");
  return args.env().Undefined();
}

Napi::Value prctlVerb(const Args& args) {
  const auto word = [&](size_t i) { return static_cast<unsigned long>(args.wide(i)); };
  const int option = args.integer(0);
  // PR_GET_CHILD_SUBREAPER and its like answer through a pointer, which numbers cannot carry.
  int answer = 0;
  const bool pointed = option == PR_GET_CHILD_SUBREAPER || option == PR_GET_PDEATHSIG;
  const int result = pointed ? prctl(option, &answer) : prctl(option, word(1), word(2), word(3), word(4));
  check(args.env(), result, "prctl");
  return Napi::Number::New(args.env(), pointed ? answer : result);
}

Napi::Value getrlimitVerb(const Args& args) {
  rlimit64 limit{};
  const int pid = args.integer(0);
  check(args.env(), syscall(SYS_prlimit64, pid, args.integer(1), nullptr, &limit), "prlimit", std::to_string(pid));
  Napi::Object result = Napi::Object::New(args.env());
  result.Set("soft", Napi::BigInt::New(args.env(), static_cast<uint64_t>(limit.rlim_cur)));
  result.Set("hard", Napi::BigInt::New(args.env(), static_cast<uint64_t>(limit.rlim_max)));
  return result;
}

Napi::Value setrlimitVerb(const Args& args) {
  rlimit64 limit{};
  limit.rlim_cur = args.unsignedBig(2);
  limit.rlim_max = args.unsignedBig(3);
  const int pid = args.integer(0);
  check(args.env(), syscall(SYS_prlimit64, pid, args.integer(1), &limit, nullptr), "prlimit", std::to_string(pid));
  return args.env().Undefined();
}

Napi::Value setsidVerb(const Args& args) {
  check(args.env(), setsid(), "setsid");
  return args.env().Undefined();
}

Napi::Value umaskVerb(const Args& args) {
  return Napi::Number::New(args.env(), umask(static_cast<mode_t>(args.integer(0))));
}

}  // namespace

void defineProcess(Napi::Object exports) {
  define(exports, "waitid", waitidVerb);
  define(exports, "pidfdOpen", pidfdOpenVerb);
  define(exports, "pidfdSendSignal", pidfdSendSignalVerb);
  define(exports, "pidfdGetfd", pidfdGetfdVerb);
  define(exports, "kill", killVerb);
  define(exports, "setns", setnsVerb);
  define(exports, "unshare", unshareVerb);
  define(exports, "prctl", prctlVerb);
  define(exports, "getrlimit", getrlimitVerb);
  define(exports, "setrlimit", setrlimitVerb);
  define(exports, "setsid", setsidVerb);
  define(exports, "umask", umaskVerb);
}

}  // namespace gantry
