#include <lodestar/keyexpr/moved_tree.hpp>

#include <algorithm>
#include <functional>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <lodestar/base/assert.hpp>

#include "chunks.hpp"

namespace lodestar::keyexpr {

namespace {

using detail::chunk_walk;

struct text_hash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept {
    return std::hash<std::string_view>()(text);
  }
};

/// One chunk of the expressions that go through here. Its owner is its parent; only the path to a
/// registered expression exists.
struct branch {
  std::unordered_map<std::string, std::unique_ptr<branch>, text_hash, std::equal_to<>> literals;
  std::vector<std::pair<std::string, std::unique_ptr<branch>>> patterns;  // chunks with $*
  std::unique_ptr<branch> any_one;
  std::unique_ptr<branch> any_many;
  bool is_any_many = false;

  moved_node* node =
      nullptr;  // of the expression that ends here; valid while the state's mutex is held
  std::weak_ptr<const moved_node> shared;
  std::uint64_t visit = 0;  // the step of the walk that reached it last

  [[nodiscard]] bool needless() const noexcept {
    return node == nullptr && literals.empty() && patterns.empty() && !any_one && !any_many;
  }
};

std::unique_ptr<branch>& pattern_slot(branch& parent, std::string_view chunk) {
  const auto found = std::ranges::find(
      parent.patterns, chunk, [](const auto& each) -> std::string_view { return each.first; });
  if (found != parent.patterns.end()) return found->second;
  return parent.patterns.emplace_back(std::string(chunk), nullptr).second;
}

/// Where the parent keeps the branch of a chunk; null inside when there is none yet.
std::unique_ptr<branch>& slot(branch& parent, std::string_view chunk) {
  if (detail::is_any_many(chunk)) return parent.any_many;
  if (detail::is_any_one(chunk)) return parent.any_one;
  if (detail::is_wild(chunk)) return pattern_slot(parent, chunk);
  return parent.literals.try_emplace(std::string(chunk)).first->second;
}

void erase_slot(branch& parent, std::string_view chunk) {
  if (detail::is_any_many(chunk)) {
    parent.any_many.reset();
  } else if (detail::is_any_one(chunk)) {
    parent.any_one.reset();
  } else if (detail::is_wild(chunk)) {
    std::erase_if(parent.patterns, [chunk](const auto& each) { return each.first == chunk; });
  } else {
    parent.literals.erase(parent.literals.find(chunk));
  }
}

branch& grow(branch& root, std::string_view expression) {
  branch* at = &root;
  for (chunk_walk walk(expression); !walk.ended(); walk.advance()) {
    std::unique_ptr<branch>& child = slot(*at, walk.chunk());
    if (!child) {
      child = std::make_unique<branch>();
      child->is_any_many = detail::is_any_many(walk.chunk());
    }
    at = child.get();
  }
  return *at;
}

/// The set of branches that a key's first chunks lead to: an automaton's run, one chunk at a time.
/// The stamp keeps a branch from entering a step twice, so the cost is the number of branches
/// reached however many `**` there are.
class frontier {
 public:
  frontier(branch& root, std::uint64_t& steps) : steps_(steps) {
    ++steps_;
    enter(root);
    std::swap(now_, next_);
  }

  void advance(std::string_view chunk) {
    ++steps_;
    next_.clear();
    const bool verbatim = detail::is_verbatim(chunk);
    for (branch* from : now_) {
      if (const auto same = from->literals.find(chunk); same != from->literals.end())
        enter(*same->second);
      if (!verbatim) advance_wild(*from, chunk);
    }
    std::swap(now_, next_);
  }

  [[nodiscard]] const std::vector<branch*>& reached() const noexcept { return now_; }

 private:
  void advance_wild(branch& from, std::string_view chunk) {
    if (from.is_any_many) enter(from);
    if (from.any_one) enter(*from.any_one);
    for (auto& [pattern, child] : from.patterns) {
      if (detail::chunks_intersect(pattern, chunk)) enter(*child);
    }
  }

  void enter(branch& to) {
    if (to.visit == steps_) return;
    to.visit = steps_;
    next_.push_back(&to);
    if (to.any_many)
      enter(*to.any_many);  // `**` stands for no chunk, too; canonical: no `**` below `**`
  }

  std::uint64_t& steps_;
  std::vector<branch*> now_;
  std::vector<branch*> next_;
};

}  // namespace

