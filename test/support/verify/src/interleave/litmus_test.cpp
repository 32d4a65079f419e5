// Goal: the simulated memory allows what the C++20 memory model allows, and nothing else: the
// litmus tests that the literature knows by these names. Each pair of a forbidden and an allowed
// outcome is the other's canary.
#include <gtest/gtest.h>

#include <verify/interleave.hpp>

#include <verify/interleave/expect.hpp>

namespace lodestar::interleave {
namespace {

// --- store buffering (SB): store mine, load the other's

struct no_fence {
  static void left() {}
  static void right() {}
};
struct full_fences {
  static void left() { atomics::thread_fence(seq_cst); }
  static void right() { atomics::thread_fence(seq_cst); }
};
struct acq_rel_fences {
  static void left() { atomics::thread_fence(acq_rel); }
  static void right() { atomics::thread_fence(acq_rel); }
};
struct light_and_heavy {
  static void left() { atomics::light_fence(); }
  static void right() { atomics::heavy_fence(); }
};
struct light_and_light {
  static void left() { atomics::light_fence(); }
  static void right() { atomics::light_fence(); }
};
struct heavy_and_nothing {
  static void left() {}
  static void right() { atomics::heavy_fence(); }
};
struct heavy_and_full {
  static void left() { atomics::thread_fence(seq_cst); }
  static void right() { atomics::heavy_fence(); }
};
struct light_and_full {
  static void left() { atomics::light_fence(); }
  static void right() { atomics::thread_fence(seq_cst); }
};
struct full_fence_left {
  static void left() { atomics::thread_fence(seq_cst); }
  static void right() {}
};

template <class Fences, std::memory_order Store, std::memory_order Load,
          std::memory_order RightStore = Store, std::memory_order RightLoad = Load>
struct store_buffering {
  atomic<int> x{0, "x"};
  atomic<int> y{0, "y"};
  int left_saw = 0;
  int right_saw = 0;

  void left() {
    x.store(1, Store);
    Fences::left();
    left_saw = y.load(Load);
  }
  void right() {
    y.store(1, RightStore);
    Fences::right();
    right_saw = x.load(RightLoad);
  }
  void finally() { check(left_saw == 1 || right_saw == 1, "one of the two sees the other's"); }

