// How a load that does not block says what it brought.
#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <utility>

#include <lodestar/base/error.hpp>
#include <lodestar/base/lifeline.hpp>
#include <lodestar/cache/detail/flight.hpp>
#include <lodestar/cache/loaded.hpp>

namespace lodestar::cache {

/// Belongs to one load. Call it once, from any thread, with a value or an error, or with what was
/// thrown: everybody who waits gets that. Destroyed uncalled, it gives the load up: whoever asked
/// for it gets error_code::cancelled, and the next who waits for the key loads for himself. May
/// outlive the cache. Movable; not thread-safe.
template <class Cache>
class completion {
 public:
  using value_type = typename Cache::value_type;

  completion(completion&& other) noexcept
      : line_(std::move(other.line_)),
        flight_(std::exchange(other.flight_, nullptr)),
        ticket_(other.ticket_),
        exceptions_(other.exceptions_) {}
  completion& operator=(completion&&) = delete;
  ~completion() {
    if (flight_ == nullptr) return;
    // What the start function throws is the answer: whoever called it hears of it.
    if (std::uncaught_exceptions() > exceptions_ && flight_->loads_on_this_thread()) {
      flight_->unwind();
      return;
    }
    if (const auto owner = line_.hold()) {
      owner->give_up(*flight_, ticket_);
    } else {
      flight_->abandon(ticket_);
    }
  }

  void operator()(result<value_type> brought) { land(loaded<value_type>(std::move(brought))); }
  void operator()(std::exception_ptr thrown) { land(loaded<value_type>(std::move(thrown))); }

 private:
  friend Cache;
  using line = typename lifeline<Cache>::line;
  using flight_pointer = std::shared_ptr<typename Cache::flight>;

  completion(line owner, flight_pointer flight, std::uint64_t ticket) noexcept
      : line_(std::move(owner)), flight_(std::move(flight)), ticket_(ticket) {}

  /// Loads as a call that blocks does, unless nobody is there any more to load for.
  template <class Loader>
  void bring(Loader& load) {
    const auto owner = line_.hold();
    if (!owner) return;
    const flight_pointer led = std::exchange(flight_, nullptr);
    static_cast<void>(owner->finish(*led, owner->call(*led, load)));
  }

  void land(loaded<value_type> what) {
    LODESTAR_ASSERT(flight_ != nullptr, "a load ends once");
    auto came = std::make_shared<const loaded<value_type>>(std::move(what));
    const flight_pointer ended = std::exchange(flight_, nullptr);
    if (const auto owner = line_.hold()) {
      static_cast<void>(owner->finish(*ended, std::move(came)));
    } else {
      ended->land(std::move(came));
    }
  }

  line line_;
  flight_pointer flight_;
  std::uint64_t ticket_;
  int exceptions_ = std::uncaught_exceptions();
};

/// A call of load_async() that has not been answered yet, perhaps. Thread-safety: as any value.
template <class Cache>
class load_ticket {
 public:
  load_ticket() = default;
  load_ticket(std::shared_ptr<typename Cache::flight> joined, std::uint64_t ticket) noexcept
      : flight_(std::move(joined)), ticket_(ticket) {}

  /// The answer is not wanted any more; false when it has been given, or is being given. A load
  /// that has begun goes on, for others.
  bool cancel() { return flight_ != nullptr && flight_->remove(ticket_); }

 private:
  std::shared_ptr<typename Cache::flight> flight_;
  std::uint64_t ticket_ = detail::no_ticket;
};

}  // namespace lodestar::cache
