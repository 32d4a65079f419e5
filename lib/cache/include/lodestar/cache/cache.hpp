// A bounded in-memory cache for many threads.
//
//   lodestar::cache::cache<std::string, std::string> pages({.entries_max = 10'000});
//   pages.insert("/", "<h1>hello</h1>");
//   if (auto page = pages.get("/")) use(*page);
//
// Bounds. A number of entries, or a total weight (bytes, say) with a function that weighs each
// entry. It is exact: no call returns while the cache holds more. An entry heavier than the whole
// bound is refused and the caller is told. A weight of 0 pins an entry: it costs nothing and only
// an explicit call, or its time, removes it.
//
// Time. An entry may expire after its last write, after its last use, or when a function of yours
// says (options.hpp). What has expired is never returned; its memory is taken back by later calls,
// by maintain(), or when its time has come, where there is a timer.
//
// Thread-safety: all members may be called from any thread. A hit takes no lock and writes to
// nothing that threads share, except to an entry's own counter while the entry is new. No function
// that is given to the cache runs under a lock of it, nor do destructors of keys and values, with
// one exception: the comparison of keys may, so it must be short and must not call the same cache.
// The listener runs on the thread that caused the removal, after it took effect; when several
// threads change one key at the same time, their notifications may arrive in any order.
//
// Lifetimes: get() copies the value (store a pointer when that is dear: a shared_ptr, or the one of
// counted_entry.hpp), with() does not. Keys
// and values that are small and trivially copyable lie in the cache's own memory; others in a box
// each, which is destroyed when no call of another thread can be reading it, a few calls after its
// removal, or by maintain(). The cache must outlive all calls into it. Exceptions of a caller's
// function pass through and leave the entries as they were; the listener must not throw. Destroying
// the cache notifies nobody.
//
// Sources. Eviction: detail/policy.hpp. Reading without locks: detail/bucket.hpp, record.hpp,
// epoch.hpp. Expiry: detail/timer_wheel.hpp.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include <lodestar/base/assert.hpp>
#include <lodestar/cache/completion.hpp>
#include <lodestar/cache/detail/contents.hpp>
#include <lodestar/cache/detail/counters.hpp>
#include <lodestar/cache/detail/epoch.hpp>
#include <lodestar/cache/detail/flight.hpp>
#include <lodestar/cache/detail/hashing.hpp>
#include <lodestar/cache/detail/hit_sample.hpp>
#include <lodestar/cache/detail/index_table.hpp>
#include <lodestar/cache/detail/invalidations.hpp>
#include <lodestar/base/lifeline.hpp>
#include <lodestar/cache/detail/limbo.hpp>
#include <lodestar/cache/detail/limits.hpp>
#include <lodestar/cache/detail/policy.hpp>
#include <lodestar/cache/detail/record_store.hpp>
#include <lodestar/cache/detail/sample_buffers.hpp>
#include <lodestar/cache/detail/timer_wheel.hpp>
#include <lodestar/cache/detail/times.hpp>
#include <lodestar/cache/hash.hpp>
#include <lodestar/cache/loaded.hpp>
#include <lodestar/cache/options.hpp>

namespace lodestar::cache {

namespace detail {
/// Records are numbered in 24 bits.
inline constexpr std::size_t entries_limit = index_table<>::numbers_max - 1;
/// The weight of what is held and of what comes fit into one number.
inline constexpr std::size_t weight_limit = unbounded / 2;
template <class Cache>
class snapshot_access;
}  // namespace detail

/// Why these options cannot be, in one sentence with a hint; nothing when they can.
template <class Key, class Value>
[[nodiscard]] std::optional<error> find_mistake(const options<Key, Value>& settings);

template <class Cache, class Loader>
class load_awaiter;

/// Hash and Equal with is_transparent, as those of text (hash.hpp), make every member that looks a
/// key up take what they take.
template <class Key, class Value, class Hash = hash<Key>, class Equal = equal_to<Key>>
class cache {
 public:
  using key_type = Key;
  using value_type = Value;
  using options_type = options<Key, Value>;

