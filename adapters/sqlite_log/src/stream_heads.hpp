// The versions of the streams used last, so that an append seldom looks a stream up in the file.
//
// Two generations of a hash map: a full young one becomes the old one and the old one is dropped.
// That bounds the size and keeps what is in use, at one lookup per access. A stream that is missing
// here says nothing about the file. Not thread-safe.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>

#include <lodestar/base/hash.hpp>
#include <lodestar/log/event.hpp>

namespace lodestar::sqlite_log {

class stream_heads {
 public:
  /// Keeps between streams_max / 2 and streams_max streams.
  explicit stream_heads(std::size_t streams_max);

  /// The version, null when it is not known here. The pointer is valid until the next call of a
  /// member.
  [[nodiscard]] log::version* find(std::string_view aggregate_type, std::string_view aggregate_id);
  /// Adds a stream that find() did not have.
  log::version* add(std::string_view aggregate_type, std::string_view aggregate_id,
                    log::version head);
  void clear() noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return young_.size() + old_.size(); }

 private:
  struct text_hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return hash_bytes_64(text); }
  };
  using generation = std::unordered_map<std::string, log::version, text_hash, std::equal_to<>>;

  std::string_view key_of(std::string_view aggregate_type, std::string_view aggregate_id);
  log::version* add_young(std::string key, log::version head);

  std::size_t generation_streams_max_;
  generation young_;
  generation old_;
  std::string key_;  // Reused, so that a lookup allocates nothing.
};

}  // namespace lodestar::sqlite_log
