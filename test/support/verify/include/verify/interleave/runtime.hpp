// What the simulated objects ask of the execution that is running. Not for scenarios.
//
// Nothing here throws. When an operation finds a fault, the execution is given up on the spot: the
// call does not return, and what is on the stacks of its threads is not unwound.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <typeinfo>

namespace lodestar::interleave::detail {

using object_index = std::uint32_t;

/// How a report writes a value.
struct value_format {
  enum class kind : std::uint8_t { number, truth, pointer };
  kind what = kind::number;
  bool is_signed = false;
  std::uint8_t bytes = 8;
};

/// A simulated object and its number; the address recognises one that is no more.
struct object_reference {
  const void* address = nullptr;
  object_index index = 0;
};

/// The new value from the old one and an operand.
using modification = std::uint64_t (*)(std::uint64_t value, std::uint64_t operand);

struct exchange_orders {
  std::memory_order success;
  std::memory_order failure;
  bool weak;
};

[[nodiscard]] object_reference add_atomic(const void* address, value_format format,
                                          std::uint64_t value, const char* name) noexcept;
[[nodiscard]] std::uint64_t load(object_reference from, std::memory_order order) noexcept;
void store_value(object_reference to, std::uint64_t value, std::memory_order order) noexcept;
/// Returns the old value. `name` is the operation's, for the report.
std::uint64_t modify(object_reference what, modification change, std::uint64_t operand,
                     std::memory_order order, const char* name) noexcept;
/// When it fails, `expected` becomes what was found.
[[nodiscard]] bool compare_exchange(object_reference what, std::uint64_t& expected,
                                    std::uint64_t desired, const exchange_orders& orders) noexcept;

[[nodiscard]] object_reference add_variable(const void* address, const char* name) noexcept;
void read_variable(object_reference from) noexcept;
void write_variable(object_reference to) noexcept;

[[nodiscard]] object_reference add_mutex(const void* address, const char* name) noexcept;
void lock(object_reference mutex) noexcept;
[[nodiscard]] bool try_lock(object_reference mutex) noexcept;
void unlock(object_reference mutex) noexcept;

/// Its lifetime ends, which is an access like a write.
void remove_object(object_reference what) noexcept;
void set_name(object_reference what, const char* name) noexcept;

void fence(std::memory_order order) noexcept;
void light_fence() noexcept;
void heavy_fence() noexcept;
void yield() noexcept;
void check(bool condition, const char* text) noexcept;

/// Memory for an object; it stays readable until the execution ends.
[[nodiscard]] void* allocate(std::size_t bytes, std::size_t alignment,
                             const std::type_info& type) noexcept;
/// Before the destructor runs.
void release(const void* address) noexcept;

}  // namespace lodestar::interleave::detail
