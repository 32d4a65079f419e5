// What makes a result that outlived the process true or not: the log itself.
//
// Restoring. A result of position c is good while no event after c has a key that intersects what
// it depends on. The process was not there to see those events, so the log is asked once, when the
// result comes back: for the first such event after c. From then on the nodes of the tree tell.
// When the answer takes more than a few pages of the log, of a thousand events and a few MiB
// together, nobody knows, and the result is none.
//
// Epoch. Of position c: what the tables held beside the log (a fingerprint that is given), and the
// id of the event at c, which no other log has there.
//
// Thread-safety: all members from any thread, close() once; they read the log. Lifetimes: log and
// tree must be there until close() has returned; a tier may answer, and ask, after that.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include <lodestar/base/lifeline.hpp>
#include <lodestar/keyexpr/moved_tree.hpp>
#include <lodestar/log/event_log.hpp>
#include <lodestar/swr/dependency.hpp>

namespace lodestar::analytics {

/// How a result that depends on these nodes lies in a tier.
[[nodiscard]] swr::stored_dependency stored_form(
    const std::vector<std::shared_ptr<const keyexpr::moved_node>>& nodes);

class log_dependencies final : public swr::dependency_source {
 public:
  log_dependencies(log::event_log& source, keyexpr::moved_tree& tree, std::uint64_t fingerprint)
      : log_(source), tree_(tree), fingerprint_(fingerprint) {}

  [[nodiscard]] std::optional<std::uint64_t> epoch(std::int64_t computed_at) const override;
  [[nodiscard]] std::shared_ptr<const swr::dependency> restore(const swr::stored_dependency& which,
                                                               std::int64_t computed_at) override;
  /// Waits for those who are inside; from now on nothing is known, and log and tree may go.
  void close() { life_.cut(); }

 private:
  /// The position of an event after `computed_at` that moves one of them, 0 when there is none up
  /// to `through`; nothing when that would take too long to find out.
  struct moves {
    std::int64_t at;
    std::int64_t through;
  };
  [[nodiscard]] std::optional<moves> find_move(const keyexpr::key_expression& of,
                                               std::int64_t computed_at) const;

  log::event_log& log_;
  keyexpr::moved_tree& tree_;
  const std::uint64_t fingerprint_;
  mutable std::mutex mutex_;
  // Results of one round have one position.
  mutable std::optional<std::pair<std::int64_t, std::uint64_t>> last_epoch_;
  lifeline<const log_dependencies> life_{this};
};

}  // namespace lodestar::analytics
