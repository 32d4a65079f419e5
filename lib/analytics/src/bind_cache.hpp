// Remembers bound queries by the request as it was written, so that asking the same again is one
// lookup.
//
// Bounded by two generations: when the young one is full, it becomes the old one and the old one is
// forgotten; what is found in the old one moves to the young one. A forgotten request is bound
// anew, which costs microseconds.
//
// Thread-safe.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include <lodestar/analytics/service.hpp>

namespace lodestar::analytics {

class bind_cache {
 public:
  static constexpr std::size_t generation_entries_max = 8192;
  static constexpr std::size_t request_bytes_max = 2048;  ///< Longer requests are not remembered.

  /// Writes the request so that no two requests are written alike.
  static void write_request(std::string& out, std::string_view name, const parameters& values);

  [[nodiscard]] std::shared_ptr<const bound_query::state> find(std::string_view request);
  void add(std::string_view request, std::shared_ptr<const bound_query::state> bound);

 private:
  struct hash {
    using is_transparent = void;
    [[nodiscard]] std::size_t operator()(std::string_view text) const noexcept {
      return hash_bytes_64(text);
    }
  };
  using generation = std::unordered_map<std::string, std::shared_ptr<const bound_query::state>,
                                        hash, std::equal_to<>>;

  void insert(std::string request, std::shared_ptr<const bound_query::state> bound,
              generation& forgotten);

  std::mutex mutex_;
  generation young_;
  generation old_;
};

}  // namespace lodestar::analytics
