// Goal: the simulated memory is the C++20 memory model. For random small programs, what a search of
// all executions finds is compared with what the axioms of the standard allow, which are written
// down here in their own words and tried on every combination of "who reads from whom" and
// modification orders.
//
// The documented strengthenings are axioms too: program order and reads-from have no cycle; the
// order of seq_cst steps extends happens-before, where the standard asks for "strongly happens
// before" only; and it extends what execution makes of it: a fence comes before what follows it in
// program order and reads-from, an operation before what so follows another seq_cst step that it
// happens before. Without the last two the outcomes may only become more.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <type_traits>
#include <vector>

#include <lodestar/base/random.hpp>
#include <verify/interleave.hpp>

#include <verify/interleave/expect.hpp>

namespace lodestar::interleave {
namespace {

enum class action : std::uint8_t { initial, load, store, exchange, fence };

struct step {
  action what = action::initial;
  std::size_t thread = 0;
  std::size_t location = 0;
  std::memory_order order = relaxed;
  int value = 0;  // Stored; no two the same.

  [[nodiscard]] bool reads() const { return what == action::load || what == action::exchange; }
  [[nodiscard]] bool writes() const {
    return what == action::initial || what == action::store || what == action::exchange;
  }
};

constexpr std::size_t locations = 2;

/// First the initial values, then the steps of all threads, each thread's in its order.
using program = std::vector<step>;
/// What each load and exchange read, then the last values.
using outcome_values = std::vector<int>;
using outcomes = std::set<outcome_values>;

// --- by the axioms

class relation {
 public:
  void add(std::size_t from, std::size_t to) { rows_[from] |= 1U << to; }
  [[nodiscard]] bool has(std::size_t from, std::size_t to) const {
    return (rows_[from] >> to & 1U) != 0;
  }
  void merge(const relation& other) {
    for (std::size_t row = 0; row < rows_.size(); ++row) rows_[row] |= other.rows_[row];
  }
  void close() {
    for (std::size_t by = 0; by < rows_.size(); ++by) {
      for (auto& row : rows_) {
        if ((row >> by & 1U) != 0) row |= rows_[by];
      }
    }
  }
  [[nodiscard]] bool has_cycle() const {
    for (std::size_t each = 0; each < rows_.size(); ++each) {
      if (has(each, each)) return true;
    }
    return false;
  }
  /// By way of one step of the other.
  [[nodiscard]] relation then(const relation& other) const {
    relation both;
    for (std::size_t from = 0; from < rows_.size(); ++from) {
      for (std::size_t by = 0; by < rows_.size(); ++by) {
        if (has(from, by)) both.rows_[from] |= other.rows_[by];
      }
    }
    return both;
  }

 private:
  std::array<std::uint32_t, 16> rows_{};
};

enum class sequential_order : std::uint8_t { as_simulated, as_in_the_standard };

class axioms {
 public:
  axioms(const program& steps, sequential_order sequential)
      : steps_(steps), sequential_(sequential), read_from_(steps.size(), 0) {}

  [[nodiscard]] outcomes all() {
    for (std::size_t location = 0; location < locations; ++location) {
      modifications_[location].clear();
      for (std::size_t each = 0; each < steps_.size(); ++each) {
        if (steps_[each].writes() && steps_[each].location == location) {
          modifications_[location].push_back(each);
        }
      }
    }
    choose_sources(0);
    return found_;
  }

 private:
  void choose_sources(std::size_t at) {
    if (at == steps_.size()) return choose_orders(0);
    if (!steps_[at].reads()) return choose_sources(at + 1);
    for (const auto write : modifications_[steps_[at].location]) {
      if (write == at) continue;
      read_from_[at] = write;
      choose_sources(at + 1);
    }
  }
  void choose_orders(std::size_t location) {
    if (location == locations) {
      if (is_consistent()) found_.insert(values());
      return;
    }
    auto& order = modifications_[location];
    const auto sorted = order;
    do {
      choose_orders(location + 1);
    } while (std::next_permutation(order.begin() + 1, order.end()));  // The initial one is first.
    order = sorted;
  }

  [[nodiscard]] bool is_consistent() {
    const auto reads_from = list_reads_from();
    auto thin_air = program_order();
    thin_air.merge(reads_from);
    thin_air.close();
    if (thin_air.has_cycle()) return false;
    auto happens_before = program_order();
    happens_before.merge(synchronizes_with());
    happens_before.close();
    const auto coherence = coherence_order(reads_from);
    return !happens_before.has_cycle() && !coherence.has_cycle() &&
           !happens_before.then(coherence).has_cycle() &&
           has_sequential_order(must_respect(happens_before, thin_air), happens_before, coherence);
  }

