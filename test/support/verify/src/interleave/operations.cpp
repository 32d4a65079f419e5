// The operations of an execution's threads on the simulated memory.
#include <fmt/format.h>

#include "execution.hpp"

namespace lodestar::interleave::detail {
namespace {

constexpr std::uint64_t unlocked = 0, locked = 1;

}  // namespace

object_reference execution::add(object_kind kind, const void* address, value_format format,
                                std::uint64_t value, const char* name) {
  const object_description made{.kind = kind, .format = format, .address = address, .name = name};
  const auto here = static_cast<std::uint32_t>(events_.size());
  const auto index = memory_.add(running_, made, value, here);
  note(operation::create, index).value = value;
  return {.address = address, .index = index};
}

void execution::remove(object_reference what) {
  auto& where = touch(what);
  require_all_accesses_before(where, what.index, "ends the life of");
  where.alive = false;
  note(operation::remove, what.index);
}

void execution::set_name(object_reference what, const char* name) {
  touch(what).name = name;
}

std::uint64_t execution::load(object_reference from, std::memory_order order) {
  point();
  touch_atomic(from);
  memory_.readable(running_, from.index, order, found_);
  const auto which = pick(found_);
  const auto value = memory_.read(running_, from.index, which, order).value;
  auto& noted = note(operation::load, from.index, order);
  noted.value = value;
  note_source(noted, from.index, which);
  return value;
}

void execution::store(object_reference to, std::uint64_t value, std::memory_order order) {
  point();
  touch_atomic(to);
  memory_.followable(running_, to.index, order, found_);
  const auto after = pick(found_);
  note(operation::store, to.index, order).value = value;
  write(to.index, value, after, false, order);
}

std::uint64_t execution::modify(object_reference what, modification change, std::uint64_t operand,
                                std::memory_order order, const char* name) {
  point();
  touch_atomic(what);
  memory_.followable(running_, what.index, order, found_);
  const auto which = pick(found_);
  const auto old = memory_.read(running_, what.index, which, order).value;
  auto& noted = note(operation::modify, what.index, order);
  noted.name = name;
  noted.old_value = old;
  noted.value = change(old, operand);
  note_source(noted, what.index, which);
  write(what.index, noted.value, which, true, order);
  return old;
}

bool execution::compare_exchange(object_reference what, std::uint64_t& expected,
                                 std::uint64_t desired, const exchange_orders& orders) {
  point();
  touch_atomic(what);
  return exchange(what, expected, desired, orders,
                  {operation::exchange_done, operation::exchange_failed});
}

void execution::read_variable(object_reference from) {
  step();
  auto& where = touch(from);
  require_knowledge(where, from.index, where.written_by, where.written_at, "reads", "write");
  note(operation::read, from.index);
}

void execution::write_variable(object_reference to) {
  step();
  auto& where = touch(to);
  require_all_accesses_before(where, to.index, "writes");
  where.written_by = running_;
  where.written_at = where.accessed[running_];
  note(operation::write, to.index);
}

void execution::lock(object_reference mutex) {
  point();
  touch_atomic(mutex);
  while (memory_.newest(mutex.index).value == locked) {
    wait_for(mutex.index);
    touch_atomic(mutex);
  }
  memory_.readable(running_, mutex.index, std::memory_order_acquire, found_);
  const auto newest = found_.front();
  memory_.read(running_, mutex.index, newest, std::memory_order_acquire);
  note(operation::lock, mutex.index, std::memory_order_acquire);
  write(mutex.index, locked, newest, true, std::memory_order_acquire);
  memory_.at(mutex.index).holder = running_;
}

void execution::wait_for(object_index mutex) {
  const auto holder = memory_.at(mutex).holder;
  if (alone_ || holder == running_) {
    give_up(fault::deadlock, fmt::format("{} locks {}, which {} holds", name_of(running_),
                                         name(mutex), name_of(holder)));
  }
  note(operation::wait_for_lock, mutex);
  ready_ &= ~bit(running_);
  waiting_for_[running_] = mutex;
  move_on();
}

bool execution::try_lock(object_reference mutex) {
  point();
  touch_atomic(mutex);
  auto expected = unlocked;
  const bool done = exchange(mutex, expected, locked,
                             {std::memory_order_acquire, std::memory_order_relaxed, false},
                             {operation::try_lock_done, operation::try_lock_failed});
  if (done) memory_.at(mutex.index).holder = running_;
  return done;
}

void execution::unlock(object_reference mutex) {
  point();
  const auto& where = touch_atomic(mutex);
  if (memory_.newest(mutex.index).value != locked || where.holder != running_) {
    give_up(fault::misuse, fmt::format("{} unlocks {}, which it does not hold", name_of(running_),
                                       name(mutex.index)));
  }
  note(operation::unlock, mutex.index, std::memory_order_release);
  write(mutex.index, unlocked, where.order.back(), false, std::memory_order_release);
  for (std::size_t index = 1; index < fibers_.size(); ++index) {
    const auto thread = static_cast<thread_index>(index);
    const bool waits = (unfinished_ & ~ready_ & bit(thread)) != 0;
    if (waits && waiting_for_[thread] == mutex.index) ready_ |= bit(thread);
  }
}

void execution::fence(std::memory_order order) {
  point();
  memory_.fence(running_, order);
  note(operation::fence, 0, order);
}

void execution::light_fence() {
  point();
  memory_.light_fence(running_);
  note(operation::light_fence);
}

void execution::heavy_fence() {
  point();
  memory_.heavy_fence(running_);
  note(operation::heavy_fence);
}

void execution::yield() {
  step();
  if (alone_) return;
  note(operation::yield);
  resting_ |= bit(running_);
  move_on();
}

void* execution::allocate(std::size_t bytes, std::size_t alignment, const std::type_info& type) {
  auto* memory = heap_.allocate(bytes, alignment, type);
  auto& made = heap_.all().back();
  made.made_by = running_;
  made.made_at = memory_.tick(running_);
  return memory;
}

void execution::release(const void* address) {
  auto* found = heap_.find(address);
  if (found == nullptr) {
    give_up(fault::misuse, fmt::format("{} destroys what make() did not make", name_of(running_)));
  }
  if (!found->alive) {
    give_up(fault::double_free, fmt::format("{} destroys {}, which is destroyed already",
                                            name_of(running_), heap_.describe(address)));
  }
  if (!memory_.happened_before(found->made_by, found->made_at, running_)) {
    give_up(fault::data_race,
            fmt::format("{} destroys {}, and that {} made it does not happen before",
                        name_of(running_), heap_.describe(address), name_of(found->made_by)));
  }
  found->alive = false;
}

object& execution::touch(object_reference what) {
  if (what.index >= memory_.objects() || memory_.at(what.index).address != what.address) {
    give_up(fault::use_after_free,
            fmt::format("{} uses an object that is not one of this execution, or no more",
                        name_of(running_)));
  }
  auto& where = memory_.at(what.index);
  if (!where.alive) {
    give_up(fault::use_after_free,
            fmt::format("{} uses {}, whose life has ended", name_of(running_), name(what.index)));
  }
  where.accessed[running_] = memory_.tick(running_);
  return where;
}

object& execution::touch_atomic(object_reference what) {
  auto& where = touch(what);
  require_knowledge(where, what.index, where.written_by, where.written_at, "uses", "construction");
  return where;
}

void execution::require_knowledge(const object& what, object_index index, thread_index by,
                                  std::uint32_t access, const char* doing, const char* other) {
  if (memory_.happened_before(by, access, running_)) return;
  give_up(fault::data_race,
          fmt::format("{} {} {}, and its {} by {} does not happen before", name_of(running_), doing,
                      name_of(what, index, heap_), other, name_of(by)));
}

void execution::require_all_accesses_before(const object& what, object_index index,
                                            const char* doing) {
  for (std::size_t thread = 0; thread < fibers_.size(); ++thread) {
    require_knowledge(what, index, static_cast<thread_index>(thread), what.accessed[thread], doing,
                      "access");
  }
}

store_index execution::pick(const std::vector<store_index>& from) {
  return from[choices_.choose(choice::stale, from.size())];
}

void execution::write(object_index to, std::uint64_t value, store_index after, bool modifies,
                      std::memory_order order) {
  if (memory_.newest(to).value != value) wake_resting();
  const auto event = static_cast<std::uint32_t>(events_.size() - 1);
  memory_.append(
      running_, to,
      {.value = value, .after = after, .modifies = modifies, .order = order, .event = event});
}

bool execution::exchange(object_reference what, std::uint64_t& expected, std::uint64_t desired,
                         const exchange_orders& orders, exchange_names names) {
  list_exchange_options(what.index, expected, orders);
  const auto chosen = options_[choices_.choose(choice::stale, options_.size())];
  const bool fails_for_nothing =
      chosen.succeeds && orders.weak && choices_.choose(choice::spurious, 2) == 1;
  const bool done = chosen.succeeds && !fails_for_nothing;
  const auto order = done ? orders.success : orders.failure;
  const auto found = memory_.read(running_, what.index, chosen.source, order).value;
  auto& noted = note(done                ? names.done
                     : fails_for_nothing ? operation::exchange_failed_spuriously
                                         : names.failed,
                     what.index, order);
  noted.old_value = found;
  noted.value = done ? desired : found;
  note_source(noted, what.index, chosen.source);
  if (done) write(what.index, desired, chosen.source, true, order);
  expected = found;
  return done;
}

void execution::list_exchange_options(object_index index, std::uint64_t expected,
                                      const exchange_orders& orders) {
  const auto value = [&](store_index which) { return memory_.at(index).history[which].value; };
  const bool sequential = orders.failure == std::memory_order_seq_cst;
  memory_.readable(running_, index, orders.failure, found_);
  memory_.followable(running_, index, sequential ? orders.failure : orders.success,
                     found_followable_);
  const auto newest = found_.front();
  const bool newest_fits = value(newest) == expected;
  options_.assign(1, {.source = newest, .succeeds = newest_fits});
  for (const auto each : found_followable_) {
    if (each != newest && value(each) == expected) {
      options_.push_back({.source = each, .succeeds = true});
    }
  }
  for (const auto each : found_) {
    if (each != newest && value(each) != expected) {
      options_.push_back({.source = each, .succeeds = false});
    }
  }
}

event& execution::note(operation what, object_index object, std::memory_order order) {
  return events_.emplace_back(
      event{.thread = running_, .what = what, .order = order, .object = object});
}

void execution::note_source(event& reading, object_index object, store_index which) {
  const auto& where = memory_.at(object);
  reading.source = where.history[which].event;
  reading.stale = where.order.back() != which;
}

std::string execution::name(object_index index) {
  return name_of(memory_.at(index), index, heap_);
}

}  // namespace lodestar::interleave::detail
