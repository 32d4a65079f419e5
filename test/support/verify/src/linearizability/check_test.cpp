// Goal: the checker accepts every linearizable history and refuses every other, within its bound;
// and says why in words.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <barrier>
#include <functional>
#include <map>
#include <mutex>
#include <numeric>
#include <thread>

#include <lodestar/base/random.hpp>
#include <verify/interleave.hpp>
#include <verify/linearizability.hpp>

namespace lodestar::linearizability {
namespace {

using testing::HasSubstr;
using testing::Not;
using model = map_register;
using entry = operation<model>;

entry during(std::size_t thread, std::uint64_t called_at, std::uint64_t returned_at,
             const map_input& in, const map_output& out) {
  return {.thread = thread,
          .called_at = called_at,
          .returned_at = returned_at,
          .input = in,
          .output = out};
}

answer check_map(const history<model>& all) {
  return check<model>(all).what;
}

history<evictable_map_register> as_cache(const history<model>& all) {
  history<evictable_map_register> same;
  for (const auto& each : all) {
    same.push_back({.thread = each.thread,
                    .called_at = each.called_at,
                    .returned_at = each.returned_at,
                    .input = each.input,
                    .output = each.output});
  }
  return same;
}

// --- known histories

TEST(check_test, one_after_the_other) {
  const auto inserted = during(0, 1, 2, model::insert(1, 7), model::done(true));
  EXPECT_EQ(check_map({}), answer::linearizable);
  EXPECT_EQ(check_map({inserted, during(1, 3, 4, model::get(1), model::found(7))}),
            answer::linearizable);
  EXPECT_EQ(check_map({inserted, during(1, 3, 4, model::get(1), model::found(std::nullopt))}),
            answer::violated);
  EXPECT_EQ(check_map({inserted, during(1, 3, 4, model::get(2), model::found(std::nullopt))}),
            answer::linearizable)
      << "keys do not touch each other";
}

TEST(check_test, what_overlaps_may_be_in_any_order) {
  const auto inserting = during(0, 1, 10, model::insert(1, 7), model::done(true));
  const auto before = during(1, 2, 3, model::get(1), model::found(std::nullopt));
  const auto after = during(1, 4, 5, model::get(1), model::found(7));
  EXPECT_EQ(check_map({inserting, before, after}), answer::linearizable);
  const auto back_again = during(2, 6, 7, model::get(1), model::found(std::nullopt));
  EXPECT_EQ(check_map({inserting, before, after, back_again}), answer::violated)
      << "a value that was seen is not unseen";
}

TEST(check_test, only_one_of_two_conditional_operations_succeeds) {
  const auto won = during(0, 1, 4, model::insert_if_absent(1, 7), model::done(true));
  EXPECT_EQ(check_map({won, during(1, 2, 3, model::insert_if_absent(1, 8), model::done(false))}),
            answer::linearizable);
  EXPECT_EQ(check_map({won, during(1, 2, 3, model::insert_if_absent(1, 8), model::done(true))}),
            answer::violated);
}

TEST(check_test, a_lost_update) {
  const auto first = during(0, 1, 4, model::compute(1), model::computed(std::nullopt, 1));
  EXPECT_EQ(check_map({first, during(1, 2, 3, model::compute(1), model::computed(1, 2))}),
            answer::linearizable);
  EXPECT_EQ(check_map({first, during(1, 2, 3, model::compute(1), model::computed({}, 1))}),
            answer::violated);
}

TEST(check_test, a_cache_may_forget_but_not_bring_back) {
  const history<model> forgets{during(0, 1, 2, model::insert(1, 7), model::done(true)),
                               during(0, 3, 4, model::get(1), model::found(std::nullopt))};
  EXPECT_EQ(check_map(forgets), answer::violated);
  EXPECT_TRUE(check<evictable_map_register>(as_cache(forgets)).holds());
  auto brings_back = forgets;
  brings_back.push_back(during(0, 5, 6, model::get(1), model::found(7)));
  EXPECT_EQ(check<evictable_map_register>(as_cache(brings_back)).what, answer::violated);
}

/// A register whose writes may be lost; without a key.
struct lossy_register {
  using input = int;  // 0 reads.
  using output = int;
  using state = int;
  static state initial() { return 0; }
  static std::vector<state> step(state now, input in, output out) {
    if (in == 0) return now == out ? std::vector{now} : std::vector<state>{};
    return {now, in};
  }
  static std::size_t hash(state now) { return static_cast<std::size_t>(now); }
  static std::string describe(input in, output out) {
    return in == 0 ? "read " + std::to_string(out) : "write " + std::to_string(in);
  }
  static std::string describe(state now) { return "it is " + std::to_string(now); }
};

TEST(check_test, several_states_may_follow) {
  const auto told = [](std::initializer_list<std::pair<int, int>> steps) {
    history<lossy_register> all;
    std::uint64_t at = 0;
    for (const auto& [in, out] : steps) {
      all.push_back(
          {.thread = 0, .called_at = at, .returned_at = at + 1, .input = in, .output = out});
      at += 2;
    }
    return check<lossy_register>(all).what;
  };
  EXPECT_EQ(told({{1, 0}, {0, 1}, {2, 0}, {0, 1}, {3, 0}, {0, 3}}), answer::linearizable);
  EXPECT_EQ(told({{1, 0}, {2, 0}, {0, 1}}), answer::linearizable);
  EXPECT_EQ(told({{1, 0}, {2, 0}, {0, 2}, {0, 1}}), answer::violated);
}

// --- against all orders, one by one

/// The definition itself, for histories of a few operations.
template <class Model>
bool some_order_fits(const history<Model>& all) {
  std::vector<std::size_t> order(all.size());
  std::iota(order.begin(), order.end(), 0UZ);
  const auto fits = [&](const auto& again, std::size_t at, std::map<std::int64_t, map_state> now) {
    if (at == order.size()) return true;
    const auto& each = all[order[at]];
    for (std::size_t later = at + 1; later < order.size(); ++later) {
      if (all[order[later]].returned_at < each.called_at) return false;
    }
    bool found = false;
    detail::for_each_state(Model::step(now[each.input.key], each.input, each.output),
                           [&](const map_state& next) {
                             auto then = now;
                             then[each.input.key] = next;
                             found = found || again(again, at + 1, std::move(then));
                           });
    return found;
  };
  do {
    if (fits(fits, 0, {})) return true;
  } while (std::next_permutation(order.begin(), order.end()));
  return false;
}

map_input random_input(random_source& random, std::int64_t keys) {
  const auto below = [&](std::uint64_t count) {
    return static_cast<std::int64_t>(random.next() % count);
  };
  return {.what = static_cast<map_operation>(below(11)),
          .key = below(static_cast<std::uint64_t>(keys)),
          .value = 1 + below(3),
          .expected = 1 + below(3)};
}

/// What the map answers; it becomes what it is afterwards.
map_output answer_to(std::map<std::int64_t, std::int64_t>& map, const map_input& in) {
  const auto at = map.find(in.key);
  const bool present = at != map.end();
  const auto now = present ? std::optional(at->second) : std::nullopt;
  const auto change = [&](bool condition, std::optional<std::int64_t> next) {
    if (condition && next) map[in.key] = *next;
    if (condition && !next) map.erase(in.key);
    return model::done(condition);
  };
  switch (in.what) {
    case map_operation::get: return model::found(now);
    case map_operation::contains: return model::done(present);
    case map_operation::insert: return change(true, in.value);
    case map_operation::insert_if_absent: return change(!present, in.value);
    case map_operation::replace: return change(present, in.value);
    case map_operation::replace_if: return change(now == in.expected, in.value);
    case map_operation::remove: return change(present, std::nullopt);
    case map_operation::invalidate: return change(true, std::nullopt);
    case map_operation::remove_if: return change(now == in.expected, std::nullopt);
    case map_operation::compute: {
      const auto next = now.value_or(0) < 5 ? std::optional(now.value_or(0) + 1) : std::nullopt;
      change(true, next);
      return model::computed(now, next);
    }
    case map_operation::get_or_load:
      if (!present) map[in.key] = in.value;
      return model::loaded(!present, map[in.key]);
  }
  return {};
}

/// Each thread's operations one after the other; an operation takes effect anywhere between its
/// call and its return.
history<model> simulate(random_source& random, std::size_t threads, std::size_t operations,
                        std::int64_t keys) {
  enum class stage : std::uint8_t { idle, called, effective };
  struct running {
    stage at = stage::idle;
    std::size_t left = 0;
    entry now;
  };
  std::vector<running> all(threads, running{.at = stage::idle, .left = operations, .now = {}});
  std::map<std::int64_t, std::int64_t> map;
  history<model> done;
  std::uint64_t moment = 0;
  while (done.size() < threads * operations) {
    const auto thread = static_cast<std::size_t>(random.next() % threads);
    auto& each = all[thread];
    if (each.at == stage::idle && each.left > 0) {
      --each.left;
      each.now = during(thread, ++moment, 0, random_input(random, keys), {});
      each.at = stage::called;
    } else if (each.at == stage::called) {
      each.now.output = answer_to(map, each.now.input);
      each.at = stage::effective;
    } else if (each.at == stage::effective) {
      each.now.returned_at = ++moment;
      done.push_back(each.now);
      each.at = stage::idle;
    }
  }
  return done;
}

/// Another answer than the one that was given; often, but not always, an impossible one.
void falsify(random_source& random, history<model>& all) {
  auto& output = all[random.next() % all.size()].output;
  output.done = !output.done;
  if (output.value) output.value = *output.value % 3 + 1;
}

TEST(check_test, agrees_with_the_definition) {
  seeded_random random(1);
  std::size_t linearizable = 0, violated = 0, forgetful = 0;
  for (int times = 0; times < 600; ++times) {
    auto all = simulate(random, 3, 2, 2);
    if (times % 3 != 0) falsify(random, all);
    if (times % 3 == 2) falsify(random, all);
    const bool fits = some_order_fits(all);
    const auto found = check<model>(all);
    ASSERT_EQ(found.what, fits ? answer::linearizable : answer::violated) << found.explanation;
    ++(fits ? linearizable : violated);
    const auto cached = as_cache(all);
    const bool fits_a_cache = some_order_fits(cached);
    const auto found_in_cache = check<evictable_map_register>(cached);
    ASSERT_EQ(found_in_cache.what, fits_a_cache ? answer::linearizable : answer::violated);
    forgetful += fits_a_cache && !fits ? 1U : 0U;
  }
  // Each kind was there often enough to mean something.
  EXPECT_GT(linearizable, 200U);
  EXPECT_GT(violated, 100U);
  EXPECT_GT(forgetful, 20U);
}

// --- many

TEST(check_test, thousands_of_histories_with_much_overlap) {
  seeded_random random(2);
  for (int times = 0; times < 4'000; ++times) {
    const auto found = check<model>(simulate(random, 3, 8, 5));
    ASSERT_TRUE(found.holds()) << found.explanation;
  }
}

TEST(check_test, an_impossible_answer_among_many_is_found) {
  constexpr std::int64_t never_inserted = 777;
  seeded_random random(3);
  for (int times = 0; times < 1'000; ++times) {
    auto all = simulate(random, 3, 8, 5);
    const auto get = std::ranges::find_if(
        all, [](const entry& each) { return each.input.what == map_operation::get; });
    if (get == all.end()) continue;
    get->output = model::found(never_inserted);
    const auto found = check<model>(all);
    ASSERT_EQ(found.what, answer::violated);
    ASSERT_THAT(found.explanation, HasSubstr("= 777"));
  }
}

/// Histories of a real map, used by real threads; `Guard` is what protects it.
template <class Guard>
std::size_t count_violations(std::size_t rounds) {
  constexpr std::size_t threads = 3, operations = 8;
  std::map<std::int64_t, std::int64_t> map;
  Guard guard;
  recorder<model> record(threads, operations);
  std::size_t violations = 0;
  std::barrier everybody(threads, [&]() noexcept {
    const auto all = record.take();
    if (!all.empty() && !check<model>(all).holds()) ++violations;
    map.clear();
  });
  const auto work = [&](std::size_t me) {
    seeded_random random(me);
    for (std::size_t round = 0; round < rounds; ++round) {
      everybody.arrive_and_wait();
      for (std::size_t index = 0; index < operations; ++index) {
        const auto in = random_input(random, 5);
        record.run(me, in, [&] { return guard.use(map, in); });
      }
    }
    everybody.arrive_and_wait();
  };
  {
    std::jthread second(work, 1), third(work, 2);
    work(0);
  }
  return violations;
}

struct one_mutex {
  map_output use(std::map<std::int64_t, std::int64_t>& map, const map_input& in) {
    const std::lock_guard hold(mutex);
    return answer_to(map, in);
  }
  std::mutex mutex;
};
/// Answers from a copy that it puts back later: in between, others do the same.
struct copy_and_put_back {
  map_output use(std::map<std::int64_t, std::int64_t>& map, const map_input& in) {
    auto copy = [&] {
      const std::lock_guard hold(mutex);
      return map;
    }();
    const auto out = answer_to(copy, in);
    std::this_thread::yield();
    const std::lock_guard hold(mutex);
    map = copy;
    return out;
  }
  std::mutex mutex;
};

TEST(check_test, a_map_under_a_mutex_is_linearizable) {
  EXPECT_EQ(count_violations<one_mutex>(2'000), 0U);
  EXPECT_GT(count_violations<copy_and_put_back>(500), 0U);
}

// --- bounds

TEST(check_test, too_much_work_is_undecided) {
  seeded_random random(4);
  const auto all = simulate(random, 4, 20, 1);
  EXPECT_EQ(check<model>(all, {.nodes_max = 10}).what, answer::undecided);
  EXPECT_TRUE(check<model>(all).holds());
}

TEST(check_test, a_violation_elsewhere_decides_what_another_part_leaves_undecided) {
  seeded_random random(5);
  auto all = simulate(random, 4, 20, 1);
  const auto end = static_cast<std::uint64_t>(2 * all.size());
  all.push_back(during(0, end + 1, end + 2, model::get(99), model::found(1)));
  EXPECT_EQ(check<model>(all, {.nodes_max = 10}).what, answer::violated);
}

TEST(check_test, a_long_history_is_checked) {
  seeded_random random(6);
  const auto found = check<model>(simulate(random, 4, 2'000, 2));
  EXPECT_TRUE(found.holds()) << found.explanation;
}

// --- words

TEST(check_test, an_explanation_holds_what_matters_and_nothing_else) {
  history<model> all{during(0, 1, 2, model::insert(1, 7), model::done(true)),
                     during(1, 3, 4, model::get(1), model::found(7)),
                     during(0, 5, 6, model::remove(1), model::done(true)),
                     during(1, 7, 10, model::get(1), model::found(7)),
                     during(0, 8, 9, model::insert(2, 5), model::done(true)),
                     during(0, 11, 12, model::insert(1, 9), model::done(true))};
  const auto found = check<model>(all);
  ASSERT_EQ(found.what, answer::violated);
  EXPECT_EQ(found.explanation,
            "not linearizable: no order explains these 3 of 5 operations\n"
            "  thread 0  |-1-|   |-2-|\n"
            "  thread 1                  |-3-|\n"
            "    1  thread 0  insert(1, 7) = done\n"
            "    2  thread 0  remove(1) = done\n"
            "    3  thread 1  get(1) = 7\n"
            "  the longest order that fits is 1, 2; then it is absent, and 3 cannot follow\n");
}

TEST(check_test, an_explanation_shows_what_had_not_returned) {
  const history<model> all{during(0, 1, 9, model::insert(1, 7), model::done(true)),
                           during(1, 2, 3, model::get(1), model::found(7)),
                           during(1, 4, 5, model::get(1), model::found(std::nullopt)),
                           during(1, 6, 7, model::get(1), model::found(7))};
  EXPECT_EQ(check<model>(all).explanation,
            "not linearizable: no order explains these 3 of 4 operations\n"
            "  thread 0  |---------1----------\n"
            "  thread 1      |-2-|   |-3-|\n"
            "    1  thread 0  insert(1, 7) = done\n"
            "    2  thread 1  get(1) = 7\n"
            "    3  thread 1  get(1) = absent\n"
            "  the longest order that fits is 1, 2; then the value is 7, and 3 cannot follow\n");
}

// --- with interleave

/// A cell that counts, by an exchange or by a load and a store, and its history in simulated time.
template <bool Exchanges>
struct counting_cell {
  interleave::atomic<std::int64_t> cell{0, "cell"};
  recorder<model, interleave::atomics> record{2, 2};
  counting_cell() {
    record.run(0, model::insert(1, 0), [] { return model::done(true); });
  }
  void count(std::size_t me) {
    record.run(me, model::compute(1), [this] {
      const auto seen = Exchanges ? cell.fetch_add(1) : cell.load();
      if (!Exchanges) cell.store(seen + 1);
      return model::computed(seen, seen + 1);
    });
  }
  void left() { count(0); }
  void right() { count(1); }
  void finally() { interleave::check(check<model>(record.take()).holds(), "it is linearizable"); }
};

TEST(check_test, histories_of_simulated_threads) {
  using right = counting_cell<true>;
  const auto all =
      interleave::explore<right>(interleave::context_bound{}, {&right::left, &right::right});
  EXPECT_FALSE(all.found) << all.report();
  EXPECT_TRUE(all.exhausted);
  using wrong = counting_cell<false>;
  const auto found =
      interleave::explore<wrong>(interleave::context_bound{}, {&wrong::left, &wrong::right});
  EXPECT_TRUE(found.found_a(interleave::fault::failed_check)) << found.report();
}

}  // namespace
}  // namespace lodestar::linearizability
