// The stamps of what was written lately, here or elsewhere: a tier that gives back something older
// for such a key has not heard of it yet.
//
// Bounded: it remembers about `writes_max` keys for a minute, which is longer than a write of a
// value that is being computed is on its way.
//
// Thread-safety: all members from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <lodestar/base/clock.hpp>
#include <lodestar/base/hash.hpp>
#include <lodestar/swr/envelope.hpp>

namespace lodestar::swr::detail {

class recent_writes {
 public:
  static constexpr std::size_t writes_max = 20'000;
  static constexpr milliseconds remembered{60'000};

  /// What was known before.
  std::optional<write_stamp> note(std::string_view key, const write_stamp& stamp, steady_time now);
  struct write {
    std::string key;
    write_stamp stamp;
  };
  /// The newest writes that this node made, newest first.
  [[nodiscard]] std::vector<write> newest_of(std::uint64_t node, std::size_t count,
                                             steady_time now) const;
  /// Whether nothing newer than this is known to have been written.
  [[nodiscard]] bool is_newest_known(const hash128& key, const write_stamp& stamp,
                                     steady_time now) const;

 private:
  struct seen {
    std::string key;  // of the stores
    write_stamp stamp;
    steady_time until;
  };
  void forget(steady_time now);

  mutable std::mutex mutex_;
  std::unordered_map<hash128, seen> newest_;
  std::deque<std::pair<steady_time, hash128>> order_;
};

}  // namespace lodestar::swr::detail
