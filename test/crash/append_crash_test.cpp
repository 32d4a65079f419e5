// kill -9 during appends. A child process (this program again, with the argument "child") appends
// from several threads and writes each acknowledgement to a pipe. The parent kills it after a
// random 0 to 50 ms, counted from its start or from its first acknowledgement, reopens the log and
// checks: nothing acknowledged is lost, no gap, no duplicate.
//
// A killed process loses nothing that the kernel has, so this cannot see a missing fsync: the power
// failure test of the adapter does.
//
//   append_crash_test [--kills=N] [--seed=N]
#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstring>
#include <iostream>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <lodestar/base/clock.hpp>
#include <lodestar/base/logging.hpp>
#include <lodestar/base/random.hpp>
#include <lodestar/sqlite_log/sqlite_log.hpp>

#include "temp_folder.hpp"

namespace lodestar {
namespace {

using std::chrono::steady_clock;

constexpr int child_threads = 4;
constexpr int pipe_in_child = 3;

int kills = 300;
std::uint64_t seed = system_random().next() % 1'000'000;

// What the child writes for each answer; smaller than PIPE_BUF, so records of several threads do
// not mix.
struct acknowledgement {
  log::position first = 0;
  std::int32_t cycle = 0;
  std::int32_t thread = 0;
  std::int32_t index = 0;
  std::int32_t events = 0;
};

std::string id_of(const acknowledgement& of, std::int32_t event) {
  return fmt::format("{}-{}-{}-{}", of.cycle, of.thread, of.index, event);
}

std::vector<log::new_event> batch_of(const acknowledgement& of) {
  std::vector<log::new_event> batch(static_cast<std::size_t>(of.events));
  for (std::int32_t event = 0; event < of.events; ++event) {
    auto& made = batch[static_cast<std::size_t>(event)];
    made.event_id = id_of(of, event);
    made.aggregate_type = "Stream";
    made.aggregate_id = fmt::format("{}", of.index % 5);
    made.event_type = "Happened";
    made.payload = fmt::format(R"({{"text":"{:200}"}})", made.event_id);
  }
  return batch;
}

result<std::unique_ptr<log::event_log>> open_log(const std::string& file,
                                                 metrics_registry& metrics) {
  sqlite_log::options options;
  options.file = file;
  return sqlite_log::open(options, system_clock(), metrics);
}

void append_for_ever(log::event_log& log, std::int32_t cycle, std::int32_t thread) {
  for (std::int32_t index = 0;; ++index) {
    acknowledgement record{0, cycle, thread, index, 1 + index % 3};
    const auto answer = log.append_and_wait(batch_of(record));
    if (!answer) _exit(4);
    record.first = answer->front().at;
    if (write(pipe_in_child, &record, sizeof record) != static_cast<ssize_t>(sizeof record))
      _exit(5);
  }
}

int run_child(const std::string& file, std::int32_t cycle) {
  metrics_registry metrics;
  auto log = open_log(file, metrics);
  if (!log) {
    std::cerr << log.error().describe() << "\n";
    return 3;
  }
  std::vector<std::jthread> threads;
  for (std::int32_t thread = 0; thread < child_threads; ++thread) {
    threads.emplace_back([&, thread] { append_for_ever(**log, cycle, thread); });
  }
  return 0;
}

class crash_test : public testing::Test {
 protected:
  struct child_process {
    pid_t pid = -1;
    int pipe = -1;
  };

  [[nodiscard]] child_process start(int cycle) {
    std::array<int, 2> ends{};
    EXPECT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
    const auto number = std::to_string(cycle);
    const pid_t pid = fork();
    if (pid == 0) {
      // dup2 of a descriptor onto itself would keep its close-on-exec flag.
      if (ends[1] == pipe_in_child) {
        fcntl(ends[1], F_SETFD, 0);
      } else {
        dup2(ends[1], pipe_in_child);
      }
      execl("/proc/self/exe", "append_crash_test", "child", file.c_str(), number.c_str(), nullptr);
      _exit(6);
    }
    close(ends[1]);
    return {pid, ends[0]};
  }

  // Collects acknowledgements until the time is over or the child is gone.
  void collect(const child_process& child, steady_clock::duration time, bool until_first) {
    const auto deadline = steady_clock::now() + time;
    for (;;) {
      const auto left =
          std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_clock::now());
      if (left.count() <= 0) return;
      pollfd ready{child.pipe, POLLIN, 0};
      if (poll(&ready, 1, static_cast<int>(left.count())) <= 0) return;
      if (!collect_one(child) || until_first) return;
    }
  }