  /// The options must be without mistake (find_mistake).
  explicit cache(options_type settings);
  ~cache();
  cache(const cache&) = delete;
  cache& operator=(const cache&) = delete;

  /// A copy of the value; counts as a use.
  template <class K = Key>
  [[nodiscard]] std::optional<Value> get(const K& key);
  /// A copy of the value; neither counted nor a use for the eviction policy.
  template <class K = Key>
  [[nodiscard]] std::optional<Value> peek(const K& key) const;
  /// Calls read(const Value&) when the key is present, without a copy; false when it is absent.
  /// While it runs no removed value is destroyed, so it should be short.
  template <class Read, class K = Key>
  bool with(const K& key, Read&& read);
  /// The same for a result that is made where it is to lie: returns what present(const Value&) does,
  /// or absent() when the key is absent, which is of the same type. A value whose time is over but
  /// which has not been removed yet counts as present: for values that know their times themselves.
  template <class Present, class Absent, class K = Key>
  [[nodiscard]] std::invoke_result_t<Absent> visit_even_expired(const K& key, Present&& present,
                                                                Absent&& absent);
  template <class K = Key>
  [[nodiscard]] bool contains(const K& key) const;

  outcome insert(const Key& key, Value value);
  outcome insert_if_absent(const Key& key, Value value);
  outcome replace(const Key& key, Value value);
  /// Replaces the value when it equals `expected`.
  outcome replace_if_equal(const Key& key, const Value& expected, Value value);
  /// Calls change_value(const Value* present) → std::optional<Value>, null when the key is absent,
  /// and stores what it returns (nothing = remove), all in one step for every other caller. No lock
  /// is held meanwhile: when another thread changed the key, it is called again with what is there
  /// then.
  template <class Change>
  outcome compute(const Key& key, Change&& change_value);
  /// Stores the value, or combine(const Value& present, const Value& value) → Value when the key is
  /// present; as compute().
  template <class Combine>
  outcome merge(const Key& key, const Value& value, Combine&& combine);

  template <class K = Key>
  bool remove(const K& key);
  bool remove_if_equal(const Key& key, const Value& expected);
  /// Removes the entries for which condition(const Key&, const Value&) holds; returns how many.
  /// What is written meanwhile may be missed.
  template <class Condition>
  std::size_t remove_if(Condition&& condition);
  /// Removes everything that was there at the call; returns how many.
  std::size_t clear();

  /// Makes everything absent that was there at the call, or of that the entries for which the
  /// condition holds: at once, in a time that does not depend on how many they are. They are
  /// removed afterwards, by what is called next, by maintain(), and on `background` when that is
  /// there; the listener hears of it then, with the cause `explicit_`, or `size` or `expired` when
  /// that came first. The condition is asked until then, by any thread that finds such an entry: it
  /// must give the same answer for the same entry, and what throws counts as yes.
  using condition_type = std::function<bool(const Key&, const Value&)>;
  void invalidate_all();
  void invalidate_if(condition_type condition);

  /// Calls visit(const Key&, const Value&) for every entry, in no order. What is written or removed
  /// meanwhile may be seen or not.
  template <class Visit>
  void for_each(Visit&& visit) const;

  /// Copies of at most `count` entries that have not expired: those that the eviction policy would
  /// keep longest, hottest first, or evict first, coldest first. Pinned entries are in neither. An
  /// estimate: the order among what lies at that end of the policy's lists, looked for within a
  /// few times `count` entries, which bounds the time under the lock. What is written meanwhile
  /// may be missed.
  [[nodiscard]] std::vector<std::pair<Key, Value>> hottest(std::size_t count) const;
  [[nodiscard]] std::vector<std::pair<Key, Value>> coldest(std::size_t count) const;

