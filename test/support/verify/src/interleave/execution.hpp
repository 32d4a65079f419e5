// One execution of a scenario at a time: its threads as fibers, who runs, and what each operation
// of theirs does to the simulated memory. Kept for the next one, because building it costs more
// than a run.
//
// Before each operation that other threads can observe, the running thread asks whether another one
// goes first. Accesses to variables are no such operations: whether they race is decided by what
// happened before, not by when they run.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <typeinfo>
#include <vector>

#include <verify/interleave/explore.hpp>
#include <verify/interleave/runtime.hpp>

#include "choices.hpp"
#include "fiber.hpp"
#include "heap.hpp"
#include "memory.hpp"
#include "trace.hpp"

namespace lodestar::interleave::detail {

class execution {
 public:
  execution(const program& what, chooser& choices, const limits& within);
  execution(const execution&) = delete;
  execution& operator=(const execution&) = delete;

  /// Once; after a fault this object cannot run again.
  [[nodiscard]] std::optional<violation> run();
  /// The one that the calling code belongs to.
  [[nodiscard]] static execution& current();

  // What <verify/interleave/runtime.hpp> declares.
  object_reference add(object_kind kind, const void* address, value_format format,
                       std::uint64_t value, const char* name);
  void remove(object_reference what);
  void set_name(object_reference what, const char* name);
  std::uint64_t load(object_reference from, std::memory_order order);
  void store(object_reference to, std::uint64_t value, std::memory_order order);
  std::uint64_t modify(object_reference what, modification change, std::uint64_t operand,
                       std::memory_order order, const char* name);
  bool compare_exchange(object_reference what, std::uint64_t& expected, std::uint64_t desired,
                        const exchange_orders& orders);
  void read_variable(object_reference from);
  void write_variable(object_reference to);
  void lock(object_reference mutex);
  bool try_lock(object_reference mutex);
  void unlock(object_reference mutex);
  void fence(std::memory_order order);
  void light_fence();
  void heavy_fence();
  void yield();
  void* allocate(std::size_t bytes, std::size_t alignment, const std::type_info& type);
  void release(const void* address);
  [[noreturn]] void give_up(fault what, std::string text);

 private:
  using thread_mask = std::uint32_t;
  static constexpr thread_mask bit(thread_index thread) { return thread_mask{1} << thread; }

  // --- threads
  void main_body();
  void run_threads();
  void thread_body(thread_index thread);
  void guarded(const std::function<void()>& body);
  void check_leaks();
  /// Counts an operation, so that an execution has an end.
  void step();
  /// Before an operation: another thread may go first.
  void point();
  /// The running thread cannot go on, or does not want to: another one does.
  void move_on();
  void resume(thread_index next);
  [[nodiscard]] thread_index nth_after_running(thread_mask among, std::size_t nth) const;
  [[noreturn]] void report_deadlock();
  void wake_resting() noexcept { resting_ = 0; }

  // --- operations
  struct exchange_option {
    store_index source;
    bool succeeds;
  };
  struct exchange_names {
    operation done;
    operation failed;
  };
  object& touch(object_reference what);
  /// Of an atomic or a mutex: it must also have been made before.
  object& touch_atomic(object_reference what);
  void require_knowledge(const object& what, object_index index, thread_index by,
                         std::uint32_t access, const char* doing, const char* other);
  void require_all_accesses_before(const object& what, object_index index, const char* doing);
  void wait_for(object_index mutex);
  store_index pick(const std::vector<store_index>& from);
  void write(object_index to, std::uint64_t value, store_index after, bool modifies,
             std::memory_order order);
  void list_exchange_options(object_index index, std::uint64_t expected,
                             const exchange_orders& orders);
  bool exchange(object_reference what, std::uint64_t& expected, std::uint64_t desired,
                const exchange_orders& orders, exchange_names names);
  event& note(operation what, object_index object = 0,
              std::memory_order order = std::memory_order_relaxed);
  void note_source(event& reading, object_index object, store_index which);
  [[nodiscard]] std::string name(object_index index);

  const program& program_;
  chooser& choices_;
  limits limits_;

  memory memory_;
  heap heap_;
  std::vector<event> events_;
  std::vector<store_index> found_;
  std::vector<store_index> found_followable_;
  std::vector<exchange_option> options_;

  fiber outside_;
  std::vector<std::unique_ptr<fiber>> fibers_;
  thread_index running_ = 0;
  bool alone_ = true;  // Set-up and end: nobody else runs.
  thread_mask ready_ = 0;
  thread_mask resting_ = 0;  // Yielded, and nothing has changed since.
  thread_mask unfinished_ = 0;
  std::array<object_index, threads_max> waiting_for_{};
  std::uint32_t steps_ = 0;
  std::optional<violation> found_fault_;
};

}  // namespace lodestar::interleave::detail
