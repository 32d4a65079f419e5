// Goal: real pieces of lock-free code, written against the policy, pass when they are right, and
// each of their well-known faults is found.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <mutex>
#include <optional>

#include <lodestar/base/atomics.hpp>
#include <verify/interleave.hpp>

#include <verify/interleave/expect.hpp>

namespace lodestar::interleave {
namespace {

// --- spin lock

template <class Atomics, std::memory_order Unlock = release>
class spin_lock {
 public:
  void lock() {
    while (taken_.exchange(true, acquire)) Atomics::pause();
  }
  void unlock() { taken_.store(false, Unlock); }

 private:
  typename Atomics::template atomic<bool> taken_{false};
};

template <std::memory_order Unlock>
struct counting_under_a_lock {
  spin_lock<atomics, Unlock> lock;
  var<int> count{0, "count"};
  void add() {
    const std::lock_guard hold(lock);
    count = count + 1;
  }
  void finally() { check(count == 3, "no addition is lost"); }
};

TEST(structures_test, spin_lock) {
  using right = counting_under_a_lock<release>;
  expect_never<right>({&right::add, &right::add, &right::add});
  using wrong = counting_under_a_lock<relaxed>;
  expect_found<wrong>(fault::data_race, {&wrong::add, &wrong::add, &wrong::add});
}

TEST(structures_test, the_same_source_runs_on_std_atomic) {
  spin_lock<std_atomics> lock;
  const std::lock_guard hold(lock);
}

// --- stack of indexes whose nodes are used again (Treiber), with a counter against ABA or without

template <class Atomics, bool Counted>
class index_stack {
 public:
  static constexpr std::uint32_t none = 99;
  void push(std::uint32_t node) {
    auto seen = head_.load(acquire);
    do {
      next_[node].store(index(seen), relaxed);
    } while (!head_.compare_exchange_weak(seen, successor(seen, node), acq_rel, acquire));
  }
  std::uint32_t pop() {
    auto seen = head_.load(acquire);
    while (index(seen) != none) {
      const auto next = next_[index(seen)].load(relaxed);
      if (head_.compare_exchange_weak(seen, successor(seen, next), acq_rel, acquire)) break;
    }
    return index(seen);
  }

