// Pseudo-terminals and terminal settings.
#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <cstdlib>

#include "args.h"
#include "error.h"
#include "families.h"

namespace gantry {
namespace {

Napi::Value openptyVerb(const Args& args) {
  const Napi::Env env = args.env();
  const int master = check(env, open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC), "open", "/dev/ptmx");
  char path[64];
  const bool ready = grantpt(master) == 0 && unlockpt(master) == 0 && ptsname_r(master, path, sizeof path) == 0;
  const int slave = ready ? open(path, O_RDWR | O_NOCTTY | O_CLOEXEC) : -1;
  if (slave < 0) {
    const int error = errno;
    close(master);
    throw systemError(env, error, "openpty");
  }
  Napi::Object pair = Napi::Object::New(env);
  pair.Set("master", master);
  pair.Set("slave", slave);
  pair.Set("path", path);
  return pair;
}

Napi::Value setWinsizeVerb(const Args& args) {
  winsize size{};
  size.ws_col = static_cast<unsigned short>(args.integer(1));
  size.ws_row = static_cast<unsigned short>(args.integer(2));
  check(args.env(), ioctl(args.integer(0), TIOCSWINSZ, &size), "ioctl TIOCSWINSZ");
  return args.env().Undefined();
}

Napi::Value getWinsizeVerb(const Args& args) {
  winsize size{};
  check(args.env(), ioctl(args.integer(0), TIOCGWINSZ, &size), "ioctl TIOCGWINSZ");
  Napi::Object result = Napi::Object::New(args.env());
  result.Set("columns", static_cast<int>(size.ws_col));
  result.Set("rows", static_cast<int>(size.ws_row));
  return result;
}

Napi::Value makeRawVerb(const Args& args) {
  termios former{};
  const int fd = args.integer(0);
  check(args.env(), tcgetattr(fd, &former), "tcgetattr");
  termios raw = former;
  cfmakeraw(&raw);
  if (args.flag(1)) raw.c_oflag |= former.c_oflag & (OPOST | ONLCR);
  check(args.env(), tcsetattr(fd, TCSANOW, &raw), "tcsetattr");
  return Napi::Buffer<uint8_t>::Copy(args.env(), reinterpret_cast<uint8_t*>(&former), sizeof former);
}

Napi::Value setTermiosVerb(const Args& args) {
  const Bytes settings = args.bytes(1);
  if (settings.length != sizeof(termios)) throw wrongType(args.env(), "argument 2", "settings that makeRaw returned");
  termios wanted;
  std::memcpy(&wanted, settings.data, sizeof wanted);
  check(args.env(), tcsetattr(args.integer(0), TCSANOW, &wanted), "tcsetattr");
  return args.env().Undefined();
}

}  // namespace

void defineTerminal(Napi::Object exports) {
  define(exports, "openpty", openptyVerb);
  define(exports, "setWinsize", setWinsizeVerb);
  define(exports, "getWinsize", getWinsizeVerb);
  define(exports, "makeRaw", makeRawVerb);
  define(exports, "setTermios", setTermiosVerb);
}

}  // namespace gantry
