// Goal: whatever one caller does in whatever order, under whatever options, the cache answers as a
// reference of what it may hold says (cache_reference.hpp), keeps its bound and its invariants, and
// answers whoever asked for a load exactly once.
//
// The bytes of the input are the options, then the operations. Built with tiny limits
// (detail/limits.hpp), so that short inputs meet every boundary.
#include <algorithm>
#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <list>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <utility>

#include <lodestar/base/assert.hpp>
#include <lodestar/base/clock.hpp>
#include <lodestar/base/executor.hpp>
#include <lodestar/base/random.hpp>
#include <lodestar/cache/cache.hpp>

#include "cache_reference.hpp"
#include "value_forms.hpp"

namespace lodestar::cache {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

constexpr int operations_max = 300;
constexpr std::size_t pending_max = 4;
constexpr std::uint32_t weights = 8;
constexpr nanoseconds failures_kept = milliseconds(5);
// Longer, and the cache's own clock ends.
constexpr nanoseconds time_max = hours(24 * 365 * 8);

class byte_source {
 public:
  byte_source(const std::uint8_t* data, std::size_t size) : left_(data, size) {}
  [[nodiscard]] bool empty() const noexcept { return left_.empty(); }
  [[nodiscard]] std::uint32_t below(std::uint32_t bound) noexcept {
    if (left_.empty()) return 0;
    const std::uint32_t taken = left_.front();
    left_ = left_.subspan(1);
    return taken % bound;
  }
  template <class T, std::size_t Count>
  [[nodiscard]] T one_of(const std::array<T, Count>& choices) noexcept {
    return choices[below(Count)];
  }
  [[nodiscard]] bool coin() noexcept { return below(2) == 1; }

 private:
  std::span<const std::uint8_t> left_;
};

constexpr std::array<nanoseconds, 8> durations{never,           nanoseconds(1),   microseconds(1),
                                               milliseconds(1), milliseconds(17), seconds(2),
                                               hours(3),        hours(24 * 300)};

template <class Form>
class session {
  using value = typename Form::value;
  using tested = cache<int, value>;
  using completing = completion<tested>;
  using settings_type = typename tested::options_type;

 public:
  explicit session(byte_source& from)
      : bytes_(from), settings_(choose()), cache_(std::in_place, settings_) {}

  void run() {
    for (int done = 0; done < operations_max && !bytes_.empty(); ++done) {
      act();
      check_bounds();
    }
    check_everything();
    cache_->validate();
    end();
  }

 private:
  // --- options

  settings_type choose() {
    settings_type chosen{.time = &time_, .random = &random_};
    weighs_ = bytes_.coin();
    bound_ = bytes_.below(21);
    if (weighs_) {
      chosen.weight_max = bound_;
      chosen.weigher = [](int, const value& weighed) { return weight_of(Form::read(weighed)); };
    } else {
      chosen.entries_max = bound_;
    }
    choose_times(chosen);
    listens_ = bytes_.coin();
    if (listens_)
      chosen.listener = [this](int key, const value& was, removal_cause why) {
        hear(key, was, why);
      };
    chosen.statistics = bytes_.coin();
    chosen.destroys_in_maintain = bytes_.coin();
    if (bytes_.coin()) {
      chosen.failure_time_to_live = failures_kept;
      chosen.failures_max = bytes_.below(4);
    }
    if (bytes_.coin()) {
      chosen.refresh_after = milliseconds(2);
      chosen.background = &background_;
    }
    return chosen;
  }
  void choose_times(settings_type& chosen) {
    const auto with_key = [this](int, const value&) { return say_time(true); };
    const auto with_left = [this](int key, const value&, nanoseconds left) {
      check_left(key, left);
      return say_time(false);
    };
    switch (bytes_.below(8)) {
      case 0:
      case 1: return;
      case 2: chosen.time_to_live = bytes_.one_of(durations); return;
      case 3: chosen.time_to_idle = bytes_.one_of(durations); return;
      case 4:
        chosen.time_to_live = bytes_.one_of(durations);
        chosen.time_to_idle = bytes_.one_of(durations);
        return;
      case 5: chosen.expires.after_create = with_key; break;
      case 6: chosen.expires.after_read = with_left; break;
      default: chosen.expires.after_create = with_key; chosen.expires.after_read = with_left;
    }
    if (bytes_.coin()) chosen.expires.after_update = with_left;
    chosen.time_to_live = bytes_.one_of(durations);
  }

