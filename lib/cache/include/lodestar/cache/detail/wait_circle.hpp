// Whether a thread that is about to wait for a load would wait for ever: because that load waits,
// over the loads of other threads perhaps, for one that this thread runs.
//
//   const waiting_turn turn(load);
//   if (turn.closes_circle()) … else wait for it …
//
// Only loads that run on a thread count, from begin to end of the loader; what completes later, on
// no thread, is not known here. Threads that load nothing themselves cannot close a circle and pass
// at no cost.
//
// Thread-safety: all functions from any thread; a turn belongs to its thread. Lifetimes: a load
// stays while a turn is for it.
#pragma once

#include <thread>

namespace lodestar::cache::detail {

/// A load that threads wait for.
class awaited {
 public:
  virtual ~awaited() = default;
  /// On which its loader runs; none: an id of no thread.
  [[nodiscard]] virtual std::thread::id loading_on() const = 0;
};

/// How many loaders run on this thread, one inside of the other.
inline thread_local unsigned loaders_on_this_thread = 0;

class waiting_turn {
 public:
  explicit waiting_turn(const awaited& load);
  ~waiting_turn();
  waiting_turn(const waiting_turn&) = delete;
  waiting_turn& operator=(const waiting_turn&) = delete;
  [[nodiscard]] bool closes_circle() const noexcept { return closes_circle_; }

 private:
  bool is_listed_ = false;
  bool closes_circle_ = false;
};

}  // namespace lodestar::cache::detail
