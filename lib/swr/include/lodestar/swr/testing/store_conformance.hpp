// What every store (store.hpp) must do. An adapter's test instantiates the suite with a subject:
//
//   struct map_subject {
//     map_subject();                                   // begins with an empty store
//     store& subject();
//     void pass(nanoseconds time);                     // for the store's expiry
//   };
//   INSTANTIATE_TYPED_TEST_SUITE_P(map, store_conformance, map_subject);
//
// A subject whose store cannot let time pass at will says so by `pass` waiting until it has.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <lodestar/swr/cache.hpp>
#include <lodestar/swr/store.hpp>
#include <lodestar/swr/testing/blocking_store.hpp>
#include <lodestar/swr/tiers.hpp>

namespace lodestar::swr::testing {

template <class Subject>
class store_conformance : public ::testing::Test {
 protected:
  /// Fails the test when the store answers with an error.
  found_bytes get(std::string_view key) {
    auto answer = calls.get(key);
    EXPECT_TRUE(answer.has_value()) << answer.error().describe();
    return answer.value_or(std::nullopt);
  }
  void set(std::string_view key, std::string bytes, nanoseconds keep_for = std::chrono::hours(1)) {
    const auto answer = calls.set(key, std::move(bytes), keep_for);
    EXPECT_TRUE(answer.has_value()) << answer.error().describe();
  }
  void remove(std::vector<std::string_view> keys) {
    const auto answer = calls.remove(std::move(keys));
    EXPECT_TRUE(answer.has_value()) << answer.error().describe();
  }

