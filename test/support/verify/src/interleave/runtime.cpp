#include <verify/interleave/runtime.hpp>

#include <fmt/format.h>

#include "execution.hpp"

namespace lodestar::interleave::detail {

object_reference add_atomic(const void* address, value_format format, std::uint64_t value,
                            const char* name) noexcept {
  return execution::current().add(object_kind::atomic, address, format, value, name);
}
std::uint64_t load(object_reference from, std::memory_order order) noexcept {
  return execution::current().load(from, order);
}
void store_value(object_reference to, std::uint64_t value, std::memory_order order) noexcept {
  execution::current().store(to, value, order);
}
std::uint64_t modify(object_reference what, modification change, std::uint64_t operand,
                     std::memory_order order, const char* name) noexcept {
  return execution::current().modify(what, change, operand, order, name);
}
bool compare_exchange(object_reference what, std::uint64_t& expected, std::uint64_t desired,
                      const exchange_orders& orders) noexcept {
  return execution::current().compare_exchange(what, expected, desired, orders);
}

object_reference add_variable(const void* address, const char* name) noexcept {
  return execution::current().add(object_kind::variable, address, {}, 0, name);
}
void read_variable(object_reference from) noexcept {
  execution::current().read_variable(from);
}
void write_variable(object_reference to) noexcept {
  execution::current().write_variable(to);
}

object_reference add_mutex(const void* address, const char* name) noexcept {
  return execution::current().add(object_kind::mutex, address, {}, 0, name);
}
void lock(object_reference mutex) noexcept {
  execution::current().lock(mutex);
}
bool try_lock(object_reference mutex) noexcept {
  return execution::current().try_lock(mutex);
}
void unlock(object_reference mutex) noexcept {
  execution::current().unlock(mutex);
}

void remove_object(object_reference what) noexcept {
  execution::current().remove(what);
}
void set_name(object_reference what, const char* name) noexcept {
  execution::current().set_name(what, name);
}

void fence(std::memory_order order) noexcept {
  execution::current().fence(order);
}
void light_fence() noexcept {
  execution::current().light_fence();
}
void heavy_fence() noexcept {
  execution::current().heavy_fence();
}
void yield() noexcept {
  execution::current().yield();
}
void check(bool condition, const char* text) noexcept {
  if (!condition) execution::current().give_up(fault::failed_check, text);
}

void* allocate(std::size_t bytes, std::size_t alignment, const std::type_info& type) noexcept {
  return execution::current().allocate(bytes, alignment, type);
}
void release(const void* address) noexcept {
  execution::current().release(address);
}

}  // namespace lodestar::interleave::detail
