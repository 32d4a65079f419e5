#include "date_cache.hpp"

#include <fmt/format.h>

namespace lodestar::web {

std::string_view date_cache::line() noexcept {
  // The coarse clock is a read of memory and moves every few milliseconds, which is enough for
  // seconds.
  std::timespec now{};
  clock_gettime(CLOCK_REALTIME_COARSE, &now);
  if (now.tv_sec != second_) write(now.tv_sec);
  return {text_, bytes_};
}

void date_cache::write(std::time_t second) noexcept {
  static constexpr const char* days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                           "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::tm utc{};
  gmtime_r(&second, &utc);
  bytes_ =
      fmt::format_to_n(text_, sizeof text_, "Date: {}, {:02} {} {:04} {:02}:{:02}:{:02} GMT\r\n",
                       days[utc.tm_wday], utc.tm_mday, months[utc.tm_mon], utc.tm_year + 1900,
                       utc.tm_hour, utc.tm_min, utc.tm_sec)
          .size;
  second_ = second;
}

}  // namespace lodestar::web
