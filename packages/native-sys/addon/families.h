// The families of verbs; each adds its own to the exports.
#pragma once

#include <napi.h>

namespace gantry {

void defineMount(Napi::Object exports);
void defineFile(Napi::Object exports);
void defineXattr(Napi::Object exports);
void defineProcess(Napi::Object exports);
void defineSpawn(Napi::Object exports);
void defineNamespace(Napi::Object exports);
void defineSocket(Napi::Object exports);
void defineInet(Napi::Object exports);
void defineUnix(Napi::Object exports);
void defineTerminal(Napi::Object exports);
void defineLoop(Napi::Object exports);
void defineSplice(Napi::Object exports);
void defineSeccomp(Napi::Object exports);
void defineBpf(Napi::Object exports);

}  // namespace gantry
