// Goal: each kind of fault is found, named in words, and repeated from what its report says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

#include <verify/interleave.hpp>

#include <verify/interleave/expect.hpp>

namespace lodestar::interleave {
namespace {

using testing::HasSubstr;

template <class Scenario>
outcome search(threads<Scenario> run, const limits& within = {}) {
  return explore<Scenario>(context_bound{}, run, within);
}

// --- races and lifetimes

struct writing_after_publishing {
  var<int> data{0, "data"};
  atomic<bool> ready{false, "ready"};
  void writer() {
    ready.store(true, release);
    data = 1;
  }
  void reader() {
    if (ready.load(acquire)) check(data.read() >= 0, "it is read");
  }
};
TEST(faults_test, a_write_after_the_release_races) {
  const auto found = search<writing_after_publishing>(
      {&writing_after_publishing::writer, &writing_after_publishing::reader});
  ASSERT_TRUE(found.found_a(fault::data_race)) << found.report();
  EXPECT_THAT(found.found->text, HasSubstr("data"));
  EXPECT_THAT(found.found->text, HasSubstr("does not happen before"));
}

template <std::memory_order Publish>
struct publishing_an_object {
  struct node {
    atomic<int> value{7};
  };
  atomic<node*> shared{nullptr, "shared"};
  ~publishing_an_object() { destroy(shared.load()); }
  void writer() { shared.store(make<node>(), Publish); }
  void reader() {
    if (auto* found = shared.load(acquire)) check(found->value.load(relaxed) == 7, "it is made");
  }
};
TEST(faults_test, an_object_must_be_made_before_it_is_used) {
  using right = publishing_an_object<release>;
  expect_never<right>({&right::writer, &right::reader});
  using wrong = publishing_an_object<relaxed>;
  expect_found<wrong>(fault::data_race, {&wrong::writer, &wrong::reader});
}

struct destroying_while_it_is_used {
  struct node {
    atomic<int> value{0};
  };
  node* shared = make<node>();
  void user() { shared->value.store(1, relaxed); }
  void destroyer() { destroy(shared); }
};
TEST(faults_test, use_after_destroy_and_destroy_without_order) {
  using scenario = destroying_while_it_is_used;
  const auto late_use = search<scenario>({&scenario::destroyer, &scenario::user});
  ASSERT_TRUE(late_use.found_a(fault::use_after_free)) << late_use.report();
  EXPECT_THAT(late_use.found->text, HasSubstr("uses node#1+0"));
  const auto late_destroy = search<scenario>({&scenario::user, &scenario::destroyer});
  EXPECT_TRUE(late_destroy.found_a(fault::data_race)) << late_destroy.report();
}

struct destroying_twice {
  int* shared = make<int>(1);
  void destroyer() { destroy(shared); }
};
TEST(faults_test, double_destroy) {
  const auto found =
      search<destroying_twice>({&destroying_twice::destroyer, &destroying_twice::destroyer});
  EXPECT_TRUE(found.found_a(fault::double_free)) << found.report();
}

struct losing_an_object {
  atomic<int*> slot{make<int>(0), "slot"};
  ~losing_an_object() { destroy(slot.load()); }
  void replace() { destroy(slot.exchange(make<int>(1))); }
  void overwrite() { slot.store(make<int>(2)); }
};
TEST(faults_test, leak) {
  expect_never<losing_an_object>({&losing_an_object::replace, &losing_an_object::replace});
  const auto found =
      search<losing_an_object>({&losing_an_object::replace, &losing_an_object::overwrite});
  EXPECT_TRUE(found.found_a(fault::leak)) << found.report();
}

struct destroying_a_stranger {
  int first = 0, own = 0;
  void destroyer() { destroy(&own); }
};
TEST(faults_test, destroying_what_was_not_made) {
  const auto found = search<destroying_a_stranger>({&destroying_a_stranger::destroyer});
  EXPECT_TRUE(found.found_a(fault::misuse)) << found.report();
}

// --- waiting

struct locking_in_two_orders {
  mutex a{"a"}, b{"b"};
  void left() {
    const std::lock_guard first(a);
    const std::lock_guard second(b);
  }
  void right() {
    const std::lock_guard first(b);
    const std::lock_guard second(a);
  }
};
TEST(faults_test, deadlock) {
  using scenario = locking_in_two_orders;
  expect_never<scenario>({&scenario::left, &scenario::left});
  const auto found = search<scenario>({&scenario::left, &scenario::right});
  ASSERT_TRUE(found.found_a(fault::deadlock)) << found.report();
  EXPECT_THAT(found.found->text, HasSubstr("thread 1 waits for b, which thread 2 holds"));
  EXPECT_THAT(found.found->text, HasSubstr("thread 2 waits for a, which thread 1 holds"));
}

struct locking_twice {
  mutex a{"a"};
  void run() {
    a.lock();
    a.lock();
  }
  void unlock_only() { a.unlock(); }
};
TEST(faults_test, misused_mutexes) {
  EXPECT_TRUE(search<locking_twice>({&locking_twice::run}).found_a(fault::deadlock));
  EXPECT_TRUE(search<locking_twice>({&locking_twice::unlock_only}).found_a(fault::misuse));
}

struct locking_or_not {
  mutex lock{"lock"};
  var<int> count{0, "count"};
  int done = 0, refused = 0;
  void run() {
    if (!lock.try_lock()) {
      ++refused;
      return;
    }
    count = count + 1;
    lock.unlock();
    ++done;
  }
  void locks() {
    const std::lock_guard hold(lock);
    count = count + 1;
  }
  void finally() { check(refused == 0, "the lock was free"); }
};
TEST(faults_test, a_mutex_protects_and_a_try_lock_may_fail) {
  const auto found = search<locking_or_not>({&locking_or_not::run, &locking_or_not::run});
  EXPECT_TRUE(found.found_a(fault::failed_check)) << found.report();
  expect_never<locking_or_not>(
      {&locking_or_not::locks, &locking_or_not::locks, &locking_or_not::locks});
}

struct waiting_in_vain {
  atomic<bool> never{false, "never"};
  void politely() {
    while (!never.load()) atomics::yield();
  }
  void rudely() {
    while (!never.load()) {
    }
  }
  void other() {}
};
TEST(faults_test, livelock) {
  using scenario = waiting_in_vain;
  const auto within = limits{.steps_max = 200};
  EXPECT_TRUE(search<scenario>({&scenario::politely, &scenario::politely}, within)
                  .found_a(fault::livelock));
  const auto found = search<scenario>({&scenario::rudely, &scenario::other}, within);
  ASSERT_TRUE(found.found_a(fault::livelock)) << found.report();
  EXPECT_THAT(found.found->text, HasSubstr("200 operations"));
}

struct spinning_with_others {
  atomic<bool> taken{false, "taken"};
  atomic<int> left{2, "left"};
  void run() {
    while (taken.exchange(true, acquire)) atomics::yield();
    taken.store(false, release);
    left.fetch_sub(1, relaxed);
    while (left.load(relaxed) > 0) atomics::yield();
  }
};
TEST(faults_test, waiting_with_yield_is_no_livelock) {
  using scenario = spinning_with_others;
  expect_never<scenario>({&scenario::run, &scenario::run});
  const auto three = explore<scenario>(random_walk{.executions = 1'000},
                                       {&scenario::run, &scenario::run, &scenario::run});
  EXPECT_FALSE(three.found) << three.report();
}

// --- other ends

struct throwing {
  void run() { throw std::runtime_error("out of luck"); }
};
TEST(faults_test, exception) {
  const auto found = search<throwing>({&throwing::run});
  ASSERT_TRUE(found.found_a(fault::exception)) << found.report();
  EXPECT_THAT(found.found->text, HasSubstr("out of luck"));
}

struct failing_at_set_up {
  failing_at_set_up() { check(false, "set up"); }
  void run() {}
};
TEST(faults_test, a_check_also_holds_while_setting_up) {
  EXPECT_TRUE(search<failing_at_set_up>({&failing_at_set_up::run}).found_a(fault::failed_check));
}

struct remembering {
  static inline int executions = 0;
  atomic<int> x{0, "x"};
  void run() {
    for (int times = ++executions % 5; times > 0; --times) x.store(times);
  }
  void other() { x.store(9); }
};
TEST(faults_test, a_scenario_that_does_not_repeat_is_found) {
  const auto found = search<remembering>({&remembering::run, &remembering::other});
  EXPECT_TRUE(found.found_a(fault::not_repeatable)) << found.report();
}

struct owning_memory {
  std::vector<std::string> texts{100, std::string(100, 'x')};
  atomic<bool> x{false, "x"};
  void run() {
    const std::vector<std::string> own(texts);
    check(x.exchange(true), "never true for the first");
  }
};
TEST(faults_test, what_a_given_up_execution_owns_is_no_leak_of_the_test) {
  EXPECT_TRUE(search<owning_memory>({&owning_memory::run, &owning_memory::run}).found);
}

// --- reports

struct lost_update {
  atomic<int> count{0, "count"};
  void add() { count.store(count.load() + 1); }
  void finally() { check(count.load() == 2, "both additions count"); }
};

TEST(faults_test, a_report_repeats_the_execution_by_schedule) {
  const auto found = search<lost_update>({&lost_update::add, &lost_update::add});
  ASSERT_TRUE(found.found_a(fault::failed_check));
  const auto again =
      explore<lost_update>(replay{found.found->schedule}, {&lost_update::add, &lost_update::add});
  ASSERT_TRUE(again.found_a(fault::failed_check)) << again.report();
  EXPECT_EQ(again.executions, 1U);
  EXPECT_EQ(again.found->trace, found.found->trace);
}

TEST(faults_test, a_schedule_of_something_else_is_found) {
  for (const auto* schedule : {"9", "1000x0.1"}) {
    const auto found =
        explore<lost_update>(replay{schedule}, {&lost_update::add, &lost_update::add});
    EXPECT_TRUE(found.found_a(fault::not_repeatable)) << found.report();
  }
}

TEST(faults_test, a_report_repeats_the_execution_by_seed) {
  const auto found =
      explore<lost_update>(random_walk{.seed = 1'000}, {&lost_update::add, &lost_update::add});
  ASSERT_TRUE(found.found_a(fault::failed_check)) << found.report();
  EXPECT_EQ(found.found->seed, 1'000 + found.executions - 1);
  const auto again = explore<lost_update>(random_walk{.executions = 1, .seed = found.found->seed},
                                          {&lost_update::add, &lost_update::add});
  ASSERT_TRUE(again.found_a(fault::failed_check)) << again.report();
  EXPECT_EQ(again.found->trace, found.found->trace);
  EXPECT_EQ(again.found->schedule, found.found->schedule);
}

TEST(faults_test, a_report_tells_every_operation) {
  const auto found = search<lost_update>({&lost_update::add, &lost_update::add});
  ASSERT_TRUE(found.found);
  const auto text = found.report();
  EXPECT_THAT(text, HasSubstr("failed check: both additions count"));
  EXPECT_THAT(text, HasSubstr("main      count is made, 0"));
  EXPECT_THAT(text, HasSubstr("thread 1  count.load(seq_cst) = 0, written at"));
  EXPECT_THAT(text, HasSubstr("thread 2  count.store(1, seq_cst)"));
  EXPECT_THAT(text, HasSubstr(found.found->schedule));
}

TEST(faults_test, a_search_ends_at_its_bound) {
  using scenario = spinning_with_others;
  const auto cut = explore<scenario>(context_bound{.executions_max = 100},
                                     {&scenario::run, &scenario::run, &scenario::run});
  EXPECT_EQ(cut.executions, 100U);
  EXPECT_FALSE(cut.exhausted);
}

}  // namespace
}  // namespace lodestar::interleave