struct moved_tree::state {
  mutable std::mutex mutex;
  branch root;
  std::size_t nodes = 0;
  std::int64_t moved_at_max = 0;
  std::uint64_t steps = 0;

  void release(const moved_node& node);
  void prune(std::string_view expression);
  std::size_t bump_key(std::string_view key, std::int64_t position);
  std::size_t bump_set(const key_expression* keys, std::int64_t position);

  static void raise(moved_node& node, std::int64_t position) noexcept {
    // Only bump writes, under the mutex; readers need no more than to see the new value.
    if (node.moved_at() < position) node.moved_at_.store(position, std::memory_order_release);
  }
};

moved_tree::moved_tree() : state_(std::make_shared<state>()) {}
moved_tree::~moved_tree() = default;

std::shared_ptr<const moved_node> moved_tree::acquire(const key_expression& expression) {
  const std::lock_guard lock(state_->mutex);
  branch& place = grow(state_->root, expression.str());
  if (auto present = place.shared.lock()) return present;
  // Null, or a node whose last owner is gone but waits for the mutex to leave the tree: the new one
  // takes its place.
  if (place.node == nullptr) ++state_->nodes;
  std::shared_ptr<moved_node> made(new moved_node(expression), [owner = state_](moved_node* node) {
    owner->release(*node);
    delete node;
  });
  made->moved_at_.store(state_->moved_at_max, std::memory_order_release);
  place.node = made.get();
  place.shared = made;
  return made;
}

std::size_t moved_tree::bump(std::string_view key, std::int64_t position) {
  const std::lock_guard lock(state_->mutex);
  state_->moved_at_max = std::max(state_->moved_at_max, position);
  if (key.find('*') == std::string_view::npos) return state_->bump_key(key, position);
  // Not what the contract allows, but a missed invalidation would be worse than a slow one.
  const auto keys = key_expression::parse(key);
  return state_->bump_set(keys ? &*keys : nullptr, position);
}

std::size_t moved_tree::size() const {
  const std::lock_guard lock(state_->mutex);
  return state_->nodes;
}

std::size_t moved_tree::state::bump_key(std::string_view key, std::int64_t position) {
  frontier reached(root, steps);
  for (chunk_walk walk(key); !walk.ended(); walk.advance()) reached.advance(walk.chunk());
  std::size_t matched = 0;
  for (branch* each : reached.reached()) {
    if (each->node == nullptr) continue;
    raise(*each->node, position);
    ++matched;
  }
  return matched;
}

/// Every node that intersects the set; every node when the set is not known.
std::size_t moved_tree::state::bump_set(const key_expression* keys, std::int64_t position) {
  std::size_t matched = 0;
  std::vector<branch*> open{&root};
  while (!open.empty()) {
    branch* const each = open.back();
    open.pop_back();
    if (each->node != nullptr && (keys == nullptr || intersects(*keys, each->node->expression()))) {
      raise(*each->node, position);
      ++matched;
    }
    for (auto& [chunk, child] : each->literals) open.push_back(child.get());
    for (auto& [chunk, child] : each->patterns) open.push_back(child.get());
    if (each->any_one) open.push_back(each->any_one.get());
    if (each->any_many) open.push_back(each->any_many.get());
  }
  return matched;
}

void moved_tree::state::release(const moved_node& node) {
  const std::lock_guard lock(mutex);
  branch& place = grow(root, node.expression().str());
  // Another node may have taken the place since the last owner went.
  if (place.node == &node) {
    place.node = nullptr;
    place.shared.reset();
    --nodes;
  }
  prune(node.expression().str());
}

/// Removes the part of the path that leads to nothing any more.
void moved_tree::state::prune(std::string_view expression) {
  std::vector<std::pair<branch*, std::string_view>> path;
  branch* at = &root;
  for (chunk_walk walk(expression); !walk.ended(); walk.advance()) {
    path.emplace_back(at, walk.chunk());
    at = slot(*at, walk.chunk()).get();
    LODESTAR_ASSERT(at != nullptr, "the path was there a moment ago");
  }
  while (!path.empty() && slot(*path.back().first, path.back().second)->needless()) {
    erase_slot(*path.back().first, path.back().second);
    path.pop_back();
  }
}

}  // namespace lodestar::keyexpr
