// Goal: work finds its object as long as it is there, and an object does not go while work holds it.
#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <thread>

#include <lodestar/base/lifeline.hpp>

namespace lodestar {
namespace {

struct object {
  int value = 7;
  lifeline<object> life{this};
};

TEST(lifeline, holds_the_object_until_it_is_cut) {
  object here;
  const auto line = here.life.tie();
  {
    const auto held = line.hold();
    ASSERT_TRUE(held);
    EXPECT_EQ(held->value, 7);
    EXPECT_TRUE(line.hold()) << "by several at once";
  }
  here.life.cut();
  EXPECT_FALSE(line.hold());
}

TEST(lifeline, outlives_its_object) {
  std::optional<object> here(std::in_place);
  const auto line = here->life.tie();
  here->life.cut();
  here.reset();
  EXPECT_FALSE(line.hold());
}

TEST(lifeline, waits_for_those_who_hold_it) {
  for (int round = 0; round < 200; ++round) {
    object here;
    std::atomic<bool> holds{false};
    std::atomic<bool> uses{false};
    std::thread work([&, line = here.life.tie()] {
      const auto held = line.hold();
      uses = static_cast<bool>(held);
      holds = true;
      holds.notify_one();
      if (held) {
        EXPECT_EQ(held->value, 7);
      }
      uses = false;
    });
    holds.wait(false);
    here.life.cut();
    EXPECT_FALSE(uses) << "it was cut while somebody used it";
    work.join();
  }
}

}  // namespace
}  // namespace lodestar
