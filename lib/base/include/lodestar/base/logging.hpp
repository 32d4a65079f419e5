// Structured log lines on standard error: time, level, component, message, then key=value pairs.
//
//   log_info("log", "opened", {{"file", path}, {"events", count}});
//
// Thread-safe. Values that hold spaces, quotes or control characters are quoted and escaped, so one
// event is one line. Never pass secrets.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace lodestar {

enum class log_level : std::uint8_t { debug, info, warning, error, off };

struct log_field {
  std::string_view key;
  std::string value;

  log_field(std::string_view name, std::string_view text) : key(name), value(text) {}
  log_field(std::string_view name, const char* text) : key(name), value(text) {}
  log_field(std::string_view name, const std::string& text) : key(name), value(text) {}
  template <class Number>
    requires std::integral<Number> || std::floating_point<Number>
  log_field(std::string_view name, Number number) : key(name), value(std::to_string(number)) {}
};

/// Lines below the level are dropped. The default is info.
void set_log_level(log_level level) noexcept;

void log_line(log_level level, std::string_view component, std::string_view message,
              std::initializer_list<log_field> fields = {});

inline void log_debug(std::string_view component, std::string_view message,
                      std::initializer_list<log_field> fields = {}) {
  log_line(log_level::debug, component, message, fields);
}
inline void log_info(std::string_view component, std::string_view message,
                     std::initializer_list<log_field> fields = {}) {
  log_line(log_level::info, component, message, fields);
}
inline void log_warning(std::string_view component, std::string_view message,
                        std::initializer_list<log_field> fields = {}) {
  log_line(log_level::warning, component, message, fields);
}
inline void log_error(std::string_view component, std::string_view message,
                      std::initializer_list<log_field> fields = {}) {
  log_line(log_level::error, component, message, fields);
}

}  // namespace lodestar
