// The one thread that writes: takes what is queued, stores it in one transaction, answers, wakes
// the tails, checkpoints.
//
// Thread-safety: append(), last_position() and subscribe() on any thread; the rest on the writer's
// own. Invariants:
//   1. An append is answered with success only after COMMIT returned success under
//   synchronous=FULL.
//   2. After a failure whose outcome is unknown the connection is dropped; a new one is opened and
//   verified before
//      anything is written again (an fsync error is reported only once).
//   3. last_position() never goes back and never names an event that is not durable.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include <lodestar/base/clock.hpp>
#include <lodestar/base/metrics.hpp>
#include <lodestar/log/event_log.hpp>

#include "appender.hpp"
#include "settings.hpp"
#include "tail_hub.hpp"

namespace lodestar::sqlite_log {

class writer {
 public:
  writer(const settings& how, clock& time, metrics_registry& metrics,
         std::unique_ptr<appender> opened);
  /// Stores what is queued, checkpoints, closes.
  ~writer();
  writer(const writer&) = delete;
  writer& operator=(const writer&) = delete;

  void append(std::vector<log::new_event> batch, log::append_handler done);
  [[nodiscard]] log::position last_position() const noexcept {
    return last_position_.load(std::memory_order_acquire);
  }
  [[nodiscard]] std::unique_ptr<log::tail_subscription> subscribe(
      std::function<void(log::position)> wake) {
    return tails_.subscribe(std::move(wake));
  }

 private:
  struct request {
    std::vector<log::new_event> batch;
    log::append_handler done;
    std::size_t bytes = 0;
    append_answer answer;
    bool settled = false;  // The answer is final: refused, or durable.
  };
  using group = std::vector<request>;

  struct instruments {
    explicit instruments(metrics_registry& metrics);
    counter& events;
    counter& commits;
    counter& refused;
    counter& storage_errors;
    counter& checkpoints;
    histogram& commit_time;
    gauge& queue_events;
    gauge& position;
    gauge& wal_pages;
    gauge& writable;
  };

  [[nodiscard]] result<void> enqueue(request& wanted);
  void run();
  void wait_for_work(std::unique_lock<std::mutex>& lock);
  [[nodiscard]] group take_group();
  void commit_group(group work);
  [[nodiscard]] result<void> ensure_open();
  [[nodiscard]] result<void> store(group& work);
  [[nodiscard]] result<void> settle(std::span<request> done, request& refused);
  [[nodiscard]] result<void> commit();
  void recover_from(const error& why);
  void answer_all(group& work);
  void publish();
  [[nodiscard]] bool past_closing_time();
  void checkpoint();
  void close();

  const settings how_;
  clock& time_;
  instruments metrics_;
  tail_hub tails_;
  std::unique_ptr<appender> appender_;  // Null while the store is poisoned.
  int checkpoint_due_pages_;
  std::atomic<log::position> last_position_;

  std::mutex mutex_;
  std::condition_variable queued_;
  std::deque<request> queue_;
  std::size_t queue_events_ = 0;
  std::size_t queue_bytes_ = 0;
  bool stopping_ = false;
  steady_time closing_time_{};

  std::thread thread_;
};

}  // namespace lodestar::sqlite_log
