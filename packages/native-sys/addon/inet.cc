// Internet sockets: bound, listening and connecting ones, and datagrams that are answered from the address they were
// sent to.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

#include "args.h"
#include "error.h"
#include "families.h"

namespace gantry {
namespace {

struct Address {
  sockaddr_storage storage{};
  socklen_t length = 0;
  std::string display;

  sockaddr* pointer() { return reinterpret_cast<sockaddr*>(&storage); }
};

/** "127.0.0.1" or "::1" and a port; anything else is a TypeError. */
Address toAddress(const Args& args, size_t addressAt, size_t portAt) {
  const auto text = args.text(addressAt);
  const auto port = args.wide(portAt);
  if (port < 0 || port > 65535) throw wrongType(args.env(), "port", "a number from 0 to 65535");
  Address address;
  auto* four = reinterpret_cast<sockaddr_in*>(&address.storage);
  auto* six = reinterpret_cast<sockaddr_in6*>(&address.storage);
  if (inet_pton(AF_INET, text.c_str(), &four->sin_addr) == 1) {
    four->sin_family = AF_INET;
    four->sin_port = htons(static_cast<uint16_t>(port));
    address.length = sizeof *four;
    address.display = text + ":" + std::to_string(port);
  } else if (inet_pton(AF_INET6, text.c_str(), &six->sin6_addr) == 1) {
    six->sin6_family = AF_INET6;
    six->sin6_port = htons(static_cast<uint16_t>(port));
    address.length = sizeof *six;
    address.display = "[" + text + "]:" + std::to_string(port);
  } else {
    throw wrongType(args.env(), "\"" + text + "\"", "an IPv4 or IPv6 address");
  }
  return address;
}

int openSocket(const Args& args, const Address& address) {
  const int protocol = args.integer(0);
  const int type = protocol == IPPROTO_UDP ? SOCK_DGRAM : SOCK_STREAM;
  return check(args.env(), socket(address.storage.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol), "socket",
               address.display);
}

/** Throws with errno as it is now, after closing the socket that will not be used. */
[[noreturn]] void abandon(const Args& args, int fd, const char* syscall, const std::string& display) {
  const int error = errno;
  close(fd);
  throw systemError(args.env(), error, syscall, display);
}

bool setOption(int fd, int level, int name, int value) {
  return setsockopt(fd, level, name, &value, sizeof value) == 0;
}

bool reportDestination(int fd, int family) {
  return family == AF_INET ? setOption(fd, IPPROTO_IP, IP_PKTINFO, 1)
                           : setOption(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
}

Napi::Value bindVerb(const Args& args) {
  Address address = toAddress(args, 1, 2);
  const int protocol = args.integer(0), family = address.storage.ss_family;
  const int fd = openSocket(args, address);
  // On UDP SO_REUSEADDR would let two sockets share a port.
  if (protocol != IPPROTO_UDP && !setOption(fd, SOL_SOCKET, SO_REUSEADDR, 1))
    abandon(args, fd, "setsockopt", address.display);
  if (family == AF_INET6 && !setOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1))
    abandon(args, fd, "setsockopt", address.display);
  if (bind(fd, address.pointer(), address.length) < 0) abandon(args, fd, "bind", address.display);
  return Napi::Number::New(args.env(), fd);
}

Napi::Value listenVerb(const Args& args) {
  check(args.env(), listen(args.integer(0), args.integer(1)), "listen");
  return args.env().Undefined();
}

Napi::Value connectVerb(const Args& args) {
  Address address = toAddress(args, 1, 2);
  const int fd = openSocket(args, address);
  if (connect(fd, address.pointer(), address.length) < 0 && errno != EINPROGRESS)
    abandon(args, fd, "connect", address.display);
  return Napi::Number::New(args.env(), fd);
}

Napi::Value socketErrorVerb(const Args& args) {
  int error = 0;
  socklen_t length = sizeof error;
  check(args.env(), getsockopt(args.integer(0), SOL_SOCKET, SO_ERROR, &error, &length), "getsockopt");
  return error == 0 ? args.env().Null() : systemError(args.env(), error, "connect").Value();
}

Napi::Value socketPortVerb(const Args& args) {
  sockaddr_storage name{};
  socklen_t length = sizeof name;
  check(args.env(), getsockname(args.integer(0), reinterpret_cast<sockaddr*>(&name), &length), "getsockname");
  const auto* four = reinterpret_cast<const sockaddr_in*>(&name);
  const auto* six = reinterpret_cast<const sockaddr_in6*>(&name);
  return Napi::Number::New(args.env(), ntohs(name.ss_family == AF_INET6 ? six->sin6_port : four->sin_port));
}

Napi::Value reportDestinationVerb(const Args& args) {
  const int fd = args.integer(0);
  int family = 0;
  socklen_t length = sizeof family;
  check(args.env(), getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &length), "getsockopt");
  if (!reportDestination(fd, family)) throw systemError(args.env(), errno, "setsockopt");
  return args.env().Undefined();
}

/** The sender of a datagram, and the local address that received it. JavaScript holds it as an opaque string. */
struct Flow {
  sockaddr_in6 peer{};  // or a sockaddr_in in its beginning
  in6_pktinfo six{};
  in_pktinfo four{};
};

void readDestination(msghdr& message, Flow& flow) {
  for (cmsghdr* each = CMSG_FIRSTHDR(&message); each != nullptr; each = CMSG_NXTHDR(&message, each)) {
    if (each->cmsg_level == IPPROTO_IP && each->cmsg_type == IP_PKTINFO) {
      std::memcpy(&flow.four, CMSG_DATA(each), sizeof flow.four);
      flow.four.ipi_ifindex = 0;  // the way back is the routing table's choice
      flow.four.ipi_addr = {};
    } else if (each->cmsg_level == IPPROTO_IPV6 && each->cmsg_type == IPV6_PKTINFO) {
      std::memcpy(&flow.six, CMSG_DATA(each), sizeof flow.six);
      if (!IN6_IS_ADDR_LINKLOCAL(&flow.six.ipi6_addr)) flow.six.ipi6_ifindex = 0;
    }
  }
}

Napi::Value receiveDatagramVerb(const Args& args) {
  const auto into = args.bytes(1);
  Flow flow;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(in6_pktinfo)) + CMSG_SPACE(sizeof(in_pktinfo))];
  iovec part{into.data, into.length};
  msghdr message{};
  message.msg_name = &flow.peer;
  message.msg_namelen = sizeof flow.peer;
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const ssize_t length = retry([&] { return recvmsg(args.integer(0), &message, MSG_DONTWAIT); });
  if (length < 0 && errno == EAGAIN) return args.env().Null();
  check(args.env(), length, "recvmsg");
  readDestination(message, flow);
  Napi::Object result = Napi::Object::New(args.env());
  result.Set("length", static_cast<double>(length));
  napi_value key;
  napi_create_string_latin1(args.env(), reinterpret_cast<const char*>(&flow), sizeof flow, &key);
  result.Set("flow", Napi::Value(args.env(), key));
  return result;
}

