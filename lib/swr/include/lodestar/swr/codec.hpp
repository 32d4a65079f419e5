// How keys and values become bytes for the tiers, and values again. Texts, shared_bytes, numbers
// and std::optional of those have a codec; for other types say how:
//
//   template <>
//   struct swr::codec<user> {
//     static constexpr std::string_view name = "user/2";  // another name when the encoding changes
//     static void encode(const user& value, std::string& bytes);
//     static std::optional<user> decode(std::string_view bytes);
//   };
//
// decode() is given bytes whose checksum is right and whose codec has the same name; it answers
// nothing when it cannot make a value of them all the same. Both are called on any thread.
//
// The value of a std::optional that is empty says that the origin has nothing for the key: it is
// kept as such, without bytes (negative caching).
#pragma once

#include <bit>
#include <charconv>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>

#include <lodestar/base/bytes.hpp>
#include <lodestar/base/hash.hpp>

namespace lodestar::swr {

template <class Value>
struct codec;

template <>
struct codec<std::string> {
  static constexpr std::string_view name = "bytes";
  static void encode(const std::string& value, std::string& bytes) { bytes += value; }
  static std::optional<std::string> decode(std::string_view bytes) { return std::string(bytes); }
};

template <>
struct codec<shared_bytes> {
  static constexpr std::string_view name = "bytes";
  static void encode(const shared_bytes& value, std::string& bytes) { bytes += value.view(); }
  static std::optional<shared_bytes> decode(std::string_view bytes) {
    return shared_bytes(std::string(bytes));
  }
};

template <class Number>
  requires std::is_arithmetic_v<Number>
struct codec<Number> {
  static_assert(std::endian::native == std::endian::little, "numbers are stored little-endian");
  static constexpr std::string_view name = std::floating_point<Number> ? "floating"
                                           : std::is_signed_v<Number>  ? "signed"
                                                                       : "unsigned";
  static void encode(Number value, std::string& bytes) {
    bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  static std::optional<Number> decode(std::string_view bytes) {
    if (bytes.size() != sizeof(Number)) return std::nullopt;
    Number value;
    std::memcpy(&value, bytes.data(), sizeof value);
    return value;
  }
};

/// Whether there is a codec.
template <class Value>
concept encodable = requires(const Value& value, std::string& bytes, std::string_view encoded) {
  { codec<Value>::name } -> std::convertible_to<std::string_view>;
  codec<Value>::encode(value, bytes);
  { codec<Value>::decode(encoded) } -> std::same_as<std::optional<Value>>;
};

namespace detail {
template <class Value>
struct optional_traits {
  using stored_type = Value;
  [[nodiscard]] static bool is_absent(const Value&) noexcept { return false; }
  /// The value that says so; nothing when no value can.
  [[nodiscard]] static std::optional<Value> absent() { return std::nullopt; }
};
template <class Inner>
struct optional_traits<std::optional<Inner>> {
  using stored_type = Inner;
  [[nodiscard]] static bool is_absent(const std::optional<Inner>& value) noexcept {
    return !value.has_value();
  }
  [[nodiscard]] static std::optional<std::optional<Inner>> absent() {
    return std::optional<std::optional<Inner>>(std::in_place, std::nullopt);
  }
};
}  // namespace detail

/// The codec of a value, as the cache holds it. Default: codec<Value>, of the inner type of an
/// optional.
template <class Value>
struct value_codec {
  std::uint64_t format = 0;  ///< Of the envelope; a hash of the codec's name.
  std::function<void(const Value&, std::string&)> encode = nullptr;
  std::function<std::optional<Value>(std::string_view)> decode = nullptr;

  [[nodiscard]] static value_codec standard() {
    using stored_type = typename detail::optional_traits<Value>::stored_type;
    value_codec made;
    if constexpr (encodable<stored_type>) {
      made.format = hash_bytes_64(codec<stored_type>::name);
      if constexpr (std::same_as<stored_type, Value>) {
        made.encode = [](const Value& value, std::string& bytes) {
          codec<Value>::encode(value, bytes);
        };
        made.decode = [](std::string_view bytes) { return codec<Value>::decode(bytes); };
      } else {
        made.encode = [](const Value& value, std::string& bytes) {
          if (value) codec<stored_type>::encode(*value, bytes);
        };
        made.decode = [](std::string_view bytes) -> std::optional<Value> {
          auto value = codec<stored_type>::decode(bytes);
          return value ? std::optional<Value>(std::move(value)) : std::nullopt;
        };
      }
    }
    return made;
  }
};

/// How a key is written in the tiers and read from the messages of other nodes. Default: texts as
/// they are, whole numbers in decimal.
template <class Key>
struct key_codec {
  std::function<std::string(const Key&)> encode = nullptr;
  std::function<std::optional<Key>(std::string_view)> decode = nullptr;

  [[nodiscard]] static key_codec standard();
};

template <class Key>
key_codec<Key> key_codec<Key>::standard() {
  key_codec made;
  if constexpr (std::same_as<Key, std::string>) {
    made.encode = [](const Key& key) { return key; };
    made.decode = [](std::string_view text) { return std::optional<Key>(text); };
  } else if constexpr (std::integral<Key>) {
    made.encode = [](const Key& key) { return std::to_string(key); };
    made.decode = [](std::string_view text) -> std::optional<Key> {
      Key number{};
      const char* const end = text.data() + text.size();
      const auto [stop, problem] = std::from_chars(text.data(), end, number);
      if (problem != std::errc() || stop != end) return std::nullopt;
      return number;
    };
  }
  return made;
}

}  // namespace lodestar::swr
