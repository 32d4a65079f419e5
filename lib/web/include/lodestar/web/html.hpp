// HTML text that can only be built escaped. `html` is a safe fragment; text and attribute values
// are escaped on the way in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace lodestar::web {

/// A fragment of HTML that is safe to send. A plain string cannot become one without escaping,
/// except a literal of ours.
class html {
 public:
  html() = default;

  /// Appends a literal of our own source code.
  template <std::size_t N>
  html& raw(const char (&text)[N]) {
    out_.append(text, N - 1);
    return *this;
  }
  /// Appends text, escaped for element content and for quoted attribute values alike.
  html& text(std::string_view value);
  html& number(std::int64_t value);
  html& append(const html& other) {
    out_ += other.out_;
    return *this;
  }

  [[nodiscard]] const std::string& str() const& noexcept { return out_; }
  [[nodiscard]] std::string take() && noexcept { return std::move(out_); }

 private:
  std::string out_;
};

}  // namespace lodestar::web
