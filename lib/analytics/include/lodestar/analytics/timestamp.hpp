// Timestamps and dates as text: RFC 3339 in, RFC 3339 out. Pure functions.
//
// A timestamp is microseconds since 1970-01-01 UTC, a date is days since then, both in the
// proleptic Gregorian calendar.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lodestar::analytics {

/// "2001-06-30T12:34:00Z", "2001-06-30 14:34:00.25+02:00", "2001-06-30T12:34:00" (no offset means
/// UTC). Years 0000 to 9999, one to nine digits of a fraction (cut to microseconds), second 60 is
/// the next minute's second 0. Everything else, also text before or after, is nothing.
[[nodiscard]] std::optional<std::int64_t> parse_timestamp_us(std::string_view text) noexcept;

/// "2001-06-30".
[[nodiscard]] std::optional<std::int32_t> parse_date_days(std::string_view text) noexcept;

/// "2001-06-30T12:34:00Z", with six digits of a fraction when there is one. Years outside 0000 to
/// 9999 are written with a sign.
[[nodiscard]] std::string format_timestamp_us(std::int64_t timestamp_us);

/// "2001-06-30".
[[nodiscard]] std::string format_date_days(std::int64_t days);

}  // namespace lodestar::analytics