  [[nodiscard]] relation program_order() const {
    relation order;
    for (std::size_t from = 0; from < steps_.size(); ++from) {
      for (std::size_t to = from + 1; to < steps_.size(); ++to) {
        const bool initial = steps_[from].what == action::initial;
        const bool both_initial = steps_[to].what == action::initial;
        if (both_initial) continue;
        if (initial || steps_[from].thread == steps_[to].thread) order.add(from, to);
      }
    }
    return order;
  }
  [[nodiscard]] relation list_reads_from() const {
    relation reads;
    for (std::size_t each = 0; each < steps_.size(); ++each) {
      if (steps_[each].reads()) reads.add(read_from_[each], each);
    }
    return reads;
  }
  /// Modification order, reads-from and "reads before it is overwritten", and all that follows.
  [[nodiscard]] relation coherence_order(const relation& reads_from) const {
    auto order = reads_from;
    for (const auto& writes : modifications_) {
      for (std::size_t from = 0; from < writes.size(); ++from) {
        for (std::size_t to = from + 1; to < writes.size(); ++to) {
          order.add(writes[from], writes[to]);
          for (std::size_t each = 0; each < steps_.size(); ++each) {
            const bool is_overwritten = steps_[each].reads() && read_from_[each] == writes[from];
            if (is_overwritten && each != writes[to]) order.add(each, writes[to]);
          }
        }
      }
    }
    order.close();
    return order;
  }

  static bool is_acquire(std::memory_order order) {
    return order == acquire || order == acq_rel || order == seq_cst;
  }
  static bool is_release(std::memory_order order) {
    return order == release || order == acq_rel || order == seq_cst;
  }
  [[nodiscard]] bool is_sequential(std::size_t each) const {
    return steps_[each].what != action::initial && steps_[each].order == seq_cst;
  }
  [[nodiscard]] bool is_fence(std::size_t each) const { return steps_[each].what == action::fence; }

  [[nodiscard]] relation synchronizes_with() const {
    relation pairs;
    for (std::size_t reader = 0; reader < steps_.size(); ++reader) {
      if (!steps_[reader].reads()) continue;
      // The heads of the release sequences that the write is in.
      for (std::size_t head = read_from_[reader];; head = read_from_[head]) {
        for (const auto from : release_sides(head)) {
          for (const auto to : acquire_sides(reader)) pairs.add(from, to);
        }
        if (steps_[head].what != action::exchange) break;
      }
    }
    return pairs;
  }
  /// The write itself, and the fences before it.
  [[nodiscard]] std::vector<std::size_t> release_sides(std::size_t write) const {
    std::vector<std::size_t> sides;
    if (steps_[write].what == action::initial) return sides;
    for (std::size_t each = 0; each <= write; ++each) {
      const bool fits = is_fence(each) && steps_[each].thread == steps_[write].thread;
      if ((fits || each == write) && is_release(steps_[each].order)) sides.push_back(each);
    }
    return sides;
  }
  /// The read itself, and the fences behind it.
  [[nodiscard]] std::vector<std::size_t> acquire_sides(std::size_t read) const {
    std::vector<std::size_t> sides;
    for (std::size_t each = read; each < steps_.size(); ++each) {
      const bool fits = is_fence(each) && steps_[each].thread == steps_[read].thread;
      if ((fits || each == read) && is_acquire(steps_[each].order)) sides.push_back(each);
    }
    return sides;
  }

