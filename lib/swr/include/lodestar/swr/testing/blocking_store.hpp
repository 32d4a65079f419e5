// A store (store.hpp) whose calls wait for their answers, for tests. Waits at most ten seconds.
#pragma once

#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <lodestar/swr/store.hpp>

namespace lodestar::swr::testing {

/// Holds an answer that comes later. A handler that is called twice ends the process.
template <class Answer>
class awaited_answer {
 public:
  [[nodiscard]] auto handler() {
    return [shared = promise_](auto&& what) { shared->set_value(std::move(what)); };
  }
  [[nodiscard]] bool arrived() {
    return answer_.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  }
  [[nodiscard]] result<Answer> wait() {
    if (answer_.wait_for(std::chrono::seconds(10)) != std::future_status::ready)
      return fail(error_code::internal, "the store has not answered within ten seconds");
    return answer_.get();
  }

 private:
  std::shared_ptr<std::promise<result<Answer>>> promise_ =
      std::make_shared<std::promise<result<Answer>>>();
  std::future<result<Answer>> answer_ = promise_->get_future();
};

/// What a store has found, to keep.
using found_bytes = std::optional<std::string>;
[[nodiscard]] inline result<found_bytes> kept(
    const result<std::optional<std::string_view>>& bytes) {
  if (!bytes) return std::unexpected(bytes.error());
  return *bytes ? found_bytes(**bytes) : std::nullopt;
}

class blocking_store {
 public:
  explicit blocking_store(store& below) noexcept : below_(below) {}

  [[nodiscard]] awaited_answer<found_bytes> begin_get(std::string_view key) {
    awaited_answer<found_bytes> answer;
    below_.get(key, deadline(),
               [tell = answer.handler()](const auto& bytes) { tell(kept(bytes)); });
    return answer;
  }
  [[nodiscard]] awaited_answer<void> begin_set(std::string_view key, std::string bytes,
                                               nanoseconds keep_for = std::chrono::hours(1)) {
    awaited_answer<void> answer;
    below_.set(key, shared_bytes(std::move(bytes)), keep_for, deadline(), answer.handler());
    return answer;
  }
  [[nodiscard]] awaited_answer<void> begin_remove(std::vector<std::string_view> keys) {
    awaited_answer<void> answer;
    below_.remove(keys, deadline(), answer.handler());
    return answer;
  }

  [[nodiscard]] result<found_bytes> get(std::string_view key) { return begin_get(key).wait(); }
  result<void> set(std::string_view key, std::string bytes,
                   nanoseconds keep_for = std::chrono::hours(1)) {
    return begin_set(key, std::move(bytes), keep_for).wait();
  }
  result<void> remove(std::vector<std::string_view> keys) {
    return begin_remove(std::move(keys)).wait();
  }
  result<void> clear() {
    awaited_answer<void> answer;
    below_.clear(deadline(), answer.handler());
    return answer.wait();
  }

 private:
  [[nodiscard]] static steady_time deadline() {
    return system_clock().now() + std::chrono::seconds(5);
  }
  store& below_;
};

}  // namespace lodestar::swr::testing
