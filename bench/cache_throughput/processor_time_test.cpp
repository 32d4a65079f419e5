// Goal: the work of a process counts, in whichever process it is done, and sleep does not.
#include "cache_throughput/processor_time.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>

#include "support/process.hpp"

namespace lodestar::bench {
namespace {

TEST(processor_time, grows_with_the_own_work) {
  const auto before = processor_seconds(::getpid());
  ASSERT_TRUE(before);
  // Ends only because it grows.
  while (*processor_seconds(::getpid()) < *before + 0.001) {
  }
}

TEST(processor_time, counts_what_another_process_does) {
  child_process other({"/bin/sh", "-c",
                       "read -r line; i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done; "
                       "echo done; read -r line"},
                      {.input = true});
  const auto before = processor_seconds(other.pid());
  ASSERT_TRUE(other.write("begin\n"));
  ASSERT_EQ(other.read_line(std::chrono::minutes(1)), "done");
  const auto after = processor_seconds(other.pid());
  ASSERT_TRUE(before && after);
  EXPECT_GT(*after, *before + 0.001);
}

TEST(processor_time, of_no_process_is_nothing) {
  child_process other({"/bin/true"});
  const pid_t gone = other.pid();
  other.wait();
  EXPECT_FALSE(processor_seconds(gone));
}

}  // namespace
}  // namespace lodestar::bench
