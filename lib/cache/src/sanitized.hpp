// Whether the tests run under a sanitizer, which makes some of them fifty times as slow.
#pragma once

namespace lodestar::cache {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool sanitized = true;
#else
inline constexpr bool sanitized = false;
#endif

}  // namespace lodestar::cache
