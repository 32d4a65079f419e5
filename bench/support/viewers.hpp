// The viewers of a page: many sockets that read an event stream on one thread and note when which
// frame arrived.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace lodestar::bench {

struct arrival {
  std::int64_t position;  ///< The frame's `id:`.
  std::int64_t at_ns;     ///< When its last byte was here, now_ns().
};

class viewers {
 public:
  /// Connects all and begins to read.
  viewers(std::uint16_t port, std::string_view target, std::size_t count);
  ~viewers();
  viewers(const viewers&) = delete;
  viewers& operator=(const viewers&) = delete;

  /// Waits until every viewer has a frame at this position or later; throws when that takes longer.
  void wait_for(std::int64_t position,
                std::chrono::seconds at_most = std::chrono::seconds(30)) const;
  /// Ends the reading; then the arrivals may be looked at.
  void stop();
  [[nodiscard]] std::size_t count() const noexcept { return all_.size(); }
  [[nodiscard]] const std::vector<arrival>& arrivals(std::size_t viewer) const {
    return all_[viewer].arrivals;
  }
  /// The arrival of the first frame that holds the position, or 0. A hint is where the search of an
  /// earlier position ended.
  [[nodiscard]] std::int64_t arrived_at_ns(std::size_t viewer, std::int64_t position,
                                           std::size_t& hint) const;
  /// Bytes read by all.
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_.load(); }

 private:
  struct stream {
    int socket = -1;
    std::string unread;  ///< The beginning of a frame whose end is not here yet.
    std::vector<arrival> arrivals;
    std::atomic<std::int64_t> newest{-1};
  };

  void run();
  void take(stream& from);

  std::vector<stream> all_;
  int poll_;
  std::string buffer_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> broken_{false};
  std::atomic<std::uint64_t> bytes_{0};
  std::thread thread_;
};

}  // namespace lodestar::bench
