#include "watch.hpp"

#include <algorithm>
#include <utility>

namespace lodestar::analytics {
namespace {

class owned_watch final : public watch {
 public:
  explicit owned_watch(std::shared_ptr<watch_core> core) : core_(std::move(core)) {}
  ~owned_watch() override { core_->close(); }

 private:
  std::shared_ptr<watch_core> core_;
};

}  // namespace

watch_core::watch_core(watch_host& host, std::vector<bound_query> queries, callback changed)
    : host_(host), changed_(std::move(changed)) {
  tiles_.reserve(queries.size());
  for (auto& query : queries) tiles_.push_back({std::move(query), {}, -1});
}

void watch_core::consider() {
  {
    const std::lock_guard lock(mutex_);
    if (closed_ || round_running_ || !something_moved()) return;
    const auto now = host_.time.now();
    if (position_ >= 0 && now < next_due()) return schedule_at(next_due());
    round_running_ = true;
    begun_at_ = now;
  }
  begin_round();
}

void watch_core::close() {
  std::unique_lock lock(mutex_);
  closed_ = true;
  delivered_.wait(lock, [this] {
    return delivering_ == std::thread::id() || delivering_ == std::this_thread::get_id();
  });
}

bool watch_core::something_moved() const {
  if (position_ < 0) return true;
  return std::ranges::any_of(
      tiles_, [](const tile& each) { return each.query.moved_at() > each.attempted_at; });
}

steady_time watch_core::next_due() const {
  return std::max(begun_at_ + host_.round_interval, ended_at_ + (ended_at_ - begun_at_));
}

void watch_core::schedule_at(steady_time due) {
  if (std::exchange(scheduled_, true)) return;
  host_.schedule.schedule(due, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    {
      const std::lock_guard lock(self->mutex_);
      self->scheduled_ = false;
    }
    self->consider();
  });
}

void watch_core::begin_round() {
  const auto moved = pick_moved_tiles();
  host_.rounds.add();
  if (moved.empty()) return finish_round();
  for (const std::size_t index : moved) {
    // A hit answers inline, so no lock is held here; nobody else changes tiles_' shape or a query.
    host_.compute(tiles_[index].query, position_,
                  [self = shared_from_this(), index](result<query_answer> outcome) {
                    self->take(index, std::move(outcome));
                  });
  }
}

std::vector<std::size_t> watch_core::pick_moved_tiles() {
  const std::scoped_lock lock(mutex_, host_.state.mutex);
  std::vector<std::size_t> moved;
  position_ = host_.state.applied.load(std::memory_order_acquire);
  wall_us_ = host_.time.wall_us();
  for (std::size_t index = 0; index < tiles_.size(); ++index) {
    if (tiles_[index].query.moved_at() <= tiles_[index].attempted_at) continue;
    tiles_[index].attempted_at = position_;
    moved.push_back(index);
  }
  missing_ = moved.size();
  return moved;
}

void watch_core::take(std::size_t index, result<query_answer> outcome) {
  {
    const std::lock_guard lock(mutex_);
    abandoned_ = abandoned_ || (!outcome && outcome.error().code == error_code::cancelled);
    update(tiles_[index].shown, std::move(outcome), position_);
    if (--missing_ > 0) return;
  }
  finish_round();
}

void watch_core::update(watch_state::tile& shown, result<query_answer> outcome,
                        std::int64_t position) {
  if (!outcome) {
    if (shown.failure != outcome.error()) shown.changed_at = position;
    shown.failure = std::move(outcome.error());
    return;
  }
  const bool same = shown.value != nullptr && shown.value->digest() == outcome->value->digest();
  if (!same || shown.failure) shown.changed_at = position;
  shown.failure.reset();
  shown.computed_at = outcome->computed_at;
  // Equal content stays the same object: what was rendered from it is still right.
  if (!same) shown.value = std::move(outcome->value);
}

void watch_core::finish_round() {
  std::unique_lock lock(mutex_);
  if (closed_ || abandoned_) return;
  ended_at_ = host_.time.now();
  const auto state = make_state();
  delivering_ = std::this_thread::get_id();
  lock.unlock();
  changed_(state);
  lock.lock();
  delivering_ = {};
  round_running_ = false;
  delivered_.notify_all();
  // Not inline: one round would run inside the other's end.
  if (!closed_ && something_moved()) schedule_at(next_due());
}

std::shared_ptr<const watch_state> watch_core::make_state() const {
  auto state = std::make_shared<watch_state>();
  state->position = position_;
  state->wall_us = wall_us_;
  state->tiles.reserve(tiles_.size());
  for (const auto& each : tiles_) state->tiles.push_back(each.shown);
  return state;
}

std::unique_ptr<watch> watch_registry::start(std::vector<bound_query> queries,
                                             watch_core::callback changed) {
  auto core = std::make_shared<watch_core>(host_, std::move(queries), std::move(changed));
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(cores_, [](const auto& each) { return each.expired(); });
    if (!closed_) cores_.push_back(core);
    if (closed_) core->close();
  }
  core->consider();
  return std::make_unique<owned_watch>(std::move(core));
}

void watch_registry::wake(bool more) {
  auto& asked = more ? scan_later_ : scan_soon_;
  if (asked.exchange(true)) return;
  host_.schedule.schedule(host_.time.now() + (more ? import_step : milliseconds(0)),
                          [this, &asked] {
                            // Before the scan: a tick that comes during it asks for another one.
                            asked.store(false);
                            scan();
                          });
}

void watch_registry::scan() {
  std::vector<std::shared_ptr<watch_core>> alive;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& each : cores_) {
      if (auto core = each.lock()) alive.push_back(std::move(core));
    }
  }
  for (const auto& core : alive) core->consider();
}

void watch_registry::close() {
  std::vector<std::weak_ptr<watch_core>> cores;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    cores.swap(cores_);
  }
  // Without the lock: closing waits for callbacks, and a callback may start a watch.
  for (const auto& each : cores) {
    if (const auto core = each.lock()) core->close();
  }
}

}  // namespace lodestar::analytics
