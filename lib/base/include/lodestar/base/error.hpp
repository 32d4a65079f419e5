// The error value that every module of Lodestar returns for operating errors.
//
// An error has a stable code (for programs), a message (what went wrong, in one sentence), a place
// (file and line, field, index … as the user would name it) and a hint (the likely fix). Values are
// cheap to move and independent of any other object. Not thread-safe, like any value.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace lodestar {

enum class error_code : std::uint8_t {
  invalid_argument,  ///< The input is wrong; sending it again unchanged cannot succeed.
  not_found,         ///< The named thing does not exist.
  conflict,  ///< An expected version or append condition does not hold; re-read and decide again.
  already_exists,     ///< The identity is taken by something different (an event id with other
                      ///< content).
  too_large,          ///< A stated limit on size or count is exceeded.
  unsupported,        ///< Valid, but this build or configuration cannot do it.
  permission_denied,  ///< The caller or the process may not do this.
  deadline_exceeded,  ///< The time allowed ran out; the outcome of a write is then unknown.
  cancelled,          ///< The caller gave up, or the process is shutting down.
  unavailable,   ///< A dependency is missing, busy or broken at present; trying again later may
                 ///< succeed.
  storage_full,  ///< No space left; nothing was half-written; writing resumes when there is space.
  corrupt,       ///< Stored bytes are damaged or not ours.
  internal,      ///< A bug or an unclassified failure of a library; its text is in the message.
};

/// The stable name of a code, as it appears in logs and in problem documents ("invalid_argument").
[[nodiscard]] std::string_view to_string(error_code code) noexcept;

/// Whether the same request may succeed later without being changed.
[[nodiscard]] bool is_retryable(error_code code) noexcept;

struct error {
  error_code code = error_code::internal;
  std::string message;  ///< One sentence without a trailing full stop.
  std::string place;    ///< "queries/kpi.sql:3", "events[4].payload.delay"; may be empty.
  std::string hint;     ///< The likely fix, as an instruction; may be empty.

  /// "place: message (hint: …)" for terminals and logs.
  [[nodiscard]] std::string describe() const;

  friend bool operator==(const error&, const error&) = default;
};

template <class T>
using result = std::expected<T, error>;

/// Makes the unexpected side of a result: `return fail(error_code::not_found, "no query named
/// kpi");`
[[nodiscard]] std::unexpected<error> fail(error_code code, std::string message,
                                          std::string place = {}, std::string hint = {});

}  // namespace lodestar
