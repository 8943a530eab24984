// Failures of system calls as JavaScript errors with code, errno, syscall and path.
#pragma once

#include <napi.h>

#include <cerrno>
#include <string>

namespace gantry {

/** "EPERM" for 1; "E<number>" for one without a name. */
std::string errnoName(int error);

/** `mount /proc: EPERM: operation not permitted`, with `detail` in brackets after it where there is one. */
Napi::Error systemError(Napi::Env env, int error, const char* syscall, const std::string& path = "",
                        const std::string& detail = "");

/** Returns the result, or throws an error for errno. */
template <typename T>
T check(Napi::Env env, T result, const char* syscall, const std::string& path = "") {
  if (result < 0) throw systemError(env, errno, syscall, path);
  return result;
}

/** Repeats a call that a signal interrupted. */
template <typename Call>
auto retry(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

}  // namespace gantry
