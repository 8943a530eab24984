// Calling JavaScript from the event loop.
#pragma once

#include <napi.h>
#include <uv.h>

#include <initializer_list>

namespace gantry {

uv_loop_t* loopOf(Napi::Env env);

/** A JavaScript function that the event loop calls; its exceptions are uncaught exceptions, as in Node itself. */
class LoopCallback {
 public:
  LoopCallback(Napi::Function function, const char* resource)
      : function_(Napi::Persistent(function)), context_(function.Env(), resource) {}

  /** Needs an open HandleScope. */
  void call(const std::initializer_list<napi_value>& values) const;
  Napi::Env env() const { return function_.Env(); }

 private:
  Napi::FunctionReference function_;
  Napi::AsyncContext context_;
};

}  // namespace gantry