Flow toFlow(const Args& args, size_t at) {
  Flow flow;
  size_t length = 0;
  char bytes[sizeof flow + 1];
  if (napi_get_value_string_latin1(args.env(), args.at(at), bytes, sizeof bytes, &length) != napi_ok ||
      length != sizeof flow) {
    throw wrongType(args.env(), "flow", "one that receiveDatagram gave");
  }
  std::memcpy(&flow, bytes, sizeof flow);
  return flow;
}

Napi::Value replyDatagramVerb(const Args& args) {
  const auto data = args.bytes(1);
  Flow flow = toFlow(args, 2);
  const bool four = flow.peer.sin6_family == AF_INET;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(in6_pktinfo))] = {};
  iovec part{data.data, data.length};
  msghdr message{};
  message.msg_name = &flow.peer;
  message.msg_namelen = four ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = four ? CMSG_SPACE(sizeof flow.four) : CMSG_SPACE(sizeof flow.six);
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = four ? IPPROTO_IP : IPPROTO_IPV6;
  header->cmsg_type = four ? IP_PKTINFO : IPV6_PKTINFO;
  header->cmsg_len = four ? CMSG_LEN(sizeof flow.four) : CMSG_LEN(sizeof flow.six);
  if (four)
    std::memcpy(CMSG_DATA(header), &flow.four, sizeof flow.four);
  else
    std::memcpy(CMSG_DATA(header), &flow.six, sizeof flow.six);
  const ssize_t sent = retry([&] { return sendmsg(args.integer(0), &message, MSG_DONTWAIT | MSG_NOSIGNAL); });
  return Napi::Number::New(args.env(), static_cast<double>(check(args.env(), sent, "sendmsg")));
}

}  // namespace

void defineInet(Napi::Object exports) {
  define(exports, "inetBind", bindVerb);
  define(exports, "listen", listenVerb);
  define(exports, "inetConnect", connectVerb);
  define(exports, "socketError", socketErrorVerb);
  define(exports, "socketPort", socketPortVerb);
  define(exports, "reportDestination", reportDestinationVerb);
  define(exports, "receiveDatagram", receiveDatagramVerb);
  define(exports, "replyDatagram", replyDatagramVerb);
}

}  // namespace gantry
