#include <lodestar/base/assert.hpp>
#include <lodestar/base/error.hpp>

#include <cstdio>
#include <cstdlib>
#include <utility>

namespace lodestar {

std::string_view to_string(error_code code) noexcept {
  switch (code) {
    case error_code::invalid_argument: return "invalid_argument";
    case error_code::not_found: return "not_found";
    case error_code::conflict: return "conflict";
    case error_code::already_exists: return "already_exists";
    case error_code::too_large: return "too_large";
    case error_code::unsupported: return "unsupported";
    case error_code::permission_denied: return "permission_denied";
    case error_code::deadline_exceeded: return "deadline_exceeded";
    case error_code::cancelled: return "cancelled";
    case error_code::unavailable: return "unavailable";
    case error_code::storage_full: return "storage_full";
    case error_code::corrupt: return "corrupt";
    case error_code::internal: return "internal";
  }
  return "internal";
}

bool is_retryable(error_code code) noexcept {
  switch (code) {
    case error_code::deadline_exceeded:
    case error_code::cancelled:
    case error_code::unavailable:
    case error_code::storage_full: return true;
    default: return false;
  }
}

std::string error::describe() const {
  std::string text;
  if (!place.empty()) text = place + ": ";
  text += message;
  if (!hint.empty()) text += " (hint: " + hint + ")";
  return text;
}

std::unexpected<error> fail(error_code code, std::string message, std::string place,
                            std::string hint) {
  return std::unexpected(error{code, std::move(message), std::move(place), std::move(hint)});
}

namespace detail {

void assertion_failed(const char* expression, const char* reason, const char* file,
                      int line) noexcept {
  std::fprintf(stderr, "%s:%d: assertion failed: %s (%s)\n", file, line, expression, reason);
  std::abort();
}

}  // namespace detail
}  // namespace lodestar
