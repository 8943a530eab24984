// clone3(2) whose child runs on a stack of its own. A child that shares the parent's memory must not return
// from the system call on the parent's stack, and glibc has no public wrapper, so the few instructions that
// enter the child are written here for each architecture. Elsewhere this is ENOSYS and clone(2) serves.
#pragma once

#include <linux/sched.h>
#include <sys/syscall.h>

#include <cerrno>

namespace gantry {

/** `child` gets `context`, and must not return. @return as the system call: the process id, or -errno */
inline long clone3OnStack(const clone_args* how, void (*child)(void*), void* context) {
#if defined(__x86_64__)
  long result;
  register void (*entry)(void*) __asm__("r12") = child;
  register void* argument __asm__("r13") = context;
  __asm__ volatile(
      "syscall\n\t"
      "test %%rax, %%rax\n\t"
      "jnz 1f\n\t"
      "xor %%ebp, %%ebp\n\t"
      "mov %%r13, %%rdi\n\t"
      "call *%%r12\n\t"
      "ud2\n"
      "1:"
      : "=a"(result)
      : "0"(static_cast<long>(SYS_clone3)), "D"(how), "S"(sizeof *how), "r"(entry), "r"(argument)
      : "rcx", "r11", "memory", "cc");
  return result;
#elif defined(__aarch64__)
  register long number __asm__("x8") = SYS_clone3;
  register long result __asm__("x0") = reinterpret_cast<long>(how);
  register unsigned long size __asm__("x1") = sizeof *how;
  register void (*entry)(void*) __asm__("x9") = child;
  register void* argument __asm__("x10") = context;
  __asm__ volatile(
      "svc #0\n\t"
      "cbnz x0, 1f\n\t"
      "mov x29, xzr\n\t"
      "mov x30, xzr\n\t"
      "mov x0, x10\n\t"
      "blr x9\n\t"
      "brk #0\n"
      "1:"
      : "+r"(result)
      : "r"(number), "r"(size), "r"(entry), "r"(argument)
      : "memory", "cc");
  return result;
#else
  (void)how;
  (void)child;
  (void)context;
  return -ENOSYS;
#endif
}

}  // namespace gantry
