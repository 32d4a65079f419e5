// How keys and values become bytes in a snapshot (snapshot.hpp), and values again.
//
//   struct user_codec {
//     void encode(const user& value, std::string& bytes) const;          // appends
//     result<user> decode(std::string_view bytes) const;
//     std::string_view format() const { return "user 2"; }               // may be left out
//   };
//
// format() names the encoding: a snapshot that was written in another one is refused, so whoever
// changes an encoding changes its name. What is decoded passed a checksum, but may have been
// written by another program: decode() checks it. Exceptions pass through.
#pragma once

#include <concepts>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>

#include <lodestar/base/error.hpp>

namespace lodestar::cache {

template <class Codec, class Type>
concept snapshot_codec =
    requires(const Codec codec, const Type& value, std::string& bytes, std::string_view encoded) {
      codec.encode(value, bytes);
      { codec.decode(encoded) } -> std::same_as<result<Type>>;
    };

template <class Codec, class Type>
concept snapshot_codec_of = snapshot_codec<std::remove_cvref_t<Codec>, Type>;

namespace detail {
[[nodiscard]] std::string plain_format(std::size_t bytes, std::size_t alignment);
[[nodiscard]] std::unexpected<error> wrong_size(std::size_t bytes, std::size_t expected);
}  // namespace detail

/// The bytes of a value as they lie in memory, in the byte order of this machine; padding as 0.
/// What points somewhere has no meaning in another process: this cannot see pointers inside of a
/// struct.
template <class Type>
  requires(std::is_trivially_copyable_v<Type> && !std::is_pointer_v<Type>)
struct plain_codec {
  void encode(const Type& value, std::string& bytes) const {
    alignas(Type) char copy[sizeof(Type)];
    std::memcpy(copy, std::addressof(value), sizeof(Type));
#if defined(__GNUC__) && !defined(__clang__)
    __builtin_clear_padding(reinterpret_cast<Type*>(copy));
#endif
    bytes.append(copy, sizeof(Type));
  }
  [[nodiscard]] result<Type> decode(std::string_view bytes) const {
    if (bytes.size() != sizeof(Type)) return detail::wrong_size(bytes.size(), sizeof(Type));
    union {
      char place[sizeof(Type)];
      Type value;
    };
    std::memcpy(place, bytes.data(), sizeof(Type));
    return value;
  }
  [[nodiscard]] std::string format() const {
    return detail::plain_format(sizeof(Type), alignof(Type));
  }
};

struct string_codec {
  void encode(const std::string& value, std::string& bytes) const { bytes += value; }
  [[nodiscard]] result<std::string> decode(std::string_view bytes) const {
    return std::string(bytes);
  }
  [[nodiscard]] std::string_view format() const { return "string"; }
};

template <class Type>
struct ready_codec : plain_codec<Type> {};
template <>
struct ready_codec<std::string> : string_codec {};

/// For the keys and the values of a cache.
template <class KeyCodec, class ValueCodec>
struct snapshot_codecs {
  [[no_unique_address]] KeyCodec key;
  [[no_unique_address]] ValueCodec value;
};

template <class Codecs, class Cache>
concept snapshot_codecs_for = requires(const Codecs codecs) {
  { codecs.key } -> snapshot_codec_of<typename Cache::key_type>;
  { codecs.value } -> snapshot_codec_of<typename Cache::value_type>;
};

/// For a cache of trivially copyable types and strings.
template <class Cache>
using ready_codecs =
    snapshot_codecs<ready_codec<typename Cache::key_type>, ready_codec<typename Cache::value_type>>;

}  // namespace lodestar::cache
