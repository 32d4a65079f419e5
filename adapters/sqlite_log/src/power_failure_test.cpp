// Power failures: the disk vanishes at a random operation and keeps a random part of what was not
// synced. With synchronous=FULL nothing acknowledged may be lost; with NORMAL something must be, or
// the test would prove nothing.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <mutex>
#include <thread>

#include "fault_vfs.hpp"
#include "test_log.hpp"

namespace lodestar::sqlite_log {
namespace {

class power_failure_test : public test_log {
 protected:
  power_failure_test() {
    set_log_level(log_level::off);
    how.user.vfs = vfs.name();
    how.checkpoint_pages = 12;
  }
  ~power_failure_test() override {
    log.reset();
    set_log_level(log_level::info);
  }

  void append_until_the_disk_is_gone(int cycle) {
    auto opened = open_with(how, time, metrics);
    if (!opened) return;
    log = std::move(*opened);
    std::vector<std::jthread> appenders;
    for (int thread = 0; thread < 3; ++thread) {
      appenders.emplace_back([this, cycle, thread] {
        for (int index = 0; index < 50 && !vfs.hit(); ++index) {
          const auto prefix = fmt::format("{}-{}-{}-", cycle, thread, index);
          const auto events = static_cast<std::size_t>(1 + index % 3);
          const auto answer = append(make_batch(prefix, events, fmt::format("S{}", thread)));
          if (!answer) continue;
          const std::lock_guard lock(mutex);
          for (std::size_t event = 0; event < events; ++event) {
            acknowledged[(*answer)[event].at] = fmt::format("{}{}", prefix, event);
          }
        }
      });
    }
    appenders.clear();
    log.reset();
  }

  // Reopens and counts what was acknowledged and is not there; an error of the log itself is a
  // failure.
  std::size_t count_lost() {
    open();
    std::map<log::position, std::string> stored;
    for (const auto& event : read({.events_max = 10'000'000})) stored[event.at] = event.event_id;
    std::size_t lost = 0;
    for (const auto& [at, id] : acknowledged) {
      const auto found = stored.find(at);
      if (found == stored.end() || found->second != id) ++lost;
    }
    expect_valid();
    return lost;
  }

  std::size_t lose_power(int crashes) {
    std::size_t lost = 0;
    for (int cycle = 0; cycle < crashes; ++cycle) {
      // A fresh log now and then, so that creation is met too and checking stays quick.
      if (cycle % 20 == 0) start_over();
      vfs.crash_at(1 + random.next() % 60);
      append_until_the_disk_is_gone(cycle);
      vfs.lose_unsynced(random, static_cast<unsigned>(random.next() % 101));
      vfs.heal();
      acknowledged_total += acknowledged.size();
      const auto now = count_lost();
      lost += now;
      if (now > 0) start_over();
      if (HasFailure()) {
        ADD_FAILURE() << "seed " << seed << ", crash " << cycle;
        break;
      }
      acknowledged_total -= acknowledged.size();
    }
    return lost;
  }

  void start_over() {
    log.reset();
    for (const char* suffix : {"", "-wal", "-shm", "-journal"}) {
      std::filesystem::remove(how.user.file.string() + suffix);
    }
    acknowledged_total += acknowledged.size();
    acknowledged.clear();
  }

  test::fault_vfs vfs{"power"};
  std::uint64_t seed = system_random().next() % 1'000'000;
  seeded_random random{seed};
  std::mutex mutex;
  std::map<log::position, std::string> acknowledged;
  std::size_t acknowledged_total = 0;
};

TEST_F(power_failure_test, loses_nothing_in_full) {
  EXPECT_EQ(lose_power(500 / rounds_divisor), 0U) << "seed " << seed;
  start_over();
  EXPECT_GT(acknowledged_total, 1000U / rounds_divisor);
  RecordProperty("acknowledged", static_cast<int>(acknowledged_total));
}

TEST_F(power_failure_test, canary_loses_events_in_normal) {
  how.synchronous = "NORMAL";
  EXPECT_GT(lose_power(100 / rounds_divisor), 0U) << "seed " << seed;
}

}  // namespace
}  // namespace lodestar::sqlite_log
