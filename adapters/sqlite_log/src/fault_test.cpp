// I/O errors and full disks at every point. Method: a workload runs with the N-th operation
// failing, N = 1, 2, … until a run meets no fault. Each run must end in answers, the log must be
// valid, everything acknowledged must be there.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/resource.h>

#include <map>

#include "fault_vfs.hpp"
#include "test_log.hpp"

namespace lodestar::sqlite_log {
namespace {

using repeat = test::fault_vfs::repeat;

class fault_test : public test_log {
 protected:
  fault_test() {
    set_log_level(log_level::off);
    how.user.vfs = vfs.name();
    how.checkpoint_pages = 8;
  }
  ~fault_test() override {
    log.reset();
    set_log_level(log_level::info);
  }

  // Remembers what was acknowledged.
  void try_append(const std::vector<log::new_event>& batch) {
    const auto answer = append(batch);
    if (!answer) return;
    for (std::size_t index = 0; index < batch.size(); ++index) {
      acknowledged[(*answer)[index].at] = batch[index].event_id;
    }
  }
  void run_workload() {
    auto opened = open_with(how, time, metrics);
    if (!opened) return;
    log = std::move(*opened);
    for (int index = 0; index < 4; ++index) {
      const auto prefix = fmt::format("{}-", index);
      try_append(make_batch(prefix, 1));
      try_append(make_batch(prefix + "batch", 5, fmt::format("S{}", index)));
      auto refused = make_batch(prefix + "refused", 3);
      refused[2].expected_version = 999;
      EXPECT_FALSE(append(refused).has_value());
      static_cast<void>(log->read({}));
      static_cast<void>(log->stream_version("Airport", "ATL"));
    }
    log.reset();
  }
  void expect_acknowledged_events_are_there() {
    open();
    std::map<log::position, std::string> stored;
    for (const auto& event : read({.events_max = 100'000})) stored[event.at] = event.event_id;
    for (const auto& [at, id] : acknowledged) EXPECT_EQ(stored[at], id);
    expect_valid();
  }
  void start_over() {
    log.reset();
    for (const char* suffix : {"", "-wal", "-shm", "-journal"}) {
      std::filesystem::remove(how.user.file.string() + suffix);
    }
    acknowledged.clear();
  }
  void fail_everywhere(unsigned kinds, int code, repeat how_often) {
    std::uint64_t nth = 1;
    for (bool hit = true; hit; nth += rounds_divisor) {
      ASSERT_LT(nth, 10'000U) << "the workload never gets through";
      start_over();
      vfs.fail_at(nth, kinds, code, how_often);
      run_workload();
      hit = vfs.hit();
      vfs.heal();
      expect_acknowledged_events_are_there();
      ASSERT_FALSE(HasFailure()) << "at operation " << nth;
    }
    EXPECT_EQ(acknowledged.size(), 24U) << "the run without a fault acknowledges everything";
    EXPECT_GT(nth, 20U) << "the faults were reached";
  }

  test::fault_vfs vfs{"fault"};
  std::map<log::position, std::string> acknowledged;
};

TEST_F(fault_test, io_error_once_at_every_operation) {
  fail_everywhere(test::disk::any, 0, repeat::once);
}
TEST_F(fault_test, io_error_from_every_operation_on) {
  fail_everywhere(test::disk::any, 0, repeat::from_then_on);
}
TEST_F(fault_test, disk_full_once_at_every_write) {
  fail_everywhere(test::disk::write, SQLITE_FULL, repeat::once);
}
TEST_F(fault_test, disk_full_from_every_write_on) {
  fail_everywhere(test::disk::write, SQLITE_FULL, repeat::from_then_on);
}
TEST_F(fault_test, out_of_memory_once_at_every_operation) {
  fail_everywhere(test::disk::any, SQLITE_NOMEM, repeat::once);
}

TEST_F(fault_test, a_failed_sync_refuses_the_commit_and_the_store_heals) {
  open();
  try_append(make_batch("before", 2));
  vfs.fail_at(1, test::disk::sync, 0, repeat::once);
  const auto answer = append(make_batch("during", 2));
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().code, error_code::unavailable);
  EXPECT_THAT(answer.error().hint, testing::HasSubstr("send them again"));
  vfs.heal();
  EXPECT_TRUE(append(make_batch("during", 2)).has_value());
  EXPECT_TRUE(append(make_batch("after", 2)).has_value());
  EXPECT_EQ(log->last_position(), 6);
  EXPECT_EQ(read().size(), 6U);
  expect_valid();
}

TEST_F(fault_test, while_the_disk_is_broken_appends_are_refused_and_reads_go_on) {
  open();
  try_append(make_batch("before", 2));
  EXPECT_EQ(read().size(), 2U);
  vfs.fail_at(1, test::disk::changes, 0, repeat::from_then_on);
  for (int attempt = 0; attempt < 3; ++attempt) {
    const auto answer = append(make_batch("during", 2));
    ASSERT_FALSE(answer.has_value());
    EXPECT_EQ(answer.error().code, error_code::unavailable);
    EXPECT_EQ(read().size(), 2U);
    EXPECT_EQ(log->last_position(), 2);
  }
  EXPECT_EQ(metrics.make_gauge("lodestar_log_writable", "").value(), 0);
  vfs.heal();
  EXPECT_TRUE(append(make_batch("during", 2)).has_value());
  EXPECT_EQ(metrics.make_gauge("lodestar_log_writable", "").value(), 1);
}

TEST_F(fault_test, a_full_disk_refuses_appends_until_there_is_space) {
  open();
  try_append(make_batch("before", 2));
  vfs.fail_at(1, test::disk::write, SQLITE_FULL, repeat::from_then_on);
  for (int attempt = 0; attempt < 3; ++attempt) {
    const auto answer = append(make_batch("during", 50));
    ASSERT_FALSE(answer.has_value());
    EXPECT_EQ(answer.error().code, error_code::storage_full);
    EXPECT_EQ(read().size(), 2U);
  }
  vfs.heal();
  EXPECT_TRUE(append(make_batch("during", 50)).has_value());
  EXPECT_EQ(log->last_position(), 52);
  expect_valid();
}

// The real thing: the kernel refuses to let the file grow (as `ulimit -f` does).
TEST_F(fault_test, a_file_size_limit_reads_as_a_full_disk) {
  how.user.vfs.clear();
  how.checkpoint_pages = 4000;
  open();
  ASSERT_TRUE(append(make_batch("before", 2)).has_value());
  const auto old_handler = signal(SIGXFSZ, SIG_IGN);
  rlimit old_limit{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &old_limit), 0);
  const rlimit limit{512 * 1024, old_limit.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
  log::position stored = 2;
  result<std::vector<log::appended>> answer;
  for (int round = 0; answer && round < 1000; ++round) {
    answer = append(make_batch(fmt::format("fill{}-", round), 50));
    if (answer) stored += 50;
  }
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &old_limit), 0);
  signal(SIGXFSZ, old_handler);
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().code, error_code::storage_full);
  EXPECT_EQ(log->last_position(), stored);
  EXPECT_TRUE(append(make_batch("after", 50)).has_value());
  EXPECT_EQ(log->last_position(), stored + 50);
  expect_valid();
}

}  // namespace
}  // namespace lodestar::sqlite_log