  static void forbids() {
    expect_never<store_buffering>({&store_buffering::left, &store_buffering::right});
  }
  static void allows() {
    expect_found<store_buffering>(fault::failed_check,
                                  {&store_buffering::left, &store_buffering::right});
  }
};

TEST(litmus_test, store_buffering_is_forbidden_to_seq_cst_only) {
  store_buffering<no_fence, seq_cst, seq_cst>::forbids();
  store_buffering<no_fence, release, acquire>::allows();
  store_buffering<no_fence, relaxed, relaxed>::allows();
  store_buffering<no_fence, seq_cst, acquire>::allows();
  store_buffering<no_fence, release, seq_cst>::allows();
}

TEST(litmus_test, store_buffering_is_forbidden_by_seq_cst_fences) {
  store_buffering<full_fences, relaxed, relaxed>::forbids();
  store_buffering<acq_rel_fences, relaxed, relaxed>::allows();
  store_buffering<full_fence_left, relaxed, relaxed>::allows();
  store_buffering<full_fence_left, relaxed, relaxed, seq_cst, seq_cst>::forbids();
}

TEST(litmus_test, store_buffering_is_forbidden_by_a_light_and_a_heavy_fence) {
  store_buffering<light_and_heavy, relaxed, relaxed>::forbids();
  store_buffering<heavy_and_full, relaxed, relaxed>::forbids();
  store_buffering<light_and_light, relaxed, relaxed>::allows();
  store_buffering<light_and_full, relaxed, relaxed>::allows();
  // Without the light fence the compiler may exchange the store and the load.
  store_buffering<heavy_and_nothing, relaxed, relaxed>::allows();
}

/// Two light fences, and between them a heavy one of a third thread, which reaches the other two at
/// different moments.
struct light_fences_around_a_heavy_one {
  atomic<int> x{0, "x"};
  atomic<int> y{0, "y"};
  atomic<int> z{0, "z"};
  bool left_missed_y = false, left_was_early = false, right_missed_x = false,
       right_was_late = false;
  void left() {
    x.store(1, relaxed);
    atomics::light_fence();
    left_was_early = z.load(relaxed) == 0;
    left_missed_y = y.load(relaxed) == 0;
  }
  void middle() {
    z.store(1, relaxed);
    atomics::heavy_fence();
    right_was_late = y.load(relaxed) == 0;
  }
  void right() {
    y.store(1, relaxed);
    atomics::light_fence();
    right_missed_x = x.load(relaxed) == 0;
  }
  void finally() {
    const bool one_after_the_other = left_was_early && right_was_late;
    check(!one_after_the_other || !left_missed_y || !right_missed_x, "they are ordered");
  }
};
TEST(litmus_test, a_heavy_fence_elsewhere_does_not_order_light_ones) {
  using all = light_fences_around_a_heavy_one;
  const auto found =
      explore<all>(context_bound{.stale_reads_max = 4}, {&all::left, &all::middle, &all::right});
  EXPECT_TRUE(found.found_a(fault::failed_check)) << found.report();
}

/// A seq_cst store may be overtaken by a relaxed one behind it.
template <std::memory_order SecondStore>
struct overtaking_a_seq_cst_store {
  atomic<int> x{0, "x"};
  atomic<int> y{0, "y"};
  void writer() {
    x.store(1, seq_cst);
    y.store(1, SecondStore);
  }
  void reader() {
    if (y.load(acquire) == 1) check(x.load(seq_cst) == 1, "the stores are seen in their order");
  }
};
TEST(litmus_test, a_seq_cst_store_does_not_hold_back_what_follows) {
  using strong = overtaking_a_seq_cst_store<release>;
  expect_never<strong>({&strong::writer, &strong::reader});
  using weak = overtaking_a_seq_cst_store<relaxed>;
  expect_found<weak>(fault::failed_check, {&weak::writer, &weak::reader});
}

// --- message passing (MP): data, then a flag

struct no_fences {
  static void writer() {}
  static void reader() {}
};
struct both_fences {
  static void writer() { atomics::thread_fence(release); }
  static void reader() { atomics::thread_fence(acquire); }
};
struct writers_fence {
  static void writer() { atomics::thread_fence(release); }
  static void reader() {}
};
struct readers_fence {
  static void writer() {}
  static void reader() { atomics::thread_fence(acquire); }
};

template <class Fences, std::memory_order Store, std::memory_order Load>
struct message_passing {
  atomic<int> data{0, "data"};
  var<int> plain{0, "plain"};
  atomic<bool> ready{false, "ready"};

  void writer() {
    data.store(1, relaxed);
    plain = 1;
    Fences::writer();
    ready.store(true, Store);
  }
  void reader() {
    if (!ready.load(Load)) return;
    Fences::reader();
    check(data.load(relaxed) == 1, "who sees the flag sees the data");
  }
  void plain_reader() {
    if (!ready.load(Load)) return;
    Fences::reader();
    check(plain == 1, "who sees the flag sees the data");
  }

