#include "memory.hpp"

#include <algorithm>

namespace lodestar::interleave::detail {
namespace {

store_index floor_of(const floors& oldest, object_index object) {
  return object < oldest.size() ? oldest[object] : 0;
}

void clear(view& known) {
  known.oldest.clear();
  known.sequential.clear();
  known.seen.fill(0);
}

void merge(vector_clock& into, const vector_clock& from) {
  for (std::size_t index = 0; index < into.size(); ++index) {
    into[index] = std::max(into[index], from[index]);
  }
}

}  // namespace

void memory::reset() {
  objects_used_ = 0;
  sequential_.clear();
  heavy_.clear();
  for (auto& each : threads_) {
    clear(each.current);
    clear(each.unacquired);
    clear(each.fenced);
    each.light_fence.clear();
  }
}

object_index memory::add(thread_index thread, const object_description& made, std::uint64_t value,
                         std::uint32_t event) {
  if (objects_used_ == objects_.size()) objects_.emplace_back();
  auto& added = objects_[objects_used_];
  static_cast<object_description&>(added) = made;
  added.alive = true;
  added.written_by = thread;
  added.written_at = tick(thread);
  added.accessed.fill(0);
  added.accessed[thread] = added.written_at;
  if (added.history.empty()) added.history.emplace_back();
  auto& initial = added.history.front();
  initial.value = value;
  initial.rank = 0;
  initial.event = event;
  initial.modifies = false;
  clear(initial.released);
  added.stores = 1;
  added.order.assign(1, 0);
  return static_cast<object_index>(objects_used_++);
}

std::uint32_t memory::tick(thread_index thread) {
  return ++threads_[thread].current.seen[thread];
}

void memory::start(thread_index parent, thread_index child) {
  tick(parent);
  merge(threads_[child].current, threads_[parent].current);
  tick(parent);
}

void memory::join(thread_index parent, thread_index child) {
  merge(threads_[parent].current, threads_[child].current);
}

const store& memory::newest(object_index index) const {
  const auto& where = objects_[index];
  return where.history[where.order.back()];
}

void memory::readable(thread_index thread, object_index index, std::memory_order order,
                      std::vector<store_index>& found) {
  if (order == std::memory_order_seq_cst) publish_sequential(thread);
  const auto& where = objects_[index];
  const auto oldest = where.history[oldest_readable(thread, index, order)].rank;
  found.clear();
  for (auto rank = where.order.size(); rank > oldest; --rank) {
    found.push_back(where.order[rank - 1]);
  }
}

void memory::followable(thread_index thread, object_index index, std::memory_order order,
                        std::vector<store_index>& found) {
  readable(thread, index, order, found);
  std::erase_if(found, [&, this](store_index each) { return is_modified(objects_[index], each); });
}

const store& memory::read(thread_index thread, object_index index, store_index which,
                          std::memory_order order) {
  auto& reader = threads_[thread];
  const auto& found = objects_[index].history[which];
  raise(reader.current.oldest, index, which);
  merge(acquires(order) ? reader.current : reader.unacquired, found.released);
  if (order == std::memory_order_seq_cst) {
    publish_sequential(thread);  // Also what it has just synchronised with.
    raise(reader.current.sequential, index, which);
  }
  return found;
}

void memory::append(thread_index thread, object_index index, const write& what) {
  auto& where = objects_[index];
  auto& writer = threads_[thread];
  const auto added = static_cast<store_index>(where.stores++);
  if (where.history.size() < where.stores) where.history.emplace_back();
  auto& made = where.history[added];
  made.value = what.value;
  made.event = what.event;
  made.modifies = what.modifies;
  made.rank = where.history[what.after].rank + 1;
  where.order.insert(where.order.begin() + made.rank, added);
  for (std::size_t rank = made.rank + 1; rank < where.order.size(); ++rank) {
    ++where.history[where.order[rank]].rank;
  }
  raise(writer.current.oldest, index, added);
  if (what.order == std::memory_order_seq_cst) raise(writer.current.sequential, index, added);
  const view& carried = releases(what.order) ? writer.current : writer.fenced;
  if (what.modifies) {
    // A read-modify-write continues the release sequence of the store it read.
    made.released = where.history[what.after].released;
    merge(made.released, carried);
  } else {
    made.released = carried;
  }
}

void memory::fence(thread_index thread, std::memory_order order) {
  auto& mine = threads_[thread];
  if (acquires(order)) merge(mine.current, mine.unacquired);
  if (order == std::memory_order_seq_cst) {
    merge(mine.current.oldest, sequential_);
    sequential_ = mine.current.oldest;
  }
  if (releases(order)) mine.fenced = mine.current;
}

void memory::light_fence(thread_index thread) {
  auto& mine = threads_[thread];
  merge(mine.current.oldest, heavy_);
  mine.light_fence = mine.current.oldest;
}

void memory::heavy_fence(thread_index thread) {
  auto& mine = threads_[thread];
  fence(thread, std::memory_order_seq_cst);
  // Before taking over from the light fences: through one heavy fence, light ones order nothing
  // between each other, because it reaches their threads at different moments.
  merge(heavy_, mine.current.oldest);
  for (const auto& each : threads_) merge(mine.current.oldest, each.light_fence);
}

store_index memory::oldest_readable(thread_index thread, object_index index,
                                    std::memory_order order) const {
  const auto mine = floor_of(threads_[thread].current.oldest, index);
  if (order != std::memory_order_seq_cst) return mine;
  const auto shared = floor_of(sequential_, index);
  const auto& history = objects_[index].history;
  return history[mine].rank < history[shared].rank ? shared : mine;
}

void memory::publish_sequential(thread_index thread) {
  auto& pending = threads_[thread].current.sequential;
  merge(sequential_, pending);
  pending.clear();
}

bool memory::is_modified(const object& where, store_index which) const {
  const auto next = where.history[which].rank + 1;
  return next < where.order.size() && where.history[where.order[next]].modifies;
}

void memory::raise(floors& oldest, object_index index, store_index to) const {
  if (oldest.size() <= index) oldest.resize(index + 1, 0);
  const auto& history = objects_[index].history;
  if (history[oldest[index]].rank < history[to].rank) oldest[index] = to;
}

void memory::merge(floors& into, const floors& from) const {
  if (into.size() < from.size()) into.resize(from.size(), 0);
  for (std::size_t index = 0; index < from.size(); ++index) {
    if (into[index] != from[index]) raise(into, static_cast<object_index>(index), from[index]);
  }
}

void memory::merge(view& into, const view& from) const {
  merge(into.oldest, from.oldest);
  merge(into.sequential, from.sequential);
  detail::merge(into.seen, from.seen);
}

}  // namespace lodestar::interleave::detail
