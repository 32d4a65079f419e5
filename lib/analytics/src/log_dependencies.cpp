#include "log_dependencies.hpp"

#include <algorithm>
#include <limits>
#include <string>
#include <string_view>

#include <lodestar/base/hash.hpp>
#include <lodestar/base/logging.hpp>

#include "event_key.hpp"

namespace lodestar::analytics {
namespace {

constexpr int pages_max = 4;
constexpr std::size_t page_events_max = 250;
constexpr std::size_t page_bytes_max = 1U << 20;

using node_pointers = std::vector<std::shared_ptr<const keyexpr::moved_node>>;

/// Of a result that came back: up to `known_through` the log has told, beyond it the nodes do.
class restored_dependency final : public swr::dependency {
 public:
  restored_dependency(node_pointers nodes, std::int64_t moved_before, std::int64_t known_through)
      : nodes_(std::move(nodes)), moved_before_(moved_before), known_through_(known_through) {}

  [[nodiscard]] std::int64_t moved_at() const noexcept override {
    std::int64_t moved = moved_before_;
    for (const auto& node : nodes_) {
      // A node that is new says that everything may have moved before it was there.
      const std::int64_t at = node->moved_at();
      if (at > known_through_) moved = std::max(moved, at);
    }
    return moved;
  }
  [[nodiscard]] std::optional<swr::stored_dependency> stored() const override {
    return stored_form(nodes_);
  }

 private:
  const node_pointers nodes_;
  const std::int64_t moved_before_;
  const std::int64_t known_through_;
};

/// The chunk at that place when no wildcard is in it or before it.
std::optional<std::string> literal_chunk(std::string_view expression, int place) {
  for (;; --place) {
    const std::size_t end = std::min(expression.find('/'), expression.size());
    const std::string_view chunk = expression.substr(0, end);
    if (chunk.find('*') != std::string_view::npos || chunk.empty()) return std::nullopt;
    if (place == 0) {
      auto text = keyexpr::unescape_chunk(chunk);
      return text ? std::optional(*std::move(text)) : std::nullopt;
    }
    expression.remove_prefix(std::min(end + 1, expression.size()));
  }
}

/// Lets the log's index find what it can.
log::read_filter filter_for(const keyexpr::key_expression& of, std::int64_t after) {
  log::read_filter filter{
      .after = after, .events_max = page_events_max, .bytes_max = page_bytes_max};
  if (auto type = literal_chunk(of.str(), 1)) {
    filter.aggregate_type = *std::move(type);
    filter.aggregate_id = literal_chunk(of.str(), 2).value_or("");
  }
  return filter;
}

}  // namespace

swr::stored_dependency stored_form(const node_pointers& nodes) {
  if (nodes.empty()) return {};
  swr::stored_dependency stored{.kind = swr::depends_on::listed, .keys = {}};
  for (const auto& node : nodes) stored.keys.push_back(node->expression().str());
  return stored;
}

std::optional<std::uint64_t> log_dependencies::epoch(std::int64_t computed_at) const {
  if (computed_at == 0) return fingerprint_;
  const auto open = life_.tie().hold();
  if (!open) return std::nullopt;
  {
    const std::lock_guard held(mutex_);
    if (last_epoch_ && last_epoch_->first == computed_at) return last_epoch_->second;
  }
  const auto page = log_.read({.after = computed_at - 1, .events_max = 1});
  if (!page) {
    log_warning("results", "the log cannot be asked whether a stored result is of it",
                {{"why", page.error().describe()}});
    return std::nullopt;
  }
  if (page->events.empty() || page->events.front().at != computed_at) return std::nullopt;
  const std::uint64_t found = hash_bytes_64(page->events.front().event_id, fingerprint_);
  const std::lock_guard held(mutex_);
  last_epoch_.emplace(computed_at, found);
  return found;
}

std::shared_ptr<const swr::dependency> log_dependencies::restore(
    const swr::stored_dependency& which, std::int64_t computed_at) {
  const auto open = life_.tie().hold();
  if (!open || which.kind != swr::depends_on::listed) return nullptr;
  node_pointers nodes;
  std::int64_t moved_before = 0;
  std::int64_t known_through = std::numeric_limits<std::int64_t>::max();
  for (const std::string& text : which.keys) {
    const auto expression = keyexpr::key_expression::parse(text);
    if (!expression) return nullptr;
    // First the node, then the log: what moves meanwhile is seen by one of them.
    nodes.push_back(tree_.acquire(*expression));
    const auto moved = find_move(*expression, computed_at);
    if (!moved) return nullptr;
    moved_before = std::max(moved_before, moved->at);
    known_through = std::min(known_through, moved->through);
  }
  return std::make_shared<restored_dependency>(std::move(nodes), moved_before, known_through);
}

auto log_dependencies::find_move(const keyexpr::key_expression& of, std::int64_t computed_at) const
    -> std::optional<moves> {
  log::read_filter filter = filter_for(of, computed_at);
  for (int pages = 0; pages < pages_max; ++pages) {
    const auto page = log_.read(filter);
    if (!page) return std::nullopt;
    for (const log::event& each : page->events) {
      const auto key = keyexpr::key_expression::parse(event_key(each));
      if (!key || keyexpr::intersects(of, *key)) return moves{.at = each.at, .through = each.at};
    }
    if (page->at_end) return moves{.at = 0, .through = page->through};
    filter.after = page->through;
  }
  return std::nullopt;
}

}  // namespace lodestar::analytics
