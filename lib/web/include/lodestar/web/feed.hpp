// A feed: what every viewer of one page sees, as state and not as a log.
//
// The state is a list of slots (a tile, the status line), each the HTML of one or more elements
// with ids, at one position. publish() replaces the state; the feed finds out itself which slots
// changed, by comparing their bytes. A viewer has at most one pending frame: when its socket is
// ready it gets, in one Datastar patch-elements event, the slots that changed since the state it
// has, so a slow viewer skips states and never delays another. The event's `id:` is the position. A
// new viewer gets the whole state at once, or as soon as there is one.
//
//   event: datastar-patch-elements
//   id: 42
//   data: elements <section id="tile-kpi">…</section>
//   data: elements <output id="status">…</output>
//   (empty line)
//
// A stream that was silent for server_options::heartbeat_ms gets a heartbeat: a comment for proxies
// and, in the same block, an event without a watcher, because the client cannot see comments and
// must notice a dead connection:
//
//   : heartbeat
//   event: datastar-heartbeat
//   data: position 42
//   (empty line)
//
// Frames are built once per (state before, state now) and shared by reference count. States are
// told apart by a number that the feed counts itself, so a state may be published again at the same
// position with other content. Thread-safety: all members may be called from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include <lodestar/base/bytes.hpp>

namespace lodestar::web {

struct feed_state {
  std::int64_t position = 0;
  std::vector<shared_bytes>
      slots;  ///< Same number and order in every state of a feed. Complete elements with ids.
};

class feed {
 public:
  /// `on_viewers(n)` is called when the number of viewers changes, on a server thread, without a
  /// lock held.
  [[nodiscard]] static std::shared_ptr<feed> make(std::function<void(std::size_t)> on_viewers = {});
  virtual ~feed() = default;

  /// Positions must not decrease. A state whose slots are all the same as before is not sent.
  virtual void publish(feed_state state) = 0;
  [[nodiscard]] virtual std::int64_t position() const noexcept = 0;
  [[nodiscard]] virtual std::size_t viewers() const noexcept = 0;
  /// Aborts the connections of all viewers; clients reconnect.
  virtual void close() = 0;
};

}  // namespace lodestar::web
