// The inside of swr::cache: the entries in memory, the flights under way, and the tiers below.
//
// A flight looks in the tiers first, where there are any, and calls a loader when that does not
// answer all who wait for it.
//
// Invariants
//   1. `flights_` holds at most one flight per key: the one that callers may join. It leaves in the
//      same critical section that stores its result, so whoever finds no flight finds the entry.
//   2. Every write to `entries_` happens under `mutex_`, and what it means for the tiers is
//      registered there in the same critical section: memory and tiers see one order of writes. A
//      read on the hit path takes no lock.
//   3. `waiters` of a listed flight is not empty, and its front leads: its loader is the one that
//      runs, or will.
//   4. No loader, handler, value or dependency of a caller runs or is destroyed under `mutex_`, and
//      no store is called.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include <lodestar/base/assert.hpp>
#include <lodestar/base/clock.hpp>
#include <lodestar/base/error.hpp>
#include <lodestar/base/metrics.hpp>
#include <lodestar/base/striped_counter.hpp>
#include <lodestar/cache/cache.hpp>
#include <lodestar/swr/detail/brought.hpp>
#include <lodestar/swr/detail/entry.hpp>
#include <lodestar/swr/options.hpp>
#include <lodestar/swr/types.hpp>

namespace lodestar::swr::detail {

template <class Key, class Value, class Hash, class Equal, class Checks>
class core final : public tiers_user,
                   public std::enable_shared_from_this<core<Key, Value, Hash, Equal, Checks>> {
 public:
  using done = std::move_only_function<void(result<loaded<Value>>)>;
  using loader = std::move_only_function<void(done)>;
  using handler = std::move_only_function<void(result<answer<Value>>)>;

  explicit core(const options<Key, Value>& settings);
  core(const core&) = delete;
  core& operator=(const core&) = delete;
  /// Once there is a reference to hand out.
  void begin();
  /// Nobody calls any more; flights under way go on to their ends.
  void end();

  // serving-inl.hpp
  [[nodiscard]] std::optional<answer<Value>> get(const Key& key, const call_options& allowed,
                                                 const demand& wanted);
  [[nodiscard]] std::optional<answer<Value>> get_before_load(const Key& key,
                                                             const call_options& allowed,
                                                             const demand& wanted);
  /// Without a loader: what memory and tiers have, or not_found.
  void get_or_load(const Key& key, const call_options& allowed, const demand& wanted, loader load,
                   handler reply);

  // changing-inl.hpp
  void set(const Key& key, loaded<Value> content, const call_options& allowed, store::ended told);
  void remove(const Key& key, store::ended told);
  void remove_by_tag(const std::string& tag, store::ended told);
  void clear(store::ended told);

  [[nodiscard]] statistics stats() const;
  [[nodiscard]] const options<Key, Value>& settings() const noexcept { return settings_; }
  void validate() const;

  tag_marks& marks() noexcept override { return marks_; }
  tag_mark& cleared() noexcept override { return cleared_; }
  void changed_elsewhere(std::string_view text, const write_stamp& when, bool repaired) override;
  void cleared_elsewhere(const write_stamp& when) override;
  void distrust() override;
  void write_again() override;

 private:
  using outcome = result<loaded<Value>>;
  using stored = entry<Key, Value, Checks>;
  using stored_pointer = ::lodestar::cache::entry_pointer<stored>;
  using failure_pointer = std::shared_ptr<const error>;

  /// What a node writes again after an interruption: so many, not older than that.
  static constexpr std::size_t written_again_max = 1'000;
  static constexpr std::chrono::microseconds written_again_age_max = std::chrono::minutes(1);
  /// Of what another process wrote by another clock.
  static constexpr std::int64_t longest_age_ms = 10LL * 365 * 24 * 60 * 60 * 1'000;

  /// Somebody who waits for a flight. Without a handler it is a background revalidation, or was
  /// answered before the flight ended.
  struct waiter {
    call_options allowed;
    demand wanted;
    loader load;
    handler reply;
    bool leads = false;
    bool next_flight = false;     // the flight it joined began before a bypass: too old for it
    std::uint64_t asked = 0;      // the latest stamp when it asked
    write_stamp newer_than = {};  // an eager refresh: what memory has is still fresh
    steady_time soft_due = steady_time::max();
    steady_time hard_due = steady_time::max();
  };
  struct flight {
    flight(Key name, const moment& at, write_stamp when)
        : key(std::move(name)), begun_at(at.now), stamp(when), trust(at.trust) {}
    const Key key;
    steady_time begun_at;
    write_stamp stamp;
    const std::uint32_t trust;
    steady_time overdue_at = steady_time::max();
    steady_time listed_due = steady_time::max();  // in due_
    std::vector<waiter> waiters;
    call_options allowed;          // the leader's, while its loader runs
    bool looks = false;            // in the tiers, before it loads
    std::thread::id looking_on;    // the thread that is inside the call that looks
    bool has_looked = false;       // completed inside that call
    stored_pointer found;          // … with this
    std::thread::id loading_on;    // the thread that is inside the loader's call
    std::optional<outcome> early;  // completed inside that call
    bool is_loading = false;
    bool finished = false;
    bool abandoned = false;   // finished because `done` was destroyed
    bool superseded = false;  // by set(), remove() or clear(): not in flights_, not to be stored
  };
  using flight_pointer = std::shared_ptr<flight>;
  enum class entering : std::uint8_t { joined, began, reentered, changed, throttled, absent };
  struct entered {
    entering how;
    flight_pointer begun = nullptr;
    failure_pointer throttled_by = nullptr;
  };
  /// Somebody who is to be answered before his flight has ended.
  struct impatient {
    call_options allowed;
    demand wanted;
    handler reply;
    failure_pointer why;
    stored_pointer present;
  };

  class section;
  class completion;

  /// The tiers' part of what a load or a set brought.
  using for_tiers = std::optional<encoded_entry>;

  // serving-inl.hpp
  /// What memory has for a call, where that is certain at once: an answer, or a result of one, made
  /// of `first...` and the parts of an answer. Else the entry is `kept`, if there is one.
  template <class Served, class... First>
  [[nodiscard]] std::optional<Served> sight(const Key& key, const call_options& allowed,
                                            const demand& wanted, stored_pointer& kept,
                                            First... first);
  [[nodiscard]] stored_pointer find(const Key& key) { return entries_.get(key).value_or(nullptr); }
  [[nodiscard]] moment now() const noexcept {
    return {.now = time_.now(), .trust = trust_.load(std::memory_order_acquire)};
  }
  void count_hit(freshness as) {
    if (as == freshness::fresh) return hits_.add();
    stale_hits_.add();
  }
  [[nodiscard]] bool serve(const Key& key, const stored_pointer& found, waiter& asking);
  void revalidate(const Key& key, const stored_pointer& found, waiter asking, bool early);
  [[nodiscard]] entered enter(const Key& key, const stored_pointer& found, waiter& asking);
  [[nodiscard]] flight_pointer begin_flight(const Key& key, std::vector<waiter> waiters);
  [[nodiscard]] bool looks_first(const waiter& leader) const;

  /// Expired: a miss.
  void report_read(const Key& key, freshness as, steady_time began) const;

  // flying-inl.hpp
  void run(flight_pointer next);
  [[nodiscard]] bool look(const flight_pointer& current);
  [[nodiscard]] tiers::verdict judge(flight& current, const tiers::found& what);
  void looked(const flight_pointer& current, bool taken);
  [[nodiscard]] tiers::verdict restore(const flight& current, const tiers::found& what,
                                       stored_pointer& restored);
  [[nodiscard]] std::optional<Value> decode(const envelope& from) const;
  [[nodiscard]] lifetimes lifetimes_of(const envelope& from) const;
  [[nodiscard]] std::shared_ptr<const dependency> restore_dependency(const envelope& from,
                                                                     bool& known) const;
  [[nodiscard]] flight_pointer take_found(const flight_pointer& current);
  struct satisfied {
    waiter who;
    std::optional<freshness> state;  // nothing: there is none, and it does not load
  };
  [[nodiscard]] bool settle_by(const stored_pointer& found, flight& current,
                               std::vector<satisfied>& answered);
  [[nodiscard]] static bool choose_leader(std::vector<waiter>& waiters);
  [[nodiscard]] std::optional<outcome> call_loader(const flight_pointer& current);
  [[nodiscard]] static std::optional<error> call_catching(loader load, done completed);
  void finish(const flight_pointer& current, outcome what, bool abandoned);
  [[nodiscard]] flight_pointer deliver(const flight_pointer& current, outcome what);
  /// What a load brought, as it is kept.
  struct product {
    stored_pointer made = nullptr;
    for_tiers encoded = {};
    failure_pointer failure = nullptr;  // and nothing else
  };
  [[nodiscard]] product convert(const flight& current, outcome what);
  [[nodiscard]] flight_pointer conclude(flight& current, std::vector<waiter> left);
  [[nodiscard]] bool keep(const flight& current, const stored_pointer& made);
  void answer_waiter(waiter& waiting, const stored_pointer& made) noexcept;
  void answer_failed(const call_options& allowed, const demand& wanted, handler reply,
                     const failure_pointer& failure, const stored_pointer& present) noexcept;
  [[nodiscard]] static std::unexpected<error> not_there() {
    return fail(error_code::not_found, "neither memory nor a tier has the key");
  }
  static void call_handler(handler reply, result<answer<Value>> what) noexcept {
    reply(std::move(what));
  }
  [[nodiscard]] static bool needs_another(const waiter& waiting, const stored_pointer& made);
  stored_pointer note_failure(const flight& current, const failure_pointer& failure);

  // changing-inl.hpp
  struct made_at {
    steady_time begun_at;
    write_stamp stamp;
    std::uint32_t trust;
  };
  [[nodiscard]] stored_pointer make_entry(const Key& key, loaded<Value> content,
                                          const call_options& allowed, const made_at& when);
  [[nodiscard]] std::size_t weigh(const Key& key, const loaded<Value>& content) const;
  [[nodiscard]] for_tiers encode(const Key& key, const stored& made,
                                 const call_options& allowed) const;
  [[nodiscard]] for_tiers encode_again(const Key& key, const stored& ours) const;
  [[nodiscard]] std::optional<Key> decode_key(std::string_view text) const;
  /// A weigher weighs again what comes back.
  [[nodiscard]] std::uint32_t weight_for_tiers(const stored& made) const noexcept {
    constexpr std::size_t weight_max = std::numeric_limits<std::uint32_t>::max();
    return settings_.weigher ? 0 : static_cast<std::uint32_t>(std::min(made.weight(), weight_max));
  }
  [[nodiscard]] std::vector<lifetimes> keep_in_tiers(const stored& made,
                                                     const call_options& allowed) const;
  [[nodiscard]] write_report_pointer report_to(store::ended& told) const;
  void send();
  [[nodiscard]] bool is_overtaken(const Key& key, const write_stamp& stamp) const;
  void supersede(const Key& key);
  template <class Condition>
  void supersede_if(Condition&& condition);
  void store_in_memory(const Key& key, const stored_pointer& made, const call_options& allowed);
  void write_again(const Key& key, const stored_pointer& entry);

  // waiting-inl.hpp
  void set_dues(waiter& asking) const;
  void list_due(const flight_pointer& current);
  void unlist_due(const flight_pointer& current);
  void arm();
  void time_out(steady_time armed_for);
  void time_out(const flight_pointer& current, steady_time at, std::vector<impatient>& answered,
                std::vector<waiter>& retired);

  const options<Key, Value> settings_;
  const value_codec<Value> values_;
  const key_codec<Key> keys_;
  const clock& time_;
  std::unique_ptr<write_clock> own_stamps_;  // without tiers
  write_clock& stamps_;
  tag_marks marks_;
  tag_mark cleared_{0};
  std::atomic<std::uint32_t> trust_{0};

  mutable std::mutex mutex_;
  ::lodestar::cache::cache<Key, stored_pointer, Hash, Equal> entries_;
  bool wrote_ = false;  // what left the cache is to be destroyed without the lock
  std::unordered_map<Key, flight_pointer, Hash, Equal> flights_;
  std::set<std::pair<steady_time, flight_pointer>> due_;  // whose waiters have deadlines
  std::vector<steady_time> armed_for_;  // what the timer has, the earliest at the end
  striped_counter hits_;
  counter stale_hits_, misses_, tier_hits_, loads_, load_errors_, coalesced_, fail_safe_, timeouts_,
      eager_refreshes_, superseded_;
};

}  // namespace lodestar::swr::detail

#include <lodestar/swr/detail/changing-inl.hpp>
#include <lodestar/swr/detail/core-inl.hpp>
#include <lodestar/swr/detail/flying-inl.hpp>
#include <lodestar/swr/detail/serving-inl.hpp>
#include <lodestar/swr/detail/waiting-inl.hpp>
