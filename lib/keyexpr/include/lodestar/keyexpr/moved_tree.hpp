// A tree of key expressions, each with the position at which something it names moved last.
//
// Dependents register the expressions they depend on (a reference-counted node each). An event
// bumps every node whose expression matches the event's key: node.moved_at = position. Whether a
// result computed at position p is still valid is then one comparison per dependency, and an
// invalidation costs the same however many results depend on a node.
//
// Thread-safety: acquire, release and bump take a mutex of the tree; moved_at of a node is read
// without a lock. Nodes keep the tree's storage alive, so a node may outlive the tree.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>

#include <lodestar/keyexpr/key_expression.hpp>

namespace lodestar::keyexpr {

/// One registered expression.
class moved_node {
 public:
  explicit moved_node(key_expression expression) : expression_(std::move(expression)) {}
  [[nodiscard]] const key_expression& expression() const noexcept { return expression_; }
  [[nodiscard]] std::int64_t moved_at() const noexcept {
    return moved_at_.load(std::memory_order_acquire);
  }

 private:
  friend class moved_tree;
  key_expression expression_;
  std::atomic<std::int64_t> moved_at_{0};
};

class moved_tree {
 public:
  moved_tree();
  ~moved_tree();
  moved_tree(const moved_tree&) = delete;
  moved_tree& operator=(const moved_tree&) = delete;

  /// The node of the expression, made when it is new. A new node's moved_at is the highest position
  /// any bump had so far: nothing computed earlier can be proven valid by a node that was not there
  /// to see. The node leaves the tree when the last pointer to it is gone.
  [[nodiscard]] std::shared_ptr<const moved_node> acquire(const key_expression& expression);

  /// Says that `key` (without wildcards) moved at `position`; positions must not decrease. Returns
  /// how many nodes matched.
  std::size_t bump(std::string_view key, std::int64_t position);

  [[nodiscard]] std::size_t size() const;

 private:
  struct state;
  std::shared_ptr<state> state_;
};

}  // namespace lodestar::keyexpr
