// Finds the end of a request head while it arrives, and refuses early what no later byte can
// repair: lines that do not end in CR LF, folded lines, control characters, and heads beyond the
// limits. Works on bytes only; what the lines mean is the request_parser's business.
#pragma once

#include <cstddef>
#include <string_view>

namespace lodestar::web {

class head_scanner {
 public:
  /// `input` is everything received since the head began: what the previous call saw, and more.
  /// Returns the length of the head including its empty line, or 0 when it is incomplete or
  /// refused.
  [[nodiscard]] std::size_t scan(std::string_view input) noexcept;

  /// 0, or the status of the refusal: 400, 414, 431.
  [[nodiscard]] int refused_status() const noexcept { return refused_status_; }
  [[nodiscard]] const char* refused_reason() const noexcept { return refused_reason_; }

 private:
  [[nodiscard]] bool take_line(std::string_view line) noexcept;
  void check_unfinished(std::string_view input) noexcept;
  void refuse(int status, const char* reason) noexcept;

  std::size_t line_begin_ = 0;
  std::size_t searched_ = 0;
  std::size_t fields_begin_ = 0;  // 0 while in the request line.
  std::size_t fields_ = 0;
  int refused_status_ = 0;
  const char* refused_reason_ = "";
};

}  // namespace lodestar::web