  static std::size_t weight_of(std::int64_t number) {
    return static_cast<std::size_t>(number) % weights;
  }
  [[nodiscard]] std::size_t weight_here(std::int64_t number) const {
    return weighs_ ? weight_of(number) : 1;
  }
  [[nodiscard]] bool is_too_heavy(std::int64_t number) const {
    return weight_here(number) > bound_;
  }

  // --- what the cache asks and tells

  nanoseconds say_time(bool creates) {
    const auto time = bytes_.below(8) == 0 ? nanoseconds(-1) : bytes_.one_of(durations);
    said_ = {time, creates};
    return time;
  }
  void check_left(int key, nanoseconds left) const {
    const lifespan& lives = reference_.lives(index(key));
    const bool may_be_endless = lives.dead_from >= lifespan::endless / 4;
    if (left == never)
      return LODESTAR_ASSERT(may_be_endless, "an entry that expires has some time left");
    LODESTAR_ASSERT(
        left.count() <= lives.dead_from - std::min(now(), lives.dead_from) + lifespan::rounding_ns,
        "what is left is no more than was given");
  }
  void hear(int key, const value& was, removal_cause why) {
    ++heard_;
    const std::int64_t number = Form::read(was);
    LODESTAR_ASSERT(number != torn, "a value is whole to the end");
    // What is just being stored may expire at once: the reference does not know it yet.
    if (!reference_.knows(index(key), number)) return;
    if (why == removal_cause::expired)
      LODESTAR_ASSERT(now() >= reference_.lives(index(key)).alive_until, "nothing expires early");
    if (why == removal_cause::size)
      LODESTAR_ASSERT(weight_here(number) != 0, "what is pinned is not evicted");
    if (why == removal_cause::size || why == removal_cause::expired) reference_.left(index(key));
  }

  // --- what the reference is told

  [[nodiscard]] static std::size_t index(int key) { return static_cast<std::size_t>(key); }
  [[nodiscard]] std::int64_t now() const { return time_.now().time_since_epoch().count(); }
  [[nodiscard]] bool may_hold(int key) const { return reference_.may_hold(index(key), now()); }

