#include "families.h"

static Napi::Object initialize(Napi::Env, Napi::Object exports) {
  gantry::defineMount(exports);
  gantry::defineFile(exports);
  gantry::defineXattr(exports);
  gantry::defineProcess(exports);
  gantry::defineSpawn(exports);
  gantry::defineNamespace(exports);
  gantry::defineSocket(exports);
  gantry::defineInet(exports);
  gantry::defineUnix(exports);
  gantry::defineTerminal(exports);
  gantry::defineLoop(exports);
  gantry::defineSplice(exports);
  gantry::defineSeccomp(exports);
  gantry::defineBpf(exports);
  return exports;
}

NODE_API_MODULE(native_sys, initialize)
