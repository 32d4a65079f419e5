// An event log in memory for benchmarks: it costs nothing, so what is measured is the analytics.
#pragma once

#include <algorithm>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include <lodestar/log/event_log.hpp>

namespace lodestar::analytics::testing {

class memory_log final : public log::event_log {
 public:
  void append(std::vector<log::new_event> batch, log::append_handler done) override {
    std::vector<log::appended> answers;
    std::function<void(log::position)> wake;
    {
      const std::lock_guard lock(mutex_);
      for (auto& each : batch) {
        const auto at = static_cast<log::position>(events_.size()) + 1;
        events_.push_back({at, at, 1'000'000'000'000'000 + at, std::move(each.event_id),
                           std::move(each.aggregate_type), std::move(each.aggregate_id),
                           std::move(each.event_type), each.schema_version, std::move(each.payload),
                           std::move(each.metadata)});
        answers.push_back({at, at, false});
      }
      wake = wake_;
    }
    const auto last = answers.back().at;
    done(std::move(answers));
    if (wake) wake(last);
  }
  result<log::read_page> read(const log::read_filter& filter) override {
    const std::lock_guard lock(mutex_);
    const auto begin = std::min(static_cast<std::size_t>(filter.after), events_.size());
    const auto end = std::min(begin + filter.events_max, events_.size());
    return log::read_page{{events_.begin() + static_cast<std::ptrdiff_t>(begin),
                           events_.begin() + static_cast<std::ptrdiff_t>(end)},
                          static_cast<log::position>(end),
                          end == events_.size()};
  }
  log::position last_position() const noexcept override {
    const std::lock_guard lock(mutex_);
    return static_cast<log::position>(events_.size());
  }
  result<log::version> stream_version(const std::string&, const std::string&) override {
    return log::version{0};
  }
  /// One subscriber.
  std::unique_ptr<log::tail_subscription> subscribe(
      std::function<void(log::position)> wake) override {
    const std::lock_guard lock(mutex_);
    wake_ = std::move(wake);
    return std::make_unique<subscription>(*this);
  }

 private:
  struct subscription final : log::tail_subscription {
    explicit subscription(memory_log& owner) : owner_(owner) {}
    ~subscription() override {
      const std::lock_guard lock(owner_.mutex_);
      owner_.wake_ = nullptr;
    }
    memory_log& owner_;
  };

  mutable std::mutex mutex_;
  std::vector<log::event> events_;
  std::function<void(log::position)> wake_;
};

}  // namespace lodestar::analytics::testing
