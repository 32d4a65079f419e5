#include <lodestar/analytics/timestamp.hpp>

#include <chrono>

#include <fmt/format.h>

namespace lodestar::analytics {
namespace {

constexpr std::int64_t second_us = 1'000'000;
constexpr std::int64_t day_us = 86'400 * second_us;

/// Reads from the front of a text; every member says whether what it wanted was there.
class scanner {
 public:
  explicit scanner(std::string_view text) noexcept : rest_(text) {}

  [[nodiscard]] bool digits(std::size_t count, int& out) noexcept {
    if (rest_.size() < count) return false;
    out = 0;
    for (std::size_t index = 0; index < count; ++index) {
      const char digit = rest_[index];
      if (digit < '0' || digit > '9') return false;
      out = out * 10 + (digit - '0');
    }
    rest_.remove_prefix(count);
    return true;
  }
  [[nodiscard]] bool any_of(std::string_view characters) noexcept {
    if (rest_.empty() || characters.find(rest_.front()) == std::string_view::npos) return false;
    rest_.remove_prefix(1);
    return true;
  }
  [[nodiscard]] char front() const noexcept { return rest_.empty() ? '\0' : rest_.front(); }
  [[nodiscard]] bool at_end() const noexcept { return rest_.empty(); }

 private:
  std::string_view rest_;
};

bool scan_date(scanner& in, std::int64_t& days) noexcept {
  int year = 0;
  int month = 0;
  int day = 0;
  if (!in.digits(4, year) || !in.any_of("-") || !in.digits(2, month) || !in.any_of("-") ||
      !in.digits(2, day))
    return false;
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return false;
  days = std::chrono::sys_days(date).time_since_epoch().count();
  return true;
}

bool scan_fraction(scanner& in, std::int64_t& fraction_us) noexcept {
  fraction_us = 0;
  if (!in.any_of(".")) return true;
  std::int64_t unit_us = second_us / 10;
  int count = 0;
  for (int digit = 0; in.digits(1, digit); ++count) {
    if (count == 9) return false;
    fraction_us += digit * unit_us;
    unit_us /= 10;
  }
  return count > 0;
}

bool scan_time(scanner& in, std::int64_t& time_us) noexcept {
  int hour = 0;
  int minute = 0;
  int second = 0;
  std::int64_t fraction_us = 0;
  if (!in.digits(2, hour) || !in.any_of(":") || !in.digits(2, minute) || !in.any_of(":") ||
      !in.digits(2, second))
    return false;
  if (hour > 23 || minute > 59 || second > 60 || !scan_fraction(in, fraction_us)) return false;
  if (second == 60)
    fraction_us =
        0;  // A leap second: UTC without it has no such moment, so the next one stands for it.
  time_us = ((hour * 60 + minute) * 60 + second) * second_us + fraction_us;
  return true;
}

bool scan_offset(scanner& in, std::int64_t& offset_us) noexcept {
  offset_us = 0;
  if (in.at_end() || in.any_of("Zz")) return true;
  const bool west = in.front() == '-';
  int hour = 0;
  int minute = 0;
  if (!in.any_of("+-") || !in.digits(2, hour) || !in.any_of(":") || !in.digits(2, minute))
    return false;
  if (hour > 23 || minute > 59) return false;
  offset_us = (hour * 60 + minute) * 60 * second_us * (west ? -1 : 1);
  return true;
}

}  // namespace

std::optional<std::int64_t> parse_timestamp_us(std::string_view text) noexcept {
  scanner in(text);
  std::int64_t days = 0;
  std::int64_t time_us = 0;
  std::int64_t offset_us = 0;
  if (!scan_date(in, days) || !in.any_of("Tt ") || !scan_time(in, time_us) ||
      !scan_offset(in, offset_us))
    return std::nullopt;
  if (!in.at_end()) return std::nullopt;
  return days * day_us + time_us - offset_us;
}

std::optional<std::int32_t> parse_date_days(std::string_view text) noexcept {
  scanner in(text);
  std::int64_t days = 0;
  if (!scan_date(in, days) || !in.at_end()) return std::nullopt;
  return static_cast<std::int32_t>(days);
}

std::string format_date_days(std::int64_t days) {
  // Own arithmetic (Howard Hinnant's civil_from_days): std::chrono's year ends at 32767, DuckDB's
  // dates do not.
  const std::int64_t shifted = days + 719'468;
  const std::int64_t era = (shifted >= 0 ? shifted : shifted - 146'096) / 146'097;
  const std::int64_t day_of_era = shifted - era * 146'097;
  const std::int64_t year_of_era =
      (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const std::int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t month_from_march = (5 * day_of_year + 2) / 153;
  const std::int64_t day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
  const std::int64_t month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
  const std::int64_t year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);
  if (year < 0 || year > 9999) return fmt::format("{:+05}-{:02}-{:02}", year, month, day);
  return fmt::format("{:04}-{:02}-{:02}", year, month, day);
}

std::string format_timestamp_us(std::int64_t timestamp_us) {
  const std::int64_t remainder_us = timestamp_us % day_us;
  const std::int64_t days = timestamp_us / day_us - (remainder_us < 0 ? 1 : 0);
  const std::int64_t time_us = remainder_us + (remainder_us < 0 ? day_us : 0);
  const std::int64_t seconds = time_us / second_us;
  const std::int64_t fraction_us = time_us % second_us;
  std::string text = format_date_days(days);
  fmt::format_to(std::back_inserter(text), "T{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60,
                 seconds % 60);
  if (fraction_us != 0) fmt::format_to(std::back_inserter(text), ".{:06}", fraction_us);
  return text + 'Z';
}

}  // namespace lodestar::analytics
