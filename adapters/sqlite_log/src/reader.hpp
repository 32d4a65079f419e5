// One read-only connection and its statements. Not thread-safe.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <lodestar/base/error.hpp>
#include <lodestar/log/event_log.hpp>

#include "database.hpp"
#include "settings.hpp"

namespace lodestar::sqlite_log {

class reader {
 public:
  [[nodiscard]] static result<std::unique_ptr<reader>> open(const settings& how);

  [[nodiscard]] result<std::vector<log::event>> read(const log::read_filter& filter,
                                                     log::position last);
  [[nodiscard]] result<log::version> stream_version(const std::string& aggregate_type,
                                                    const std::string& aggregate_id);

 private:
  using events = std::vector<log::event>;

  explicit reader(connection opened) : database_(std::move(opened)) {}

  [[nodiscard]] result<void> prepare();
  [[nodiscard]] result<void> read_all(const log::read_filter& filter, events& out);
  [[nodiscard]] result<void> read_stream(const log::read_filter& filter, events& out);
  [[nodiscard]] result<void> scan(const log::read_filter& filter, log::position last, events& out);
  [[nodiscard]] result<log::version> version_at(const log::read_filter& filter);
  [[nodiscard]] result<log::position> position_of(const log::read_filter& filter,
                                                  log::version version);
  [[nodiscard]] result<void> collect(statement& rows, events& out);

  connection database_;
  statement all_, scan_, stream_, position_of_, head_;
};

}  // namespace lodestar::sqlite_log
