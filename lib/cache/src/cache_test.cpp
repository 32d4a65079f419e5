// Bounds, causes of removal, atomicity and locking of the in-memory cache. Every test ends with
// validate().
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <lodestar/cache/cache.hpp>

namespace lodestar::cache {
namespace {

using numbers = cache<int, int>;
using texts = cache<std::string, std::string>;

texts::options_type bytes_max(std::size_t bound) {
  return {.weight_max = bound,
          .weigher = [](const std::string&, const std::string& text) { return text.size(); }};
}

struct removed {
  int key;
  int value;
  removal_cause cause;
  friend bool operator==(const removed&, const removed&) = default;
};

TEST(cache, example) {
  cache<std::string, std::string> pages({.entries_max = 10'000});
  pages.insert("/", "<h1>hello</h1>");
  const auto page = pages.get("/");
  ASSERT_TRUE(page.has_value());
  EXPECT_EQ(*page, "<h1>hello</h1>");
  pages.validate();
}

TEST(cache, says_what_a_write_did) {
  numbers values({.entries_max = 10});
  EXPECT_EQ(values.insert(1, 10), outcome::inserted);
  EXPECT_EQ(values.insert(1, 11), outcome::replaced);
  EXPECT_EQ(values.insert_if_absent(1, 12), outcome::present);
  EXPECT_EQ(values.insert_if_absent(2, 20), outcome::inserted);
  EXPECT_EQ(values.replace(3, 30), outcome::absent);
  EXPECT_EQ(values.replace(2, 21), outcome::replaced);
  EXPECT_EQ(values.get(1), 11);
  EXPECT_EQ(values.get(2), 21);
  EXPECT_EQ(values.get(3), std::nullopt);
  EXPECT_TRUE(values.remove(1));
  EXPECT_FALSE(values.remove(1));
  EXPECT_EQ(values.size(), 1U);
  values.validate();
}

TEST(cache, evicts_what_was_not_used_before_what_was) {
  numbers values({.entries_max = 100});
  for (int key = 0; key < 100; ++key) values.insert(key, key);
  for (int round = 0; round < 5; ++round)
    for (int key = 0; key < 10; ++key) EXPECT_TRUE(values.get(key).has_value());
  for (int key = 100; key < 150; ++key) {
    EXPECT_EQ(values.insert(key, key), outcome::inserted);
    EXPECT_TRUE(values.peek(key).has_value()) << "what was just inserted is there";
  }
  for (int key = 0; key < 10; ++key) EXPECT_TRUE(values.peek(key).has_value()) << key;
  EXPECT_EQ(values.size(), 100U);
  EXPECT_EQ(values.stats().evictions, 50U);
  values.validate();
}

TEST(cache, keeps_the_weight_bound_exactly) {
  texts values(bytes_max(10));
  EXPECT_EQ(values.insert("a", "1234"), outcome::inserted);
  EXPECT_EQ(values.insert("b", "1234"), outcome::inserted);
  EXPECT_EQ(values.weight(), 8U);
  EXPECT_EQ(values.insert("c", "123"), outcome::inserted);
  EXPECT_EQ(values.weight(), 7U);
  EXPECT_TRUE(values.peek("c").has_value());
  EXPECT_EQ(values.insert("d", "1234567890"), outcome::inserted);
  EXPECT_EQ(values.weight(), 10U);
  EXPECT_EQ(values.size(), 1U);
  values.validate();
}

TEST(cache, refuses_what_is_heavier_than_the_bound_and_says_so) {
  texts values(bytes_max(5));
  values.insert("other", "12");
  EXPECT_EQ(values.insert("a", "123456"), outcome::too_heavy);
  EXPECT_FALSE(values.peek("a").has_value());
  EXPECT_TRUE(values.peek("other").has_value()) << "a refusal must not cost others their place";
  values.insert("a", "123");
  EXPECT_EQ(values.replace("a", "123456"), outcome::too_heavy);
  EXPECT_FALSE(values.peek("a").has_value()) << "the old value is not the value any more";
  EXPECT_EQ(values.stats().refusals, 2U);
  values.validate();
}

TEST(cache, destroys_a_refused_value_without_the_lock) {
  using shared = std::shared_ptr<int>;
  cache<int, shared> values({.weight_max = 5, .weigher = [](int, const shared& value) {
                               return static_cast<std::size_t>(*value);
                             }});
  int destroyed = 0;
  const auto make = [&](int weight) {
    return shared(new int(weight), [&](const int* value) {
      delete value;
      // Would wait for ever under the lock.
      EXPECT_EQ(values.size(), 0U);
      ++destroyed;
    });
  };
  EXPECT_EQ(values.insert(1, make(6)), outcome::too_heavy);
  EXPECT_EQ(values.insert_if_absent(1, make(6)), outcome::too_heavy);
  EXPECT_EQ(values.compute(1, [&](const shared*) { return std::optional(make(6)); }),
            outcome::too_heavy);
  EXPECT_EQ(destroyed, 3);
  values.validate();
}

TEST(cache, pins_what_weighs_nothing) {
  texts values(bytes_max(3));
  values.insert("pinned", "");
  for (int round = 0; round < 100; ++round) values.insert(std::to_string(round), "123");
  EXPECT_TRUE(values.peek("pinned").has_value());
  EXPECT_EQ(values.size(), 2U);
  values.insert("pinned", "12");  // no longer
  values.insert("last", "123");
  EXPECT_FALSE(values.peek("pinned").has_value());
  values.validate();
}

TEST(cache, with_reads_without_a_copy) {
  struct uncopied {
    explicit uncopied(int number) : value(number) {}
    uncopied(uncopied&&) = default;
    uncopied& operator=(uncopied&&) = default;
    int value;
  };
  cache<int, uncopied> values({.entries_max = 2});
  values.insert(1, uncopied(7));
  int seen = 0;
  EXPECT_TRUE(values.with(1, [&seen](const uncopied& each) { seen = each.value; }));
  EXPECT_EQ(seen, 7);
  EXPECT_FALSE(values.with(2, [](const uncopied&) { FAIL(); }));
  values.validate();
}

TEST(cache, compute_inserts_changes_and_removes) {
  numbers values({.entries_max = 4});
  const auto increment = [](const int* present) {
    return std::optional<int>(present == nullptr ? 1 : *present + 1);
  };
  const auto nothing = [](const int*) { return std::optional<int>(); };
  EXPECT_EQ(values.compute(1, nothing), outcome::absent);
  EXPECT_EQ(values.compute(1, increment), outcome::inserted);
  EXPECT_EQ(values.compute(1, increment), outcome::replaced);
  EXPECT_EQ(values.get(1), 2);
  EXPECT_EQ(values.compute(1, nothing), outcome::removed);
  EXPECT_EQ(values.size(), 0U);
  values.validate();
}

TEST(cache, passes_exceptions_and_changes_nothing) {
  numbers values({.entries_max = 4});
  values.insert(1, 1);
  values.insert(2, 2);
  const auto thrower = [](const int*) -> std::optional<int> { throw std::runtime_error("no"); };
  EXPECT_THROW(values.compute(1, thrower), std::runtime_error);
  int asked = 0;
  const auto condition = [&asked](int, int) -> bool {
    if (++asked == 2) throw std::runtime_error("no");
    return true;
  };
  EXPECT_THROW(values.remove_if(condition), std::runtime_error);
  EXPECT_EQ(values.size(), 1U) << "what was removed before stays removed";
  values.validate();
}

TEST(cache, tells_the_listener_why) {
  std::vector<removed> heard;
  numbers values({.entries_max = 2, .listener = [&heard](int key, int value, removal_cause cause) {
                    heard.push_back({key, value, cause});
                  }});
  values.insert(1, 10);
  values.insert(1, 11);
  for (int use = 0; use < 3; ++use) static_cast<void>(values.get(1));
  values.insert(2, 20);
  values.insert(3, 30);
  ASSERT_TRUE(values.remove(1));
  values.compute(3, [](const int*) { return std::optional<int>(); });
  values.insert(4, 40);
  EXPECT_EQ(values.remove_if([](int key, int) { return key == 4; }), 1U);
  values.insert(5, 50);
  EXPECT_EQ(values.clear(), 1U);
  const std::vector<removed> expected{
      {1, 10, removal_cause::replaced},  {2, 20, removal_cause::size},
      {1, 11, removal_cause::explicit_}, {3, 30, removal_cause::explicit_},
      {4, 40, removal_cause::explicit_}, {5, 50, removal_cause::explicit_}};
  EXPECT_EQ(heard, expected);
  values.validate();
}

TEST(cache, calls_the_listener_without_a_lock) {
  numbers* self = nullptr;
  int notified = 0;
  numbers values({.entries_max = 1, .listener = [&](int key, int, removal_cause cause) {
                    ++notified;
                    self->validate();
                    if (cause == removal_cause::size && key < 3) self->insert(key + 10, 0);
                  }});
  self = &values;
  values.insert(1, 1);
  values.insert(
      2, 2);  // evicts 1, whose listener inserts 11, which evicts 2, whose listener inserts 12, …
  EXPECT_GE(notified, 3);
  EXPECT_EQ(values.size(), 1U);
  values.validate();
}

TEST(cache, destroys_values_without_a_lock) {
  struct caller {
    cache<int, std::shared_ptr<caller>>* owner;
    ~caller() { static_cast<void>(owner->size()); }
  };
  cache<int, std::shared_ptr<caller>> values({.entries_max = 1});
  values.insert(1, std::make_shared<caller>(&values));
  values.insert(2, std::make_shared<caller>(&values));
  values.remove(2);
  values.insert(3, std::make_shared<caller>(&values));
  values.clear();
  values.validate();
}

TEST(cache, counts) {
  numbers values({.entries_max = 2, .statistics = true});
  values.insert(1, 1);
  static_cast<void>(values.get(1));
  static_cast<void>(values.get(2));
  static_cast<void>(values.peek(1));
  const auto counted = values.stats();
  EXPECT_EQ(counted.hits, 1U);
  EXPECT_EQ(counted.misses, 1U);
  EXPECT_EQ(counted.insertions, 1U);
  EXPECT_EQ(counted.entries, 1U);
  EXPECT_EQ(counted.weight, 1U);
  int visited = 0;
  values.for_each([&visited](int, int) { ++visited; });
  EXPECT_EQ(visited, 1);
}

TEST(cache, works_with_a_bound_of_one_and_of_none) {
  numbers one({.entries_max = 1});
  for (int key = 0; key < 10; ++key) EXPECT_EQ(one.insert(key, key), outcome::inserted);
  EXPECT_EQ(one.size(), 1U);
  one.validate();
  numbers none({.entries_max = 0});
  EXPECT_EQ(none.insert(1, 1), outcome::too_heavy);
  EXPECT_EQ(none.size(), 0U);
  none.validate();
}

/// What the cache may hold: what was stored last for each key, if nobody removed it.
class model {
 public:
  explicit model(std::size_t bound) : bound_(bound) {}
  void insert(int key, std::size_t weight) {
    if (weight > bound_) {
      last_.erase(key);
    } else {
      last_[key] = weight;
    }
  }
  void remove(int key) { last_.erase(key); }
  /// What was missing once stays away.
  void saw(int key, std::optional<std::size_t> seen) {
    const auto known = last_.find(key);
    if (seen) {
      ASSERT_NE(known, last_.end()) << key;
      ASSERT_EQ(*seen, known->second) << key;
    } else if (known != last_.end()) {
      ASSERT_NE(known->second, 0U) << "what is pinned is not evicted";
      last_.erase(known);
    }
  }
  [[nodiscard]] std::size_t total() const {
    std::size_t sum = 0;
    for (const auto& [key, weight] : last_) sum += weight;
    return sum;
  }
  [[nodiscard]] std::size_t size() const { return last_.size(); }

 private:
  std::size_t bound_;
  std::map<int, std::size_t> last_;
};

TEST(cache, agrees_with_a_model_over_random_operations) {
  std::mt19937 random(11);
  const auto below = [&random](int bound) {
    return std::uniform_int_distribution<int>(0, bound - 1)(random);
  };
  for (int round = 0; round < 200; ++round) {
    const auto bound = static_cast<std::size_t>(below(20));
    cache<int, std::size_t> values(
        {.weight_max = bound, .weigher = [](int, std::size_t weight) { return weight; }});
    model expected(bound);
    for (int step = 0; step < 300; ++step) {
      const int key = below(16);
      const auto weight = static_cast<std::size_t>(below(8));
      switch (below(4)) {
        case 0:
        case 1:
          values.insert(key, weight);
          expected.insert(key, weight);
          ASSERT_EQ(values.peek(key).has_value(), weight <= bound);
          break;
        case 2: expected.saw(key, values.get(key)); break;
        default: values.remove(key); expected.remove(key);
      }
      ASSERT_LE(values.size(), expected.size());
      ASSERT_LE(values.weight(), bound);
    }
    for (int key = 0; key < 16; ++key) expected.saw(key, values.peek(key));
    ASSERT_EQ(values.size(), expected.size());
    ASSERT_EQ(values.weight(), expected.total());
    values.validate();
  }
}

void on_threads(int count, const std::function<void(int)>& work) {
  std::vector<std::thread> threads;
  for (int index = 0; index < count; ++index) threads.emplace_back(work, index);
  for (auto& each : threads) each.join();
}

TEST(cache_threads, every_value_that_went_in_comes_out_once) {
  std::atomic<int> out = 0;
  cache<int, int> values(
      {.entries_max = 50, .listener = [&out](int, int, removal_cause) { ++out; }});
  std::atomic<int> in = 0;
  on_threads(6, [&](int seed) {
    std::mt19937 random(static_cast<unsigned>(seed));
    for (int round = 0; round < 10'000; ++round) {
      const int key = static_cast<int>(random() % 100U);
      switch (random() % 8U) {
        case 0: values.remove(key); break;
        case 1: values.remove_if([key](int each, int) { return each % 50 == key; }); break;
        case 2:
          if (values.insert_if_absent(key, round) == outcome::inserted) ++in;
          break;
        case 3:
        case 4:
          values.insert(key, round);
          ++in;
          break;
        default: static_cast<void>(values.get(key));
      }
      ASSERT_LE(values.size(), 50U);
    }
  });
  values.validate();
  values.clear();
  EXPECT_EQ(in.load(), out.load());
  EXPECT_EQ(values.weight(), 0U);
  values.validate();
}

}  // namespace
}  // namespace lodestar::cache
