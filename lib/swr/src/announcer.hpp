// Publishes what this node has written, in order for each key, newest only; what the backplane does
// not take is published again later. When too much waits, one message takes its place: believe
// nothing that is older.
//
// Thread-safety: all members from any thread; the backplane is called without a lock.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>

#include <lodestar/swr/backplane.hpp>

#include "backplane_message.hpp"
#include "handler_scope.hpp"
#include "pending_writes.hpp"

namespace lodestar::swr::detail {

class announcer : public std::enable_shared_from_this<announcer> {
 public:
  static constexpr std::size_t messages_max = 10'000;
  static constexpr milliseconds timeout{2'000};

  /// `failed` is called when something has to be published again.
  announcer(std::shared_ptr<backplane> to, const clock& time, scheduler& timer,
            std::function<void()> failed)
      : to_(std::move(to)), time_(time), timer_(timer), tell_failed_(std::move(failed)) {}
  ~announcer() { release(std::move(to_), timer_); }
  announcer(const announcer&) = delete;
  announcer& operator=(const announcer&) = delete;

  void enqueue(const backplane_message& message);
  void send();
  void retry();
  [[nodiscard]] bool has_pending() const;
  [[nodiscard]] bool has_failed() const;

 private:
  void publish(const tier_write& message);
  void ended(const tier_write& message, bool success);

  std::shared_ptr<backplane> to_;
  const clock& time_;
  scheduler& timer_;
  const std::function<void()> tell_failed_;
  mutable std::mutex mutex_;
  pending_writes pending_{{.writes_max = messages_max, .bytes_max = messages_max * 1'000}};
};

}  // namespace lodestar::swr::detail
