// A store (store.hpp) that reports each call of the one that it wraps, with how long that took: for
// who uses a store by itself. Tiers report what they do with theirs without this.
//
//   measured_store store(redis, events, {.cache = "sessions"});
//   store.get("42", deadline, …);          // events.read({.tier = "redis", .cache = "sessions",
//   …})
//
// An event is sent when the answer is there, before the handler is called. A store does not know
// how old its entries are: every hit is reported as fresh. clear() is reported as a removal of
// everything, with no number of keys.
//
// Thread-safety: all members from any thread; events come from where the store answers. Lifetimes:
// the clock and the sink must outlive the wrapped store, which may answer later than this is
// destroyed when others hold it, too.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <lodestar/base/clock.hpp>
#include <lodestar/swr/events.hpp>
#include <lodestar/swr/store.hpp>

namespace lodestar::swr {

struct measured_store_options {
  std::string cache = {};  ///< What the entries are of; in every event.
  clock* time = &system_clock();
};

class measured_store final : public store {
 public:
  measured_store(std::shared_ptr<store> below, event_sink& events,
                 measured_store_options options = {});

  /// That of the store it wraps.
  [[nodiscard]] std::string_view name() const noexcept override { return below_->name(); }
  void get(std::string_view key, steady_time deadline, got done) override;
  void set(std::string_view key, shared_bytes bytes, nanoseconds keep_for, steady_time deadline,
           ended done) override;
  void remove(std::span<const std::string_view> keys, steady_time deadline, ended done) override;
  void clear(steady_time deadline, ended done) override;

 private:
  struct surroundings;
  const std::shared_ptr<store> below_;
  const std::shared_ptr<const surroundings> around_;  // of calls that are under way, too
};

}  // namespace lodestar::swr