  static void forbids() {
    expect_never<message_passing>({&message_passing::writer, &message_passing::reader});
    expect_never<message_passing>({&message_passing::writer, &message_passing::plain_reader});
  }
  static void allows() {
    expect_found<message_passing>(fault::failed_check,
                                  {&message_passing::writer, &message_passing::reader});
    expect_found<message_passing>(fault::data_race,
                                  {&message_passing::writer, &message_passing::plain_reader});
  }
};

TEST(litmus_test, message_passing_needs_release_and_acquire) {
  message_passing<no_fences, release, acquire>::forbids();
  message_passing<no_fences, seq_cst, seq_cst>::forbids();
  message_passing<no_fences, relaxed, acquire>::allows();
  message_passing<no_fences, release, relaxed>::allows();
}

TEST(litmus_test, message_passing_by_fences_needs_both) {
  message_passing<both_fences, relaxed, relaxed>::forbids();
  message_passing<writers_fence, relaxed, acquire>::forbids();
  message_passing<readers_fence, release, relaxed>::forbids();
  message_passing<writers_fence, relaxed, relaxed>::allows();
  message_passing<readers_fence, relaxed, relaxed>::allows();
}

// --- release sequences

/// A second writer comes between the release and the acquire.
template <class Between>
struct release_sequence {
  var<int> data{0, "data"};
  atomic<int> flag{0, "flag"};
  void writer() {
    data = 1;
    flag.store(1, release);
  }
  void between() { Between::change(flag); }
  void reader() {
    if (flag.load(acquire) == 3) check(data == 1, "the data is seen");
  }
};
struct adds {
  static void change(atomic<int>& flag) { flag.fetch_add(2, relaxed); }
};
struct overwrites {
  static void change(atomic<int>& flag) {
    if (flag.load(relaxed) == 1) flag.store(3, relaxed);
  }
};

TEST(litmus_test, a_read_modify_write_continues_a_release_sequence_and_a_store_does_not) {
  using adding = release_sequence<adds>;
  expect_never<adding>({&adding::writer, &adding::between, &adding::reader});
  using overwriting = release_sequence<overwrites>;
  expect_found<overwriting>(fault::data_race,
                            {&overwriting::writer, &overwriting::between, &overwriting::reader});
}

/// Since C++20 a later store of the same thread does not continue it either.
struct own_later_store {
  var<int> data{0, "data"};
  atomic<int> flag{0, "flag"};
  void writer() {
    data = 1;
    flag.store(1, release);
    flag.store(2, relaxed);
  }
  void reader() {
    if (flag.load(acquire) == 2) check(data == 1, "the data is seen");
  }
};
TEST(litmus_test, a_later_store_of_the_same_thread_ends_a_release_sequence) {
  expect_found<own_later_store>(fault::data_race,
                                {&own_later_store::writer, &own_later_store::reader});
}

// --- coherence: all threads agree on the order of one object's stores

struct coherent_reads {
  atomic<int> x{0, "x"};
  int first = 0, second = 0;
  void writer() {
    x.store(1, relaxed);
    x.store(2, relaxed);
  }
  void reader() {
    first = x.load(relaxed);
    second = x.load(relaxed);
  }
  void finally() { check(first <= second, "a later load does not go back"); }
};
TEST(litmus_test, loads_do_not_go_back) {
  expect_never<coherent_reads>({&coherent_reads::writer, &coherent_reads::reader});
}

struct agreeing_readers {
  atomic<int> x{0, "x"};
  int left[2]{}, right[2]{};
  void one() { x.store(1, relaxed); }
  void two() { x.store(2, relaxed); }
  void reader(int (&saw)[2]) {
    saw[0] = x.load(relaxed);
    saw[1] = x.load(relaxed);
  }
  void left_reader() { reader(left); }
  void right_reader() { reader(right); }
  void finally() {
    check(!(left[0] == 1 && left[1] == 2 && right[0] == 2 && right[1] == 1),
          "two readers see the stores in one order");
  }
};
TEST(litmus_test, readers_agree_on_the_order_of_stores) {
  expect_never<agreeing_readers>({&agreeing_readers::one, &agreeing_readers::two,
                                  &agreeing_readers::left_reader, &agreeing_readers::right_reader},
                                 {.preemptions_max = 1});
}

/// 2+2W: each thread stores to both; the last values are the first stores of both.
template <std::memory_order Store>
struct two_plus_two_writes {
  atomic<int> x{0, "x"};
  atomic<int> y{0, "y"};
  void left() {
    x.store(1, Store);
    y.store(2, Store);
  }
  void right() {
    y.store(1, Store);
    x.store(2, Store);
  }
  void finally() {
    check(x.load(relaxed) == 2 || y.load(relaxed) == 2, "somebody's second store is last");
  }
};
TEST(litmus_test, stores_to_two_objects_are_ordered_by_seq_cst_only) {
  using strong = two_plus_two_writes<seq_cst>;
  expect_never<strong>({&strong::left, &strong::right});
  using weak = two_plus_two_writes<release>;
  expect_found<weak>(fault::failed_check, {&weak::left, &weak::right});
}

// --- independent reads of independent writes (IRIW)

template <std::memory_order Store, std::memory_order Load>
struct independent_reads {
  atomic<int> x{0, "x"};
  atomic<int> y{0, "y"};
  bool x_first = false, y_first = false;
  void write_x() { x.store(1, Store); }
  void write_y() { y.store(1, Store); }
  void left() { x_first = x.load(Load) == 1 && y.load(Load) == 0; }
  void right() { y_first = y.load(Load) == 1 && x.load(Load) == 0; }
  void finally() { check(!x_first || !y_first, "the readers see one order of the two stores"); }
};
TEST(litmus_test, readers_agree_on_two_objects_with_seq_cst_only) {
  using strong = independent_reads<seq_cst, seq_cst>;
  expect_never<strong>({&strong::write_x, &strong::write_y, &strong::left, &strong::right});
  using weak = independent_reads<release, acquire>;
  expect_found<weak>(fault::failed_check,
                     {&weak::write_x, &weak::write_y, &weak::left, &weak::right});
}

// --- causality over three threads

/// WRC: what one thread saw before it released is seen by who acquires from it.
template <std::memory_order Store, std::memory_order Load>
struct write_to_read_causality {
  atomic<int> x{0, "x"};
  atomic<int> y{0, "y"};
  void first() { x.store(1, relaxed); }
  void second() {
    if (x.load(relaxed) == 1) y.store(1, Store);
  }
  void third() {
    if (y.load(Load) == 1) check(x.load(relaxed) == 1, "the cause is seen with the effect");
  }
};
TEST(litmus_test, what_was_read_is_passed_on) {
  using strong = write_to_read_causality<release, acquire>;
  expect_never<strong>({&strong::first, &strong::second, &strong::third});
  using weak = write_to_read_causality<relaxed, relaxed>;
  expect_found<weak>(fault::failed_check, {&weak::first, &weak::second, &weak::third});
}

/// RWC: a fence also orders what its thread only read.
template <std::memory_order Fence>
struct read_to_write_causality {
  atomic<int> x{0, "x"};
  atomic<int> y{0, "y"};
  bool read_x_not_y = false, wrote_y_not_x = false;
  void first() { x.store(1, relaxed); }
  void second() {
    const bool x_seen = x.load(relaxed) == 1;
    atomics::thread_fence(Fence);
    read_x_not_y = x_seen && y.load(relaxed) == 0;
  }
  void third() {
    y.store(1, relaxed);
    atomics::thread_fence(Fence);
    wrote_y_not_x = x.load(relaxed) == 0;
  }
  void finally() { check(!read_x_not_y || !wrote_y_not_x, "the fences agree"); }
};
TEST(litmus_test, a_seq_cst_fence_orders_what_was_read_before_it) {
  using strong = read_to_write_causality<seq_cst>;
  expect_never<strong>({&strong::first, &strong::second, &strong::third});
  using weak = read_to_write_causality<acq_rel>;
  expect_found<weak>(fault::failed_check, {&weak::first, &weak::second, &weak::third});
}

/// The same with operations in place of fences: a seq_cst load also orders what it read.
template <std::memory_order Load, std::memory_order Store>
struct reads_of_a_relaxed_store {
  atomic<int> x{0, "x"};
  atomic<int> y{0, "y"};
  bool read_x_not_y = false, wrote_y_not_x = false;
  void first() { x.store(1, relaxed); }
  void second() { read_x_not_y = x.load(Load) == 1 && y.load(Load) == 0; }
  void third() {
    y.store(1, Store);
    wrote_y_not_x = x.load(Load) == 0;
  }
  void finally() { check(!read_x_not_y || !wrote_y_not_x, "the loads agree"); }
};
TEST(litmus_test, a_seq_cst_load_orders_what_it_read) {
  using strong = reads_of_a_relaxed_store<seq_cst, seq_cst>;
  expect_never<strong>({&strong::first, &strong::second, &strong::third});
  using weak = reads_of_a_relaxed_store<acquire, release>;
  expect_found<weak>(fault::failed_check, {&weak::first, &weak::second, &weak::third});
}

/// What a seq_cst load synchronises with comes before it in the seq_cst order, and so before a
/// store that it missed, and what follows that one.
struct synchronising_by_a_seq_cst_load {
  atomic<int> x{0, "x"};
  atomic<int> y{0, "y"};
  bool missed_y = false;
  int seen = 0;
  void first() {
    x.store(1, seq_cst);
    missed_y = y.load(seq_cst) == 0;
  }
  void second() {
    y.store(1, seq_cst);
    x.store(2, release);
  }
  void third() { seen = x.load(seq_cst); }
  void finally() {
    check(!missed_y || seen != 2 || x.load() != 1, "the load was before the first store");
  }
};
TEST(litmus_test, a_seq_cst_load_comes_behind_what_it_synchronises_with) {
  using all = synchronising_by_a_seq_cst_load;
  expect_never<all>({&all::first, &all::second, &all::third}, {.preemptions_max = 3});
}

/// Store buffering where another thread, to which the first one's store is known, does its load.
template <std::memory_order Store, std::memory_order Load>
struct handed_over_store_buffering {
  atomic<int> x{0, "x"};
  atomic<int> y{0, "y"};
  atomic<int> hand_over{0, "hand over"};
  bool left_missed = false, right_missed = false;
  void first() {
    x.store(1, seq_cst);
    hand_over.store(1, Store);
  }
  void second() { left_missed = hand_over.load(Load) == 1 && y.load(seq_cst) == 0; }
  void third() {
    y.store(1, seq_cst);
    right_missed = x.load(seq_cst) == 0;
  }
  void finally() { check(!left_missed || !right_missed, "one of the two sees the other's"); }
};
TEST(litmus_test, the_seq_cst_order_extends_happens_before) {
  using strong = handed_over_store_buffering<release, acquire>;
  expect_never<strong>({&strong::first, &strong::second, &strong::third});
  using weak = handed_over_store_buffering<relaxed, relaxed>;
  expect_found<weak>(fault::failed_check, {&weak::first, &weak::second, &weak::third});
}

/// A documented limit: values do not come out of stores that are still to be executed.
struct load_buffering {
  atomic<int> x{0, "x"};
  atomic<int> y{0, "y"};
  int left_saw = 0, right_saw = 0;
  void left() {
    left_saw = x.load(relaxed);
    y.store(1, relaxed);
  }
  void right() {
    right_saw = y.load(relaxed);
    x.store(1, relaxed);
  }
  void finally() { check(left_saw == 0 || right_saw == 0, "loads come before later stores"); }
};
TEST(litmus_test, load_buffering_is_not_simulated) {
  expect_never<load_buffering>({&load_buffering::left, &load_buffering::right});
}

// --- read-modify-writes

struct counting {
  atomic<int> count{0, "count"};
  void add() { count.fetch_add(1, relaxed); }
  void add_by_exchange() {
    int seen = count.load(relaxed);
    while (!count.compare_exchange_weak(seen, seen + 1, relaxed)) {
    }
  }
  void add_in_two_steps() { count.store(count.load(relaxed) + 1, relaxed); }
  void finally() { check(count.load(relaxed) == 3, "no addition is lost"); }
};
TEST(litmus_test, read_modify_writes_lose_nothing) {
  expect_never<counting>({&counting::add, &counting::add, &counting::add_by_exchange});
  expect_never<counting>(
      {&counting::add_by_exchange, &counting::add_by_exchange, &counting::add_by_exchange},
      {.preemptions_max = 1});
  expect_found<counting>(fault::failed_check,
                         {&counting::add, &counting::add, &counting::add_in_two_steps});
}

struct one_exchange {
  atomic<int> x{0, "x"};
  void weak() {
    int expected = 0;
    check(x.compare_exchange_weak(expected, 1), "the exchange succeeds");
  }
  void strong() {
    int expected = 0;
    check(x.compare_exchange_strong(expected, 1), "the exchange succeeds");
  }
};
TEST(litmus_test, a_weak_exchange_fails_spuriously_and_a_strong_one_does_not) {
  expect_found<one_exchange>(fault::failed_check, {&one_exchange::weak});
  expect_never<one_exchange>({&one_exchange::strong});
}

/// A failed exchange is a load with its own order.
template <std::memory_order Failure>
struct failed_exchange {
  var<int> data{0, "data"};
  atomic<int> flag{0, "flag"};
  void writer() {
    data = 1;
    flag.store(1, release);
  }
  void reader() {
    int expected = 7;
    flag.compare_exchange_strong(expected, 8, acq_rel, Failure);
    if (expected == 1) check(data == 1, "the data is seen");
  }
};
TEST(litmus_test, a_failed_exchange_has_an_order_of_its_own) {
  expect_never<failed_exchange<acquire>>(
      {&failed_exchange<acquire>::writer, &failed_exchange<acquire>::reader});
  expect_found<failed_exchange<relaxed>>(
      fault::data_race, {&failed_exchange<relaxed>::writer, &failed_exchange<relaxed>::reader});
}

// --- mutual exclusion by two flags (Dekker)

template <std::memory_order Store, std::memory_order Load>
struct dekker {
  atomic<bool> wants[2];
  var<int> inside{0, "inside"};
  dekker() {
    wants[0].set_name("left wants");
    wants[1].set_name("right wants");
  }
  void enter(std::size_t me) {
    wants[me].store(true, Store);
    if (wants[1 - me].load(Load)) return;
    inside = inside + 1;
  }
  void left() { enter(0); }
  void right() { enter(1); }
};
TEST(litmus_test, dekker_needs_seq_cst) {
  using strong = dekker<seq_cst, seq_cst>;
  expect_never<strong>({&strong::left, &strong::right});
  using weak = dekker<release, acquire>;
  expect_found<weak>(fault::data_race, {&weak::left, &weak::right});
}

}  // namespace
}  // namespace lodestar::interleave
