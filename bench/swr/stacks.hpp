// The combinations of memory and tiers that the scenarios run on.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <lodestar/swr/cache.hpp>

#include "support/files.hpp"
#include "swr/users.hpp"

namespace lodestar::bench {

struct stack_plan {
  std::string name;
  /// A store in memory is the first tier, and the cache's own memory is unused.
  enum class first_tier : std::uint8_t { none, map, memory };
  first_tier first = first_tier::none;
  bool lmdb = false;
  bool redis = false;
};
[[nodiscard]] std::vector<stack_plan> all_stacks();

/// The tiers of a plan, and caches over them. Each cache is another name: nothing that one before
/// it stored is there for it.
class stack {
 public:
  /// Waits until its Redis answers.
  stack(stack_plan plan, const std::string& redis_url);
  /// Removes what it stored.
  ~stack();
  stack(const stack&) = delete;
  stack& operator=(const stack&) = delete;

  [[nodiscard]] const std::string& name() const noexcept { return plan_.name; }
  [[nodiscard]] std::unique_ptr<user_cache> make_cache();
  /// What its calls are to be made with.
  [[nodiscard]] const swr::call_options& how() const noexcept { return how_; }
  /// Waits until every tier has taken what it is to hold.
  void settle() const;

 private:
  [[nodiscard]] std::shared_ptr<swr::store> open_lmdb() const;
  [[nodiscard]] std::shared_ptr<swr::store> open_redis(const std::string& url) const;

  const stack_plan plan_;
  const temp_folder folder_;
  swr::call_options how_;
  std::shared_ptr<swr::store> redis_;
  std::shared_ptr<swr::tiers> below_;
  int caches_ = 0;
};

}  // namespace lodestar::bench
