// The text of one event of a feed, in Datastar's wire format.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <lodestar/base/bytes.hpp>

namespace lodestar::web {

struct frame {
  shared_bytes text;  ///< The whole event with its empty line; empty when there is nothing to say.
  std::size_t data_begin = 0;  ///< Where `data:` begins, so that a `retry:` line can go before it.

  [[nodiscard]] bool empty() const noexcept { return text.empty(); }
};

/// Builds "event:", "id:", then one "data: elements" line for every line of every fragment added.
class frame_writer {
 public:
  explicit frame_writer(std::int64_t position);
  /// Lines end at LF, CR LF or CR, as an event stream's reader sees them, so a fragment cannot
  /// begin a field of its own.
  void add(std::string_view html);
  [[nodiscard]] frame take() &&;

 private:
  std::string text_;
  std::size_t data_begin_;
};

/// A comment for proxies and, as clients cannot see comments, an event that no watcher acts on.
[[nodiscard]] std::string heartbeat_text(std::int64_t position);

}  // namespace lodestar::web