  /// The value of the key; when it is absent, what load(const Key&) → Value or result<Value>
  /// returns, which is stored. However many ask at the same time, one loads and the others wait for
  /// what it brings, an error or an exception too. Neither is stored, but see failure_time_to_live.
  ///
  /// A load that began before a write or a removal of its key is handed to those who wait for it
  /// and not stored. A loader that asks for the key that it loads gets error_code::conflict, and so
  /// does the last of several, on threads of their own, that would wait for each other in a circle.
  template <class Loader>
  result<Value> get_or_load(const Key& key, Loader&& load);
  /// The same without blocking: start(const Key&, completion<cache>) begins a load that completes
  /// when it likes, done(const loaded<Value>&) is called with the answer, on the thread that
  /// completes, or at once. Neither runs under a lock.
  template <class Start, class Done>
  load_ticket<cache> load_async(const Key& key, Start start, Done done);
  /// The same for coroutines: co_await values.load(key, loader) is a result<Value>; loader(const
  /// Key&) returns something to await for a Value or a result<Value>. Needs awaitable.hpp.
  template <class Loader>
  load_awaiter<cache, std::decay_t<Loader>> load(const Key& key, Loader&& loader);

  // Many keys at once, each as if it were alone; answers are in the order of the keys.
  /// keys: a range of what get() takes.
  template <class Keys>
  [[nodiscard]] std::vector<std::optional<Value>> get_all(const Keys& keys);
  /// entries: a range of pairs of a key and a value.
  template <class Entries>
  std::vector<outcome> insert_all(Entries&& entries);
  /// Returns how many were there.
  template <class Keys>
  std::size_t remove_all(const Keys& keys);
  /// The values of the keys, a range of Key. Those that are absent are loaded by one call of
  /// load(std::span<const Key>), which returns pairs of a key and its value, in any order, as
  /// std::vector<std::pair<Key, Value>> or a result of that. A key that is being loaded already, in
  /// whichever way, is waited for instead. A key that the answer leaves out gets
  /// error_code::not_found; what it adds is ignored. An error or an exception of the load is that
  /// of all keys that it was asked for.
  template <class Keys, class Loader>
  [[nodiscard]] std::vector<result<Value>> get_or_load_all(const Keys& keys, Loader&& load);

  /// Removes what has expired up to now, what was invalidated and what was collected, and destroys
  /// what nobody reads any more.
  void maintain();

  /// Another bound, in what the first one was in; what is too much is evicted before it returns.
  void resize(std::size_t bound);

  /// How many entries are held, also those that have expired or were invalidated and have not been
  /// removed yet.
  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] std::size_t weight() const;
  [[nodiscard]] statistics stats() const;
  /// Bytes that the cache has allocated, itself included, without what keys, values and errors
  /// allocate themselves and what those need who wait for a load.
  [[nodiscard]] std::size_t memory_used() const;

  /// Checks every invariant of the inside and ends the process when one is broken. For tests; cost:
  /// every entry. Other threads may use the cache meanwhile.
  void validate() const;

 private:
  using contents = detail::contents<Key, Value>;
  using words = typename contents::words;
  using record = typename contents::template record_type<std_atomics>;
  using records = detail::record_store<record>;
  using wheel = detail::timer_wheel<records>;
  using reading = typename record::reading;
  using ticks = detail::ticks;
  static constexpr bool hash_is_kept = contents::boxed || !detail::is_cheap_to_hash<Key, Hash>;
  static constexpr bool collects = collection<Value>::is_possible;
  friend completion<cache>;
  friend load_ticket<cache>;
  friend detail::snapshot_access<cache>;
  /// How the policy sees the entries.
  class policy_view;
  enum counter : std::size_t { hits, misses, insertions, loads, load_failures, loads_ns, counters };
  using flight = detail::flight<Key, Value, reading>;

  struct found {
    std::uint32_t number;
    record* place;
    reading seen;
  };
  /// A value on its way in. Owns its box until it is stored.
  class incoming;
  /// What a stay under the lock removed. It outlives the lock: the listener hears of it and its
  /// boxes are retired when that is released.
  class removals;
  /// Destroys what nobody reads any more when its scope, without a pin, ends.
  class cleaning;
  /// What must be there for a value to be stored or an entry to be removed.
  enum class expected : std::uint8_t { anything, absent, present, same };

