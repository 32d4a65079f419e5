// From the caller's hash to 64 bits that nobody outside can predict.
#pragma once

#include <cstdint>
#include <functional>
#include <type_traits>

#include <lodestar/base/random.hpp>
#include <lodestar/cache/hash.hpp>

namespace lodestar::cache::detail {

/// Whether the hash of a key costs less than to remember it.
template <class Key, class Hash>
inline constexpr bool is_cheap_to_hash =
    (std::is_integral_v<Key> || std::is_enum_v<Key> || std::is_pointer_v<Key>) &&
    (std::is_same_v<Hash, hash<Key>> || std::is_same_v<Hash, std::hash<Key>>);

/// Whether keys may be looked up by a K, without making a key of it.
template <class K, class Hash, class Equal>
concept looks_up = requires {
  typename Hash::is_transparent;
  typename Equal::is_transparent;
} && std::is_invocable_v<const Hash&, const K&>;

/// Mixes with a secret of this cache, so that which keys meet in a bucket cannot be chosen. (Keys
/// whose Hash is equal meet all the same.) The folded multiplication is that of wyhash (Wang Yi,
/// 2019).
class mixer {
 public:
  explicit mixer(random_source& random) : before_(random.next()), factor_(random.next() | 1U) {}

  [[nodiscard]] std::uint64_t operator()(std::uint64_t hash) const noexcept {
    __extension__ using wide = unsigned __int128;
    const wide product = static_cast<wide>(hash ^ before_) * factor_;
    const std::uint64_t folded =
        static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64U);
    // Folded alone, keys at equal distances come at nearly equal distances, and one secret in
    // sixteen fills some buckets twice as much as others.
    return folded * factor_;
  }

 private:
  std::uint64_t before_, factor_;
};

}  // namespace lodestar::cache::detail
