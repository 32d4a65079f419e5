// A store (store.hpp) in memory whose answers a test lets out: at once, later and in another order,
// or as errors, with or without effect. For schedules on a virtual clock.
//
// Calls for one key take effect in the order in which they were made, as a store must.
//
// Not thread-safe: the test has one thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <lodestar/base/assert.hpp>
#include <lodestar/base/clock.hpp>
#include <lodestar/swr/store.hpp>

namespace lodestar::swr::testing {

class steered_store final : public store {
 public:
  /// How a call ends: as it should, or with an error and without or with its effect.
  enum class ending : std::uint8_t { done, refused, lost_answer };

  /// What it holds, to look at and to damage.
  struct kept {
    std::string bytes;
    steady_time expires;
  };
  using contents = std::map<std::string, kept, std::less<>>;

  /// Several that are given the same contents are connections to one server.
  explicit steered_store(const clock& time, std::string name = "steered",
                         std::shared_ptr<contents> holds = std::make_shared<contents>())
      : entries(*holds), time_(time), name_(std::move(name)), holds_(std::move(holds)) {}
  ~steered_store() override {
    while (!parked_.empty()) let_go(0, ending::refused);
  }

  /// Calls wait for let_go() from now on.
  void park(bool parks) { parks_ = parks; }
  /// Calls that are not parked are refused, as by a server that is down.
  void set_down(bool down) { down_ = down; }
  [[nodiscard]] std::size_t parked() const { return parked_.size(); }
  /// Ends a parked call, or the first of its key: `which` counts from the oldest.
  void let_go(std::size_t which, ending how = ending::done);
  /// Ends the calls whose time has come, as a store must.
  void expire();

  [[nodiscard]] std::string_view name() const noexcept override { return name_; }
  void get(std::string_view key, steady_time deadline, got done) override;
  void set(std::string_view key, shared_bytes bytes, nanoseconds keep_for, steady_time deadline,
           ended done) override;
  void remove(std::span<const std::string_view> keys, steady_time deadline, ended done) override;
  void clear(steady_time deadline, ended done) override;

  contents& entries;
  std::size_t gets = 0, sets = 0, removes = 0;

 private:
  struct call {
    std::string key;
    steady_time deadline;
    std::function<void()> effect;
    std::move_only_function<void(const std::optional<error>&)> answer;
  };
  void admit(call made);
  static void end(call which, ending how);
  [[nodiscard]] std::optional<std::string_view> find(const std::string& key);

  const clock& time_;
  const std::string name_;
  const std::shared_ptr<contents> holds_;
  bool parks_ = false;
  bool down_ = false;
  std::deque<call> parked_;
};

inline void steered_store::let_go(std::size_t which, ending how) {
  LODESTAR_ASSERT(which < parked_.size(), "there is such a call");
  const std::string& key = parked_[which].key;
  const auto first =
      std::ranges::find_if(parked_, [&](const call& each) { return each.key == key; });
  call chosen = std::move(*first);
  parked_.erase(first);
  end(std::move(chosen), how);
}

inline void steered_store::expire() {
  for (;;) {
    const auto late = std::ranges::find_if(
        parked_, [this](const call& each) { return each.deadline <= time_.now(); });
    if (late == parked_.end()) return;
    call chosen = std::move(*late);
    parked_.erase(late);
    end(std::move(chosen), ending::refused);
  }
}

inline void steered_store::admit(call made) {
  if (parks_) return parked_.push_back(std::move(made));
  end(std::move(made), down_ ? ending::refused : ending::done);
}

inline void steered_store::end(call which, ending how) {
  if (how != ending::refused) which.effect();
  if (how == ending::done) return which.answer(std::nullopt);
  which.answer(fail(error_code::unavailable, "the test says that it does not work").error());
}

inline std::optional<std::string_view> steered_store::find(const std::string& key) {
  const auto place = entries.find(key);
  if (place == entries.end() || place->second.expires <= time_.now()) return std::nullopt;
  return place->second.bytes;
}

inline void steered_store::get(std::string_view key, steady_time deadline, got done) {
  ++gets;
  admit({.key = std::string(key),
         .deadline = deadline,
         .effect = [] {},
         .answer =
             [this, name = std::string(key),
              done = std::move(done)](const std::optional<error>& problem) mutable {
               if (problem) return done(std::unexpected(*problem));
               // A copy: the handler may change the store.
               const auto found = find(name);
               const std::string bytes(found.value_or(std::string_view()));
               done(found ? std::optional<std::string_view>(bytes) : std::nullopt);
             }});
}

inline void steered_store::set(std::string_view key, shared_bytes bytes, nanoseconds keep_for,
                               steady_time deadline, ended done) {
  ++sets;
  const steady_time now = time_.now();
  const bool for_ever = keep_for >= steady_time::max() - now;
  const steady_time expires = for_ever ? steady_time::max() : now + keep_for;
  admit({.key = std::string(key),
         .deadline = deadline,
         .effect = [this, name = std::string(key), bytes = std::move(bytes),
                    expires] { entries[name] = {std::string(bytes.view()), expires}; },
         .answer =
             [done = std::move(done)](const std::optional<error>& problem) mutable {
               done(problem ? result<void>(std::unexpected(*problem)) : result<void>());
             }});
}

inline void steered_store::remove(std::span<const std::string_view> keys, steady_time deadline,
                                  ended done) {
  ++removes;
  LODESTAR_ASSERT(keys.size() == 1, "tiers remove one key at a time");
  const std::string key(keys.front());
  admit({.key = key,
         .deadline = deadline,
         .effect = [this, key] { entries.erase(key); },
         .answer =
             [done = std::move(done)](const std::optional<error>& problem) mutable {
               done(problem ? result<void>(std::unexpected(*problem)) : result<void>());
             }});
}

inline void steered_store::clear(steady_time, ended done) {
  entries.clear();
  done({});
}

}  // namespace lodestar::swr::testing
