// Goal: what was invalidated is not found afterwards, and what is written afterwards is not lost,
// whoever overwrites values without the cache's lock meanwhile, in any order of operations that the
// memory model allows; without the order of the stores, or without the writers' second look at the
// generation, it would be.
#include <gtest/gtest.h>

#include <cstdint>
#include <optional>

#include <lodestar/cache/detail/epoch.hpp>
#include <lodestar/cache/detail/invalidations.hpp>
#include <lodestar/cache/detail/record.hpp>
#include <verify/interleave/expect.hpp>

#include "weakened_atomics.hpp"

namespace lodestar::cache::detail {
namespace {

using interleave::check;
using interleave::expect_found;
using interleave::expect_never;
using interleave::fault;

/// One key of one word, as the cache treats it (reading-inl.hpp, writing-inl.hpp). `Looks`: whether
/// a writer looks at the generation again when it has locked the record.
template <class Atomics, bool Looks = true>
struct invalidating {
  using tested = record<1, 1, Atomics>;
  static constexpr std::uint64_t old = 1, overwritten = 2, newer = 3;

  epoch_domain<Atomics> epochs;
  invalidations<int, Atomics> asked{epochs};
  tested place;

  invalidating() { place.bear({{7}, {old}}, 100, 0); }

  [[nodiscard]] std::optional<std::uint64_t> get() {
    const bool in_doubt = asked.active() != nullptr;
    typename tested::reading seen;
    if (!in_doubt) {
      check(place.read(seen, false), "nobody buries it");
      return seen.content.value[0];
    }
    const auto generation = asked.whole(place.generation());
    check(place.read(seen, false), "nobody buries it");
    const auto* const rules = asked.active();
    if (rules != nullptr && rules->concern_all(generation)) return std::nullopt;
    return seen.content.value[0];
  }

  /// The holder of the cache's lock.
  void invalidator() {
    asked.begin(nullptr);
    check(get() != old, "what was invalidated is not found");
  }
  void replacer() {
    asked.begin(nullptr);
    static_cast<void>(place.exchange_if({{7}, {newer}}, 100,
                                        static_cast<std::uint8_t>(asked.generation()),
                                        [](const auto&, ticks) { return true; }));
    check(get() == newer, "what was written afterwards is found");
  }
  /// Without the lock.
  void writer() {
    const auto generation = asked.generation();
    typename tested::reading seen;
    if (asked.active() != nullptr || !place.read(seen, false) || !place.try_lock(seen)) return;
    const bool of_now = asked.active() == nullptr && asked.generation() == generation;
    if (of_now || !Looks)
      place.set_value({{7}, {overwritten}}, static_cast<std::uint8_t>(generation));
    place.unlock(seen);
  }
  void reader() {
    if (asked.active() != nullptr) check(get() != old, "what was invalidated is not found");
  }
};

TEST(invalidation_interleaving, what_was_invalidated_is_not_found) {
  using right = invalidating<simulated>;
  expect_never<right>({&right::invalidator, &right::writer});
  expect_never<right>({&right::invalidator, &right::reader});
  expect_never<right>({&right::replacer, &right::reader});
  using wrong = invalidating<without<weakness::stores>>;
  expect_found<wrong>(fault::failed_check, {&wrong::replacer, &wrong::reader});
}
TEST(invalidation_interleaving, what_is_written_afterwards_is_not_lost) {
  using right = invalidating<simulated>;
  expect_never<right>({&right::replacer, &right::writer});
  using wrong = invalidating<simulated, false>;
  expect_found<wrong>(fault::failed_check, {&wrong::replacer, &wrong::writer});
}

}  // namespace
}  // namespace lodestar::cache::detail
