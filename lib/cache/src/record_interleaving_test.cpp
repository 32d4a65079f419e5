// Goal: what is read of a record belongs together, whoever writes, buries and bears it meanwhile,
// in any order of operations that the memory model allows; with the orders of its loads or of its
// stores left out it would not.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <iterator>

#include <lodestar/cache/detail/record.hpp>
#include <verify/interleave/expect.hpp>

#include "weakened_atomics.hpp"

namespace lodestar::cache::detail {
namespace {

using interleave::check;
using interleave::expect_found;
using interleave::expect_never;
using interleave::fault;

/// Keys 1 and 2 take turns in one record; a value tells its key.
template <unsigned ValueWords, class Atomics>
struct sharing_a_record {
  using tested = record<1, ValueWords, Atomics>;
  using words = typename tested::words;
  tested place;

  sharing_a_record() { place.bear(made(1, 1), 100, 0); }

  static words made(std::uint64_t key, std::uint64_t version) {
    words all{};
    all.key[0] = key;
    std::fill(std::begin(all.value), std::end(all.value), key * 10 + version);
    return all;
  }
  static void check_whole(const words& seen) {
    for (const std::uint64_t each : seen.value) {
      check(each / 10 == seen.key[0], "a value is that of its key");
      check(each == seen.value[0], "a value is whole");
    }
  }
  static constexpr auto always = [](const words&, ticks) { return true; };

  void reader() {
    typename tested::reading seen;
    if (place.read(seen, false)) check_whole(seen.content);
  }
  void reader_of_times() {
    typename tested::reading seen;
    if (!place.read(seen, true)) return;
    check_whole(seen.content);
    if (ValueWords > 1) check(seen.expires == seen.content.value[0] % 10 * 100, "its own time");
  }
  /// The holder of the cache's lock.
  void successor() {
    check_whole(*place.bury_if(always));
    place.bear(made(2, 1), 100, 0);
  }
  void exchanger() {
    if (const auto old = place.exchange_if(made(1, 2), 200, 0, always)) check_whole(*old);
  }
  /// Without the cache's lock.
  void writer() {
    typename tested::reading seen;
    if (!place.read(seen, false) || !place.try_lock(seen)) return;
    check_whole(place.content());
    place.set_value(made(seen.content.key[0], 3), 0);
    place.set_expires(300);
    place.unlock(seen);
  }
  void finally() {
    check(place.alive(), "nobody buried it for good");
    check_whole(place.content());
  }
};

template <class Scenario>
void expect_whole() {
  expect_never<Scenario>({&Scenario::reader, &Scenario::successor});
  expect_never<Scenario>({&Scenario::reader_of_times, &Scenario::exchanger});
  expect_never<Scenario>({&Scenario::reader, &Scenario::writer});
  const interleave::context_bound narrow{.preemptions_max = 1, .stale_reads_max = 1};
  expect_never<Scenario>({&Scenario::reader, &Scenario::writer, &Scenario::successor}, narrow);
  expect_never<Scenario>({&Scenario::writer, &Scenario::writer, &Scenario::exchanger}, narrow);
}
TEST(record_interleaving, what_is_read_of_a_record_belongs_together) {
  expect_whole<sharing_a_record<1, simulated>>();
  expect_whole<sharing_a_record<2, simulated>>();
}
template <weakness Without>
void expect_mixed() {
  using one_word = sharing_a_record<1, without<Without>>;
  expect_found<one_word>(fault::failed_check, {&one_word::reader, &one_word::successor});
  using two_words = sharing_a_record<2, without<Without>>;
  expect_found<two_words>(fault::failed_check, {&two_words::reader, &two_words::successor});
}
TEST(record_interleaving, records_need_the_orders_of_their_loads_and_stores) {
  expect_mixed<weakness::loads>();
  expect_mixed<weakness::stores>();
}

/// A time whose upper half changes is written in steps.
template <class Atomics>
struct moving_a_time {
  static constexpr ticks before = (ticks{1} << 32U) + 70, after = (ticks{2} << 32U) + 5;
  record<1, 1, Atomics> place;

  moving_a_time() { place.bear({{1}, {1}}, before, 0); }
  void writer() {
    typename record<1, 1, Atomics>::reading seen;
    if (!place.read(seen, true) || !place.try_lock(seen)) return;
    place.set_expires(after);
    place.unlock(seen);
  }
  void reader() {
    const ticks seen = place.expires();
    check(seen <= before || (seen >= after - 5 && seen <= after), "no time that was never set");
  }
  void finally() { check(place.expires() == after, "the time is set"); }
};
TEST(record_interleaving, a_time_is_never_seen_later_than_it_was_set) {
  using right = moving_a_time<simulated>;
  expect_never<right>({&right::reader, &right::writer});
  using wrong = moving_a_time<without<weakness::stores>>;
  expect_found<wrong>(fault::failed_check, {&wrong::reader, &wrong::writer});
}

}  // namespace
}  // namespace lodestar::cache::detail
