// Arguments of a call, checked: a wrong one is a TypeError that names its place.
#pragma once

#include <napi.h>

#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace gantry {

/** The bytes of a Buffer or Uint8Array; they belong to JavaScript. */
struct Bytes {
  uint8_t* data;
  size_t length;
};

inline Napi::TypeError wrongType(Napi::Env env, const std::string& what, const char* wanted) {
  return Napi::TypeError::New(env, what + " must be " + wanted);
}

inline int64_t toInteger(const Napi::Value& value, const std::string& what) {
  if (!value.IsNumber()) throw wrongType(value.Env(), what, "a number");
  const double number = value.As<Napi::Number>().DoubleValue();
  if (std::trunc(number) != number || std::fabs(number) > 9007199254740991.0) {
    throw wrongType(value.Env(), what, "a safe integer");
  }
  return static_cast<int64_t>(number);
}

inline Bytes toBytes(const Napi::Value& value, const std::string& what) {
  if (!value.IsTypedArray()) throw wrongType(value.Env(), what, "a Uint8Array");
  const auto array = value.As<Napi::TypedArray>();
  if (array.TypedArrayType() != napi_uint8_array) throw wrongType(value.Env(), what, "a Uint8Array");
  auto* start = static_cast<uint8_t*>(array.ArrayBuffer().Data());
  return {start + array.ByteOffset(), array.ByteLength()};
}

/** A C string, from text or from bytes. A NUL byte inside is refused: the kernel would cut the string short there. */
inline std::string toText(const Napi::Value& value, const std::string& what) {
  std::string text;
  if (value.IsString()) {
    text = value.As<Napi::String>().Utf8Value();
  } else if (value.IsTypedArray()) {
    const Bytes bytes = toBytes(value, what);
    text.assign(reinterpret_cast<const char*>(bytes.data), bytes.length);
  } else {
    throw wrongType(value.Env(), what, "a string");
  }
  if (text.find('\0') != std::string::npos) throw wrongType(value.Env(), what, "a string without NUL bytes");
  return text;
}

inline std::vector<std::string> toTexts(const Napi::Value& value, const std::string& what) {
  if (!value.IsArray()) throw wrongType(value.Env(), what, "an array of strings");
  const auto array = value.As<Napi::Array>();
  std::vector<std::string> texts;
  texts.reserve(array.Length());
  for (uint32_t i = 0; i < array.Length(); i++)
    texts.push_back(toText(array.Get(i), what + "[" + std::to_string(i) + "]"));
  return texts;
}

inline std::vector<int> toInts(const Napi::Value& value, const std::string& what) {
  if (!value.IsArray()) throw wrongType(value.Env(), what, "an array of numbers");
  const auto array = value.As<Napi::Array>();
  std::vector<int> numbers;
  numbers.reserve(array.Length());
  for (uint32_t i = 0; i < array.Length(); i++) {
    numbers.push_back(static_cast<int>(toInteger(array.Get(i), what + "[" + std::to_string(i) + "]")));
  }
  return numbers;
}

/** The arguments of one call, by place. */
class Args {
 public:
  explicit Args(const Napi::CallbackInfo& info) : info_(info) {}

  Napi::Env env() const { return info_.Env(); }
  Napi::Value at(size_t i) const { return info_[i]; }
  int integer(size_t i) const { return static_cast<int>(wide(i)); }
  int64_t wide(size_t i) const { return toInteger(info_[i], place(i)); }
  bool flag(size_t i) const { return info_[i].ToBoolean(); }
  std::string text(size_t i) const { return toText(info_[i], place(i)); }
  std::vector<int> integers(size_t i) const { return toInts(info_[i], place(i)); }
  Bytes bytes(size_t i) const { return toBytes(info_[i], place(i)); }

  std::optional<std::string> maybeText(size_t i) const {
    if (info_[i].IsNull() || info_[i].IsUndefined()) return std::nullopt;
    return text(i);
  }

  uint64_t unsignedBig(size_t i) const {
    bool lossless = false;
    const uint64_t value = big(i).Uint64Value(&lossless);
    if (!lossless) throw wrongType(env(), place(i), "a bigint of 64 bits, not negative");
    return value;
  }

  int64_t signedBig(size_t i) const {
    bool lossless = false;
    const int64_t value = big(i).Int64Value(&lossless);
    if (!lossless) throw wrongType(env(), place(i), "a bigint of 64 bits");
    return value;
  }

  Napi::Function function(size_t i) const {
    if (!info_[i].IsFunction()) throw wrongType(env(), place(i), "a function");
    return info_[i].As<Napi::Function>();
  }

 private:
  static std::string place(size_t i) { return "argument " + std::to_string(i + 1); }
  Napi::BigInt big(size_t i) const {
    if (!info_[i].IsBigInt()) throw wrongType(env(), place(i), "a bigint");
    return info_[i].As<Napi::BigInt>();
  }

  const Napi::CallbackInfo& info_;
};

inline const char* orNull(const std::optional<std::string>& text) { return text ? text->c_str() : nullptr; }

/** One verb for JavaScript: a function from checked arguments to a value. */
template <typename Verb>
void define(Napi::Object exports, const char* name, Verb verb) {
  exports.Set(name, Napi::Function::New(
                        exports.Env(), [verb](const Napi::CallbackInfo& info) { return verb(Args(info)); }, name));
}

}  // namespace gantry
