// How a key and a value lie in a record.
//
//   in place   both may be copied byte by byte and are small: their bytes are the record's words.
//              Readers copy them; a value of up to 8 bytes is replaced by one store.
//   boxed      everything else: the record holds a pointer to an immutable box with both. Readers
//              are pinned (epoch.hpp) and may use the value where it is; a box that was taken out
//              is destroyed when no reader can have it.
//   counted    pointers to values that have their key with them (counted_entry.hpp): they are boxes
//              already. What is taken out loses one reference when a box would be destroyed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <type_traits>
#include <utility>

#include <lodestar/cache/counted_entry.hpp>
#include <lodestar/cache/detail/record.hpp>

namespace lodestar::cache::detail {

inline constexpr std::size_t in_place_key_bytes_max = 16;
inline constexpr std::size_t in_place_value_bytes_max = 32;

template <class Key, class Value>
inline constexpr bool lies_in_place =
    std::is_trivially_copyable_v<Key> && std::is_trivially_copyable_v<Value> &&
    sizeof(Key) <= in_place_key_bytes_max && sizeof(Value) <= in_place_value_bytes_max;

[[nodiscard]] constexpr unsigned words_of(std::size_t bytes) noexcept {
  return static_cast<unsigned>((bytes + 7) / 8);
}

/// An object made of bytes that were copied from one.
template <class T>
class copied {
 public:
  explicit copied(const std::uint64_t* words) noexcept {
    std::memcpy(static_cast<void*>(&value_), words, sizeof(T));
  }
  ~copied() {}
  copied(const copied&) = delete;
  copied& operator=(const copied&) = delete;
  [[nodiscard]] const T& get() const noexcept { return value_; }

 private:
  union {
    T value_;
  };
};

template <class Key, class Value>
class contents_in_place {
 public:
  static constexpr bool boxed = false;
  struct box_type {
    box_type* next;
  };
  using words = content_words<words_of(sizeof(Key)), words_of(sizeof(Value))>;
  template <class Atomics>
  using record_type = record<words_of(sizeof(Key)), words_of(sizeof(Value)), Atomics>;

  [[nodiscard]] static words pack(const Key& key, Value&& value) noexcept {
    words packed{};
    std::memcpy(packed.key, static_cast<const void*>(&key), sizeof(Key));
    std::memcpy(packed.value, static_cast<const void*>(&value), sizeof(Value));
    return packed;
  }
  /// Calls use(const Key&, const Value&).
  template <class Use>
  static decltype(auto) open(const words& packed, Use&& use) {
    const copied<Key> key(packed.key);
    const copied<Value> value(packed.value);
    return std::forward<Use>(use)(key.get(), value.get());
  }
};

template <class Key, class Value>
struct box {
  const Key key;
  const Value value;
  box* next = nullptr;  ///< Among those that wait for their readers.
};

template <class Key, class Value>
class contents_boxed {
 public:
  static constexpr bool boxed = true;
  using words = content_words<0, 1>;
  template <class Atomics>
  using record_type = record<0, 1, Atomics>;
  using box_type = box<Key, Value>;

  [[nodiscard]] static words pack(const Key& key, Value&& value) {
    auto* const made = new box_type{key, std::move(value)};
    return {{0}, {reinterpret_cast<std::uintptr_t>(made)}};
  }
  [[nodiscard]] static box_type* box_of(const words& packed) noexcept {
    return reinterpret_cast<box_type*>(static_cast<std::uintptr_t>(packed.value[0]));
  }
  static void destroy(box_type* taken) noexcept { delete taken; }
  template <class Use>
  static decltype(auto) open(const words& packed, Use&& use) {
    const box_type& opened = *box_of(packed);
    return std::forward<Use>(use)(opened.key, opened.value);
  }
};

template <class Key, class Entry>
class contents_counted {
 public:
  static constexpr bool boxed = true;
  using words = content_words<0, 1>;
  template <class Atomics>
  using record_type = record<0, 1, Atomics>;
  using box_type = Entry;
  using pointer = entry_pointer<Entry>;

  [[nodiscard]] static words pack(const Key&, pointer&& value) {
    return {{0}, {reinterpret_cast<std::uintptr_t>(counted_access::take(value))}};
  }
  [[nodiscard]] static box_type* box_of(const words& packed) noexcept {
    return reinterpret_cast<box_type*>(static_cast<std::uintptr_t>(packed.value[0]));
  }
  static void destroy(box_type* taken) noexcept { counted_access::drop(taken); }
  /// The pointer that `use` gets is counted when it is copied.
  template <class Use>
  static decltype(auto) open(const words& packed, Use&& use) {
    static_assert(sizeof(pointer) == sizeof(packed.value));
    const copied<pointer> value(packed.value);
    return std::forward<Use>(use)(value.get()->key(), value.get());
  }
};

template <class Key, class Value>
struct contents_for {
  using type = std::conditional_t<lies_in_place<Key, Value>, contents_in_place<Key, Value>,
                                  contents_boxed<Key, Value>>;
};
template <class Key, class Entry>
struct contents_for<Key, entry_pointer<Entry>> {
  using type = contents_counted<Key, Entry>;
};
template <class Key, class Value>
using contents = typename contents_for<Key, Value>::type;

}  // namespace lodestar::cache::detail
