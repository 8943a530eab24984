// The same watch as loop.cc's, for a JS runtime whose event loop is not libuv's.
#pragma once

#include <napi.h>

#include "args.h"

namespace gantry {

/** watchFd(fd, events, callback) */
Napi::Value watchByThread(const Args& args);

}  // namespace gantry
