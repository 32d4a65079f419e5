// How the nodes that share a tier tell each other what has changed: messages of about a hundred
// bytes, without values. The port.
//
// A message may be lost while somebody is not connected, and only then; what one node publishes
// arrives in that order. Whoever was not connected says so with `connected`, and the cache trusts
// nothing that it holds then.
//
// Thread-safety: publish() from any thread. A listener is called on any thread, one call at a time,
// without a lock; it does not block.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include <lodestar/base/clock.hpp>
#include <lodestar/swr/store.hpp>

namespace lodestar::swr {

struct backplane_listener {
  std::function<void(std::string_view message)> received;
  /// Messages arrive from now on; called for the first time after listen(), and again after each
  /// interruption.
  std::function<void()> connected;
};

class backplane {
 public:
  virtual ~backplane() = default;
  /// Called once, before anything is published. The listener is called until stop() returns.
  virtual void listen(backplane_listener listener) = 0;
  virtual void stop() = 0;
  /// To all others; whether it comes back to the one who publishes makes no difference.
  virtual void publish(std::string message, steady_time deadline, store::ended done) = 0;
};

}  // namespace lodestar::swr
