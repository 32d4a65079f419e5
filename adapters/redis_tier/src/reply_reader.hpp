// Makes replies of the bytes that a server sends, however they are cut, within limits: what is
// larger than them is an error before it takes more memory than they say.
//
//   reader.feed(bytes);
//   for (;;) {
//     auto next = reader.next();
//     if (!next) …;         // not the protocol, or too large; the reader is of no more use
//     if (!*next) break;    // more bytes are needed
//     use(**next);
//   }
//
// Thread-safety: one thread.
#pragma once

#include <cstddef>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "reply.hpp"

struct redisReader;

namespace lodestar::redis_tier {

/// Arrays may lie in arrays seven deep: hiredis takes no more.
struct reply_limits {
  std::size_t text_bytes_max = 64U << 20;  ///< Of a bulk, and of all texts of a reply together.
  std::size_t line_bytes_max = 64U << 10;  ///< Of a status or an error.
  std::size_t elements_max = 1U << 20;     ///< Of all arrays of a reply together.
};

class reply_reader {
 public:
  explicit reply_reader(const reply_limits& limits);

  void feed(std::string_view bytes);
  /// Nothing: it needs more bytes. The error says what is wrong.
  [[nodiscard]] std::expected<std::optional<reply>, std::string> next();

 private:
  struct growth;
  struct callbacks;
  struct deleter {
    void operator()(redisReader* reader) const noexcept;
    void operator()(growth* built) const noexcept;
  };
  [[nodiscard]] std::optional<std::string> too_large_to_come() const;

  std::unique_ptr<growth, deleter> growth_;
  std::unique_ptr<redisReader, deleter> reader_;
};

}  // namespace lodestar::redis_tier