  // Reading. K: what a key is looked up by.
  template <class K>
  [[nodiscard]] static decltype(auto) lookup_form(const K& key);
  template <class K>
  [[nodiscard]] std::uint64_t hash_of(const K& key) const {
    return mix_(hash_(key));
  }
  template <class K>
  [[nodiscard]] bool lookup(std::uint64_t hash, const K& key, found& into) const;
  template <class K>
  [[nodiscard, gnu::noinline]] std::optional<found> lookup_patiently(std::uint64_t hash,
                                                                     const K& key) const;
  [[nodiscard]] bool is_current(const reading& seen) const {
    return (!expires_ || has_time_left(seen.expires)) && !is_collected(seen.content);
  }
  [[nodiscard]] static bool is_collected(const words& content) {
    if constexpr (collects) {
      return contents::open(content, [](const Key&, const Value& value) {
        return collection<Value>::is_collected(value);
      });
    } else {
      return false;
    }
  }
  /// Whether what has expired is as good as absent.
  enum class expired : bool { absent, present };
  /// lookup() of what has not expired.
  template <expired Counts = expired::absent, class K>
  [[nodiscard]] bool find(std::uint64_t hash, const K& key, found& into) const;
  /// find() for somebody who uses the value: counted, and noted for the policy and the idle time.
  template <expired Counts = expired::absent, class K>
  [[nodiscard]] bool find_for_use(const detail::process_pin& pinned, std::uint64_t hash,
                                  const K& key, found& into);
  // Invalidating.
  using invalidations = detail::invalidations<condition_type>;
  using generation_number = typename invalidations::generation_number;
  void invalidate(std::unique_ptr<condition_type> condition);
  template <class K>
  [[nodiscard, gnu::noinline]] std::optional<found> find_valid(std::uint64_t hash,
                                                               const K& key) const;
  [[nodiscard]] bool read_if_valid(std::uint32_t number, reading& into) const;
  [[nodiscard]] bool is_invalid(generation_number generation, const reading& seen) const;
  [[nodiscard]] bool needs_sweep(const record& place) const;
  /// While a record is locked: whether nobody has invalidated anything since.
  [[nodiscard]] bool is_of_now(generation_number generation) const noexcept {
    return invalidations_.active() == nullptr && invalidations_.generation() == generation;
  }
  void sweep(std::uint32_t number);
  template <class K>
  void sweep_key(std::uint64_t hash, const K& key);
  bool sweep_some(std::uint32_t count);
  void sweep_everything();
  void sweep_later();
  void end_sweep(generation_number until);

  // Conditions for record::bury_if and exchange_if.
  static constexpr auto always = [](const words&, ticks) { return true; };
  [[nodiscard]] static auto matching(const reading* same) noexcept {
    return [same](const words& held, ticks) {
      return same == nullptr || detail::same_value(held, same->content);
    };
  }
  [[nodiscard]] static bool holds(const reading& seen, const Value& value);
  /// Whether nobody wrote since.
  [[nodiscard]] static bool is_same(const reading& there, const reading& seen);

  // Views.
  /// An entry that the policy has shown.
  struct glimpse {
    std::uint32_t number;
    std::uint16_t heat;
    reading seen;
  };
  enum class temperature : std::uint8_t { hot, cold };
  [[nodiscard]] std::vector<glimpse> glimpses(temperature from, std::size_t entries) const;
  [[nodiscard]] std::vector<std::pair<Key, Value>> view(temperature from, std::size_t count) const;