  /// [atomics.order] 3 and 4: a total order of the seq_cst steps exists when what it must respect
  /// has no cycle.
  [[nodiscard]] bool has_sequential_order(relation order, const relation& happens_before,
                                          const relation& coherence) const {
    for (std::size_t from = 0; from < steps_.size(); ++from) {
      for (std::size_t to = 0; to < steps_.size(); ++to) {
        if (!coherence.has(from, to)) continue;
        for (const auto first : stands_for(from, happens_before, true)) {
          for (const auto last : stands_for(to, happens_before, false)) order.add(first, last);
        }
      }
    }
    order.close();
    return !order.has_cycle();
  }
  /// The step itself when it is seq_cst; the seq_cst fences that happen before it, or after it.
  [[nodiscard]] std::vector<std::size_t> stands_for(std::size_t step_index,
                                                    const relation& happens_before,
                                                    bool before) const {
    std::vector<std::size_t> found;
    if (is_sequential(step_index)) found.push_back(step_index);
    for (std::size_t each = 0; each < steps_.size(); ++each) {
      if (!is_fence(each) || !is_sequential(each)) continue;
      if (before ? happens_before.has(each, step_index) : happens_before.has(step_index, each)) {
        found.push_back(each);
      }
    }
    return found;
  }
  [[nodiscard]] relation must_respect(const relation& happens_before,
                                      const relation& execution) const {
    const bool simulated = sequential_ == sequential_order::as_simulated;
    auto ordered = simulated ? happens_before : strongly_happens_before(happens_before);
    if (simulated) ordered.merge(placed_by_now(happens_before).then(execution));
    relation among;
    for (std::size_t from = 0; from < steps_.size(); ++from) {
      for (std::size_t to = 0; to < steps_.size(); ++to) {
        const bool both = is_sequential(from) && is_sequential(to);
        if (both && ordered.has(from, to)) among.add(from, to);
      }
    }
    return among;
  }
  /// From each seq_cst step to those whose execution gives it its place in the order.
  [[nodiscard]] relation placed_by_now(const relation& happens_before) const {
    relation placed;
    for (std::size_t from = 0; from < steps_.size(); ++from) {
      for (std::size_t by = 0; by < steps_.size(); ++by) {
        const bool both = is_sequential(from) && is_sequential(by);
        const bool at_once = from == by && is_fence(from);
        if (both && (at_once || happens_before.has(from, by))) placed.add(from, by);
      }
    }
    return placed;
  }
  [[nodiscard]] relation strongly_happens_before(const relation& happens_before) const {
    const auto sequenced = program_order();
    auto strongly = sequenced;
    strongly.merge(sequenced.then(happens_before).then(sequenced));
    const auto synchronizes = synchronizes_with();
    for (std::size_t from = 0; from < steps_.size(); ++from) {
      for (std::size_t to = 0; to < steps_.size(); ++to) {
        const bool operations = !is_fence(from) && !is_fence(to);
        if (operations && is_sequential(from) && is_sequential(to) && synchronizes.has(from, to)) {
          strongly.add(from, to);
        }
      }
    }
    strongly.close();
    return strongly;
  }

  [[nodiscard]] outcome_values values() const {
    outcome_values all;
    for (std::size_t each = 0; each < steps_.size(); ++each) {
      if (steps_[each].reads()) all.push_back(steps_[read_from_[each]].value);
    }
    for (const auto& writes : modifications_) all.push_back(steps_[writes.back()].value);
    return all;
  }

  const program& steps_;
  sequential_order sequential_;
  std::vector<std::size_t> read_from_;
  std::array<std::vector<std::size_t>, locations> modifications_;
  outcomes found_;
};

// --- by execution

struct executing {
  static inline const program* steps = nullptr;
  static inline outcomes found;

  std::array<atomic<int>, locations> memory;
  std::vector<int> read = std::vector<int>(steps->size(), 0);

  void run(std::size_t thread) {
    for (std::size_t at = locations; at < steps->size(); ++at) {
      if ((*steps)[at].thread == thread) run_step(at);
    }
  }
  void run_step(std::size_t at) {
    const auto& step = (*steps)[at];
    auto& where = memory[step.location];
    switch (step.what) {
      case action::initial: break;
      case action::load: read[at] = where.load(step.order); break;
      case action::store: where.store(step.value, step.order); break;
      case action::exchange: read[at] = where.exchange(step.value, step.order); break;
      case action::fence: atomics::thread_fence(step.order); break;
    }
  }
  void finally() {
    outcome_values all;
    for (std::size_t at = 0; at < steps->size(); ++at) {
      if ((*steps)[at].reads()) all.push_back(read[at]);
    }
    for (auto& each : memory) all.push_back(each.load());
    found.insert(all);
  }
};

outcomes execute(const program& steps) {
  constexpr int without_bound = 100;
  executing::steps = &steps;
  executing::found.clear();
  const auto done = explore<executing>(
      context_bound{.preemptions_max = without_bound, .stale_reads_max = without_bound},
      {[](executing& each) { each.run(0); }, [](executing& each) { each.run(1); },
       [](executing& each) { each.run(2); }});
  EXPECT_FALSE(done.found) << done.report();
  EXPECT_TRUE(done.exhausted);
  return executing::found;
}

// --- programs

class program_maker {
 public:
  explicit program_maker(std::uint64_t seed) : random_(seed) {}

