// The inside of bound_query: canonical parameters, identity, and the nodes that it depends on.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <lodestar/analytics/service.hpp>
#include <lodestar/base/clock.hpp>
#include <lodestar/base/metrics.hpp>
#include <lodestar/keyexpr/moved_tree.hpp>
#include <lodestar/swr/dependency.hpp>

#include "compiled_query.hpp"

namespace lodestar::analytics {

using parameter_value = std::variant<bool, std::int64_t, double, std::string>;

/// A query of the project, or why it cannot run.
struct known_query {
  known_query(std::size_t number, query_definition declared, result<compiled_query> outcome,
              counter& counted)
      : index(number),
        definition(std::move(declared)),
        sql_hash(hash_bytes_128(definition.sql)),
        compiled(std::move(outcome)),
        executions(counted) {}

  const std::size_t index;
  const query_definition definition;
  const hash128 sql_hash;
  const result<compiled_query> compiled;
  counter& executions;  ///< How often DuckDB ran it.
};

/// How long the query may take.
[[nodiscard]] milliseconds deadline_of(const query_definition& definition) noexcept;

struct bound_query::state final : swr::dependency,
                                  std::enable_shared_from_this<bound_query::state> {
  std::shared_ptr<const known_query> query;
  /// All that the result depends on besides the data, with a hash in the place of the SQL: a
  /// binding per viewer must not hold a copy of the query each. identity is its hash.
  std::string canonical;
  hash128 identity;
  std::vector<parameter_value> values;  ///< In the order of the definition's parameters.
  std::vector<std::shared_ptr<const keyexpr::moved_node>> nodes;

  /// By a round of a page, in the tiers below the cache.
  mutable std::atomic<bool> was_looked_for{false};

  [[nodiscard]] std::int64_t moved_at() const noexcept override;
  [[nodiscard]] std::optional<swr::stored_dependency> stored() const override;
  /// Whether both have the same result; equal identities alone may be chance.
  [[nodiscard]] bool same_request(const state& other) const noexcept;
};

/// The value as its type, or what is wrong with it.
[[nodiscard]] result<parameter_value> parse_parameter(const parameter& declared,
                                                      std::string_view text);
/// The one way of writing a value: equal values, equal text.
[[nodiscard]] std::string canonical_text(const parameter_value& value, value_type type);

/// Whether the expressions are well-formed for any values; placeholders must be parameters.
[[nodiscard]] result<void> check_dependencies(const query_definition& definition);

/// Checks the values, computes the identity, and registers the dependencies in the tree.
[[nodiscard]] result<bound_query> bind_query(std::shared_ptr<const known_query> query,
                                             const parameters& values, keyexpr::moved_tree& tree);

}  // namespace lodestar::analytics
