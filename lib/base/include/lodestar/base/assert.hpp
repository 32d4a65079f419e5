// Assertions for programmer errors. They stay on in release builds: a broken invariant ends the
// process with the place and the reason instead of going on with wrong data. Operating errors are
// values, see error.hpp.
#pragma once

namespace lodestar::detail {
[[noreturn]] void assertion_failed(const char* expression, const char* reason, const char* file,
                                   int line) noexcept;
}

#define LODESTAR_ASSERT(condition, reason)           \
  (__builtin_expect(static_cast<bool>(condition), 1) \
       ? static_cast<void>(0)                        \
       : ::lodestar::detail::assertion_failed(#condition, reason, __FILE__, __LINE__))