  Subject tested;
  blocking_store calls{tested.subject()};
};

TYPED_TEST_SUITE_P(store_conformance);

TYPED_TEST_P(store_conformance, gives_back_what_was_set_last) {
  EXPECT_EQ(this->get("a"), std::nullopt);
  this->set("a", "1");
  this->set("b", "2");
  EXPECT_EQ(this->get("a"), "1");
  this->set("a", "3");
  EXPECT_EQ(this->get("a"), "3");
  EXPECT_EQ(this->get("b"), "2");
  EXPECT_EQ(this->get("c"), std::nullopt);
}

TYPED_TEST_P(store_conformance, removes_what_it_is_told_to) {
  for (const char* key : {"a", "b", "c", "d"}) this->set(key, key);
  this->remove({"a"});
  this->remove({"c", "not there", "d"});
  this->remove({});
  EXPECT_EQ(this->get("a"), std::nullopt);
  EXPECT_EQ(this->get("b"), "b");
  EXPECT_EQ(this->get("c"), std::nullopt);
  EXPECT_EQ(this->get("d"), std::nullopt);
}

TYPED_TEST_P(store_conformance, takes_keys_and_values_of_any_bytes) {
  std::string every_byte;
  for (int byte = 0; byte < 256; ++byte) every_byte += static_cast<char>(byte);
  const std::vector<std::string> keys{"", "a", std::string(1, '\0'), std::string("a\0b", 3),
                                      "a\r\nb", "\xff\xfe", every_byte,
                                      // Equal for longer than some stores' keys may be.
                                      std::string(2'000, 'k') + "1", std::string(2'000, 'k') + "2"};
  for (std::size_t index = 0; index < keys.size(); ++index)
    this->set(keys[index], every_byte + std::to_string(index));
  for (std::size_t index = 0; index < keys.size(); ++index)
    EXPECT_EQ(this->get(keys[index]), every_byte + std::to_string(index)) << "key " << index;
  this->remove({keys[7]});
  EXPECT_EQ(this->get(keys[7]), std::nullopt);
  EXPECT_EQ(this->get(keys[8]), every_byte + "8");
}

TYPED_TEST_P(store_conformance, takes_values_of_any_size) {
  std::mt19937_64 random(1);
  for (const std::size_t bytes : {0U, 1U, 100U, 4'000U, 4'096U, 70'000U, 1U << 20U}) {
    std::string value(bytes, '\0');
    for (char& each : value) each = static_cast<char>(random());
    this->set("key", value);
    EXPECT_EQ(this->get("key"), value) << bytes << " bytes";
  }
}

TYPED_TEST_P(store_conformance, gives_back_nothing_that_has_expired) {
  this->set("soon", "1", std::chrono::milliseconds(300));
  this->set("renewed", "1", std::chrono::milliseconds(300));
  this->set("renewed", "2", std::chrono::hours(1));
  this->set("later", "1", std::chrono::hours(1));
  this->set("for ever", "1", nanoseconds::max());
  this->tested.pass(std::chrono::milliseconds(400));
  EXPECT_EQ(this->get("soon"), std::nullopt);
  EXPECT_EQ(this->get("renewed"), "2");
  EXPECT_EQ(this->get("later"), "1");
  EXPECT_EQ(this->get("for ever"), "1");
}

TYPED_TEST_P(store_conformance, forgets_everything_when_it_is_cleared) {
  for (int key = 0; key < 100; ++key) this->set(std::to_string(key), "value");
  const auto answer = this->calls.clear();
  ASSERT_TRUE(answer.has_value()) << answer.error().describe();
  for (int key = 0; key < 100; ++key) EXPECT_EQ(this->get(std::to_string(key)), std::nullopt);
  this->set("1", "again");
  EXPECT_EQ(this->get("1"), "again");
}

TYPED_TEST_P(store_conformance, keeps_the_order_of_a_thread_that_does_not_wait) {
  std::vector<awaited_answer<void>> written;
  for (int round = 0; round < 200; ++round) {
    const std::string key = std::to_string(round % 3);
    if (round % 7 == 0) written.push_back(this->calls.begin_remove({key}));
    written.push_back(this->calls.begin_set(key, std::to_string(round)));
    if (round % 11 == 0) {
      auto read = this->calls.begin_get(key);
      const auto answer = read.wait();
      ASSERT_TRUE(answer.has_value()) << answer.error().describe();
      EXPECT_EQ(*answer, std::to_string(round));
    }
  }
  for (auto& each : written) {
    const auto answer = each.wait();
    EXPECT_TRUE(answer.has_value()) << answer.error().describe();
  }
  EXPECT_EQ(this->get("1"), "199");
}

TYPED_TEST_P(store_conformance, may_be_called_by_its_handlers) {
  this->set("first", "second");
  awaited_answer<found_bytes> answer;
  store& subject = this->tested.subject();
  const steady_time deadline = system_clock().now() + std::chrono::seconds(5);
  const auto tell = answer.handler();
  const auto read_it = [&](const std::string& key) {
    subject.get(key, deadline, [&](const auto& bytes) { tell(kept(bytes)); });
  };
  subject.get("first", deadline, [&](const auto& bytes) {
    const std::string next(**bytes);
    subject.set(next, shared_bytes("third"), std::chrono::hours(1), deadline,
                [&, next](const auto&) { read_it(next); });
  });
  const auto last = answer.wait();
  ASSERT_TRUE(last.has_value()) << last.error().describe();
  EXPECT_EQ(*last, "third");
}

TYPED_TEST_P(store_conformance, answers_a_call_that_comes_too_late) {
  awaited_answer<void> answer;
  this->tested.subject().set("a", shared_bytes("1"), std::chrono::hours(1),
                             system_clock().now() - std::chrono::seconds(1), answer.handler());
  const auto outcome = answer.wait();
  const bool right = outcome || outcome.error().code == error_code::deadline_exceeded;
  EXPECT_TRUE(right) << outcome.error().describe();
}

TYPED_TEST_P(store_conformance, gives_nobody_the_value_of_another_key) {
  std::atomic<int> hits = 0;
  const auto work = [&](unsigned seed) {
    std::mt19937_64 random(seed);
    for (int round = 0; round < 500; ++round) {
      const std::string key = std::to_string(random() % 20);
      switch (random() % 4) {
        case 0: this->remove({key}); break;
        case 1: this->set(key, key + std::string(random() % 3'000, ':')); break;
        default:
          if (const auto value = this->get(key)) {
            ++hits;
            EXPECT_EQ(value->substr(0, value->find(':')), key);
          }
      }
    }
  };
  std::vector<std::jthread> threads;
  for (unsigned seed = 1; seed <= 4; ++seed) threads.emplace_back(work, seed);
  threads.clear();
  EXPECT_GT(hits, 0);
}

// Each has nothing in memory.
TYPED_TEST_P(store_conformance, loads_once_for_caches_above_it) {
  const std::shared_ptr<store> below(&this->tested.subject(), [](store*) {});
  int loads = 0;
  const auto ask = [&] {
    const auto only = tiers::make({.tiers = {{.below = below, .read_timeout_ms = 10'000}}});
    cache<std::string, std::string> values(
        {.name = "above", .keep = {.fresh_ms = 3'600'000}, .below = only});
    std::promise<std::string> answered;
    values.get_or_load(
        "k", {}, {},
        [&loads](auto completed) {
          completed(loaded<std::string>{.value = std::to_string(++loads)});
        },
        [&answered](const result<answer<std::string>>& what) {
          answered.set_value(what ? what->value : what.error().describe());
        });
    std::string value = answered.get_future().get();
    while (!only->is_settled()) std::this_thread::yield();
    return value;
  };
  EXPECT_EQ(ask(), "1");
  EXPECT_EQ(ask(), "1");
  EXPECT_EQ(loads, 1);
  this->remove({"above:k"});
  EXPECT_EQ(ask(), "2");
}

REGISTER_TYPED_TEST_SUITE_P(store_conformance, gives_back_what_was_set_last,
                            removes_what_it_is_told_to, takes_keys_and_values_of_any_bytes,
                            takes_values_of_any_size, gives_back_nothing_that_has_expired,
                            forgets_everything_when_it_is_cleared,
                            keeps_the_order_of_a_thread_that_does_not_wait,
                            may_be_called_by_its_handlers, answers_a_call_that_comes_too_late,
                            gives_nobody_the_value_of_another_key, loads_once_for_caches_above_it);

}  // namespace lodestar::swr::testing
