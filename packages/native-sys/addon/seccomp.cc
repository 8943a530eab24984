// An OCI seccomp profile into a BPF program, by libseccomp. Nothing is loaded here.
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <memory>

#include "args.h"
#include "error.h"
#include "families.h"
#include "seccomp_absent.h"

namespace gantry {
namespace {

struct FilterRelease {
  void operator()(void* filter) const { seccomp_release(filter); }
};

[[noreturn]] void refuse(Napi::Env env, const std::string& what) {
  throw Napi::TypeError::New(env, "seccomp: " + what);
}

uint64_t toUnsigned(const Napi::Value& value, const std::string& what) {
  if (!value.IsBigInt()) return static_cast<uint64_t>(toInteger(value, what));
  bool lossless = false;
  const uint64_t number = value.As<Napi::BigInt>().Uint64Value(&lossless);
  if (!lossless) throw wrongType(value.Env(), what, "an unsigned number of 64 bits");
  return number;
}

bool given(const Napi::Value& value) { return !value.IsUndefined() && !value.IsNull(); }

/** SCMP_ACT_ERRNO and SCMP_ACT_TRACE carry a number, EPERM unless one is given. */
uint32_t actionOf(const Napi::Value& name, const Napi::Value& errnoRet) {
  static const std::map<std::string, uint32_t> plain = {
      {"SCMP_ACT_KILL", SCMP_ACT_KILL},     {"SCMP_ACT_KILL_THREAD", SCMP_ACT_KILL_THREAD},
      {"SCMP_ACT_TRAP", SCMP_ACT_TRAP},     {"SCMP_ACT_KILL_PROCESS", SCMP_ACT_KILL_PROCESS},
      {"SCMP_ACT_ALLOW", SCMP_ACT_ALLOW},   {"SCMP_ACT_LOG", SCMP_ACT_LOG},
      {"SCMP_ACT_NOTIFY", SCMP_ACT_NOTIFY},
  };
  const std::string text = toText(name, "action");
  const auto number = given(errnoRet) ? static_cast<uint32_t>(toInteger(errnoRet, "errnoRet")) : uint32_t{EPERM};
  if (text == "SCMP_ACT_ERRNO") return SCMP_ACT_ERRNO(number);
  if (text == "SCMP_ACT_TRACE") return SCMP_ACT_TRACE(number);
  const auto found = plain.find(text);
  if (found == plain.end()) refuse(name.Env(), "unknown action " + text);
  return found->second;
}

scmp_compare operatorOf(const Napi::Value& name) {
  static const std::map<std::string, scmp_compare> operators = {
      {"SCMP_CMP_NE", SCMP_CMP_NE},
      {"SCMP_CMP_LT", SCMP_CMP_LT},
      {"SCMP_CMP_LE", SCMP_CMP_LE},
      {"SCMP_CMP_EQ", SCMP_CMP_EQ},
      {"SCMP_CMP_GE", SCMP_CMP_GE},
      {"SCMP_CMP_GT", SCMP_CMP_GT},
      {"SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ},
  };
  const std::string text = toText(name, "op");
  const auto found = operators.find(text);
  if (found == operators.end()) refuse(name.Env(), "unknown operator " + text);
  return found->second;
}

std::vector<scmp_arg_cmp> conditionsOf(const Napi::Value& value) {
  std::vector<scmp_arg_cmp> conditions;
  if (!given(value)) return conditions;
  const auto list = value.As<Napi::Array>();
  for (uint32_t i = 0; i < list.Length(); i++) {
    const Napi::Object item = list.Get(i).As<Napi::Object>();
    const Napi::Value second = item.Get("valueTwo");
    scmp_arg_cmp condition{};
    condition.arg = static_cast<unsigned>(toInteger(item.Get("index"), "index"));
    condition.op = operatorOf(item.Get("op"));
    condition.datum_a = toUnsigned(item.Get("value"), "value");
    condition.datum_b = given(second) ? toUnsigned(second, "valueTwo") : 0;
    conditions.push_back(condition);
  }
  return conditions;
}

/** libseccomp joins the conditions of a rule by "and" and takes one per argument. */
bool repeatsArgument(const std::vector<scmp_arg_cmp>& conditions) {
  unsigned seen = 0;
  for (const auto& condition : conditions) {
    if (condition.arg > 5) return false;
    if (seen & (1U << condition.arg)) return true;
    seen |= 1U << condition.arg;
  }
  return false;
}

void addRule(Napi::Env env, void* filter, uint32_t action, const std::string& name,
             const std::vector<scmp_arg_cmp>& conditions) {
  const int number = seccomp_syscall_resolve_name(name.c_str());
  // A profile names calls of every kernel and architecture; those that do not exist here need no rule.
  if (number == __NR_SCMP_ERROR) return;
  const auto add = [&](const scmp_arg_cmp* from, size_t count) {
    const int result = seccomp_rule_add_array(filter, action, number, static_cast<unsigned>(count), from);
    // The same rule twice adds nothing.
    if (result < 0 && result != -EEXIST) throw systemError(env, -result, "seccomp_rule_add", name);
  };
  if (!repeatsArgument(conditions)) return add(conditions.data(), conditions.size());
  // Several conditions on one argument are alternatives in an OCI profile: a rule each.
  for (const auto& condition : conditions) add(&condition, 1);
}

/** The native architecture, and those that the profile names. */
std::vector<uint32_t> addArchitectures(Napi::Env env, void* filter, const Napi::Value& value) {
  std::vector<uint32_t> all = {seccomp_arch_native()};
  if (!given(value)) return all;
  for (const std::string& name : toTexts(value, "architectures")) {
    std::string token = name.rfind("SCMP_ARCH_", 0) == 0 ? name.substr(10) : name;
    std::transform(token.begin(), token.end(), token.begin(), ::tolower);
    const uint32_t architecture = token == "native" ? seccomp_arch_native() : seccomp_arch_resolve_name(token.c_str());
    if (architecture == 0) refuse(env, "unknown architecture " + name);
    const int result = seccomp_arch_add(filter, architecture);
    if (result < 0 && result != -EEXIST) throw systemError(env, -result, "seccomp_arch_add", name);
    all.push_back(architecture);
  }
  return all;
}

/** Allowing defaults let a newer call through, and a tracer answers for itself. */
bool refusesByDefault(uint32_t action) {
  return action != SCMP_ACT_ALLOW && action != SCMP_ACT_LOG && action != SCMP_ACT_ERRNO(ENOSYS) &&
         (action & SECCOMP_RET_ACTION_FULL) != SCMP_ACT_TRACE(0);
}

void noteLargest(LargestCalls& largest, const std::vector<uint32_t>& architectures, const std::string& name) {
  for (const uint32_t architecture : architectures) {
    if (architecture == SCMP_ARCH_X32) continue;
    // Negative: the architecture has no such call, or makes it another way.
    const int number = seccomp_syscall_resolve_name_arch(architecture, name.c_str());
    if (number < 0) continue;
    auto& known = largest[architecture];
    known = std::max(known, static_cast<uint32_t>(number));
  }
}

LargestCalls addRules(Napi::Env env, void* filter, const std::vector<uint32_t>& architectures, uint32_t defaultAction,
                      const Napi::Value& value) {
  LargestCalls largest;
  if (!given(value)) return largest;
  const auto rules = value.As<Napi::Array>();
  for (uint32_t i = 0; i < rules.Length(); i++) {
    const Napi::HandleScope scope(env);
    const Napi::Object rule = rules.Get(i).As<Napi::Object>();
    const uint32_t action = actionOf(rule.Get("action"), rule.Get("errnoRet"));
    const auto conditions = conditionsOf(rule.Get("args"));
    for (const std::string& name : toTexts(rule.Get("names"), "names")) {
      noteLargest(largest, architectures, name);
      // libseccomp refuses a rule that says what happens anyway.
      if (action != defaultAction) addRule(env, filter, action, name, conditions);
    }
  }
  return largest;
}

/** libseccomp writes a program only to a descriptor, so one in memory takes it. */
std::vector<uint8_t> exportProgram(Napi::Env env, void* filter) {
  const int fd = static_cast<int>(check(env, syscall(SYS_memfd_create, "seccomp", 1U), "memfd_create"));
  const int result = seccomp_export_bpf(filter, fd);
  const off_t size = result < 0 ? 0 : lseek(fd, 0, SEEK_END);
  std::vector<uint8_t> program(static_cast<size_t>(std::max<off_t>(size, 0)));
  const ssize_t length = pread(fd, program.data(), program.size(), 0);
  close(fd);
  if (result < 0) throw systemError(env, -result, "seccomp_export_bpf");
  if (length != size) throw systemError(env, EIO, "pread", "seccomp");
  return program;
}

Napi::Value compileVerb(const Args& args) {
  const Napi::Env env = args.env();
  if (!args.at(0).IsObject()) throw wrongType(env, "argument 1", "an object");
  const Napi::Object profile = args.at(0).As<Napi::Object>();
  const uint32_t defaultAction = actionOf(profile.Get("defaultAction"), profile.Get("defaultErrnoRet"));
  const std::unique_ptr<void, FilterRelease> filter(seccomp_init(defaultAction));
  if (!filter) throw systemError(env, EINVAL, "seccomp_init");
  const auto architectures = addArchitectures(env, filter.get(), profile.Get("architectures"));
  const auto largest = addRules(env, filter.get(), architectures, defaultAction, profile.Get("syscalls"));
  // A binary tree over the call numbers: a long profile costs a few comparisons per call instead of hundreds.
  seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);
  const auto program = exportProgram(env, filter.get());
  std::vector<uint8_t> whole;
  if (refusesByDefault(defaultAction)) {
    const auto first = refuseNewerCalls(largest);
    const auto* bytes = reinterpret_cast<const uint8_t*>(first.data());
    whole.assign(bytes, bytes + first.size() * sizeof(sock_filter));
  }
  whole.insert(whole.end(), program.begin(), program.end());
  return Napi::Buffer<uint8_t>::Copy(env, whole.data(), whole.size());
}

Napi::Value versionVerb(const Args& args) {
  const scmp_version* version = seccomp_version();
  const std::string text =
      std::to_string(version->major) + "." + std::to_string(version->minor) + "." + std::to_string(version->micro);
  return Napi::String::New(args.env(), text);
}

}  // namespace

void defineSeccomp(Napi::Object exports) {
  define(exports, "seccompCompile", compileVerb);
  define(exports, "seccompVersion", versionVerb);
}

}  // namespace gantry
