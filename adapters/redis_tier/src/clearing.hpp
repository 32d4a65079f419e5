// Removes the keys that begin with a prefix from all servers: each is asked for its keys in pages
// (SCAN), and those are removed before the next page. Begins when what was sent before has been
// answered, on every connection.
//
//   clearing::begin(router, settings, deadline, std::move(done));
//
// Thread-safety: the loop's thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <lodestar/redis_tier/redis_tier.hpp>

#include "router.hpp"

namespace lodestar::redis_tier {

class clearing : public std::enable_shared_from_this<clearing> {
 public:
  static void begin(router& by, const options& settings, steady_time deadline,
                    swr::store::ended done);

  clearing(router& by, const options& settings, steady_time deadline, swr::store::ended done);

 private:
  using server = std::shared_ptr<connection>;
  void wait_for_earlier(const std::vector<redis_tier::connections>& servers);
  void scan(const server& at, const std::string& cursor);
  void scanned(const server& at, const result<reply>& answer);
  void remove(const server& at, std::vector<reply> found, const std::string& cursor);
  void go_on(const server& at, const std::string& cursor);
  void note(const result<void>& outcome);

  router& by_;
  const options& settings_;
  const std::string pattern_;
  const steady_time deadline_;
  swr::store::ended done_;
  std::size_t open_ = 0;
  result<void> outcome_;
};

/// Of SCAN: every key that begins with the prefix.
[[nodiscard]] std::string pattern_of(std::string_view prefix);

}  // namespace lodestar::redis_tier
