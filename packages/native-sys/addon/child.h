// The steps of a spawned child between clone and exec. It shares the parent's memory, so it only makes system calls.
#pragma once

#include <cstdint>

namespace gantry {

struct ChildPlan {
  int programFd;  // -1: programPath
  const char* programPath;
  char* const* argv;
  char* const* env;
  int* fds;  // scratch: overwritten by the child
  unsigned fdCount;
  const char* cwd;   // null: the parent's
  int cgroupToJoin;  // -1: none, or clone3 did it
  bool newSession;
  // the answer, read by the parent after exec or exit
  const char* failedCall;
  int failure;
};

/** Runs the program of a ChildPlan, or notes the failed step in it and exits with 127. */
[[noreturn]] void runChild(ChildPlan& plan);

}  // namespace gantry
