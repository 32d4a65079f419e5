// Goal: the models allow exactly the answers that a map, and a cache that evicts, may give.
#include <gtest/gtest.h>

#include <verify/linearizability/map_register.hpp>

namespace lodestar::linearizability {
namespace {

using model = map_register;
constexpr std::int64_t key = 3;

std::optional<map_state> state(std::optional<std::int64_t> value) {
  return map_state{value};
}
const std::optional<map_state> impossible;
const map_state absent{};
const map_state seven{7};

TEST(map_register_test, get) {
  EXPECT_EQ(model::step(absent, model::get(key), model::found(std::nullopt)), state(std::nullopt));
  EXPECT_EQ(model::step(absent, model::get(key), model::found(7)), impossible);
  EXPECT_EQ(model::step(seven, model::get(key), model::found(7)), state(7));
  EXPECT_EQ(model::step(seven, model::get(key), model::found(8)), impossible);
  EXPECT_EQ(model::step(seven, model::get(key), model::found(std::nullopt)), impossible);
}

TEST(map_register_test, contains) {
  EXPECT_EQ(model::step(absent, model::contains(key), model::done(false)), state(std::nullopt));
  EXPECT_EQ(model::step(absent, model::contains(key), model::done(true)), impossible);
  EXPECT_EQ(model::step(seven, model::contains(key), model::done(true)), state(7));
  EXPECT_EQ(model::step(seven, model::contains(key), model::done(false)), impossible);
}

TEST(map_register_test, insert) {
  EXPECT_EQ(model::step(absent, model::insert(key, 8), model::done(true)), state(8));
  EXPECT_EQ(model::step(seven, model::insert(key, 8), model::done(true)), state(8));
  const auto if_absent = model::insert_if_absent(key, 8);
  EXPECT_EQ(model::step(absent, if_absent, model::done(true)), state(8));
  EXPECT_EQ(model::step(absent, if_absent, model::done(false)), impossible);
  EXPECT_EQ(model::step(seven, if_absent, model::done(false)), state(7));
  EXPECT_EQ(model::step(seven, if_absent, model::done(true)), impossible);
  EXPECT_EQ(model::step(seven, if_absent, map_output{.done = false, .value = 9, .seen = {}}),
            impossible);
}

TEST(map_register_test, replace) {
  EXPECT_EQ(model::step(absent, model::replace(key, 8), model::done(false)), state(std::nullopt));
  EXPECT_EQ(model::step(absent, model::replace(key, 8), model::done(true)), impossible);
  EXPECT_EQ(model::step(seven, model::replace(key, 8), model::done(true)), state(8));
  EXPECT_EQ(model::step(seven, model::replace_if(key, 7, 8), model::done(true)), state(8));
  EXPECT_EQ(model::step(seven, model::replace_if(key, 7, 8), model::done(false)), impossible);
  EXPECT_EQ(model::step(seven, model::replace_if(key, 6, 8), model::done(false)), state(7));
  EXPECT_EQ(model::step(seven, model::replace_if(key, 6, 8), model::done(true)), impossible);
  EXPECT_EQ(model::step(absent, model::replace_if(key, 7, 8), model::done(true)), impossible);
}

TEST(map_register_test, remove) {
  EXPECT_EQ(model::step(absent, model::remove(key), model::done(false)), state(std::nullopt));
  EXPECT_EQ(model::step(absent, model::remove(key), model::done(true)), impossible);
  EXPECT_EQ(model::step(seven, model::remove(key), model::done(true)), state(std::nullopt));
  EXPECT_EQ(model::step(seven, model::remove(key), model::found(8)), impossible);
  EXPECT_EQ(model::step(seven, model::remove_if(key, 7), model::done(true)), state(std::nullopt));
  EXPECT_EQ(model::step(seven, model::remove_if(key, 6), model::done(false)), state(7));
  EXPECT_EQ(model::step(seven, model::remove_if(key, 6), model::done(true)), impossible);
}

TEST(map_register_test, compute_and_load) {
  EXPECT_EQ(model::step(seven, model::compute(key), model::computed(7, 8)), state(8));
  EXPECT_EQ(model::step(seven, model::compute(key), model::computed(7, {})), state(std::nullopt));
  EXPECT_EQ(model::step(seven, model::compute(key), model::computed(6, 8)), impossible);
  EXPECT_EQ(model::step(absent, model::get_or_load(key), model::loaded(true, 8)), state(8));
  EXPECT_EQ(model::step(seven, model::get_or_load(key), model::loaded(true, 8)), impossible);
  EXPECT_EQ(model::step(seven, model::get_or_load(key), model::loaded(false, 7)), state(7));
  EXPECT_EQ(model::step(absent, model::get_or_load(key), model::loaded(false, 7)), impossible);
}

TEST(map_register_test, what_may_be_evicted_may_be_absent_at_any_time) {
  using cache = evictable_map_register;
  using states = std::vector<map_state>;
  EXPECT_EQ(cache::step(seven, model::get(key), model::found(7)), states{seven});
  EXPECT_EQ(cache::step(seven, model::get(key), model::found(std::nullopt)), states{absent});
  EXPECT_EQ(cache::step(seven, model::get(key), model::found(8)), states{});
  EXPECT_EQ(cache::step(absent, model::get(key), model::found(7)), states{});
  EXPECT_EQ(cache::step(seven, model::insert_if_absent(key, 8), model::done(true)),
            states{map_state{8}});
  EXPECT_EQ(cache::step(seven, model::remove_if(key, 6), model::done(false)),
            (states{seven, absent}));
}

TEST(map_register_test, words) {
  EXPECT_EQ(model::describe(model::replace_if(3, 7, 8), model::done(false)),
            "replace_if(3, 7 -> 8) = refused");
  EXPECT_EQ(model::describe(model::get(3), model::found(std::nullopt)), "get(3) = absent");
  EXPECT_EQ(model::describe(model::compute(3), model::computed(7, 8)), "compute(3) = 8, made of 7");
  EXPECT_EQ(model::describe(model::get_or_load(3), model::loaded(true, 8)),
            "get_or_load(3) = 8, loaded");
  EXPECT_EQ(model::describe(map_state{7}), "the value is 7");
}

}  // namespace
}  // namespace lodestar::linearizability
