#include "seccomp_absent.h"

#include <linux/audit.h>
#include <linux/seccomp.h>

#include <cerrno>
#include <cstddef>

namespace gantry {
namespace {

constexpr uint32_t x32Bit = 0x40000000;

sock_filter statement(uint16_t code, uint32_t value) { return {code, 0, 0, value}; }

sock_filter jump(uint16_t code, uint32_t value, uint8_t whenTrue, uint8_t whenFalse) {
  return {code, whenTrue, whenFalse, value};
}

}  // namespace

std::vector<sock_filter> refuseNewerCalls(const LargestCalls& largest) {
  constexpr size_t sectionLength = 6;
  std::vector<sock_filter> program;
  program.push_back(statement(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)));
  size_t sectionsLeft = largest.size();
  for (const auto& [architecture, number] : largest) {
    sectionsLeft--;
    program.push_back(jump(BPF_JMP | BPF_JEQ | BPF_K, architecture, 0, sectionLength - 1));
    program.push_back(statement(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)));
    // x32 calls have x86-64's architecture and a bit of their own: they are the main program's business.
    program.push_back(jump(BPF_JMP | BPF_JGE | BPF_K, architecture == AUDIT_ARCH_X86_64 ? x32Bit : UINT32_MAX, 2, 0));
    program.push_back(jump(BPF_JMP | BPF_JGT | BPF_K, number, 0, 1));
    program.push_back(statement(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS));
    program.push_back(statement(BPF_JMP | BPF_JA, static_cast<uint32_t>(sectionsLeft * sectionLength)));
  }
  return program;
}

}  // namespace gantry