  bool collect_one(const child_process& child) {
    acknowledgement record;
    if (read(child.pipe, &record, sizeof record) != static_cast<ssize_t>(sizeof record))
      return false;
    for (std::int32_t event = 0; event < record.events; ++event) {
      acknowledged.emplace(record.first + event, id_of(record, event));
    }
    return true;
  }

  void kill_and_collect(const child_process& child) {
    kill(child.pid, SIGKILL);
    int status = 0;
    EXPECT_EQ(waitpid(child.pid, &status, 0), child.pid);
    EXPECT_TRUE(WIFSIGNALED(status)) << "the child ended by itself with status " << status;
    while (collect_one(child)) {
    }
    close(child.pipe);
  }

  void reopen_and_check() {
    metrics_registry metrics;
    const auto started = steady_clock::now();
    const auto log = open_log(file, metrics);
    reopen_times.push_back(steady_clock::now() - started);
    ASSERT_TRUE(log.has_value()) << log.error().describe();
    for (bool at_end = false; !at_end;) {
      const auto page = (*log)->read({.after = checked, .events_max = 100'000});
      ASSERT_TRUE(page.has_value()) << page.error().describe();
      at_end = page->at_end;
      check(page->events);
    }
    ASSERT_TRUE(acknowledged.empty()) << acknowledged.size() << " acknowledged events are lost";
  }

  void check(const std::vector<log::event>& events) {
    for (const auto& event : events) {
      ASSERT_EQ(event.at, ++checked) << "a gap";
      ASSERT_EQ(event.stream_version, ++versions[event.aggregate_id]) << "a gap in a stream";
      ASSERT_TRUE(ids.insert(event.event_id).second) << event.event_id << " is stored twice";
      const auto known = acknowledged.find(event.at);
      if (known == acknowledged.end()) continue;
      ASSERT_EQ(known->second, event.event_id) << "another event than the acknowledged one";
      acknowledged.erase(known);
      ++confirmed;
    }
  }

  void run_cycle(int cycle, seeded_random& random) {
    const auto child = start(cycle);
    if (cycle % 2 == 0) collect(child, std::chrono::seconds(30), true);
    collect(child, std::chrono::microseconds(random.next() % 50'000), false);
    kill_and_collect(child);
    reopen_and_check();
  }

  test::temp_folder folder;
  std::string file = (folder / "events.db").string();
  std::unordered_map<log::position, std::string> acknowledged;
  std::unordered_map<std::string, log::version> versions;
  std::unordered_set<std::string> ids;
  std::vector<steady_clock::duration> reopen_times;
  log::position checked = 0;
  std::size_t confirmed = 0;
};

TEST_F(crash_test, nothing_acknowledged_is_lost) {
  set_log_level(log_level::warning);
  seeded_random random(seed);
  for (int cycle = 0; cycle < kills && !HasFailure(); ++cycle) {
    SCOPED_TRACE(fmt::format("seed {}, kill {}", seed, cycle));
    run_cycle(cycle, random);
  }
  std::sort(reopen_times.begin(), reopen_times.end());
  const auto p99 = reopen_times[reopen_times.size() * 99 / 100];
  fmt::print(
      "seed {}: {} kills, {} events stored, {} of them acknowledged, reopening p99 {:.1f} ms\n",
      seed, reopen_times.size(), checked, confirmed,
      std::chrono::duration<double, std::milli>(p99).count());
  EXPECT_GT(confirmed, 0U);
}

bool read_option(std::string_view argument, std::string_view name, auto& value) {
  if (!argument.starts_with(name)) return false;
  argument.remove_prefix(name.size());
  const auto [end, problem] =
      std::from_chars(argument.data(), argument.data() + argument.size(), value);
  return problem == std::errc() && end == argument.data() + argument.size();
}

}  // namespace
}  // namespace lodestar

int main(int argc, char** argv) {
  using namespace lodestar;
  if (argc == 4 && std::strcmp(argv[1], "child") == 0)
    return run_child(argv[2], std::atoi(argv[3]));
  testing::InitGoogleTest(&argc, argv);
  for (int index = 1; index < argc; ++index) {
    if (read_option(argv[index], "--kills=", kills) || read_option(argv[index], "--seed=", seed))
      continue;
    std::cerr << "append_crash_test: unknown argument " << argv[index]
              << " (known: --kills=N --seed=N)\n";
    return 2;
  }
  return RUN_ALL_TESTS();
}
