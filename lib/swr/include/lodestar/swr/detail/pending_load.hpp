// A load that is to be called on a thread that is chosen later (blocking.hpp).
//
// Thread-safety: one thread at a time.
#pragma once

#include <functional>
#include <optional>
#include <utility>

#include <lodestar/base/error.hpp>
#include <lodestar/swr/detail/brought.hpp>
#include <lodestar/swr/detail/loading_turn.hpp>
#include <lodestar/swr/types.hpp>

namespace lodestar::swr::detail {

template <class Cache, class Load>
class pending_load {
 public:
  using key_type = typename Cache::key_type;
  using value_type = typename Cache::value_type;

  template <class Given>
  pending_load(const void* owner, const key_type& key, Given&& load)
      : owner_(owner), key_(key), load_(std::forward<Given>(load)) {}
  pending_load(const pending_load&) = delete;
  pending_load& operator=(const pending_load&) = delete;
  /// Nobody took it, though somebody waits.
  ~pending_load() {
    if (!completed_) return;
    tell(fail(error_code::unavailable, "the executor does not run the load", {},
              "give the cache an executor with more threads or a longer queue"));
  }

  void begins(typename Cache::done completed) { completed_.emplace(std::move(completed)); }
  void run() {
    auto brought = call();
    tell(std::move(brought));
  }

 private:
  using outcome = result<loaded<value_type>>;

  [[nodiscard]] outcome call() {
    const loading_turn<Cache> turn(owner_, key_);
    try {
      return as_loaded<value_type>(std::invoke(load_, std::as_const(key_)));
    } catch (...) {
      return std::unexpected(error_of_thrown());
    }
  }
  void tell(outcome what) {
    typename Cache::done completed = *std::move(completed_);
    completed_.reset();
    completed(std::move(what));
  }

  const void* const owner_;
  const key_type key_;
  Load load_;
  std::optional<typename Cache::done> completed_;
};

}  // namespace lodestar::swr::detail
