#include "feed_hub.hpp"

#include <algorithm>

#include <lodestar/base/assert.hpp>

#include "core.hpp"
#include "viewer.hpp"

namespace lodestar::web {

// published_state

published_state::published_state(feed_state state, const published_state* previous)
    : state_(std::move(state)), revision_(1), slot_revisions_(state_.slots.size(), revision_) {
  if (previous) compare(*previous);
}

/// By content and not by what a publisher says, so that nothing changes unseen and nothing is sent
/// in vain.
void published_state::compare(const published_state& previous) noexcept {
  LODESTAR_ASSERT(state_.position >= previous.state_.position,
                  "positions of a feed do not decrease");
  LODESTAR_ASSERT(state_.slots.size() == previous.state_.slots.size(),
                  "the slots of a feed stay the same");
  revision_ = previous.revision_;
  slot_revisions_ = previous.slot_revisions_;
  for (std::size_t slot = 0; slot < slot_revisions_.size(); ++slot) {
    const shared_bytes& now = state_.slots[slot];
    const shared_bytes& before = previous.state_.slots[slot];
    if (now.data() == before.data() || now.view() == before.view()) continue;
    revision_ = previous.revision_ + 1;
    slot_revisions_[slot] = revision_;
  }
}

frame published_state::frame_since(std::uint64_t from) const {
  const std::lock_guard lock(mutex_);
  const auto known = std::ranges::find(frames_, from, &std::pair<std::uint64_t, frame>::first);
  if (known != frames_.end()) return known->second;
  frame made = build(from);
  if (frames_.size() < frames_max) {
    frames_.emplace_back(from, made);
  } else {
    frames_[replace_next_] = {from, made};
    replace_next_ = (replace_next_ + 1) % frames_max;
  }
  return made;
}

frame published_state::build(std::uint64_t from) const {
  frame_writer writer(state_.position);
  for (std::size_t slot = 0; slot < slot_revisions_.size(); ++slot) {
    if (slot_revisions_[slot] > from) writer.add(state_.slots[slot].view());
  }
  return std::move(writer).take();
}

const frame& frame_source::since(std::uint64_t from) {
  if (from != from_) {
    frame_ = state_->frame_since(from);
    from_ = from;
  }
  return frame_;
}

// feed_shard

feed_shard::feed_shard(std::shared_ptr<core> home) noexcept : home_(std::move(home)) {}

void feed_shard::add(viewer& guest) {
  LODESTAR_ASSERT(home_->is_this_thread(), "a shard belongs to its core");
  guest.set_index(viewers_.size());
  viewers_.push_back(&guest);
}

void feed_shard::remove(viewer& guest) {
  LODESTAR_ASSERT(home_->is_this_thread(), "a shard belongs to its core");
  const std::size_t at = guest.index();
  LODESTAR_ASSERT(at < viewers_.size() && viewers_[at] == &guest, "the viewer is ours");
  viewers_[at] = viewers_.back();
  viewers_[at]->set_index(at);
  viewers_.pop_back();
  cursor_ = std::min(cursor_, viewers_.size());
}

void feed_shard::request_walk(std::shared_ptr<feed_hub> source) {
  if (walk_requested_.exchange(true)) return;
  home_->post(
      [self = shared_from_this(), source = std::move(source)] { self->begin_walk(source); });
}

void feed_shard::request_abort(std::shared_ptr<feed_hub> source) {
  home_->post([self = shared_from_this(), source = std::move(source)] { self->abort_all(); });
}

void feed_shard::begin_walk(const std::shared_ptr<feed_hub>& source) {
  // Before the state is read: a publication from here on asks for a walk of its own.
  walk_requested_.store(false);
  if (walking_) {
    walk_again_ = true;
    return;
  }
  walking_ = true;
  cursor_ = viewers_.size();
  walk_slice(source);
}

void feed_shard::walk_slice(const std::shared_ptr<feed_hub>& source) {
  frame_source frames(source->present());
  for (std::size_t visited = 0; visited < slice_viewers && cursor_ > 0; ++visited) {
    viewers_[--cursor_]->advance(frames);
  }
  if (cursor_ == 0) {
    walking_ = std::exchange(walk_again_, false);
    if (!walking_) return;
    cursor_ = viewers_.size();
  }
  home_->post([self = shared_from_this(), source] { self->walk_slice(source); });
}

void feed_shard::abort_all() {
  while (!viewers_.empty()) viewers_.back()->abort();
}

// feed_hub

std::shared_ptr<feed> feed::make(std::function<void(std::size_t)> on_viewers) {
  return std::make_shared<feed_hub>(std::move(on_viewers));
}

feed_hub::feed_hub(std::function<void(std::size_t)> on_viewers)
    : on_viewers_(std::move(on_viewers)) {}

void feed_hub::publish(feed_state state) {
  std::vector<std::shared_ptr<feed_shard>> shards;
  {
    const std::lock_guard lock(mutex_);
    const std::uint64_t before = present_ ? present_->revision() : 0;
    present_ = std::make_shared<const published_state>(std::move(state), present_.get());
    position_.store(present_->position(), std::memory_order_release);
    if (present_->revision() == before) return;
    shards = shards_;
  }
  for (const auto& shard : shards) shard->request_walk(shared_from_this());
}

void feed_hub::close() {
  const std::lock_guard lock(mutex_);
  for (const auto& shard : shards_) shard->request_abort(shared_from_this());
}

std::shared_ptr<const published_state> feed_hub::present() const {
  const std::lock_guard lock(mutex_);
  return present_;
}

std::shared_ptr<feed_shard> feed_hub::shard_of(const std::shared_ptr<core>& home) {
  const std::lock_guard lock(mutex_);
  const auto known = std::ranges::find(shards_, home, &feed_shard::home);
  if (known != shards_.end()) return *known;
  return shards_.emplace_back(std::make_shared<feed_shard>(home));
}

void feed_hub::viewer_added() {
  viewers_.fetch_add(1, std::memory_order_acq_rel);
  notify_viewers();
}

void feed_hub::viewer_removed() {
  viewers_.fetch_sub(1, std::memory_order_acq_rel);
  notify_viewers();
}

/// One core at a time reports, so that the last report is the present number.
void feed_hub::notify_viewers() {
  if (!on_viewers_) return;
  if (notifications_due_.fetch_add(1) != 0) return;
  for (std::size_t seen = 1; seen != 0;) {
    on_viewers_(viewers());
    seen = notifications_due_.fetch_sub(seen) - seen;
  }
}

}  // namespace lodestar::web
