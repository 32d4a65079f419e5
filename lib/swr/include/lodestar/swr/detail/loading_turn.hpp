// The keys whose loads run on this thread, one inside of the other, so that one that asks for its
// own key is not left waiting for itself.
//
//   const loading_turn<Cache> turn(&cache.settings(), key);  // while the load runs
//   if (loading_turn<Cache>::runs_here(&cache.settings(), key)) … refuse …
//
// Thread-safety: a turn belongs to its thread. Lifetimes: the key must outlive the turn.
#pragma once

namespace lodestar::swr::detail {

template <class Cache>
class loading_turn {
 public:
  /// `owner` tells caches of one type from each other.
  loading_turn(const void* owner, const typename Cache::key_type& key) noexcept
      : owner_(owner), key_(key), outer_(innermost_) {
    innermost_ = this;
  }
  ~loading_turn() { innermost_ = outer_; }
  loading_turn(const loading_turn&) = delete;
  loading_turn& operator=(const loading_turn&) = delete;

  [[nodiscard]] static bool runs_here(const void* owner, const typename Cache::key_type& key) {
    for (const loading_turn* each = innermost_; each != nullptr; each = each->outer_) {
      if (each->owner_ == owner && typename Cache::key_equal{}(each->key_, key)) return true;
    }
    return false;
  }

 private:
  static inline thread_local const loading_turn* innermost_ = nullptr;

  const void* const owner_;
  const typename Cache::key_type& key_;
  const loading_turn* const outer_;
};

}  // namespace lodestar::swr::detail
