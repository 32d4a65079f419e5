// The inside of bound_query: canonical parameters, identity, and the nodes that it depends on.
#pragma once

#include <memory>
#include <string>
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
  std::size_t index = 0;
  query_definition definition;
  result<compiled_query> compiled;
  counter* executions = nullptr;  ///< How often DuckDB ran it.
};

/// How long the query may take.
[[nodiscard]] milliseconds deadline_of(const query_definition& definition) noexcept;

struct bound_query::state final : swr::dependency,
                                  std::enable_shared_from_this<bound_query::state> {
  std::shared_ptr<const known_query> query;
  std::string
      canonical;  ///< All that the result depends on besides the data; identity is its hash.
  hash128 identity;
  std::vector<parameter_value> values;  ///< In the order of the definition's parameters.
  std::vector<std::shared_ptr<const keyexpr::moved_node>> nodes;

  [[nodiscard]] std::int64_t moved_at() const noexcept override;
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
