#include "watch.hpp"

#include <algorithm>
#include <utility>

namespace lodestar::analytics {
namespace {

/// Ten years: times stay far from the end of the clock's range.
constexpr std::int64_t expiry_ms_max = 315'360'000'000;

class owned_watch final : public watch {
 public:
  explicit owned_watch(std::shared_ptr<watch_core> core) : core_(std::move(core)) {}
  ~owned_watch() override { core_->close(); }

 private:
  std::shared_ptr<watch_core> core_;
};

}  // namespace

watch_core::watch_core(watch_host& host, std::vector<bound_query> queries, callback changed,
                       look_function look_at)
    : host_(host), changed_(std::move(changed)), look_at_(std::move(look_at)) {
  tiles_.reserve(queries.size());
  for (auto& query : queries)
    tiles_.push_back({std::move(query), {}, -1, steady_time::max(), swr::backoff()});
}

auto watch_core::join(const round_start& start, steady_time& look_at)
    -> std::optional<tile_indices> {
  const std::lock_guard lock(mutex_);
  if (closed_ || round_running_) return std::nullopt;
  if (const auto next = next_round_at(); start.now < next) {
    look_at = std::min(look_at, next);
    return std::nullopt;
  }
  tile_indices picked;
  for (std::size_t index = 0; index < tiles_.size(); ++index) {
    if (!is_due(tiles_[index], start.now)) continue;
    tiles_[index].attempted_at = start.position;
    picked.push_back(index);
  }
  round_running_ = true;
  begun_at_ = start.now;
  position_ = start.position;
  wall_us_ = start.wall_us;
  missing_ = picked.size();
  return picked;
}

void watch_core::close() {
  std::unique_lock lock(mutex_);
  closed_ = true;
  delivered_.wait(lock, [this] {
    return delivering_ == std::thread::id() || delivering_ == std::this_thread::get_id();
  });
}

bool watch_core::is_due(const tile& each, steady_time now) const {
  return each.query.moved_at() > each.attempted_at || each.due_at <= now;
}

steady_time watch_core::next_round_at() const {
  if (position_ < 0) return steady_time::min();
  const auto due = first_due_at();
  return due == steady_time::max() ? due : std::max(grid_after(due), rested_at());
}

steady_time watch_core::first_due_at() const {
  auto first = steady_time::max();
  for (const auto& each : tiles_) {
    const bool moved = each.query.moved_at() > each.attempted_at;
    first = std::min(first, moved ? begun_at_ : each.due_at);
  }
  return first;
}

steady_time watch_core::rested_at() const {
  // One round in each step of the grid, wherever in its step it began.
  return std::max(grid_before(begun_at_) + host_.round_interval,
                  grid_after(ended_at_ + (ended_at_ - begun_at_)));
}

steady_time watch_core::grid_before(steady_time time) const {
  if (host_.round_interval <= milliseconds(0)) return time;
  return time - time.time_since_epoch() % host_.round_interval;
}

steady_time watch_core::grid_after(steady_time time) const {
  const auto before = grid_before(time);
  return before == time ? time : before + host_.round_interval;
}

void watch_core::run(const tile_indices& picked) {
  host_.rounds.add();
  if (picked.empty()) return finish_round();
  for (const std::size_t index : picked) {
    // A hit answers inline, so no lock is held here; nobody else changes tiles_' shape or a query.
    host_.compute(tiles_[index].query, position_,
                  [self = shared_from_this(), index](result<query_answer> outcome) {
                    self->take(index, std::move(outcome));
                  });
  }
}

void watch_core::take(std::size_t index, result<query_answer> outcome) {
  {
    const std::lock_guard lock(mutex_);
    plan_next(tiles_[index], outcome, host_.time.now());
    update(tiles_[index].shown, std::move(outcome), position_);
    if (--missing_ > 0) return;
  }
  finish_round();
}

void watch_core::plan_next(tile& done, const result<query_answer>& outcome, steady_time now) {
  done.due_at = steady_time::max();
  if (outcome) {
    done.retry.note_success();
  } else if (is_retryable(outcome.error().code)) {
    done.retry.note_failure(now);
    done.due_at = done.retry.retry_at();
  }
  const auto fresh_ms = done.query.definition().lifetimes.fresh_ms;
  if (fresh_ms == swr::duration_ms_unlimited) return;
  // A result from the cache is older than the round.
  const milliseconds age(outcome ? outcome->age_ms : 0);
  const milliseconds lasts(std::clamp(fresh_ms, expiry_ms_min, expiry_ms_max));
  done.due_at = std::min(done.due_at, now - age + lasts);
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
  if (closed_) return;
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
  if (const auto next = next_round_at(); !closed_ && next != steady_time::max()) look_at_(next);
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
  auto core = std::make_shared<watch_core>(host_, std::move(queries), std::move(changed),
                                           [this](steady_time time) { look_at(time); });
  bool closed = false;
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(cores_, [](const auto& each) { return each.expired(); });
    closed = closed_;
    if (!closed) cores_.push_back(core);
  }
  if (closed) core->close();
  begin_rounds({core});
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
  std::vector<core_pointer> alive;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& each : cores_) {
      if (auto core = each.lock()) alive.push_back(std::move(core));
    }
  }
  begin_rounds(alive);
}

void watch_registry::begin_rounds(const std::vector<core_pointer>& cores) {
  std::vector<std::pair<core_pointer, watch_core::tile_indices>> begun;
  auto next = steady_time::max();
  {
    const std::lock_guard lock(host_.state.mutex);
    const round_start start{host_.state.applied.load(std::memory_order_acquire), host_.time.now(),
                            host_.time.wall_us()};
    for (const auto& core : cores) {
      if (auto picked = core->join(start, next)) begun.emplace_back(core, std::move(*picked));
    }
  }
  for (const auto& [core, picked] : begun) core->run(picked);
  if (next != steady_time::max()) look_at(next);
}

void watch_registry::look_at(steady_time time) {
  const std::lock_guard lock(mutex_);
  if (closed_ || (next_look_ && next_look_->due <= time)) return;
  if (next_look_) host_.schedule.cancel(*next_look_);
  next_look_ = host_.schedule.schedule(time, [this] {
    {
      const std::lock_guard inside(mutex_);
      next_look_.reset();
    }
    scan();
  });
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
