// The Date header, made once a second.
#pragma once

#include <ctime>
#include <string_view>

namespace lodestar::web {

class date_cache {
 public:
  /// "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"; valid until the next call. Belongs to one thread.
  [[nodiscard]] std::string_view line() noexcept;

 private:
  void write(std::time_t second) noexcept;

  std::time_t second_ = -1;
  char text_[40] = {};
  std::size_t bytes_ = 0;
};

}  // namespace lodestar::web
