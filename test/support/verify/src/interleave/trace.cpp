#include "trace.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace lodestar::interleave::detail {
namespace {

constexpr std::size_t lines_max = 400;

std::string_view to_string(std::memory_order order) {
  switch (order) {
    case std::memory_order_relaxed: return "relaxed";
    case std::memory_order_consume: return "consume";
    case std::memory_order_acquire: return "acquire";
    case std::memory_order_release: return "release";
    case std::memory_order_acq_rel: return "acq_rel";
    case std::memory_order_seq_cst: return "seq_cst";
  }
  return "?";
}

std::string_view to_string(object_kind kind) {
  switch (kind) {
    case object_kind::atomic: return "atomic";
    case object_kind::variable: return "var";
    case object_kind::mutex: return "mutex";
  }
  return "?";
}

std::int64_t sign_extended(std::uint64_t value, std::uint8_t bytes) {
  const int unused_bits = 64 - 8 * bytes;
  return static_cast<std::int64_t>(value << unused_bits) >> unused_bits;
}

std::string write_value(value_format format, std::uint64_t value, const heap& allocations) {
  using kind = value_format::kind;
  if (format.what == kind::truth) return value != 0 ? "true" : "false";
  if (format.what == kind::pointer) {
    if (value == 0) return "null";
    auto known = allocations.describe(reinterpret_cast<const void*>(value));
    return known.empty() ? fmt::format("{:#x}", value) : known;
  }
  if (format.is_signed) return fmt::format("{}", sign_extended(value, format.bytes));
  return value < (1ULL << 32) ? fmt::format("{}", value) : fmt::format("{:#x}", value);
}

class writer {
 public:
  writer(memory& objects, const heap& allocations) : objects_(objects), allocations_(allocations) {}

  [[nodiscard]] std::string describe(const event& each) const {
    switch (each.what) {
      case operation::begin: return "begins";
      case operation::end: return "ends";
      case operation::fence: return fmt::format("fence({})", to_string(each.order));
      case operation::light_fence: return "light fence";
      case operation::heavy_fence: return "heavy fence";
      case operation::yield: return "yields";
      default:
        return name_of(objects_.at(each.object), each.object, allocations_) + on_object(each);
    }
  }

 private:
  [[nodiscard]] std::string on_object(const event& each) const {
    const auto order = to_string(each.order);
    switch (each.what) {
      case operation::create:
        return objects_.at(each.object).kind == object_kind::atomic
                   ? fmt::format(" is made, {}", value(each, each.value))
                   : " is made";
      case operation::remove: return " is removed";
      case operation::load:
        return fmt::format(".load({}) = {}{}", order, value(each, each.value), from(each));
      case operation::store: return fmt::format(".store({}, {})", value(each, each.value), order);
      case operation::modify:
        return fmt::format(".{}({}): {} -> {}{}", each.name, order, value(each, each.old_value),
                           value(each, each.value), from(each));
      case operation::exchange_done:
        return fmt::format(".compare_exchange({}): {} -> {}{}", order, value(each, each.old_value),
                           value(each, each.value), from(each));
      case operation::exchange_failed:
        return fmt::format(".compare_exchange({}) fails, found {}{}", order,
                           value(each, each.value), from(each));
      case operation::exchange_failed_spuriously:
        return fmt::format(".compare_exchange_weak({}) fails spuriously, found {}{}", order,
                           value(each, each.value), from(each));
      case operation::read: return " is read";
      case operation::write: return " is written";
      case operation::lock: return ".lock()";
      case operation::wait_for_lock: return ".lock() waits";
      case operation::try_lock_done: return ".try_lock() = true";
      case operation::try_lock_failed: return fmt::format(".try_lock() = false{}", from(each));
      case operation::unlock: return ".unlock()";
      default: return "?";
    }
  }
  [[nodiscard]] std::string value(const event& each, std::uint64_t bits) const {
    return write_value(objects_.at(each.object).format, bits, allocations_);
  }
  [[nodiscard]] static std::string from(const event& each) {
    return fmt::format(", written at {}{}", each.source,
                       each.stale ? " (there is a newer one)" : "");
  }

  memory& objects_;
  const heap& allocations_;
};

}  // namespace

std::string write_trace(const std::vector<event>& events, memory& objects,
                        const heap& allocations) {
  const writer to(objects, allocations);
  const std::size_t left_out = events.size() - std::min(events.size(), lines_max);
  std::string text;
  if (left_out > 0) text += fmt::format("      ({} operations before these)\n", left_out);
  for (std::size_t index = left_out; index < events.size(); ++index) {
    text += fmt::format("{:5}  {:8}  {}\n", index, name_of(events[index].thread),
                        to.describe(events[index]));
  }
  return text;
}

std::string name_of(const object& what, object_index index, const heap& allocations) {
  if (what.name != nullptr) return what.name;
  auto place = allocations.describe_member(what.address);
  return place.empty() ? fmt::format("{}#{}", to_string(what.kind), index) : place;
}

std::string name_of(thread_index thread) {
  return thread == 0 ? "main" : fmt::format("thread {}", thread);
}

}  // namespace lodestar::interleave::detail
