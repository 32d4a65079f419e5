// Goal: what any number of threads adds is in the sum.
#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

#include <lodestar/base/striped_counter.hpp>

namespace lodestar {
namespace {

TEST(striped_counter, sums_what_more_threads_than_stripes_have_added) {
  // On the heap: a stack that AddressSanitizer of GCC 12 watches for use after return aligns to 64 bytes at most.
  const auto count = std::make_unique<striped_counter>();
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < 20; ++thread) {
    threads.emplace_back([&] {
      for (int times = 0; times < 1'000; ++times) count->add();
    });
  }
  threads.clear();
  EXPECT_EQ(count->value(), 20'000U);
}

}  // namespace
}  // namespace lodestar
