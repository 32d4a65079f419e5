// How a cache hashes and compares keys when it is not told otherwise.
//
//   text      XXH3 with a secret that the process draws once from the operating system, so that
//             whoever sends keys cannot work out beforehand which ones collide. (It is no
//             cryptographic hash: do not show the hashes to anybody.) Looked up by whatever is a
//             view of such text (std::string_view, const char*), without making a key of it.
//   the rest  std::hash and std::equal_to. A cache mixes every hash with a secret of its own, which
//             is enough where different keys have different hashes: integers, enums, pointers.
//
// The hashes of text differ from process to process: do not store them.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>

#include <lodestar/cache/detail/text_hash.hpp>

namespace lodestar::cache {

namespace detail {

/// The view of keys that are text; nothing for others, also for text with rules of its own about
/// what is equal.
template <class Key>
struct view_of_text {};
template <class Char, class Allocator>
struct view_of_text<std::basic_string<Char, std::char_traits<Char>, Allocator>> {
  using type = std::basic_string_view<Char>;
};
template <class Char>
struct view_of_text<std::basic_string_view<Char>> {
  using type = std::basic_string_view<Char>;
};

template <class Key>
concept text = requires { typename view_of_text<Key>::type; };

}  // namespace detail

template <class Key>
struct hash : std::hash<Key> {};

template <detail::text Key>
struct hash<Key> {
  using is_transparent = void;
  using view = typename detail::view_of_text<Key>::type;
  [[nodiscard]] std::size_t operator()(view text) const noexcept {
    return detail::hash_text(text.data(), text.size() * sizeof(typename view::value_type));
  }
};

template <class Key>
using equal_to = std::conditional_t<detail::text<Key>, std::equal_to<>, std::equal_to<Key>>;

}  // namespace lodestar::cache
