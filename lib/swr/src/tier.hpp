// One tier: its store behind a breaker, the writes that it has yet to take, and from when on it is
// believed.
//
// Thread-safety: all members from any thread. No handler and no member of the store is called
// under a lock. Handlers of the store may be called after the tier is gone from `tiers`: they hold
// a reference.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>

#include <lodestar/base/lifeline.hpp>
#include <lodestar/base/metrics.hpp>
#include <lodestar/swr/tiers.hpp>

#include "handler_scope.hpp"
#include "pending_writes.hpp"

namespace lodestar::swr::detail {

class tier : public std::enable_shared_from_this<tier> {
 public:
  struct read_answer {
    std::optional<std::string_view> bytes = {};
    bool from_store = false;  ///< Which was asked: not refused, and not from a write that waits.
    bool failed = false;
    bool is_certain = false;  ///< Neither refused nor failed.
    nanoseconds latency{};    ///< Of the store, where there are events.
  };
  using read_handler = std::move_only_function<void(const read_answer&)>;
  struct handlers {
    /// A write that looked first has found something newer in its place.
    std::function<void(std::string_view key, const write_stamp& newer)> newer = nullptr;
    /// A write that looked first has been done. What others wrote between the two is gone.
    std::function<void(std::string_view key, const write_stamp& stamp)> written_late = nullptr;
    /// Nothing up to there is believed of this tier from now on. Called by enqueue().
    std::function<void(const write_stamp& up_to)> gave_up = nullptr;
    /// Something has to be sent again.
    std::function<void()> failed = nullptr;
  };

  tier(tier_options options, const clock& time, scheduler& timer,
       std::shared_ptr<lifeline<event_sink>> events);
  ~tier();
  tier(const tier&) = delete;
  tier& operator=(const tier&) = delete;

  /// Nothing when it has nothing, cannot say so in time, or has yet to take a removal.
  void read(std::string_view key, read_handler done);
  void count_fault() noexcept { faults_.add(); }

  void enqueue(tier_write write, write_report_pointer report);
  void drop_older(std::string_view key, const write_stamp& stamp);
  void send();
  /// Sends what is delayed, too.
  void flush();
  /// Failed writes become ready for send().
  void retry();

  [[nodiscard]] bool believes(const write_stamp& stamp) const noexcept {
    return stamp.time > distrusted_->removed_at();
  }
  /// Nothing up to there is.
  [[nodiscard]] const tag_mark_pointer& distrusted() const noexcept { return distrusted_; }

  [[nodiscard]] bool is_refused() const noexcept { return breaker_.is_open(); }
  [[nodiscard]] std::int64_t probe_every_ms() const noexcept {
    return options_.breaker.probe_every_ms;
  }
  [[nodiscard]] bool is_shared() const noexcept { return options_.shared; }
  [[nodiscard]] std::string_view name() const noexcept { return name_; }
  [[nodiscard]] bool has_pending() const noexcept { return pending_count_.load() > 0; }
  [[nodiscard]] bool has_failed() const;
  [[nodiscard]] tier_statistics stats() const;
  /// Before anything else is called.
  void set_handlers(handlers to) { handlers_ = std::move(to); }

 private:
  static constexpr std::size_t retries_at_once = 256;

  [[nodiscard]] bool answer_from_pending(std::string_view key, read_handler& done);
  void answered(const result<std::optional<std::string_view>>& bytes, steady_time began,
                read_handler& done);
  void note(bool success, const std::optional<error>& problem);
  [[nodiscard]] steady_time not_before(const tier_write& write) const;
  void arm(std::optional<steady_time> next);
  void give_up(const write_stamp& up_to);
  void tell_lost(pending_writes::reports told) const;
  [[nodiscard]] bool retry_more(const tier_write& ended, bool success);
  void start(tier_write write);
  void verify(tier_write write);
  void verified(const tier_write& write, std::optional<std::string_view> there, steady_time began);
  void apply(const tier_write& write);
  void ended(const tier_write& write, const result<void>& outcome, steady_time began);
  static void tell(pending_writes::reports told, const std::optional<error>& problem);
  void report_event(const tier_write& write, bool failed, steady_time began) const;

  std::shared_ptr<store> below_;
  const tier_options options_;  // without it
  const std::string name_;
  const clock& time_;
  scheduler& timer_;
  const std::shared_ptr<lifeline<event_sink>> events_;  // null: nobody listens
  circuit_breaker breaker_;
  const tag_mark_pointer distrusted_ = std::make_shared<tag_mark>(0);

  mutable std::mutex mutex_;
  pending_writes pending_;
  pending_writes::reports lost_;  // to be told by send(): whoever enqueues may hold a lock
  std::size_t retrying_ = 0;
  bool armed_ = false;  // the timer will send what is delayed
  std::atomic<std::size_t> pending_count_{0};
  handlers handlers_;

  counter hits_, misses_, read_errors_, faults_, refused_reads_, writes_, write_errors_, given_up_;
};

/// The entry of a mark: its stamp says everything.
[[nodiscard]] shared_bytes mark_bytes(std::string_view key, const write_stamp& stamp,
                                      std::int64_t written_ms);
/// What their envelopes have for a format.
[[nodiscard]] std::uint64_t mark_format() noexcept;
/// Where a tier itself says up to when it is not believed.
[[nodiscard]] std::string distrust_mark_key();
[[nodiscard]] std::string clear_mark_key(std::string_view name);
[[nodiscard]] std::string tag_mark_key(std::string_view name, std::string_view tag);
/// What such a mark is about: the cache, and the tag if it is of one.
struct mark_subject {
  std::string name;
  std::optional<std::string_view> tag;
};
[[nodiscard]] mark_subject subject_of_mark(std::string_view stored);

/// "users:42" → {"users", "42"}, the name as it was.
struct split_key {
  std::string name;
  std::string_view key;
};
[[nodiscard]] split_key split_stored_key(std::string_view stored);

}  // namespace lodestar::swr::detail
