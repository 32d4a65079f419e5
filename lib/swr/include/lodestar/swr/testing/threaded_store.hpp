// A store (store.hpp) in memory that answers on a thread of its own, as a file or a server does.
//
// Thread-safety: all members from any thread. What is open when it is destroyed is answered first.
#pragma once

#include <cstddef>
#include <latch>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <lodestar/base/assert.hpp>
#include <lodestar/base/clock.hpp>
#include <lodestar/base/executor.hpp>
#include <lodestar/swr/memory_store.hpp>
#include <lodestar/swr/store.hpp>

namespace lodestar::swr::testing {

class threaded_store final : public store {
 public:
  explicit threaded_store(clock& time = system_clock())
      : inside_({.bytes_max = 64U << 20, .time = &time}) {}
  ~threaded_store() override {
    std::latch last(1);
    run([&last] { last.count_down(); });
    last.wait();
  }
  threaded_store(const threaded_store&) = delete;
  threaded_store& operator=(const threaded_store&) = delete;

  [[nodiscard]] std::string_view name() const noexcept override { return "threaded"; }
  void get(std::string_view key, steady_time deadline, got done) override {
    run([this, key = std::string(key), deadline, done = std::move(done)]() mutable {
      inside_.get(key, deadline, std::move(done));
    });
  }
  void set(std::string_view key, shared_bytes bytes, nanoseconds keep_for, steady_time deadline,
           ended done) override {
    run([this, key = std::string(key), bytes = std::move(bytes), keep_for, deadline,
         done = std::move(done)]() mutable {
      inside_.set(key, std::move(bytes), keep_for, deadline, std::move(done));
    });
  }
  void remove(std::span<const std::string_view> keys, steady_time deadline, ended done) override {
    run([this, names = std::vector<std::string>(keys.begin(), keys.end()), deadline,
         done = std::move(done)]() mutable {
      const std::vector<std::string_view> views(names.begin(), names.end());
      inside_.remove(views, deadline, std::move(done));
    });
  }
  void clear(steady_time deadline, ended done) override {
    run([this, deadline, done = std::move(done)]() mutable {
      inside_.clear(deadline, std::move(done));
    });
  }

 private:
  void run(task work) {
    const bool taken = thread_.post(std::move(work));
    LODESTAR_ASSERT(taken, "the queue has no end");
  }

  memory_store inside_;
  thread_pool thread_{"store", 1, std::numeric_limits<std::size_t>::max()};
};

}  // namespace lodestar::swr::testing
