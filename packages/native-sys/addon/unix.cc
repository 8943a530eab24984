// Unix sockets by path, and descriptors that travel over them (unix(7), SCM_RIGHTS).
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>

#include "args.h"
#include "error.h"
#include "families.h"

namespace gantry {
namespace {

constexpr size_t maxFdsPerMessage = 253;  // SCM_MAX_FD

/** An abstract name has a NUL byte where "@" is written, and none at its end (unix(7)). */
sockaddr_un addressOf(Napi::Env env, const std::string& path, socklen_t& length) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const bool abstract = !path.empty() && path[0] == '@';
  const size_t taken = path.size() + (abstract ? 0 : 1);
  if (taken > sizeof address.sun_path) throw systemError(env, ENAMETOOLONG, "socket", path);
  std::memcpy(address.sun_path, path.data(), path.size());
  if (abstract) address.sun_path[0] = '\0';
  length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + taken);
  return address;
}

template <typename Use>
Napi::Value withSocket(const Args& args, int type, const char* verb, Use use) {
  const auto path = args.text(0);
  socklen_t length = 0;
  const sockaddr_un address = addressOf(args.env(), path, length);
  const int fd = check(args.env(), socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), "socket", path);
  if (use(fd, reinterpret_cast<const sockaddr*>(&address), length) < 0) {
    const int error = errno;
    close(fd);
    throw systemError(args.env(), error, verb, path);
  }
  return Napi::Number::New(args.env(), fd);
}

Napi::Value listenVerb(const Args& args) {
  const int type = args.integer(1), backlog = args.integer(2);
  return withSocket(args, type, "bind", [&](int fd, const sockaddr* address, socklen_t length) {
    if (bind(fd, address, length) < 0) return -1;
    return (type & 0xf) == SOCK_DGRAM ? 0 : listen(fd, backlog);
  });
}

Napi::Value connectVerb(const Args& args) {
  return withSocket(args, args.integer(1), "connect", [](int fd, const sockaddr* address, socklen_t length) {
    return retry([&] { return connect(fd, address, length); });
  });
}

/** Room for the control message of `count` descriptors, aligned as the kernel wants it. */
std::vector<size_t> controlBuffer(size_t count) {
  return std::vector<size_t>((CMSG_SPACE(count * sizeof(int)) + sizeof(size_t) - 1) / sizeof(size_t));
}

Napi::Value sendFdsVerb(const Args& args) {
  const int socket = args.integer(0);
  const Bytes data = args.bytes(1);
  const auto fds = args.integers(2);
  if (fds.size() > maxFdsPerMessage) throw wrongType(args.env(), "argument 3", "at most 253 descriptors");
  iovec bytes{data.data, data.length};
  msghdr message{};
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  auto control = controlBuffer(fds.size());
  if (!fds.empty()) {
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(fds.size() * sizeof(int));
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
    std::memcpy(CMSG_DATA(header), fds.data(), fds.size() * sizeof(int));
  }
  check(args.env(), retry([&] { return sendmsg(socket, &message, MSG_NOSIGNAL); }), "sendmsg");
  return args.env().Undefined();
}

/** Takes over all descriptors of a message: none may be dropped unclosed. */
std::vector<int> takeFds(msghdr& message) {
  std::vector<int> fds;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    const size_t had = fds.size();
    fds.resize(had + count);
    std::memcpy(fds.data() + had, CMSG_DATA(header), count * sizeof(int));
  }
  return fds;
}

Napi::Value recvFdsVerb(const Args& args) {
  const Napi::Env env = args.env();
  const int socket = args.integer(0);
  std::vector<uint8_t> data(static_cast<size_t>(args.wide(1)));
  const auto maxFds = std::min(static_cast<size_t>(args.wide(2)), maxFdsPerMessage);
  auto control = controlBuffer(maxFds);
  iovec bytes{data.data(), data.size()};
  msghdr message{};
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  message.msg_control = maxFds > 0 ? control.data() : nullptr;
  message.msg_controllen = maxFds > 0 ? CMSG_SPACE(maxFds * sizeof(int)) : 0;
  const ssize_t length = retry([&] { return recvmsg(socket, &message, MSG_CMSG_CLOEXEC); });
  if (length < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return env.Null();
  check(env, length, "recvmsg");
  const auto fds = takeFds(message);
  Napi::Array numbers = Napi::Array::New(env, fds.size());
  for (size_t i = 0; i < fds.size(); i++) numbers.Set(static_cast<uint32_t>(i), fds[i]);
  Napi::Object result = Napi::Object::New(env);
  result.Set("data", Napi::Buffer<uint8_t>::Copy(env, data.data(), static_cast<size_t>(length)));
  result.Set("fds", numbers);
  return result;
}

}  // namespace

void defineUnix(Napi::Object exports) {
  define(exports, "unixListen", listenVerb);
  define(exports, "unixConnect", connectVerb);
  define(exports, "sendFds", sendFdsVerb);
  define(exports, "recvFds", recvFdsVerb);
}

}  // namespace gantry
