// Real threads: one load per stampede, every caller answered once, no outdated entry passed for
// fresh, invariants intact.
#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <functional>
#include <latch>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include <lodestar/base/executor.hpp>
#include <lodestar/swr/cache.hpp>

namespace lodestar::swr {
namespace {

using numbers = cache<int, std::int64_t>;
using outcome = result<answer<std::int64_t>>;

class movable : public dependency {
 public:
  [[nodiscard]] std::int64_t moved_at() const noexcept override {
    return at.load(std::memory_order_acquire);
  }
  std::atomic<std::int64_t> at{0};
};

void on_threads(int count, const std::function<void(int)>& work) {
  std::vector<std::thread> threads;
  for (int index = 0; index < count; ++index) threads.emplace_back(work, index);
  for (auto& each : threads) each.join();
}

// Eight threads call at the same time; the loader answers only after all of them have called.
TEST(swr_threads, a_stampede_loads_once) {
  for (const int callers_each : {2, 13, 125}) {
    constexpr int threads = 8;
    numbers values({.weight_max = 100});
    thread_pool pool("loads", 2, 100);
    std::barrier start(threads);
    std::latch called(threads * callers_each);
    std::latch answered(threads * callers_each);
    std::atomic<int> loads = 0;
    on_threads(threads, [&](int) {
      start.arrive_and_wait();
      for (int caller = 0; caller < callers_each; ++caller) {
        values.get_or_load(
            1, {}, {},
            [&](numbers::done completed) {
              ++loads;
              ASSERT_TRUE(pool.post([&called, done = std::move(completed)]() mutable {
                called.wait();
                done(loaded<std::int64_t>{.value = 5});
              }));
            },
            [&](outcome what) {
              EXPECT_EQ(what->value, 5);
              answered.count_down();
            });
        called.count_down();
      }
    });
    answered.wait();
    EXPECT_EQ(loads.load(), 1);
    values.validate();
  }
}

// The window between a miss and joining the flight: loaders complete at once, so flights come and
// go while others ask.
TEST(swr_threads, a_completed_load_is_never_repeated) {
  for (int round = 0; round < 300; ++round) {
    numbers values({.weight_max = 100});
    std::barrier start(4);
    std::atomic<int> loads = 0;
    on_threads(4, [&](int) {
      start.arrive_and_wait();
      values.get_or_load(
          1, {}, {},
          [&loads](numbers::done completed) {
            ++loads;
            completed(loaded<std::int64_t>{.value = 1});
          },
          [](outcome what) { EXPECT_TRUE(what.has_value()); });
    });
    ASSERT_EQ(loads.load(), 1);
  }
}

class stress {
 public:
  static constexpr int keys = 4;

  void run() {
    std::atomic<bool> stop = false;
    std::thread feeder([&] {
      for (std::int64_t position = 1; !stop.load(); ++position) {
        tables_.store(position, std::memory_order_release);
        moves_->at.store(position, std::memory_order_release);
        std::this_thread::yield();
      }
    });
    on_threads(4, [this](int seed) { act(static_cast<unsigned>(seed)); });
    stop = true;
    feeder.join();
    pool_.stop();
    values_.validate();
    EXPECT_EQ(asked_.load(), answered_.load());
  }

 private:
  void act(unsigned seed) {
    std::mt19937 random(seed);
    for (int step = 0; step < 3'000; ++step) {
      const int key = static_cast<int>(random() % keys);
      switch (random() % 20U) {
        case 0: values_.remove(key, nullptr); break;
        case 1: values_.set(key, read(), {}, nullptr); break;
        case 2:
          if (random() % 8U == 0) values_.clear(nullptr);
          break;
        default: ask(key, static_cast<unsigned>(random()));
      }
    }
  }

  loaded<std::int64_t> read() {
    const std::int64_t position = tables_.load(std::memory_order_acquire);
    return {.value = position, .computed_at = position, .depends_on = moves_};
  }

  void ask(int key, unsigned choice) {
    const std::int64_t moved_before = moves_->moved_at();
    const demand wanted{.position_min = choice % 3U == 0 ? moved_before : 0,
                        .allow_stale = choice % 2U == 0,
                        .bypass = choice % 16U == 0};
    ++asked_;
    values_.get_or_load(
        key, {.keep = lifetimes{.fresh_ms = duration_ms_unlimited, .stale_ms = 1}}, wanted,
        [this, choice](numbers::done completed) { load(std::move(completed), choice); },
        [this, moved_before, wanted](outcome what) {
          ++answered_;
          if (!what) {
            EXPECT_EQ(what.error().code, error_code::cancelled) << what.error().describe();
            return;
          }
          EXPECT_EQ(what->value, what->computed_at);
          // The dependency had moved to position_min already, so being current does not excuse an
          // older one.
          EXPECT_GE(what->computed_at, wanted.position_min);
          if (what->hit && what->state == freshness::fresh) {
            EXPECT_GE(what->computed_at, moved_before);
          }
        });
  }

  void load(numbers::done completed, unsigned choice) {
    if (choice % 5U == 0) return;  // gives up
    if (choice % 5U == 1) return completed(read());
    task later = [this, done = std::move(completed), content = read()]() mutable {
      done(std::move(content));
    };
    static_cast<void>(
        pool_.post(std::move(later)));  // refused when the queue is full: then it is given up
  }

  numbers values_{{.weight_max = 3}};  // fewer than keys: evictions all the time
  std::shared_ptr<movable> moves_ = std::make_shared<movable>();
  std::atomic<std::int64_t> tables_{0};
  std::atomic<int> asked_{0};
  std::atomic<int> answered_{0};
  thread_pool pool_{"loads", 3, 64};
};

TEST(swr_threads, stress) {
  stress().run();
}

}  // namespace
}  // namespace lodestar::swr
