// What a tier has yet to be told: of each key the newest write, and whether it is on its way. One
// write of a key is on its way at a time, so that they take effect in their order, whichever
// threads send them.
//
// Bounded in writes and bytes: when there are too many, all that are not on their way are given
// up, and whoever owns the tier must not believe anything in it that is older.
//
// Thread-safety: none; its owner has a lock.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <lodestar/base/bytes.hpp>
#include <lodestar/base/clock.hpp>
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

  /// Takes the place of an older one of its key. What had to be given up for it.
  [[nodiscard]] std::optional<given_up> add(tier_write write, write_report_pointer report);
  /// The next one to send; it is on its way then, until ended().
  [[nodiscard]] std::optional<tier_write> take();
  struct end {
    reports waiting;  ///< Of this write and of older ones of its key.
    bool ready;       ///< A newer one of its key can be taken.
  };
  [[nodiscard]] end ended(std::string_view key, const write_stamp& stamp, bool success);
  /// What failed becomes a removal, to be taken: the tier does not want the value, and what it has
  /// is older. False when something newer came.
  bool turn_into_removal(std::string_view key, const write_stamp& stamp);
  /// Lets at most so many that failed be taken again.
  std::size_t retry(std::size_t count, bool verify);
  /// Forgets a write of the key that is older, unless it is on its way.
  [[nodiscard]] reports drop_older(std::string_view key, const write_stamp& stamp);

  [[nodiscard]] const tier_write* find(std::string_view key) const;
  [[nodiscard]] std::size_t size() const noexcept { return slots_.size(); }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::size_t failed() const noexcept { return failed_; }

 private:
  enum class state { waiting, sent, failed };
  struct slot {
    tier_write newest;
    state is = state::waiting;
    write_stamp sent = {};
    std::vector<std::pair<write_stamp, write_report_pointer>> reports = {};
  };
  struct text_hash {
    using is_transparent = void;
    [[nodiscard]] std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>{}(text);
    }
  };
  using slots = std::unordered_map<std::string, slot, text_hash, std::equal_to<>>;

  static void attach(slot& to, const write_stamp& stamp, write_report_pointer report);
  [[nodiscard]] static reports detach(slot& from, const write_stamp& up_to);
  [[nodiscard]] static std::size_t size_of(const tier_write& write) noexcept;
  void set_state(slot& of, state to);
  void replace(slot& in, tier_write write);
  void erase(slots::iterator which);
  [[nodiscard]] std::optional<given_up> keep_bounds();

  const bounds limits_;
  slots slots_;
  std::deque<std::string> ready_;  // keys to be taken; some may be gone or taken already
  std::size_t bytes_ = 0;
  std::size_t failed_ = 0;
};

}  // namespace lodestar::swr::detail