 private:
  static std::uint32_t index(std::uint64_t head) { return static_cast<std::uint32_t>(head); }
  static std::uint64_t successor(std::uint64_t head, std::uint32_t node) {
    return Counted ? ((head >> 32) + 1) << 32 | node : node;
  }
  typename Atomics::template atomic<std::uint64_t> head_{none};
  std::array<typename Atomics::template atomic<std::uint32_t>, 3> next_;
};

template <bool Counted>
struct popping_and_pushing {
  index_stack<atomics, Counted> stack;
  std::array<int, 3> owners{};
  popping_and_pushing() {
    for (const std::uint32_t node : {2U, 1U, 0U}) stack.push(node);
  }
  void pop() { own(stack.pop()); }
  void pop_two_and_push_the_first_back() {
    const auto first = stack.pop();
    own(stack.pop());
    if (first != stack.none) stack.push(first);
  }
  void own(std::uint32_t node) {
    if (node != stack.none) ++owners[node];
  }
  void finally() {
    for (int pops = 0; pops < 3; ++pops) own(stack.pop());
    for (const int each : owners) check(each <= 1, "a node has one owner");
  }
};

TEST(structures_test, stack_with_aba) {
  using right = popping_and_pushing<true>;
  expect_never<right>({&right::pop, &right::pop_two_and_push_the_first_back});
  using wrong = popping_and_pushing<false>;
  expect_found<wrong>(fault::failed_check, {&wrong::pop, &wrong::pop_two_and_push_the_first_back});
}

// --- stack that destroys what it pops

struct stack_of_nodes {
  struct node {
    var<int> value{0};
    var<node*> next{nullptr};
  };
  atomic<node*> head{nullptr, "head"};
  stack_of_nodes() {
    push(1);
    push(2);
  }
  ~stack_of_nodes() {
    while (pop()) {
    }
  }
  void push(int value) {
    auto* added = make<node>();
    added->value = value;
    auto* seen = head.load(relaxed);
    do {
      added->next = seen;
    } while (!head.compare_exchange_weak(seen, added, release, relaxed));
  }
  bool pop() {
    auto* seen = head.load(acquire);
    while (seen != nullptr && !head.compare_exchange_weak(seen, seen->next, acquire, acquire)) {
    }
    if (seen != nullptr) destroy(seen);
    return seen != nullptr;
  }
  void pop_one() { pop(); }
};

TEST(structures_test, stack_without_safe_reclamation) {
  expect_found<stack_of_nodes>(fault::use_after_free,
                               {&stack_of_nodes::pop_one, &stack_of_nodes::pop_one});
  const auto alone = explore<stack_of_nodes>(context_bound{}, {&stack_of_nodes::pop_one});
  EXPECT_FALSE(alone.found) << alone.report();
}

// --- sequence lock: the reader repeats when the version was odd or has changed

template <class Atomics, std::memory_order DataLoad, bool WriterFences = true>
class sequence_lock {
 public:
  void write(int value) {
    const auto version = version_.load(relaxed);
    version_.store(version + 1, relaxed);
    if (WriterFences) Atomics::thread_fence(release);
    first_.store(value, relaxed);
    second_.store(value, relaxed);
    version_.store(version + 2, release);
  }
  /// Nothing when a writer came between.
  [[nodiscard]] std::optional<std::pair<int, int>> read() const {
    const auto before = version_.load(acquire);
    const std::pair found{first_.load(DataLoad), second_.load(DataLoad)};
    const auto after = version_.load(relaxed);
    if (before != after || before % 2 != 0) return std::nullopt;
    return found;
  }

 private:
  typename Atomics::template atomic<unsigned> version_{0};
  typename Atomics::template atomic<int> first_{0};
  typename Atomics::template atomic<int> second_{0};
};

template <std::memory_order DataLoad, bool WriterFences>
struct reading_pairs {
  sequence_lock<atomics, DataLoad, WriterFences> pair;
  void writer() {
    pair.write(1);
    pair.write(2);
  }
  void reader() {
    if (const auto found = pair.read()) check(found->first == found->second, "a pair is whole");
  }
};

TEST(structures_test, sequence_lock) {
  using right = reading_pairs<acquire, true>;
  expect_never<right>({&right::writer, &right::reader});
  using relaxed_data = reading_pairs<relaxed, true>;
  expect_found<relaxed_data>(fault::failed_check, {&relaxed_data::writer, &relaxed_data::reader});
  using without_fence = reading_pairs<acquire, false>;
  expect_found<without_fence>(fault::failed_check,
                              {&without_fence::writer, &without_fence::reader});
}

// --- epochs: a reader pins, the reclaimer waits for pinned readers before it destroys

enum class epoch_fault : std::uint8_t { none, no_light_fence, no_heavy_fence, relaxed_unpin };

template <class Atomics, epoch_fault Fault>
class pinned_readers {
 public:
  void pin() {
    pinned_.store(true, relaxed);
    if (Fault != epoch_fault::no_light_fence) Atomics::light_fence();
  }
  void unpin() { pinned_.store(false, Fault == epoch_fault::relaxed_unpin ? relaxed : release); }
  void wait_for_readers() {
    if (Fault != epoch_fault::no_heavy_fence) Atomics::heavy_fence();
    while (pinned_.load(acquire)) Atomics::yield();
  }