  void see(int key, const value* found) {
    if (found == nullptr) return see_absent(key);
    reference_.saw(index(key), Form::read(*found), now());
    last_seen_[index(key)] = Form::read(*found);
  }
  void see_absent(int key) {
    const bool pinned = weighs_ && weight_of(last_written_[index(key)]) == 0;
    reference_.saw_absent(index(key), now(), pinned);
    if (!listens_) check_losses();
  }
  void see_presence(int key, bool present) {
    if (present) return reference_.saw_present(index(key), now());
    see_absent(key);
  }
  /// A use that counts: it may have changed the time.
  void used(int key, bool certainly = true) {
    const auto said = std::exchange(said_, std::nullopt);
    if (said) return reference_.set_lives(index(key), lifespan::lasting(now(), said->time));
    if (settings_.time_to_idle == never) return;
    lifespan lives = reference_.lives(index(key));
    const nanoseconds tolerance = std::min<nanoseconds>(settings_.time_to_idle / 64, seconds(1));
    const auto moved = lifespan::lasting(now(), settings_.time_to_idle);
    const lifespan& deadline = deadline_[index(key)];
    if (certainly) {
      lives.alive_until =
          std::max(lives.alive_until,
                   std::min(deadline.alive_until, moved.alive_until - tolerance.count() - 1'000));
    }
    lives.dead_from = std::max(lives.dead_from, std::min(deadline.dead_from, moved.dead_from));
    reference_.set_lives(index(key), lives);
  }
  void wrote(int key, std::int64_t number, bool replaced) {
    last_written_[index(key)] = number;
    reference_.wrote(index(key), number, lives_of_write(key, replaced));
  }
  lifespan lives_of_write(int key, bool replaced) {
    // The last may have been asked for an entry that was evicted to make room for its successor.
    const auto said = std::exchange(said_, std::nullopt);
    if (said && said->creates != replaced) return lifespan::lasting(now(), said->time);
    const bool hooked = settings_.expires.after_create || settings_.expires.after_update ||
                        settings_.expires.after_read;
    if (hooked && replaced) return reference_.lives(index(key));
    deadline_[index(key)] = lifespan::lasting(now(), settings_.time_to_live);
    return earlier(deadline_[index(key)], lifespan::lasting(now(), settings_.time_to_idle));
  }
  void conclude(int key, std::int64_t number, outcome did) {
    switch (did) {
      case outcome::inserted: see_absent(key); return wrote(key, number, false);
      case outcome::replaced: see_presence(key, true); return wrote(key, number, true);
      case outcome::removed: see_presence(key, true); return reference_.removed(index(key));
      case outcome::present:
      case outcome::different: return see_presence(key, true);
      case outcome::absent: return see_absent(key);
      case outcome::too_heavy:
        LODESTAR_ASSERT(is_too_heavy(number), "only what is too heavy is refused");
        return reference_.removed(index(key));
    }
  }
  void stored(int key, std::int64_t number, outcome did) {
    LODESTAR_ASSERT((did != outcome::inserted && did != outcome::replaced) || !is_too_heavy(number),
                    "what is too heavy is refused");
    conclude(key, number, did);
    said_.reset();
  }

  // --- operations

  void act() {
    switch (bytes_.below(24)) {
      case 0: return look_away();
      case 1: return clear();
      case 2: return remove_some();
      case 3: return resize();
      case 4: return check_everything();
      case 5: return cache_->validate();
      case 6:
      case 7: return advance();
      case 8: return compute();
      case 9: return merge();
      case 10: return replace_if_equal();
      case 11: return remove_if_equal();
      case 12:
      case 13: return get_or_load();
      case 14:
      case 15: return load_async();
      case 16: return complete_one();
      case 17: return run_background();
      default: return act_simply(false);
    }
  }
  void act_simply(bool nested) {
    const int key = pick_key();
    switch (bytes_.below(nested ? 4 : 8)) {
      case 0: return insert(key);
      case 1: return remove(key);
      case 2: return get(key);
      case 3: return insert(pick_key());
      case 4: return peek(key);
      case 5: return with(key);
      case 6: {
        const std::int64_t number = fresh();
        return stored(key, number, cache_->insert_if_absent(key, Form::make(number)));
      }
      default: {
        const std::int64_t number = fresh();
        return stored(key, number, cache_->replace(key, Form::make(number)));
      }
    }
  }
  int pick_key() { return static_cast<int>(bytes_.below(cache_reference::keys)); }
  std::int64_t fresh() {
    return static_cast<std::int64_t>(++made_ * weights + bytes_.below(weights));
  }

  void insert(int key) {
    const std::int64_t number = fresh();
    stored(key, number, cache_->insert(key, Form::make(number)));
  }
  void remove(int key) {
    const bool was_there = cache_->remove(key);
    see_presence(key, was_there);
    reference_.removed(index(key));
  }
  void get(int key) {
    const auto found = cache_->get(key);
    see(key, found ? &*found : nullptr);
    if (found) used(key);
    said_.reset();
  }
  void peek(int key) {
    const auto found = cache_->peek(key);
    see(key, found ? &*found : nullptr);
    LODESTAR_ASSERT(cache_->contains(key) == found.has_value(), "who looks twice sees the same");
  }
  void with(int key) {
    bool called = false;
    const bool found = cache_->with(key, [&](const value& held) {
      see(key, &held);
      called = true;
    });
    LODESTAR_ASSERT(found == called, "the function is called for what is there");
    if (!found) return see_absent(key);
    used(key);
  }
  void compute() {
    const int key = pick_key();
    const std::int64_t number = fresh();
    const bool stores = bytes_.below(3) != 0;
    const outcome did = cache_->compute(key, [&](const value* present) {
      see(key, present);
      return stores ? std::optional(Form::make(number)) : std::nullopt;
    });
    LODESTAR_ASSERT(stores || did == outcome::removed || did == outcome::absent,
                    "it stores nothing");
    stored(key, number, did);
  }
  void merge() {
    const int key = pick_key();
    const std::int64_t first = fresh(), combined = fresh();
    bool combines = false;
    const outcome did =
        cache_->merge(key, Form::make(first), [&](const value& present, const value& added) {
          see(key, &present);
          LODESTAR_ASSERT(Form::read(added) == first, "what is combined is what was given");
          combines = true;
          return Form::make(combined);
        });
    // It may have been evicted to make room for what it would have become: then `first` was stored,
    // or refused.
    const bool of_first =
        did == outcome::inserted || (did == outcome::too_heavy && is_too_heavy(first));
    stored(key, combines && !of_first ? combined : first, did);
  }
  void replace_if_equal() {
    const int key = pick_key();
    const std::int64_t expected = last_seen_[index(key)], number = fresh();
    const outcome did = cache_->replace_if_equal(key, Form::make(expected), Form::make(number));
    if (did == outcome::replaced) reference_.saw(index(key), expected, now());
    stored(key, number, did);
  }
  void remove_if_equal() {
    const int key = pick_key();
    const std::int64_t expected = last_seen_[index(key)];
    if (!cache_->remove_if_equal(key, Form::make(expected))) return;
    reference_.saw(index(key), expected, now());
    reference_.removed(index(key));
  }
  void clear() {
    cache_->clear();
    for (int key = 0; key < key_count; ++key) reference_.removed(index(key));
    LODESTAR_ASSERT(cache_->size() == 0, "nothing is left");
  }
  void remove_some() {
    const int digit = static_cast<int>(1U << bytes_.below(4));
    std::bitset<cache_reference::keys> gone;
    const std::size_t count = cache_->remove_if([&](int key, const value& held) {
      see(key, &held);
      if ((key & digit) != 0) gone.set(index(key));
      return (key & digit) != 0;
    });
    LODESTAR_ASSERT(count == gone.count(), "the condition is asked once for each entry");
    for (int key = 0; key < key_count; ++key) {
      // The condition may have held for any that was being loaded, but not for an error.
      if (failed_[index(key)].version == reference_.version(index(key)))
        ++failed_[index(key)].version;
      reference_.overtook(index(key));
      if (gone.test(index(key))) reference_.removed(index(key));
    }
  }
  void resize() {
    bound_ = bytes_.below(21);
    cache_->resize(bound_);
  }
  /// Things that change nothing for the caller.
  void look_away() {
    if (bytes_.coin()) {
      cache_->maintain();
      LODESTAR_ASSERT(cache_->size() <= reference_.alive_at_most(now()), "what has expired goes");
    }
    static_cast<void>(cache_->memory_used());
    static_cast<void>(cache_->stats());
  }
  void advance() {
    const nanoseconds by = std::max(
        nanoseconds::zero(), bytes_.below(8) == 0 ? hours(24 * 80) : bytes_.one_of(durations));
    if (by == never || nanoseconds(now()) + by > time_max) return;
    time_.advance(by);
  }

  // --- loads

  static constexpr int key_count = static_cast<int>(cache_reference::keys);

  enum class bringing : std::uint8_t { value, error, exception };
  /// A load that has ended, for a version of its key.
  struct landing {
    int key;
    std::uint64_t version;
    bringing what;
    std::int64_t number;
    bool certain;  // nothing but a write can have kept it from being stored
  };
  struct pending {
    landing ends;
    completing complete;
  };
  struct kept_failure {
    std::uint64_t version;
    std::int64_t until_ns;
  };

  landing begin_load(int key, std::uint64_t version, bool certain) {
    constexpr std::array choices{bringing::value, bringing::value, bringing::value, bringing::error,
                                 bringing::exception};
    return {key, version, bytes_.one_of(choices), fresh(), certain};
  }
  result<value> bring(const landing& ends) {
    if (ends.what == bringing::error) return fail(error_code::unavailable, "as told");
    if (ends.what == bringing::exception) throw std::runtime_error("as told");
    return Form::make(ends.number);
  }
  void landed(const landing& ended) {
    if (reference_.version(index(ended.key)) != ended.version) return said_.reset();
    if (ended.what == bringing::error)
      failed_[index(ended.key)] = {ended.version,
                                   now() + failures_kept.count() + lifespan::rounding_ns};
    if (ended.what != bringing::value) return said_.reset();
    if (ended.certain && is_too_heavy(ended.number)) return reference_.removed(index(ended.key));
    if (ended.certain) return wrote(ended.key, ended.number, false);
    last_written_[index(ended.key)] = 1;  // pinned or not
    lifespan& deadline = deadline_[index(ended.key)];
    const lifespan before = deadline;
    const bool held = may_hold(ended.key);
    const lifespan lives = lives_of_write(ended.key, said_ && !said_->creates);
    if (held) deadline = either(before, deadline);
    reference_.may_have_written(index(ended.key), ended.number, lives);
  }

  void get_or_load() {
    const int key = pick_key();
    // Who waits for what this thread has yet to do would wait for ever.
    const auto loads_key = [key](const pending& each) { return each.ends.key == key; };
    if (background_.pending() != 0 || std::ranges::any_of(pending_, loads_key)) return;
    std::optional<landing> ended;
    blocking_ = &ended;
    const std::uint64_t version = reference_.version(index(key));
    const auto load = [this, key, version](int asked) -> result<value> {
      LODESTAR_ASSERT(asked == key, "a loader is told its key");
      return blocking_ != nullptr ? load_here(key) : refresh(key, version);
    };
    try {
      const auto answer = cache_->get_or_load(key, load);
      if (!ended) {
        answered_at_once(key, answer);
      } else if (answer) {
        LODESTAR_ASSERT(Form::read(*answer) == ended->number, "who loads gets what he loaded");
      }
    } catch (const std::runtime_error&) {
      LODESTAR_ASSERT(ended && ended->what == bringing::exception, "only a loader throws");
    }
    blocking_ = nullptr;
    if (ended) landed(*ended);
  }
  result<value> load_here(int key) {
    see_absent(key);
    landing& ended = blocking_->emplace(begin_load(key, reference_.version(index(key)), true));
    if (bytes_.below(4) == 1) act_simply(true);
    return bring(ended);
  }
  result<value> refresh(int key, std::uint64_t version) {
    refreshed_ = begin_load(key, version, false);
    return bring(*refreshed_);
  }
  void run_background() {
    while (background_.run_one()) {
      if (const auto ended = std::exchange(refreshed_, std::nullopt)) landed(*ended);
    }
  }
  void answered_at_once(int key, const result<value>& answer) {
    if (answer) {
      see(key, &*answer);
      return used(key);
    }
    const kept_failure& kept = failed_[index(key)];
    LODESTAR_ASSERT(settings_.failure_time_to_live > nanoseconds::zero(),
                    "errors are kept when asked");
    LODESTAR_ASSERT(kept.version == reference_.version(index(key)), "a write ends an error");
    LODESTAR_ASSERT(now() < kept.until_ns, "an error is kept for its time");
  }

  void load_async() {
    const int key = pick_key();
    begun_ = false;
    ++asked_;
    const int call = calling_ = ++calls_;
    auto ticket = cache_->load_async(
        key, [this](int asked, completing complete) { start(asked, std::move(complete)); },
        [this, key, call](const loaded<value>& brought) {
          ++answered_;
          if (call != calling_ || begun_) return;
          answered_at_once(key, brought.get());
        });
    calling_ = 0;
    if (bytes_.below(4) == 1 && ticket.cancel()) --asked_;
  }
  void start(int key, completing complete) {
    begun_ = true;
    if (ending_) return complete(Form::make(fresh()));
    // It may refresh an entry that is there, or follow somebody who gave up.
    const bool refreshes = settings_.refresh_after != never && may_hold(key);
    const bool certain = !refreshes && !handing_over_;
    if (certain) see_absent(key);
    if (refreshes) used(key, false);
    const landing ends = begin_load(key, reference_.version(index(key)), certain);
    switch (bytes_.below(4)) {
      case 1:
        if (pending_.size() == pending_max) return;
        return pending_.push_back({ends, std::move(complete)});
      case 2: return;
      case 3: throw std::runtime_error("as told");
      default: end_load(ends, std::move(complete));
    }
  }
  void end_load(const landing& ends, completing complete) {
    if (ends.what == bringing::exception) {
      complete(std::make_exception_ptr(std::runtime_error("as told")));
    } else {
      complete(bring(ends));
    }
    landed(ends);
  }
  void complete_one() {
    if (pending_.empty()) return;
    auto chosen =
        std::next(pending_.begin(), bytes_.below(static_cast<std::uint32_t>(pending_.size())));
    pending ended = std::move(*chosen);
    pending_.erase(chosen);
    if (bytes_.below(4) != 1) return end_load(ended.ends, std::move(ended.complete));
    give_up(std::move(ended.complete));
  }
  void give_up(completing complete) {
    handing_over_ = true;
    {
      const completing dropped = std::move(complete);
    }
    handing_over_ = false;
  }

  // --- what always holds

  void check_losses() {
    LODESTAR_ASSERT(reference_.losses() <= cache_->stats().evictions,
                    "what is missing was evicted");
  }
  void check_bounds() {
    said_.reset();
    LODESTAR_ASSERT(cache_->weight() <= bound_, "the bound holds");
    LODESTAR_ASSERT(weighs_ || cache_->size() <= bound_, "the bound holds");
    LODESTAR_ASSERT(!listens_ || reference_.losses() == 0, "every eviction is told");
    if (!listens_ || !settings_.statistics) return;
    LODESTAR_ASSERT(cache_->stats().insertions - heard_ == cache_->size(),
                    "what went in comes out once");
  }
  void check_everything() {
    std::bitset<cache_reference::keys> visited;
    cache_->for_each([&](int key, const value& held) {
      LODESTAR_ASSERT(!visited.test(index(key)), "a key is there once");
      visited.set(index(key));
      see(key, &held);
    });
    for (int key = 0; key < key_count; ++key) {
      peek(key);
      LODESTAR_ASSERT(cache_->contains(key) == visited.test(index(key)), "a visit misses nothing");
    }
  }
  /// The cache goes before the loads are answered, or after.
  void end() {
    ending_ = true;
    if (bytes_.coin()) cache_.reset();
    while (!pending_.empty()) {
      pending last = std::move(pending_.front());
      pending_.pop_front();
      give_up(std::move(last.complete));
    }
    background_.run_all();
    LODESTAR_ASSERT(answered_ == asked_, "who asks is answered once");
  }

  byte_source& bytes_;
  manual_clock time_;
  manual_executor background_;
  seeded_random random_{1};
  bool weighs_ = false, listens_ = false;
  std::size_t bound_ = 0;
  cache_reference reference_;
  std::array<std::int64_t, cache_reference::keys> last_seen_{}, last_written_{};
  std::array<lifespan, cache_reference::keys> deadline_{};
  std::array<kept_failure, cache_reference::keys> failed_{};
  struct stated_time {
    nanoseconds time;
    bool creates;
  };
  std::optional<stated_time> said_;  // by the functions of time, last
  std::optional<landing>* blocking_ = nullptr;
  std::optional<landing> refreshed_;
  std::uint64_t heard_ = 0, made_ = 0;
  int asked_ = 0, answered_ = 0;
  bool begun_ = false, handing_over_ = false, ending_ = false;
  int calls_ = 0, calling_ = 0;  // of load_async, and the one that has not returned
  std::list<pending> pending_;
  const settings_type settings_;
  std::optional<tested> cache_;
};

void fuzz(byte_source bytes) {
  switch (bytes.below(3)) {
    case 0: return session<in_one_word>(bytes).run();
    case 1: return session<in_three_words>(bytes).run();
    default: return session<in_a_box>(bytes).run();
  }
}

}  // namespace
}  // namespace lodestar::cache

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  lodestar::cache::fuzz({data, size});
  return 0;
}