  /// Anything.
  [[nodiscard]] program anything(std::size_t steps_max) {
    begin();
    const auto used = pick(2UZ, 3UZ);
    for (auto left = 3 + random_.next() % (steps_max - 2); left > 0; --left) {
      const auto thread = random_.next() % used;
      pick(0, 0, 0, 0, 0, 1) == 0 ? access(thread, random_.next() % locations) : fence(thread);
    }
    return steps_;
  }
  /// Each thread begins where another one ends, perhaps with a fence between: the shape of the
  /// known litmus tests, where memory models differ.
  [[nodiscard]] program cycle(std::size_t threads) {
    begin();
    if (threads == 3) access(2, 0);
    for (const std::size_t thread : {0UZ, 1UZ}) {
      access(thread, thread);
      if (pick(0, 1) == 1) fence(thread);
      access(thread, 1 - thread);
    }
    return steps_;
  }

 private:
  template <class... From>
  [[nodiscard]] std::common_type_t<From...> pick(From... from) {
    const std::array all{from...};
    return all[random_.next() % all.size()];
  }
  void begin() {
    steps_.assign(locations, {.what = action::initial});
    for (std::size_t location = 0; location < locations; ++location) {
      steps_[location].location = location;
    }
    strength_ = random_.next() % 4;
  }
  void access(std::size_t thread, std::size_t location) {
    step next{.what = pick(action::load, action::load, action::load, action::store, action::store,
                           action::store, action::exchange),
              .thread = thread,
              .location = location,
              .value = static_cast<int>(steps_.size())};
    switch (next.what) {
      case action::load: next.order = by_strength(relaxed, acquire); break;
      case action::store: next.order = by_strength(relaxed, release); break;
      default: next.order = by_strength(pick(relaxed, acquire, release), acq_rel); break;
    }
    steps_.push_back(next);
  }
  void fence(std::size_t thread) {
    steps_.push_back({.what = action::fence,
                      .thread = thread,
                      .order = pick(acquire, release, acq_rel, seq_cst, seq_cst)});
  }
  /// A program is mostly of one kind, because one weak step undoes what strong ones promise.
  [[nodiscard]] std::memory_order by_strength(std::memory_order weak, std::memory_order strong) {
    const auto strength = random_.next() % 6 == 0 ? random_.next() % 4 : strength_;
    return strength == 0   ? weak
           : strength == 1 ? strong
           : strength == 2 ? seq_cst
                           : pick(weak, strong, seq_cst);
  }
  seeded_random random_;
  program steps_;
  std::uint64_t strength_ = 0;
};

std::string describe(const program& steps) {
  constexpr std::array orders{"relaxed", "consume", "acquire", "release", "acq_rel", "seq_cst"};
  constexpr std::array actions{"initial", "load", "store", "exchange", "fence"};
  std::string text;
  for (const auto& each : steps) {
    text += "thread " + std::to_string(each.thread) + ": " +
            actions[static_cast<std::size_t>(each.what)] + " " +
            orders[static_cast<std::size_t>(each.order)] + " location " +
            std::to_string(each.location) + " value " + std::to_string(each.value) + "\n";
  }
  return text;
}

std::string describe(const outcomes& all) {
  std::string text;
  for (const auto& each : all) {
    for (const auto value : each) text += std::to_string(value) + " ";
    text += "\n";
  }
  return text;
}

void compare(const program& steps) {
  const auto executed = execute(steps);
  const auto allowed = axioms(steps, sequential_order::as_simulated).all();
  ASSERT_EQ(executed, allowed) << describe(steps) << "executed\n"
                               << describe(executed) << "allowed\n"
                               << describe(allowed);
  const auto by_standard = axioms(steps, sequential_order::as_in_the_standard).all();
  ASSERT_TRUE(std::ranges::includes(by_standard, executed)) << describe(steps);
}

class memory_model_test : public testing::TestWithParam<int> {
 protected:
  void compare_all(int programs, const std::function<program(program_maker&)>& next) {
    program_maker make(static_cast<std::uint64_t>(GetParam()));
    for (int times = 0; times < programs && !HasFatalFailure(); ++times) compare(next(make));
  }
};
TEST_P(memory_model_test, programs_of_any_shape) {
  compare_all(8, [](program_maker& make) { return make.anything(5); });
}
TEST_P(memory_model_test, cycles_of_two_threads) {
  compare_all(6, [](program_maker& make) { return make.cycle(2); });
}
TEST_P(memory_model_test, cycles_of_three_threads) {
  compare_all(1, [](program_maker& make) { return make.cycle(3); });
}
// Seeds whose programs take a moment, also under the sanitizers; others are as good.
INSTANTIATE_TEST_SUITE_P(seeds, memory_model_test, testing::Values(1, 2, 4, 6, 7, 8, 10));

}  // namespace
}  // namespace lodestar::interleave
