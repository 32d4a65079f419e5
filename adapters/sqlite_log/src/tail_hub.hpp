// Who wants to be woken after a commit.
//
// Thread-safety: subscribe() and the end of a subscription may happen on any thread, also inside a
// callback; wake() on one thread at a time. A subscription may outlive the hub.
#pragma once

#include <functional>
#include <memory>

#include <lodestar/log/event_log.hpp>

namespace lodestar::sqlite_log {

class tail_hub {
 public:
  tail_hub();
  [[nodiscard]] std::unique_ptr<log::tail_subscription> subscribe(
      std::function<void(log::position)> wake);
  void wake(log::position last) const;

 private:
  struct state;
  struct subscriber;
  class subscription;

  std::shared_ptr<state> state_;
};

}  // namespace lodestar::sqlite_log
