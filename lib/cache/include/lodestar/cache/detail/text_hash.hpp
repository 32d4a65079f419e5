// Hashes of bytes that nobody can tell beforehand who does not know the secret.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <lodestar/base/random.hpp>

namespace lodestar::cache::detail {

/// XXH3 with a secret. Thread-safety: the call may be made from any thread.
class text_hasher {
 public:
  explicit text_hasher(random_source& random);
  [[nodiscard]] std::uint64_t operator()(const void* bytes, std::size_t size) const noexcept;

 private:
  std::array<std::uint64_t, 24> secret_;
};

/// By the hasher that the whole process shares.
[[nodiscard]] std::uint64_t hash_text(const void* bytes, std::size_t size) noexcept;

}  // namespace lodestar::cache::detail
