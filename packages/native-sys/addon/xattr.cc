// Extended attributes, of a link itself or of its target.
#include <sys/xattr.h>

#include "args.h"
#include "error.h"
#include "families.h"

namespace gantry {
namespace {

/** Reads a value whose size may change between asking for it and reading it. */
template <typename Read>
ssize_t readWhole(std::string& value, Read read) {
  for (;;) {
    const ssize_t size = read(nullptr, 0);
    if (size < 0) return size;
    value.resize(static_cast<size_t>(size));
    if (size == 0) return 0;
    const ssize_t length = read(value.data(), value.size());
    if (length < 0 && errno == ERANGE) continue;
    if (length >= 0) value.resize(static_cast<size_t>(length));
    return length;
  }
}

Napi::Value getVerb(const Args& args) {
  const auto path = args.text(0), name = args.text(1);
  const auto read = args.flag(2) ? getxattr : lgetxattr;
  std::string value;
  const ssize_t length =
      readWhole(value, [&](char* to, size_t size) { return read(path.c_str(), name.c_str(), to, size); });
  if (length < 0 && errno == ENODATA) return args.env().Null();
  check(args.env(), length, "getxattr", path);
  return Napi::Buffer<char>::Copy(args.env(), value.data(), value.size());
}

Napi::Value setVerb(const Args& args) {
  const auto path = args.text(0), name = args.text(1);
  const Bytes value = args.bytes(2);
  const auto write = args.flag(4) ? setxattr : lsetxattr;
  check(args.env(), write(path.c_str(), name.c_str(), value.data, value.length, args.integer(3)), "setxattr", path);
  return args.env().Undefined();
}

Napi::Value listVerb(const Args& args) {
  const auto path = args.text(0);
  const auto list = args.flag(1) ? listxattr : llistxattr;
  std::string names;
  check(args.env(), readWhole(names, [&](char* to, size_t size) { return list(path.c_str(), to, size); }), "listxattr",
        path);
  Napi::Array result = Napi::Array::New(args.env());
  for (size_t at = 0; at < names.size();) {
    const std::string name = names.c_str() + at;
    result.Set(result.Length(), name);
    at += name.size() + 1;
  }
  return result;
}

Napi::Value removeVerb(const Args& args) {
  const auto path = args.text(0), name = args.text(1);
  const auto remove = args.flag(2) ? removexattr : lremovexattr;
  check(args.env(), remove(path.c_str(), name.c_str()), "removexattr", path);
  return args.env().Undefined();
}

}  // namespace

void defineXattr(Napi::Object exports) {
  define(exports, "getxattr", getVerb);
  define(exports, "setxattr", setVerb);
  define(exports, "listxattr", listVerb);
  define(exports, "removexattr", removeVerb);
}

}  // namespace gantry
