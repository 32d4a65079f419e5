#include <lodestar/cache/detail/text_hash.hpp>

#include <lodestar/base/assert.hpp>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace lodestar::cache::detail {

text_hasher::text_hasher(random_source& random) {
  decltype(secret_) seed;
  for (auto& each : seed) each = random.next();
  const auto made = XXH3_generateSecret(secret_.data(), sizeof secret_, seed.data(), sizeof seed);
  LODESTAR_ASSERT(made == XXH_OK, "the secret is as long as XXH3 needs");
}

std::uint64_t text_hasher::operator()(const void* bytes, std::size_t size) const noexcept {
  return XXH3_64bits_withSecret(bytes, size, secret_.data(), sizeof secret_);
}

std::uint64_t hash_text(const void* bytes, std::size_t size) noexcept {
  static const text_hasher of_the_process(system_random());
  return of_the_process(bytes, size);
}

}  // namespace lodestar::cache::detail
