#include "error.h"

#include <cctype>
#include <cstring>

namespace gantry {

// clang-format off
std::string errnoName(int error) {
#define NAME(e) case e: return #e;
  switch (error) {
    NAME(EPERM) NAME(ENOENT) NAME(ESRCH) NAME(EINTR) NAME(EIO) NAME(ENXIO) NAME(E2BIG) NAME(ENOEXEC) NAME(EBADF)
    NAME(ECHILD) NAME(EAGAIN) NAME(ENOMEM) NAME(EACCES) NAME(EFAULT) NAME(ENOTBLK) NAME(EBUSY) NAME(EEXIST)
    NAME(EXDEV) NAME(ENODEV) NAME(ENOTDIR) NAME(EISDIR) NAME(EINVAL) NAME(ENFILE) NAME(EMFILE) NAME(ENOTTY)
    NAME(ETXTBSY) NAME(EFBIG) NAME(ENOSPC) NAME(ESPIPE) NAME(EROFS) NAME(EMLINK) NAME(EPIPE) NAME(EDOM)
    NAME(ERANGE) NAME(EDEADLK) NAME(ENAMETOOLONG) NAME(ENOLCK) NAME(ENOSYS) NAME(ENOTEMPTY) NAME(ELOOP)
    NAME(ENOMSG) NAME(EIDRM) NAME(EBADE) NAME(EBADFD) NAME(ENOSTR) NAME(ENODATA) NAME(ETIME) NAME(ENOLINK)
    NAME(EPROTO) NAME(EBADMSG) NAME(EOVERFLOW) NAME(ELIBBAD) NAME(EILSEQ) NAME(ERESTART) NAME(EUSERS)
    NAME(ENOTSOCK) NAME(EDESTADDRREQ) NAME(EMSGSIZE) NAME(EPROTOTYPE) NAME(ENOPROTOOPT) NAME(EPROTONOSUPPORT)
    NAME(ESOCKTNOSUPPORT) NAME(EOPNOTSUPP) NAME(EPFNOSUPPORT) NAME(EAFNOSUPPORT) NAME(EADDRINUSE)
    NAME(EADDRNOTAVAIL) NAME(ENETDOWN) NAME(ENETUNREACH) NAME(ENETRESET) NAME(ECONNABORTED) NAME(ECONNRESET)
    NAME(ENOBUFS) NAME(EISCONN) NAME(ENOTCONN) NAME(ESHUTDOWN) NAME(ETOOMANYREFS) NAME(ETIMEDOUT)
    NAME(ECONNREFUSED) NAME(EHOSTDOWN) NAME(EHOSTUNREACH) NAME(EALREADY) NAME(EINPROGRESS) NAME(ESTALE)
    NAME(EUCLEAN) NAME(EREMOTEIO) NAME(EDQUOT) NAME(ENOMEDIUM) NAME(EMEDIUMTYPE) NAME(ECANCELED) NAME(ENOKEY)
    NAME(EKEYEXPIRED) NAME(EKEYREVOKED) NAME(EKEYREJECTED) NAME(EOWNERDEAD) NAME(ENOTRECOVERABLE) NAME(ERFKILL)
    NAME(EHWPOISON)
    default: return "E" + std::to_string(error);
  }
#undef NAME
}
// clang-format on

Napi::Error systemError(Napi::Env env, int error, const char* syscall, const std::string& path,
                        const std::string& detail) {
  std::string reason = std::strerror(error);
  // "Operation not permitted" reads on in a sentence; "RFS specific error" stays as it is.
  if (reason.size() > 1 && std::islower(static_cast<unsigned char>(reason[1]))) {
    reason[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(reason[0])));
  }
  const std::string code = errnoName(error);
  std::string message = syscall;
  if (!path.empty()) message += " " + path;
  message += ": " + code + ": " + reason;
  if (!detail.empty()) message += " (" + detail + ")";
  Napi::Error thrown = Napi::Error::New(env, message);
  Napi::Object object = thrown.Value();
  object.Set("code", code);
  object.Set("errno", error);
  object.Set("syscall", syscall);
  if (!path.empty()) object.Set("path", path);
  return thrown;
}

}  // namespace gantry
