// The one implementation of feed: the present state, and per core the viewers that are to get it.
//
// Thread-safety: a published state never changes; feed_hub may be used from any thread; a
// feed_shard belongs to its core, except for request_walk() and request_abort().
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include <lodestar/web/feed.hpp>

#include "frame.hpp"

namespace lodestar::web {

class core;
class feed_hub;
class viewer;

/// A state with what is needed to say how it differs from an earlier one. The revision counts
/// states that differ: positions may repeat with other content, revisions do not.
class published_state {
 public:
  published_state(feed_state state, const published_state* previous);

  [[nodiscard]] std::uint64_t revision() const noexcept { return revision_; }
  [[nodiscard]] std::int64_t position() const noexcept { return state_.position; }
  /// What a viewer that has revision `from` lacks; `from` 0 is everything. The latest few are kept,
  /// so that viewers that have the same state share one frame.
  [[nodiscard]] frame frame_since(std::uint64_t from) const;

 private:
  static constexpr std::size_t frames_max = 8;

  void compare(const published_state& previous) noexcept;
  [[nodiscard]] frame build(std::uint64_t from) const;

  feed_state state_;
  std::uint64_t revision_;
  std::vector<std::uint64_t> slot_revisions_;  // When each slot's content last changed.
  mutable std::mutex mutex_;
  mutable std::vector<std::pair<std::uint64_t, frame>> frames_;
  mutable std::size_t replace_next_ = 0;
};

/// A state and the frame asked for last, so that a walk over many viewers takes no lock for each.
class frame_source {
 public:
  explicit frame_source(std::shared_ptr<const published_state> state) noexcept
      : state_(std::move(state)) {}
  [[nodiscard]] const published_state* state() const noexcept { return state_.get(); }
  [[nodiscard]] const frame& since(std::uint64_t from);

 private:
  std::shared_ptr<const published_state> state_;
  std::uint64_t from_ = ~std::uint64_t{0};
  frame frame_;
};

/// The viewers of one feed on one core.
class feed_shard : public std::enable_shared_from_this<feed_shard> {
 public:
  explicit feed_shard(std::shared_ptr<core> home) noexcept;

  void add(viewer& guest);
  void remove(viewer& guest);
  void request_walk(std::shared_ptr<feed_hub> source);
  void request_abort(std::shared_ptr<feed_hub> source);
  [[nodiscard]] const std::shared_ptr<core>& home() const noexcept { return home_; }

 private:
  /// Other connections of the core get their turn after so many sends.
  static constexpr std::size_t slice_viewers = 256;

  void begin_walk(const std::shared_ptr<feed_hub>& source);
  void walk_slice(const std::shared_ptr<feed_hub>& source);
  void abort_all();

  const std::shared_ptr<core> home_;
  std::vector<viewer*> viewers_;
  std::size_t cursor_ =
      0;  // Viewers from here on were visited. Downwards, as remove() moves the last into the gap.
  bool walking_ = false;
  bool walk_again_ = false;
  std::atomic<bool> walk_requested_{false};
};

class feed_hub final : public feed, public std::enable_shared_from_this<feed_hub> {
 public:
  explicit feed_hub(std::function<void(std::size_t)> on_viewers);

  void publish(feed_state state) override;
  [[nodiscard]] std::int64_t position() const noexcept override {
    return position_.load(std::memory_order_acquire);
  }
  [[nodiscard]] std::size_t viewers() const noexcept override {
    return viewers_.load(std::memory_order_acquire);
  }
  void close() override;

  [[nodiscard]] std::shared_ptr<const published_state> present() const;
  [[nodiscard]] std::shared_ptr<feed_shard> shard_of(const std::shared_ptr<core>& home);
  void viewer_added();
  void viewer_removed();

 private:
  void notify_viewers();

  std::function<void(std::size_t)> on_viewers_;
  std::atomic<std::int64_t> position_{0};
  std::atomic<std::size_t> viewers_{0};
  std::atomic<std::size_t> notifications_due_{0};
  mutable std::mutex mutex_;
  std::shared_ptr<const published_state> present_;
  std::vector<std::shared_ptr<feed_shard>> shards_;
};

}  // namespace lodestar::web