 private:
  typename Atomics::template atomic<bool> pinned_{false};
};

template <epoch_fault Fault>
struct replacing_a_record {
  struct record {
    var<int> value{1};
  };
  pinned_readers<atomics, Fault> readers;
  atomic<record*> current{make<record>(), "current"};
  ~replacing_a_record() { destroy(current.load()); }
  void reader() {
    readers.pin();
    check(current.load(acquire)->value == 1, "a record is whole");
    readers.unpin();
  }
  void reclaimer() {
    auto* old = current.exchange(make<record>(), acq_rel);
    readers.wait_for_readers();
    destroy(old);
  }
  static void never() {
    expect_never<replacing_a_record>({&replacing_a_record::reader, &replacing_a_record::reclaimer});
  }
  static outcome search() {
    return explore<replacing_a_record>(
        context_bound{}, {&replacing_a_record::reader, &replacing_a_record::reclaimer});
  }
};

TEST(structures_test, reclamation_by_epoch) {
  replacing_a_record<epoch_fault::none>::never();
  EXPECT_TRUE(replacing_a_record<epoch_fault::no_light_fence>::search().found);
  EXPECT_TRUE(replacing_a_record<epoch_fault::no_heavy_fence>::search().found);
  const auto relaxed_unpin = replacing_a_record<epoch_fault::relaxed_unpin>::search();
  EXPECT_TRUE(relaxed_unpin.found_a(fault::data_race)) << relaxed_unpin.report();
}

// --- a try-lock with a flag: who finds it taken leaves the work to the holder

template <class Atomics, bool Fences>
class maintenance {
 public:
  void request() {
    pending_.store(true, relaxed);
    do {
      fence();
      if (!lock_.try_lock()) return;
      if (pending_.exchange(false, acq_rel)) Atomics::write(rounds_) = Atomics::read(rounds_) + 1;
      lock_.unlock();
      fence();
    } while (pending_.load(relaxed));
  }
  [[nodiscard]] bool is_pending() const { return pending_.load(); }

 private:
  /// A try-lock that fails is not a fence: it may have seen a holder that looked at the flag
  /// before.
  static void fence() {
    if (Fences) Atomics::thread_fence(seq_cst);
  }
  typename Atomics::mutex lock_;
  typename Atomics::template atomic<bool> pending_{false};
  typename Atomics::template var<int> rounds_{0};
};

template <bool Fences>
struct requesting_twice {
  maintenance<atomics, Fences> work;
  void request() { work.request(); }
  void finally() { check(!work.is_pending(), "no request is left behind"); }
};

TEST(structures_test, try_lock_with_a_pending_flag) {
  using right = requesting_twice<true>;
  expect_never<right>({&right::request, &right::request});
  using wrong = requesting_twice<false>;
  expect_found<wrong>(fault::failed_check, {&wrong::request, &wrong::request});
}

// --- one flight: of several that miss, one computes and the others take its result

template <class Atomics, bool Exchanges>
class flight {
 public:
  /// Whether the caller must compute.
  bool board() {
    int seen = idle;
    if (Exchanges) return state_.compare_exchange_strong(seen, flying, acquire, acquire);
    if (state_.load(acquire) != idle) return false;
    state_.store(flying, relaxed);
    return true;
  }
  void land(int result) {
    Atomics::write(result_) = result;
    state_.store(landed, release);
  }
  int wait() {
    while (state_.load(acquire) != landed) Atomics::yield();
    return Atomics::read(result_);
  }

 private:
  static constexpr int idle = 0, flying = 1, landed = 2;
  typename Atomics::template atomic<int> state_{idle};
  typename Atomics::template var<int> result_{0};
};

template <bool Exchanges>
struct asking_at_once {
  flight<atomics, Exchanges> slot;
  var<int> computed{0, "computed"};
  void ask() {
    if (slot.board()) {
      computed = computed + 1;
      slot.land(7);
    }
    check(slot.wait() == 7, "everybody gets the result");
  }
  void finally() { check(computed == 1, "it is computed once"); }
};

TEST(structures_test, one_flight) {
  using right = asking_at_once<true>;
  expect_never<right>({&right::ask, &right::ask, &right::ask});
  using wrong = asking_at_once<false>;
  EXPECT_TRUE(explore<wrong>(context_bound{}, {&wrong::ask, &wrong::ask}).found);
}

}  // namespace
}  // namespace lodestar::interleave
