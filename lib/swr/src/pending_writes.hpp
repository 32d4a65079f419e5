// What a tier has yet to be told: of each key the newest write, and whether it is on its way. One
// write of a key is on its way at a time, so that they take effect in their order, whichever
// threads send them. A write may be delayed, for newer ones to take its place.
//
// Bounded in writes and bytes that are not on their way: when there are too many, all of them are
// given up, and whoever owns the tier must not believe anything in it that is older. What is on its
// way is bounded by the store.
//
// Thread-safety: none; its owner has a lock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <lodestar/base/bytes.hpp>
#include <lodestar/base/clock.hpp>
#include <lodestar/swr/detail/text_hash.hpp>
#include <lodestar/swr/envelope.hpp>
#include <lodestar/swr/write_report.hpp>

namespace lodestar::swr::detail {

struct tier_write {
  std::string key;
  write_stamp stamp;
  std::optional<shared_bytes> bytes = std::nullopt;  ///< Nothing: remove.
  steady_time keep_until = steady_time::max();
  /// Only where the tier has nothing newer: others write to it, too.
  bool verify = false;
  std::uint64_t number = 0;  ///< Of this write here; given by pending_writes.
  bool again = false;        ///< Has failed before; given by retry().
};

class pending_writes {
 public:
  struct bounds {
    std::size_t writes_max;
    std::size_t bytes_max;
  };
  /// What is to be told to those who wait; outside of the lock.
  using reports = std::vector<write_report_pointer>;
  struct given_up {
    write_stamp newest;
    reports waiting;
  };

  explicit pending_writes(bounds limits) : limits_(limits) {}

  /// Takes the place of an older one of its key. What had to be given up for it. `not_before`: when
  /// it is to be taken, unless one of its key is to be taken before; not decreasing from call to
  /// call, but for steady_time::min(), which is at once.
  [[nodiscard]] std::optional<given_up> add(tier_write write, write_report_pointer report,
                                            steady_time not_before = steady_time::min());
  /// Lets what was delayed until then be taken; returns when the next is due, if one is.
  std::optional<steady_time> release(steady_time now);
  /// The next one to send; it is on its way then, until ended().
  [[nodiscard]] std::optional<tier_write> take();
  struct end {
    reports waiting;  ///< Of this write and of older ones of its key.
    bool ready;       ///< A newer one of its key can be taken.
  };
  [[nodiscard]] end ended(const tier_write& write, bool success);
  /// What failed becomes a removal, to be taken: the tier does not want the value, and what it has
  /// is older. False when something newer came.
  bool turn_into_removal(const tier_write& write);
  /// Lets at most so many that failed be taken again.
  std::size_t retry(std::size_t count, bool verify);
  /// Forgets a write of the key that is older, unless it is on its way.
  [[nodiscard]] reports drop_older(std::string_view key, const write_stamp& stamp);

  [[nodiscard]] const tier_write* find(std::string_view key) const;
  [[nodiscard]] std::size_t size() const noexcept { return slots_.size(); }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::size_t failed() const noexcept { return failed_; }

 private:
  enum class state { delayed, waiting, sent, failed };
  struct slot {
    tier_write newest;
    state is = state::waiting;
    std::uint64_t sent = 0;  // the number of the write that is on its way
    std::vector<std::pair<std::uint64_t, write_report_pointer>> reports = {};
  };
  using slots = std::unordered_map<std::string, slot, text_hash, std::equal_to<>>;

  [[nodiscard]] static reports detach(slot& from, std::uint64_t up_to);
  [[nodiscard]] static std::size_t size_of(const tier_write& write) noexcept;
  /// Whether its newest write is not on its way.
  [[nodiscard]] static bool rests(const slot& which) noexcept {
    return which.is != state::sent || which.newest.number != which.sent;
  }
  void count(const slot& which);
  void uncount(const slot& which);
  /// Keeps the counts right while a slot is changed.
  template <class Change>
  void alter(slot& which, Change&& change) {
    uncount(which);
    change();
    count(which);
  }
  void erase(slots::iterator which);
  [[nodiscard]] std::optional<given_up> keep_bounds();

  const bounds limits_;
  slots slots_;
  std::deque<std::string> ready_;  // keys to be taken; some may be gone or taken already
  std::deque<std::pair<steady_time, std::string>> delayed_;  // the same, by their times
  std::size_t resting_ = 0;
  std::size_t bytes_ = 0;  // of those that rest
  std::uint64_t numbers_ = 0;
  std::size_t failed_ = 0;
};

}  // namespace lodestar::swr::detail
