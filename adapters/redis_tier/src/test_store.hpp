// What the tests of the store in Redis share.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <lodestar/redis_tier/client.hpp>
#include <lodestar/swr/testing/blocking_store.hpp>

#include "redis_server.hpp"

namespace lodestar::redis_tier {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr int slowed_down = 10;  // by the sanitizer
#else
inline constexpr int slowed_down = 1;
#endif

inline void skip(const std::string& why) {
  GTEST_SKIP() << why;
}

/// Nothing, and the test is skipped, when there is no redis-server.
inline std::unique_ptr<test::redis_server> start_server(
    std::vector<std::string> arguments = {},
    test::redis_server::kind is = test::redis_server::kind::plain) {
  if (const auto why = test::redis_server::missing()) {
    skip(*why);
    return nullptr;
  }
  return std::make_unique<test::redis_server>(std::move(arguments), is);
}
/// The same.
inline std::unique_ptr<test::redis_cluster> start_cluster() {
  if (const auto why = test::redis_server::missing()) {
    skip(*why);
    return nullptr;
  }
  return std::make_unique<test::redis_cluster>(3);
}

inline std::unique_ptr<client> connect_right(const options& settings) {
  auto made = connect(settings);
  EXPECT_TRUE(made.has_value()) << made.error().describe();
  return made ? *std::move(made) : nullptr;
}

/// Waits until it is true: asks again and again, for ten seconds at most.
template <class Condition>
[[nodiscard]] bool comes_true(Condition condition, nanoseconds within = std::chrono::seconds(10)) {
  const auto until = std::chrono::steady_clock::now() + within;
  while (std::chrono::steady_clock::now() < until) {
    if (condition()) return true;
    std::this_thread::yield();
  }
  return condition();
}

}  // namespace lodestar::redis_tier
