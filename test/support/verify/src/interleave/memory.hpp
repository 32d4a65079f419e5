// The C++20 memory model as a simulation: what a load of a thread may return.
//
// Each atomic object has its stores in modification order. Each thread has a view: for each object
// the oldest store that it may still read, and a vector clock of what happened before. A release
// store carries its thread's view along, an acquire load takes it over. A new store goes behind the
// newest one its thread knows of, which is not always the end of the order; nothing comes between a
// read-modify-write and the store it read.
//
// The order of seq_cst operations and fences is kept as one more view, of what those before now
// make everybody see that comes after them: a fence takes it over and adds all it knows, an
// operation only for its object. (Floors only: they order, but they do not synchronise.) What an
// operation adds, it adds as late as possible, when it happens before another seq_cst one; until
// then others may still come before it.
//
// Stronger than the standard: threads execute in their order, so that a load never returns a value
// of a store that is not executed yet (load buffering); and the seq_cst order extends
// happens-before, where the standard only asks for "strongly happens before", and what was added to
// it in execution. memory_model_test.cpp compares all this with the standard's axioms.
//
// Asymmetric fences: a heavy one is a seq_cst fence that also orders against the light ones of
// every thread, each of which stands where it was written. (The kernel's barrier reaches each
// thread at a moment of its own; what the light fences before and after it see is all that holds.)
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <verify/interleave/runtime.hpp>

namespace lodestar::interleave::detail {

inline constexpr std::size_t threads_max = 8;  // The main one included, which is number 0.
using thread_index = std::uint8_t;
/// Number of a store of its object, in order of execution; 0 is the initial value.
using store_index = std::uint32_t;
/// For each thread the number of its last access that happened before.
using vector_clock = std::array<std::uint32_t, threads_max>;
/// By object; what is missing is its initial value.
using floors = std::vector<store_index>;

struct view {
  floors oldest;
  vector_clock seen{};
  floors sequential;  // Of seq_cst operations that are not part of the shared view yet.
};

struct store {
  std::uint64_t value = 0;
  std::uint32_t rank = 0;   // In modification order.
  std::uint32_t event = 0;  // Of the trace.
  bool modifies = false;    // By a read-modify-write.
  view released;            // What a load with acquire synchronises with.
};

enum class object_kind : std::uint8_t { atomic, variable, mutex };

struct object_description {
  object_kind kind = object_kind::atomic;
  value_format format;
  const void* address = nullptr;
  const char* name = nullptr;
};

struct object : object_description {
  bool alive = false;
  /// The construction of an atomic, the last write of a variable.
  thread_index written_by = 0;
  std::uint32_t written_at = 0;
  vector_clock accessed{};
  thread_index holder = 0;  // Of a locked mutex.
  std::size_t stores = 0;   // How many of `history` are of this execution; the rest is kept memory.
  std::vector<store> history;
  std::vector<store_index> order;
};

class memory {
 public:
  /// Forgets everything; threads start with an empty view.
  void reset();
  object_index add(thread_index thread, const object_description& made, std::uint64_t value,
                   std::uint32_t event);
  [[nodiscard]] std::size_t objects() const noexcept { return objects_used_; }
  [[nodiscard]] object& at(object_index index) { return objects_[index]; }

  // --- happens-before

  /// Numbers an access of the thread, so that later ones can ask whether it happened before.
  std::uint32_t tick(thread_index thread);
  [[nodiscard]] bool happened_before(thread_index by, std::uint32_t access,
                                     thread_index now) const {
    return threads_[now].current.seen[by] >= access;
  }
  void start(thread_index parent, thread_index child);
  void join(thread_index parent, thread_index child);

  // --- atomics

  [[nodiscard]] const store& newest(object_index object) const;
  /// The stores that a load may return, newest first.
  void readable(thread_index thread, object_index object, std::memory_order order,
                std::vector<store_index>& found);
  /// The stores that a store of the thread may directly follow, newest first; those a
  /// read-modify-write may read.
  void followable(thread_index thread, object_index object, std::memory_order order,
                  std::vector<store_index>& found);
  const store& read(thread_index thread, object_index object, store_index which,
                    std::memory_order order);
  struct write {
    std::uint64_t value = 0;
    store_index after = 0;
    bool modifies = false;
    std::memory_order order = std::memory_order_relaxed;
    std::uint32_t event = 0;
  };
  void append(thread_index thread, object_index object, const write& what);

  // --- fences

  void fence(thread_index thread, std::memory_order order);
  void light_fence(thread_index thread);
  void heavy_fence(thread_index thread);

 private:
  struct thread_state {
    view current;
    view unacquired;     // Of relaxed loads: an acquire fence takes it over.
    view fenced;         // At the last release fence: a relaxed store carries it.
    floors light_fence;  // At the last light fence: a heavy fence takes it over.
  };
  [[nodiscard]] store_index oldest_readable(thread_index thread, object_index object,
                                            std::memory_order order) const;
  /// Whatever seq_cst happened before comes before the thread's next seq_cst one.
  void publish_sequential(thread_index thread);
  [[nodiscard]] bool is_modified(const object& where, store_index which) const;
  void raise(floors& oldest, object_index object, store_index to) const;
  void merge(floors& into, const floors& from) const;
  void merge(view& into, const view& from) const;

  std::vector<object> objects_;
  std::size_t objects_used_ = 0;
  std::array<thread_state, threads_max> threads_;
  floors sequential_;
  floors heavy_;
};

[[nodiscard]] constexpr bool acquires(std::memory_order order) {
  return order != std::memory_order_relaxed && order != std::memory_order_release;
}
[[nodiscard]] constexpr bool releases(std::memory_order order) {
  return order == std::memory_order_release || order == std::memory_order_acq_rel ||
         order == std::memory_order_seq_cst;
}

}  // namespace lodestar::interleave::detail
