// Goal: what any number of threads adds is in the sum.
#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include <lodestar/base/striped_counter.hpp>

namespace lodestar {
namespace {

TEST(striped_counter, sums_what_more_threads_than_stripes_have_added) {
  striped_counter count;
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < 20; ++thread) {
    threads.emplace_back([&] {
      for (int times = 0; times < 1'000; ++times) count.add();
    });
  }
  threads.clear();
  EXPECT_EQ(count.value(), 20'000U);
}

}  // namespace
}  // namespace lodestar
