#include "tail_hub.hpp"

#include <algorithm>
#include <mutex>
#include <utility>
#include <vector>

namespace lodestar::sqlite_log {

struct tail_hub::subscriber {
  explicit subscriber(std::function<void(log::position)> callback) : wake(std::move(callback)) {}

  // Held while the callback runs, so whoever ends the subscription waits for it. Recursive, so that
  // the callback itself may end its subscription.
  std::recursive_mutex mutex;
  bool active = true;
  bool running = false;
  std::function<void(log::position)> wake;
};

struct tail_hub::state {
  std::mutex mutex;
  std::vector<std::shared_ptr<subscriber>> subscribers;
};

class tail_hub::subscription final : public log::tail_subscription {
 public:
  subscription(std::shared_ptr<state> hub, std::shared_ptr<subscriber> entry)
      : hub_(std::move(hub)), entry_(std::move(entry)) {}
  ~subscription() override {
    {
      const std::lock_guard lock(hub_->mutex);
      std::erase(hub_->subscribers, entry_);
    }
    const std::lock_guard lock(entry_->mutex);
    entry_->active = false;
    // A running callback (this is inside of it) keeps what it captured until it returns.
    if (!entry_->running) entry_->wake = nullptr;
  }
  subscription(const subscription&) = delete;
  subscription& operator=(const subscription&) = delete;

 private:
  std::shared_ptr<state> hub_;
  std::shared_ptr<subscriber> entry_;
};

tail_hub::tail_hub() : state_(std::make_shared<state>()) {}

std::unique_ptr<log::tail_subscription> tail_hub::subscribe(
    std::function<void(log::position)> wake) {
  auto entry = std::make_shared<subscriber>(std::move(wake));
  {
    const std::lock_guard lock(state_->mutex);
    state_->subscribers.push_back(entry);
  }
  return std::make_unique<subscription>(state_, std::move(entry));
}

void tail_hub::wake(log::position last) const {
  std::vector<std::shared_ptr<subscriber>> current;
  {
    const std::lock_guard lock(state_->mutex);
    current = state_->subscribers;
  }
  for (const auto& entry : current) {
    const std::lock_guard lock(entry->mutex);
    if (!entry->active) continue;
    entry->running = true;
    entry->wake(last);
    entry->running = false;
  }
}

}  // namespace lodestar::sqlite_log
