// The eviction policy of the cache at present: least recently used, as an intrusive doubly linked
// list.
//
// Not thread-safe; the cache calls it under its mutex. Nodes are owned by the cache's table and are
// linked at most once.
#pragma once

#include <cstddef>

#include <lodestar/base/assert.hpp>

namespace lodestar::cache::detail {

struct lru_links {
  lru_links* newer = nullptr;
  lru_links* older = nullptr;
  [[nodiscard]] bool linked() const noexcept { return newer != nullptr; }
};

class lru_list {
 public:
  lru_list() noexcept { reset(); }
  lru_list(const lru_list&) = delete;
  lru_list& operator=(const lru_list&) = delete;

  /// The entry becomes the newest one.
  void add(lru_links& node) noexcept;
  void remove(lru_links& node) noexcept;
  /// The entry was used.
  void touch(lru_links& node) noexcept;
  /// The entry to evict next; null when there is none.
  [[nodiscard]] lru_links* victim() noexcept {
    return ends_.newer == &ends_ ? nullptr : ends_.newer;
  }
  /// Forgets all nodes without touching them.
  void reset() noexcept;
  /// Counts the nodes and checks that the links agree in both directions.
  [[nodiscard]] std::size_t validate() const noexcept;

 private:
  // A ring: ends_.older is the newest node, ends_.newer the oldest.
  lru_links ends_;
};

inline void lru_list::add(lru_links& node) noexcept {
  LODESTAR_ASSERT(!node.linked(), "a node is in the list once");
  node.newer = &ends_;
  node.older = ends_.older;
  ends_.older->newer = &node;
  ends_.older = &node;
}

inline void lru_list::remove(lru_links& node) noexcept {
  LODESTAR_ASSERT(node.linked(), "only a listed node can be removed");
  node.newer->older = node.older;
  node.older->newer = node.newer;
  node = lru_links{};
}

inline void lru_list::touch(lru_links& node) noexcept {
  if (ends_.older == &node) return;
  remove(node);
  add(node);
}

inline void lru_list::reset() noexcept {
  ends_.newer = &ends_;
  ends_.older = &ends_;
}

inline std::size_t lru_list::validate() const noexcept {
  std::size_t count = 0;
  for (const lru_links* node = ends_.older; node != &ends_; node = node->older) {
    LODESTAR_ASSERT(node->newer->older == node, "links agree in both directions");
    LODESTAR_ASSERT(node->older->newer == node, "links agree in both directions");
    ++count;
  }
  return count;
}

}  // namespace lodestar::cache::detail