  // Time.
  [[nodiscard]] ticks now() const noexcept;
  /// now() of less than a second ago (clock::recent).
  [[nodiscard]] ticks recent() const noexcept;
  [[nodiscard]] bool has_time_left(ticks expires) const noexcept;
  [[nodiscard]] static ticks after(nanoseconds delay, ticks from) noexcept;
  [[gnu::noinline, gnu::cold]] void sample(std::uint32_t thread_index, std::uint64_t hash);
  void tell_policy(detail::sample_buffer& hits_of_a_thread);
  [[gnu::noinline]] void extend(found used);
  [[nodiscard]] std::optional<ticks> time_after_read(const found& used) const;
  [[nodiscard]] std::optional<ticks> time_after_use(const found& used) const;
  bool set_time_of(const found& used, ticks wanted);
  void set_alarm() noexcept;
  [[nodiscard]] bool end_alarm(ticks when) noexcept;
  void answer_alarm(ticks when);
  void set_times(incoming& value, const reading* replaced) const;
  // Written while the record is locked; read for a guess, too.
  [[nodiscard]] ticks written(std::uint32_t number) const noexcept {
    return std::atomic_ref(records_.written(number)).load(std::memory_order_relaxed);
  }
  void note_write(std::uint32_t number, ticks until, ticks age = 0) noexcept;
  [[nodiscard]] ticks deadline(std::uint32_t number) const noexcept {
    return std::atomic_ref(records_.deadline(number)).load(std::memory_order_relaxed);
  }
  void set_deadline(std::uint32_t number, ticks when) noexcept {
    std::atomic_ref(records_.deadline(number)).store(when, std::memory_order_relaxed);
  }

  // Writing.
  outcome store_new(const Key& key, Value&& value, expected wanted);
  outcome store(incoming& value, expected wanted, const reading* same);
  outcome store_after(incoming& value, const reading* present);
  [[nodiscard]] bool overwrite(const Key& key, Value& value);
  [[nodiscard]] bool store_in_place(incoming& value, expected wanted, const reading* same);
  template <class K>
  bool supersede(std::uint64_t hash, const K& key);
  template <class K>
  bool remove_same(std::uint64_t hash, const K& key, const reading* same);
  void retire(const words& content);
  void destroy_retired(std::size_t enough) const;

  // Loading.
  using boarding = typename detail::flight_board<Key, Value, reading, Equal>::boarding;
  template <class Loader>
  [[nodiscard]] typename flight::landed follow(boarding on, Loader&& load);
  [[nodiscard]] typename flight::landed wait_for(flight& joined);
  [[nodiscard]] steady_time loading_time() const noexcept;
  void count_loading_since(steady_time began);
  /// The flights that one call leads; those that it has not ended when it ends are given up.
  class led_together;
  template <class Loader>
  void load_together(led_together& led, Loader& load);
  template <class Refresh>
  [[nodiscard]] std::optional<result<Value>> get_known(std::uint64_t hash, const Key& key,
                                                       const Refresh& refresh);
  [[nodiscard]] typename flight::landed find_stored(const flight& led) const;
  template <class Loader>
  [[nodiscard]] typename flight::landed call(flight& led, Loader&& load);
  typename flight::landed finish(flight& led, typename flight::landed brought);
  void store_loaded(const flight& led, const Value& value);
  void keep_failure(flight& led, const error& failed);
  typename flight::landed settle(flight& led, typename flight::landed answer);
  void give_up(flight& led, std::uint64_t ticket);
  template <class Loader>
  void refresh_later(std::uint64_t hash, const Key& key, const reading& seen, const Loader& load);
  template <class Start>
  static void begin(flight& led, Start& start, typename lifeline<cache>::line line,
                    std::uint64_t ticket);

  // Under the lock. What returns nothing, or false, wants to be called again when `gone` has been
  // emptied.
  [[nodiscard]] std::optional<outcome> try_store(incoming& value, expected wanted,
                                                 const reading* same, removals& gone);
  [[nodiscard]] bool put_new(incoming& value, removals& gone);
  [[nodiscard]] bool put_over(std::uint32_t number, incoming& value, const reading* same,
                              removals& gone);
  [[nodiscard]] bool make_room(std::size_t added_weight, removals& gone);
  void evict(removals& gone);
  template <class Condition = decltype(always)>
  bool take_out(std::uint32_t number, removal_cause cause, removals& gone,
                Condition condition = always);
  bool take_out_stale(std::uint32_t number, removals& gone);
  void take_expired(removals& gone);
  void take_collected();
  [[nodiscard]] std::optional<removal_cause> stale_cause(std::uint32_t number) const;
  void count_removal(removal_cause cause) noexcept;
  void enter(std::uint32_t number, detail::arrival how = detail::arrival::missed);
  void leave(std::uint32_t number);
  void reweigh(std::uint32_t number, std::size_t weight);
  void list(std::uint32_t number, std::uint64_t hash);
  void strike(std::uint32_t number, std::uint64_t hash) noexcept;
  void abolish(std::uint32_t number) noexcept;
  void schedule(std::uint32_t number, ticks expires) noexcept;
  void free_outgrown();
  [[nodiscard]] std::uint64_t hash_of_record(std::uint32_t number) const;
  [[nodiscard]] std::size_t weight_of(std::uint32_t number) const {
    return weighs_ ? static_cast<std::size_t>(records_.weight(number)) : 1;
  }

