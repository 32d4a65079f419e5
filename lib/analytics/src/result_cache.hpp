// The cache of results: what its keys are, and how both lie in the tiers below it.
#pragma once

#include <cstddef>
#include <memory>

#include <lodestar/analytics/query_result.hpp>
#include <lodestar/swr/cache.hpp>

#include "bound_query.hpp"

namespace lodestar::analytics {

/// A result's key: its identity, and the request itself to tell two requests of one hash apart.
struct request_key {
  std::shared_ptr<const bound_query::state> query;
  friend bool operator==(const request_key& left, const request_key& right) {
    return left.query->same_request(*right.query);
  }
};
struct request_key_hash {
  [[nodiscard]] std::size_t operator()(const request_key& key) const noexcept {
    return std::hash<hash128>{}(key.query->identity);
  }
};
using result_cache = swr::cache<request_key, query_result_ptr, request_key_hash>;

/// What an entry takes in memory.
[[nodiscard]] std::size_t weight_of(const request_key& key, const query_result_ptr& value);

/// The bytes of a result are its Arrow stream; bytes_max of each form (arrow_result.hpp).
[[nodiscard]] swr::value_codec<query_result_ptr> result_codec(std::size_t bytes_max);
/// The whole request. Nobody makes a request of it again.
[[nodiscard]] swr::key_codec<request_key> request_codec();

}  // namespace lodestar::analytics
