// How the facade learns whether an entry is still true, without knowing what it depends on.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <lodestar/swr/envelope.hpp>

namespace lodestar::swr {

/// A dependency as it lies in a tier, for another process or after a restart.
struct stored_dependency {
  depends_on kind = depends_on::nothing;
  std::vector<std::string> keys = {};  ///< Key expressions, when listed.
};

/// What a value depends on. An entry computed at position c is current while moved_at() <= c.
class dependency {
 public:
  virtual ~dependency() = default;
  /// The highest position at which anything it depends on moved. Called on every read: cheap,
  /// lock-free, thread-safe.
  [[nodiscard]] virtual std::int64_t moved_at() const noexcept = 0;
  /// What dependency_source::restore() makes it again from; nothing: entries that depend on it stay
  /// in memory.
  [[nodiscard]] virtual std::optional<stored_dependency> stored() const { return std::nullopt; }
};

/// Who knows the positions that entries in tiers speak of. Thread-safe.
class dependency_source {
 public:
  virtual ~dependency_source() = default;
  /// What positions up to this one are of: an entry that was written with another epoch of its
  /// computed_at is no entry. Nothing where there is no such position.
  [[nodiscard]] virtual std::optional<std::uint64_t> epoch(std::int64_t computed_at) const = 0;
  /// The dependency of an entry that a tier gave back, which knows of every move since
  /// `computed_at`; null when nobody knows, and the entry is no entry then.
  [[nodiscard]] virtual std::shared_ptr<const dependency> restore(const stored_dependency& which,
                                                                  std::int64_t computed_at) = 0;
};

}  // namespace lodestar::swr
