// bpf(2): programs that the kernel runs for a cgroup.
#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>

#include "args.h"
#include "error.h"
#include "families.h"

namespace gantry {
namespace {

uint64_t address(const void* pointer) { return reinterpret_cast<uint64_t>(pointer); }

long bpf(bpf_cmd command, bpf_attr& attr) {
  return retry([&] { return syscall(SYS_bpf, command, &attr, sizeof(attr)); });
}

/** The kernel explains a refused program in a log: the second attempt is for that alone. */
Napi::Value progLoadVerb(const Args& args) {
  const Bytes code = args.bytes(1);
  const std::string name = args.text(2);
  bpf_attr attr{};
  attr.prog_type = static_cast<uint32_t>(args.integer(0));
  attr.insns = address(code.data);
  attr.insn_cnt = static_cast<uint32_t>(code.length / sizeof(bpf_insn));
  attr.license = address("Apache-2.0");
  std::strncpy(attr.prog_name, name.c_str(), sizeof(attr.prog_name) - 1);
  const long fd = bpf(BPF_PROG_LOAD, attr);
  if (fd >= 0) return Napi::Number::New(args.env(), static_cast<double>(fd));
  const int reason = errno;
  std::vector<char> log(64 * 1024);
  attr.log_level = 1;
  attr.log_buf = address(log.data());
  attr.log_size = static_cast<uint32_t>(log.size());
  const long again = bpf(BPF_PROG_LOAD, attr);
  if (again >= 0) return Napi::Number::New(args.env(), static_cast<double>(again));
  errno = reason;
  check(args.env(), -1, "bpf(BPF_PROG_LOAD)", log.data());
  return args.env().Undefined();
}

/** Ids of the programs that are attached to a cgroup itself, in the order in which they run. */
Napi::Value progQueryVerb(const Args& args) {
  std::vector<uint32_t> ids(64);
  bpf_attr attr{};
  attr.query.target_fd = static_cast<uint32_t>(args.integer(0));
  attr.query.attach_type = static_cast<uint32_t>(args.integer(1));
  attr.query.prog_ids = address(ids.data());
  attr.query.prog_cnt = static_cast<uint32_t>(ids.size());
  check(args.env(), bpf(BPF_PROG_QUERY, attr), "bpf(BPF_PROG_QUERY)");
  auto list = Napi::Array::New(args.env(), attr.query.prog_cnt);
  for (uint32_t i = 0; i < attr.query.prog_cnt; i++) list.Set(i, ids[i]);
  return list;
}

Napi::Value progByIdVerb(const Args& args) {
  bpf_attr attr{};
  attr.prog_id = static_cast<uint32_t>(args.integer(0));
  const long fd = check(args.env(), bpf(BPF_PROG_GET_FD_BY_ID, attr), "bpf(BPF_PROG_GET_FD_BY_ID)");
  return Napi::Number::New(args.env(), static_cast<double>(fd));
}

Napi::Value progAttachVerb(const Args& args) {
  bpf_attr attr{};
  attr.target_fd = static_cast<uint32_t>(args.integer(0));
  attr.attach_bpf_fd = static_cast<uint32_t>(args.integer(1));
  attr.attach_type = static_cast<uint32_t>(args.integer(2));
  attr.attach_flags = static_cast<uint32_t>(args.integer(3));
  if (attr.attach_flags & BPF_F_REPLACE) attr.replace_bpf_fd = static_cast<uint32_t>(args.integer(4));
  check(args.env(), bpf(BPF_PROG_ATTACH, attr), "bpf(BPF_PROG_ATTACH)");
  return args.env().Undefined();
}

Napi::Value progDetachVerb(const Args& args) {
  bpf_attr attr{};
  attr.target_fd = static_cast<uint32_t>(args.integer(0));
  attr.attach_bpf_fd = static_cast<uint32_t>(args.integer(1));
  attr.attach_type = static_cast<uint32_t>(args.integer(2));
  check(args.env(), bpf(BPF_PROG_DETACH, attr), "bpf(BPF_PROG_DETACH)");
  return args.env().Undefined();
}

}  // namespace

void defineBpf(Napi::Object exports) {
  define(exports, "bpfProgLoad", progLoadVerb);
  define(exports, "bpfProgQuery", progQueryVerb);
  define(exports, "bpfProgById", progByIdVerb);
  define(exports, "bpfProgAttach", progAttachVerb);
  define(exports, "bpfProgDetach", progDetachVerb);
}

}  // namespace gantry
