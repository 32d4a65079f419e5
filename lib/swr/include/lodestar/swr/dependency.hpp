// How the facade learns whether an entry is still true, without knowing what it depends on.
#pragma once

#include <cstdint>

namespace lodestar::swr {

/// What a value depends on. An entry computed at position c is current while moved_at() <= c.
class dependency {
 public:
  virtual ~dependency() = default;
  /// The highest position at which anything it depends on moved. Called on every read: cheap,
  /// lock-free, thread-safe.
  [[nodiscard]] virtual std::int64_t moved_at() const noexcept = 0;
};

}  // namespace lodestar::swr
