// Watching a descriptor where the event loop is not libuv's (Bun): a thread waits in epoll_wait(2) and calls over.
#include "loop_thread.h"

#include <fcntl.h>
#include <napi.h>
#include <node_api.h>
#include <signal.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <thread>
#include <unordered_map>

#include "error.h"

namespace gantry {
namespace {

constexpr uint32_t reported = EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLRDHUP;

class Poller;

/** One descriptor. Its events stay off from the moment the thread has reported them until the callback has run. */
struct ThreadWatch {
  int fd;
  uint32_t events;
  bool added;
  bool keepsLoop;
  Napi::FunctionReference callback;
};

/** The thread and its watches, once a process. All but `wait` runs on JavaScript's thread. */
class Poller {
 public:
  static Poller& of(Napi::Env env);

  uint64_t open(Napi::Env env, int fd, uint32_t events, Napi::Function callback);
  void setEvents(Napi::Env env, uint64_t id, uint32_t events);
  void keepLoop(Napi::Env env, uint64_t id, bool keep);
  void close(Napi::Env env, uint64_t id);

 private:
  struct Ready {
    uint64_t id;
    uint32_t events;
  };

  explicit Poller(Napi::Env env);
  void wait() const;
  void deliver(Napi::Env env, Ready ready);
  bool arm(ThreadWatch& watch, uint64_t id) const;
  void disarm(ThreadWatch& watch) const;
  void count(Napi::Env env, int change);

  int epoll_;
  uint64_t lastId_ = 0;
  int keeping_ = 0;
  napi_threadsafe_function call_ = nullptr;
  std::unordered_map<uint64_t, ThreadWatch> watches_;
};

Poller& Poller::of(Napi::Env env) {
  // Never freed: the thread uses it until the process is gone.
  static Poller* poller = new Poller(env);
  return *poller;
}

Poller::Poller(Napi::Env env) : epoll_(check(env, epoll_create1(EPOLL_CLOEXEC), "epoll_create1")) {
  const auto onReady = [](napi_env rawEnv, napi_value, void* context, void* data) {
    const std::unique_ptr<Ready> ready(static_cast<Ready*>(data));
    if (rawEnv != nullptr) static_cast<Poller*>(context)->deliver(rawEnv, *ready);
  };
  napi_create_threadsafe_function(env, nullptr, nullptr, Napi::String::New(env, "gantry:fd"), 0, 1, nullptr, nullptr,
                                  this, onReady, &call_);
  napi_unref_threadsafe_function(env, call_);
  // Signals belong to the program's own thread.
  sigset_t all, former;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &former);
  std::thread([this] { wait(); }).detach();
  pthread_sigmask(SIG_SETMASK, &former, nullptr);
}

void Poller::wait() const {
  for (;;) {
    epoll_event events[16];
    const int count = epoll_wait(epoll_, events, 16, -1);
    for (int i = 0; i < count; i++) {
      auto* ready = new Ready{events[i].data.u64, events[i].events};
      if (napi_call_threadsafe_function(call_, ready, napi_tsfn_nonblocking) != napi_ok) delete ready;
    }
  }
}

void Poller::deliver(Napi::Env env, Ready ready) {
  const auto found = watches_.find(ready.id);
  if (found == watches_.end() || !found->second.added) return;
  ThreadWatch& watch = found->second;
  const bool failed = (ready.events & EPOLLERR) != 0;
  const uint32_t wanted = (ready.events & EPOLLHUP ? reported : ready.events) & watch.events;
  // The watched events have changed since the thread reported.
  if (wanted == 0 && !failed) {
    arm(watch, ready.id);
    return;
  }
  if (failed) disarm(watch);
  const Napi::HandleScope scope(env);
  try {
    watch.callback.Call({Napi::Number::New(env, failed ? static_cast<uint32_t>(EPOLLERR) : wanted)});
  } catch (const Napi::Error& error) {
    napi_fatal_exception(env, error.Value());
  }
  // The callback may have closed it, and others may have come.
  const auto still = watches_.find(ready.id);
  if (still != watches_.end() && still->second.added) arm(still->second, ready.id);
}

bool Poller::arm(ThreadWatch& watch, uint64_t id) const {
  epoll_event event{};
  event.events = watch.events | EPOLLONESHOT;
  event.data.u64 = id;
  if (epoll_ctl(epoll_, watch.added ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, watch.fd, &event) < 0) return false;
  watch.added = true;
  return true;
}

void Poller::disarm(ThreadWatch& watch) const {
  if (watch.added) epoll_ctl(epoll_, EPOLL_CTL_DEL, watch.fd, nullptr);
  watch.added = false;
}

void Poller::count(Napi::Env env, int change) {
  const bool before = keeping_ > 0;
  keeping_ += change;
  const bool after = keeping_ > 0;
  if (after && !before) napi_ref_threadsafe_function(env, call_);
  if (before && !after) napi_unref_threadsafe_function(env, call_);
}

uint64_t Poller::open(Napi::Env env, int fd, uint32_t events, Napi::Function callback) {
  const uint64_t id = ++lastId_;
  ThreadWatch watch{fd, events, false, true, Napi::Persistent(callback)};
  const int flags = fcntl(fd, F_GETFL);
  if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
    throw systemError(env, errno, "fcntl", std::to_string(fd));
  if (events != 0 && !arm(watch, id)) throw systemError(env, errno, "epoll_ctl", std::to_string(fd));
  watches_.emplace(id, std::move(watch));
  count(env, 1);
  return id;
}

void Poller::setEvents(Napi::Env env, uint64_t id, uint32_t events) {
  const auto found = watches_.find(id);
  if (found == watches_.end()) return;
  found->second.events = events;
  if (events == 0)
    disarm(found->second);
  else if (!arm(found->second, id))
    throw systemError(env, errno, "epoll_ctl");
}

void Poller::keepLoop(Napi::Env env, uint64_t id, bool keep) {
  const auto found = watches_.find(id);
  if (found == watches_.end() || found->second.keepsLoop == keep) return;
  found->second.keepsLoop = keep;
  count(env, keep ? 1 : -1);
}

void Poller::close(Napi::Env env, uint64_t id) {
  const auto found = watches_.find(id);
  if (found == watches_.end()) return;
  disarm(found->second);
  if (found->second.keepsLoop) count(env, -1);
  watches_.erase(found);
}

}  // namespace

Napi::Value watchByThread(const Args& args) {
  const Napi::Env env = args.env();
  Poller& poller = Poller::of(env);
  const auto bits = [](int events) { return static_cast<uint32_t>(events) & reported; };
  const uint64_t id = poller.open(env, args.integer(0), bits(args.integer(1)), args.function(2));
  Napi::Object object = Napi::Object::New(env);
  define(object, "setEvents", [&poller, id, bits](const Args& a) {
    poller.setEvents(a.env(), id, bits(a.integer(0)));
    return a.env().Undefined();
  });
  define(object, "ref", [&poller, id](const Args& a) {
    poller.keepLoop(a.env(), id, true);
    return a.env().Undefined();
  });
  define(object, "unref", [&poller, id](const Args& a) {
    poller.keepLoop(a.env(), id, false);
    return a.env().Undefined();
  });
  define(object, "close", [&poller, id](const Args& a) {
    poller.close(a.env(), id);
    return a.env().Undefined();
  });
  return object;
}

}  // namespace gantry