  [[nodiscard]] static detail::columns columns_for(const options_type& settings);
  [[nodiscard]] static std::size_t records_for(const options_type& settings);

  // Read by every call, written by none.
  const options_type settings_;
  const bool weighs_;
  const bool expires_;
  const bool has_hooks_;
  const bool overwrites_;  // whether a value may be replaced without anybody being told or asked
  const bool varies_;      // whether a read may change the time
  const bool keeps_deadline_;
  const bool refreshes_;
  const bool has_alarm_;
  const ticks refresh_ticks_;
  const detail::mixer mix_;
  [[no_unique_address]] const Hash hash_{};
  [[no_unique_address]] const Equal equal_{};
  const steady_time began_;

  records records_;
  detail::index_table<> index_;
  detail::striped_counters<counters> counters_;
  detail::hit_sample sampled_;
  mutable invalidations invalidations_{detail::process_epochs.value};

  // Keeps what writers write away from what readers read, without making the cache an object of an
  // unusual alignment.
  [[maybe_unused]] std::array<std::byte, detail::interference_bytes> distance_;

  // Only under the lock. It is held for the time of one change, and nothing of the caller's runs
  // under it but Equal.
  mutable std::mutex mutex_;
  std::atomic<std::size_t> bound_;
  std::atomic<std::size_t> weight_{0};  // never above bound_
  detail::policy<policy_view> policy_;
  wheel wheel_{records_};
  // When the timer will call, and the earliest time that the wheel was told since that was set.
  std::atomic<ticks> alarm_{detail::ticks_never};
  std::atomic<ticks> earliest_{detail::ticks_never};
  std::atomic<std::size_t> entries_{0};
  std::size_t pinned_ = 0;
  detail::sample_buffers samples_;
  std::uint64_t evictions_ = 0, expirations_ = 0, collections_ = 0, refusals_ = 0;
  struct outgrown {
    typename detail::index_table<>::outgrown lines;
    std::uint64_t period;
  };
  std::vector<outgrown> outgrown_;

  using box = typename contents::box_type;
  detail::flight_board<Key, Value, reading, Equal> board_;
  // Of the one who sweeps.
  std::atomic_flag sweeping_;
  std::uint32_t sweep_next_ = 0;
  generation_number sweep_until_ = 0;

  std::atomic<std::uint64_t> next_ticket_{detail::no_ticket + 1};
  /// The errors that answer for their loaders.
  std::unique_ptr<cache<Key, error, Hash, Equal>> failures_;
  lifeline<cache> life_{this};

  using destroyer = std::conditional_t<contents::boxed, contents, std_atomics>;
  mutable detail::limbo<box, std_atomics, destroyer> limbo_{detail::process_epochs.value};
};

}  // namespace lodestar::cache

#include <lodestar/cache/detail/parts-inl.hpp>

#include <lodestar/cache/detail/bulk-inl.hpp>
#include <lodestar/cache/detail/cache-inl.hpp>
#include <lodestar/cache/detail/entries-inl.hpp>
#include <lodestar/cache/detail/loading-inl.hpp>
#include <lodestar/cache/detail/options-inl.hpp>
#include <lodestar/cache/detail/reading-inl.hpp>
#include <lodestar/cache/detail/removing-inl.hpp>
#include <lodestar/cache/detail/sweeping-inl.hpp>
#include <lodestar/cache/detail/viewing-inl.hpp>
#include <lodestar/cache/detail/writing-inl.hpp>
