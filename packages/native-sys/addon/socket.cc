// Sockets of any family, and netlink's address.
#include <linux/netlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include "args.h"
#include "error.h"
#include "families.h"

namespace gantry {
namespace {

Napi::Value bindNetlinkVerb(const Args& args) {
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = static_cast<unsigned>(args.wide(1));
  const int fd = args.integer(0), on = 1;
  // Acknowledgements with the kernel's message and without a copy of the request; kernels before 4.12 have neither.
  setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
  setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
  check(args.env(), bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), "bind", "netlink");
  return args.env().Undefined();
}

Napi::Value sendVerb(const Args& args) {
  const int fd = args.integer(0), flags = args.integer(2) | MSG_NOSIGNAL;
  const Bytes data = args.bytes(1);
  const ssize_t sent = retry([&] { return send(fd, data.data, data.length, flags); });
  return Napi::Number::New(args.env(), static_cast<double>(check(args.env(), sent, "send")));
}

Napi::Value recvVerb(const Args& args) {
  const Napi::Env env = args.env();
  const int fd = args.integer(0), flags = args.integer(2);
  const auto capacity = static_cast<size_t>(args.wide(1));
  // Read into memory of our own first: what arrives is often far smaller than what may arrive.
  static thread_local std::vector<uint8_t> scratch;
  if (scratch.size() < capacity) scratch.resize(capacity);
  const ssize_t length = retry([&] { return recv(fd, scratch.data(), capacity, flags); });
  if (length < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return env.Null();
  check(env, length, "recv");
  // With MSG_TRUNC the length is that of the whole datagram.
  const size_t held = std::min(static_cast<size_t>(length), capacity);
  return Napi::Buffer<uint8_t>::Copy(env, scratch.data(), held);
}

Napi::Value socketPairVerb(const Args& args) {
  int fds[2];
  check(args.env(), socketpair(args.integer(0), args.integer(1) | SOCK_CLOEXEC, args.integer(2), fds), "socketpair");
  Napi::Array pair = Napi::Array::New(args.env(), 2);
  pair.Set(0U, fds[0]);
  pair.Set(1U, fds[1]);
  return pair;
}

Napi::Value acceptVerb(const Args& args) {
  const int fd = args.integer(0);
  const int accepted = retry([&] { return accept4(fd, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK); });
  // ECONNABORTED: the caller at the head of the queue has gone again; the next wake-up brings the next.
  if (accepted < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == ECONNABORTED)) return args.env().Null();
  return Napi::Number::New(args.env(), check(args.env(), accepted, "accept"));
}

}  // namespace

void defineSocket(Napi::Object exports) {
  define(exports, "bindNetlink", bindNetlinkVerb);
  define(exports, "socketSend", sendVerb);
  define(exports, "socketRecv", recvVerb);
  define(exports, "socketPair", socketPairVerb);
  define(exports, "accept", acceptVerb);
}

}  // namespace gantry
