// Many threads on one log: group commit, order, tails, readers, closing.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <atomic>
#include <condition_variable>
#include <latch>
#include <map>
#include <mutex>
#include <thread>

#include "test_log.hpp"

namespace lodestar::sqlite_log {
namespace {

class concurrency_test : public test_log {
 protected:
  void SetUp() override { open(); }
  void TearDown() override { expect_valid(); }
};

TEST_F(concurrency_test, many_appenders_share_commits_and_every_answer_is_true) {
  constexpr int threads = 8, appends = 100;
  std::mutex mutex;
  std::map<log::position, std::string> answered;
  {
    std::vector<std::jthread> appenders;
    for (int thread = 0; thread < threads; ++thread) {
      appenders.emplace_back([&, thread] {
        for (int index = 0; index < appends; ++index) {
          const auto id = fmt::format("{}-{}-", thread, index);
          const auto answer = append(make_batch(id, 3, fmt::format("S{}", index % 7)));
          ASSERT_TRUE(answer.has_value()) << answer.error().describe();
          const std::lock_guard lock(mutex);
          for (std::size_t event = 0; event < 3; ++event) {
            EXPECT_EQ((*answer)[event].at, answer->front().at + static_cast<log::position>(event));
            EXPECT_TRUE(answered.emplace((*answer)[event].at, id + std::to_string(event)).second);
          }
        }
      });
    }
  }
  const auto stored = read({.events_max = 10'000});
  ASSERT_EQ(stored.size(), static_cast<std::size_t>(threads * appends * 3));
  for (std::size_t index = 0; index < stored.size(); ++index) {
    EXPECT_EQ(stored[index].at, static_cast<log::position>(index) + 1);
    EXPECT_EQ(answered[stored[index].at], stored[index].event_id);
  }
}

TEST_F(concurrency_test, one_winner_per_expected_version) {
  constexpr int threads = 8, attempts = 125;
  std::atomic<int> won{0}, lost{0};
  {
    std::vector<std::jthread> racers;
    for (int thread = 0; thread < threads; ++thread) {
      racers.emplace_back([&, thread] {
        for (int attempt = 0; attempt < attempts; ++attempt) {
          auto event = make_event(fmt::format("{}-{}", thread, attempt));
          event.expected_version = log->stream_version("Airport", "ATL").value();
          const auto answer = append_one(event);
          if (!answer) {
            EXPECT_EQ(answer.error().code, error_code::conflict);
          }
          (answer ? won : lost).fetch_add(1);
        }
      });
    }
  }
  EXPECT_EQ(won + lost, threads * attempts);
  EXPECT_EQ(log->stream_version("Airport", "ATL"), won.load());
}

// Callback order is commit order, and a commit holds more than one append while a callback keeps
// the writer busy.
TEST_F(concurrency_test, appends_that_wait_share_one_commit_and_are_answered_in_order) {
  auto& commits = metrics.make_counter("lodestar_log_commits_total", "");
  std::latch reached(1), blocked(1), done(100);
  log->append(make_batch("first", 1), [&](auto) {
    reached.count_down();
    blocked.wait();
  });
  reached.wait();
  const auto before = commits.value();
  std::vector<log::position> answered;
  for (int index = 0; index < 100; ++index) {
    log->append(make_batch(fmt::format("a{}-", index), 1), [&](const auto& answer) {
      answered.push_back(answer->front().at);
      done.count_down();
    });
  }
  blocked.count_down();
  done.wait();
  EXPECT_EQ(commits.value() - before, 1U);
  EXPECT_TRUE(std::is_sorted(answered.begin(), answered.end()));
}

TEST_F(concurrency_test, a_commit_is_bounded) {
  how.user.commit_events_max = 10;
  open();
  auto& commits = metrics.make_counter("lodestar_log_commits_total", "");
  std::latch reached(1), blocked(1), done(100);
  log->append(make_batch("first", 1), [&](auto) {
    reached.count_down();
    blocked.wait();
  });
  reached.wait();
  const auto before = commits.value();
  for (int index = 0; index < 100; ++index) {
    log->append(make_batch(fmt::format("a{}-", index), 1), [&](const auto&) { done.count_down(); });
  }
  blocked.count_down();
  done.wait();
  EXPECT_EQ(commits.value() - before, 10U);
}

TEST_F(concurrency_test, closing_stores_what_is_queued) {
  std::latch reached(1), blocked(1);
  std::atomic<int> stored{0};
  log->append(make_batch("first", 1), [&](auto) {
    reached.count_down();
    blocked.wait();
  });
  reached.wait();
  for (int index = 0; index < 50; ++index) {
    log->append(make_batch(fmt::format("a{}-", index), 2), [&](const auto& answer) {
      if (answer) stored.fetch_add(2);
    });
  }
  blocked.count_down();
  open();
  EXPECT_EQ(stored.load(), 100);
  EXPECT_EQ(log->last_position(), 101);
}

TEST_F(concurrency_test, closing_is_bounded_in_time) {
  how.user.queue_events_max = 1;
  open();
  std::latch reached(1), queued(1);
  error_code refused{}, refused_late{};
  const auto keep_code = [](error_code& code) {
    return
        [&code](const auto& answer) { code = answer ? error_code::internal : answer.error().code; };
  };
  log->append(make_batch("first", 1), [&, open_log = log.get()](auto) {
    reached.count_down();
    queued.wait();
    // The queue is full, so this is refused at once: with another code from when closing begins.
    while (refused != error_code::cancelled)
      open_log->append(make_batch("more", 1), keep_code(refused));
    time.advance(std::chrono::minutes(1));
  });
  reached.wait();
  log->append(make_batch("late", 1), keep_code(refused_late));
  queued.count_down();
  log.reset();
  EXPECT_EQ(refused_late, error_code::cancelled);
}

// A reader that follows the tail must not miss an event, whenever it subscribes.
TEST_F(concurrency_test, a_tail_misses_nothing) {
  constexpr log::position events = 300;
  std::jthread appender([this] {
    for (log::position index = 0; index < events; ++index) {
      ASSERT_TRUE(append_one(make_event(std::to_string(index))).has_value());
    }
  });
  std::mutex mutex;
  std::condition_variable woken;
  log::position last = 0;
  const auto subscription = log->subscribe([&](log::position at) {
    const std::lock_guard lock(mutex);
    EXPECT_GT(at, last);
    last = at;
    woken.notify_one();
  });
  log::position seen = 0;
  while (seen < events) {
    for (const auto& event : read({.after = seen})) {
      EXPECT_EQ(event.at, seen + 1);
      seen = event.at;
    }
    std::unique_lock lock(mutex);
    woken.wait(lock, [&] { return last > seen || seen >= events; });
  }
}

TEST_F(concurrency_test, a_duplicate_wakes_nobody) {
  ASSERT_TRUE(append_one(make_event("a")).has_value());
  open();  // The wake-up of that commit may still be on its way.
  int wakes = 0;
  {
    const auto subscription = log->subscribe([&](log::position) { ++wakes; });
    ASSERT_TRUE(append_one(make_event("a")).has_value());
    log.reset();
  }
  EXPECT_EQ(wakes, 0);
}

TEST_F(concurrency_test, readers_run_beside_the_writer) {
  how.user.readers_max = 2;
  open();
  std::atomic<bool> stop{false};
  std::vector<std::jthread> readers;
  for (int reader = 0; reader < 4; ++reader) {
    readers.emplace_back([&] {
      while (!stop) {
        const auto known = log->last_position();
        const auto seen = read({.events_max = 100'000});
        EXPECT_GE(static_cast<log::position>(seen.size()), known);
        for (std::size_t index = 0; index < seen.size(); ++index) {
          ASSERT_EQ(seen[index].at, static_cast<log::position>(index) + 1);
        }
      }
    });
  }
  for (int index = 0; index < 100; ++index) {
    ASSERT_TRUE(append(make_batch(fmt::format("{}-", index), 5)).has_value());
  }
  stop = true;
}

}  // namespace
}  // namespace lodestar::sqlite_log
