// Two connected sockets joined both ways on the event loop, without JavaScript in between.
#include "splice.h"

#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include <memory>

#include "args.h"
#include "error.h"
#include "families.h"
#include "loop.h"

namespace gantry {
namespace {

class Splice {
 public:
  static Napi::Value start(const Args& args);

 private:
  Splice(int a, int b, Napi::Function done)
      : fds_{a, b}, flows_{{a, b}, {b, a}}, done_(done, "gantry:splice"), alive_(std::make_shared<Splice*>(this)) {
    for (auto& poll : polls_) poll.data = this;
  }

  int open(uv_loop_t* loop);
  static void onEvent(uv_poll_t* poll, int status, int events);
  void advance(SpliceFlow& flow);
  int watch(int side);
  void finish(int error);
  static void onClosed(uv_handle_t* handle);
  void report();

  int fds_[2];
  SpliceFlow flows_[2];
  uv_poll_t polls_[2]{};
  int watched_[2] = {0, 0};
  int openPolls_ = 0;
  int error_ = 0;
  bool finished_ = false;
  LoopCallback done_;
  std::shared_ptr<Splice*> alive_;
};

int Splice::open(uv_loop_t* loop) {
  for (int side = 0; side < 2; side++) {
    const int opened = flows_[side].open();
    if (opened < 0) return opened;
    const int initialized = uv_poll_init_socket(loop, &polls_[side], fds_[side]);
    if (initialized < 0) return initialized;
    openPolls_++;
  }
  for (int side = 0; side < 2; side++) {
    const int watching = watch(side);
    if (watching < 0) return watching;
  }
  return 0;
}

/** Side 0 is read by flow 0 and written by flow 1. Nothing is watched that would wake us for no work. */
int Splice::watch(int side) {
  const int wanted = (flows_[side].wants() == SpliceFlow::Wants::reading ? UV_READABLE : 0) |
                     (flows_[1 - side].wants() == SpliceFlow::Wants::writing ? UV_WRITABLE : 0);
  if (wanted == watched_[side]) return 0;
  watched_[side] = wanted;
  return wanted == 0 ? uv_poll_stop(&polls_[side]) : uv_poll_start(&polls_[side], wanted, onEvent);
}

void Splice::onEvent(uv_poll_t* poll, int status, int events) {
  auto* self = static_cast<Splice*>(poll->data);
  if (self->finished_) return;
  const int side = poll == &self->polls_[0] ? 0 : 1;
  if (status < 0) {
    int error = 0;
    socklen_t length = sizeof error;
    getsockopt(self->fds_[side], SOL_SOCKET, SO_ERROR, &error, &length);
    return self->finish(error != 0 ? error : ECONNRESET);
  }
  if (events & UV_READABLE) self->advance(self->flows_[side]);
  if (events & UV_WRITABLE && !self->finished_) self->advance(self->flows_[1 - side]);
}

void Splice::advance(SpliceFlow& flow) {
  const int pumped = flow.pump();
  if (pumped < 0) return finish(-pumped);
  if (flows_[0].ended() && flows_[1].ended()) return finish(0);
  for (int side = 0; side < 2; side++) {
    const int watching = watch(side);
    if (watching < 0) return finish(-watching);
  }
}

void Splice::finish(int error) {
  if (finished_) return;
  finished_ = true;
  error_ = error;
  *alive_ = nullptr;
  for (int side = 0; side < 2; side++) uv_close(reinterpret_cast<uv_handle_t*>(&polls_[side]), onClosed);
}

void Splice::onClosed(uv_handle_t* handle) {
  auto* self = static_cast<Splice*>(handle->data);
  if (--self->openPolls_ > 0) return;
  for (const int fd : self->fds_) close(fd);
  const Napi::HandleScope scope(self->done_.env());
  self->report();
  delete self;
}

void Splice::report() {
  const Napi::Env env = done_.env();
  const Napi::Value error = error_ == 0 ? env.Null() : Napi::Value(systemError(env, error_, "splice").Value());
  done_.call({error, Napi::Number::New(env, static_cast<double>(flows_[0].bytes())),
              Napi::Number::New(env, static_cast<double>(flows_[1].bytes()))});
}

Napi::Value Splice::start(const Args& args) {
  const Napi::Env env = args.env();
  auto* self = new Splice(args.integer(0), args.integer(1), args.function(2));
  const int opened = self->open(loopOf(env));
  if (opened < 0) {
    // Nothing is under way: the sockets stay the caller's.
    const auto freeWhenClosed = [](uv_handle_t* handle) {
      auto* splice = static_cast<Splice*>(handle->data);
      if (--splice->openPolls_ == 0) delete splice;
    };
    const int open = self->openPolls_;
    for (int side = 0; side < open; side++)
      uv_close(reinterpret_cast<uv_handle_t*>(&self->polls_[side]), freeWhenClosed);
    if (open == 0) delete self;
    throw systemError(env, -opened, "splice");
  }
  Napi::Object handle = Napi::Object::New(env);
  handle.Set("close", Napi::Function::New(
                          env,
                          [alive = self->alive_](const Napi::CallbackInfo& info) {
                            if (*alive) (*alive)->finish(0);
                            return info.Env().Undefined();
                          },
                          "close"));
  return handle;
}

}  // namespace

void defineSplice(Napi::Object exports) { define(exports, "spliceSockets", Splice::start); }

}  // namespace gantry
