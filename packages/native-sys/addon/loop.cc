// Watching a descriptor from the event loop. Events are poll(2)'s numbers on the JavaScript side.
#include "loop.h"

#include <node_api.h>
#include <poll.h>

#include "args.h"
#include "error.h"
#include "families.h"
#include "loop_thread.h"

namespace gantry {

uv_loop_t* loopOf(Napi::Env env) {
  uv_loop_t* loop = nullptr;
  napi_get_uv_event_loop(env, &loop);
  return loop;
}

void LoopCallback::call(const std::initializer_list<napi_value>& values) const {
  const Napi::Env env = function_.Env();
  try {
    function_.MakeCallback(env.Global(), values, context_);
  } catch (const Napi::Error& error) {
    napi_fatal_exception(env, error.Value());
  }
}

namespace {

int toUv(int events) {
  return ((events & POLLIN) ? UV_READABLE : 0) | ((events & POLLOUT) ? UV_WRITABLE : 0) |
         ((events & (POLLRDHUP | POLLHUP)) ? UV_DISCONNECT : 0) | ((events & POLLPRI) ? UV_PRIORITIZED : 0);
}

int fromUv(int status, int events) {
  if (status < 0) return POLLERR;
  return ((events & UV_READABLE) ? POLLIN : 0) | ((events & UV_WRITABLE) ? POLLOUT : 0) |
         ((events & UV_DISCONNECT) ? POLLRDHUP : 0) | ((events & UV_PRIORITIZED) ? POLLPRI : 0);
}

/** The object behind an FdWatch: it holds itself until it is closed, so an unreferenced watch goes on working. */
class Watch {
 public:
  static Napi::Value start(const Args& args);

 private:
  explicit Watch(Napi::Function callback) : callback_(callback, "gantry:fd") { handle_.data = this; }

  static void onEvent(uv_poll_t* handle, int status, int events);
  void setEvents(Napi::Env env, int events);
  void close();

  uv_poll_t handle_{};
  LoopCallback callback_;
  bool closed_ = false;
};

void Watch::onEvent(uv_poll_t* handle, int status, int events) {
  auto* watch = static_cast<Watch*>(handle->data);
  const Napi::Env env = watch->callback_.env();
  const Napi::HandleScope scope(env);
  watch->callback_.call({Napi::Number::New(env, fromUv(status, events))});
}

void Watch::setEvents(Napi::Env env, int events) {
  if (closed_) return;
  const int wanted = toUv(events);
  const int result = wanted == 0 ? uv_poll_stop(&handle_) : uv_poll_start(&handle_, wanted, onEvent);
  if (result < 0) throw systemError(env, -result, "epoll_ctl");
}

void Watch::close() {
  if (closed_) return;
  closed_ = true;
  uv_close(reinterpret_cast<uv_handle_t*>(&handle_), [](uv_handle_t* handle) {
    auto* watch = static_cast<Watch*>(handle->data);
    const Napi::HandleScope scope(watch->callback_.env());
    delete watch;
  });
}

Napi::Value Watch::start(const Args& args) {
  const Napi::Env env = args.env();
  const int fd = args.integer(0), events = args.integer(1);
  auto* watch = new Watch(args.function(2));
  const int result = uv_poll_init(loopOf(env), &watch->handle_, fd);
  if (result < 0) {
    delete watch;
    throw systemError(env, -result, "uv_poll_init", std::to_string(fd));
  }
  try {
    watch->setEvents(env, events);
  } catch (...) {
    watch->close();
    throw;
  }
  // The methods share ownership of one flag, so that a call after close() finds nothing instead of freed memory.
  auto alive = std::make_shared<Watch*>(watch);
  Napi::Object object = Napi::Object::New(env);
  const auto method = [&](const char* name, auto act) {
    object.Set(name, Napi::Function::New(
                         env,
                         [alive, act](const Napi::CallbackInfo& info) {
                           if (*alive) act(**alive, Args(info));
                           return info.Env().Undefined();
                         },
                         name));
  };
  method("setEvents", [](Watch& self, const Args& a) { self.setEvents(a.env(), a.integer(0)); });
  method("ref", [](Watch& self, const Args&) { uv_ref(reinterpret_cast<uv_handle_t*>(&self.handle_)); });
  method("unref", [](Watch& self, const Args&) { uv_unref(reinterpret_cast<uv_handle_t*>(&self.handle_)); });
  method("close", [alive](Watch& self, const Args&) {
    *alive = nullptr;
    self.close();
  });
  return object;
}

}  // namespace

/** Node's loop is libuv's; Bun has libuv's names as stubs. */
static bool hasLibuv(Napi::Env env) {
  const Napi::Object process = env.Global().Get("process").As<Napi::Object>();
  return process.Get("versions").As<Napi::Object>().Get("bun").IsUndefined();
}

void defineLoop(Napi::Object exports) {
  define(exports, "watchFd", hasLibuv(exports.Env()) ? Watch::start : watchByThread);
}

}  // namespace gantry
