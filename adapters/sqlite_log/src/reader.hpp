// One read-only connection and its statements. Not thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <lodestar/base/error.hpp>
#include <lodestar/log/event_log.hpp>

#include "database.hpp"
#include "settings.hpp"

namespace lodestar::sqlite_log {

class reader {
 public:
  [[nodiscard]] static result<std::unique_ptr<reader>> open(const settings& how);

  [[nodiscard]] result<log::read_page> read(const log::read_filter& filter, log::position last);
  [[nodiscard]] result<log::version> stream_version(const std::string& aggregate_type,
                                                    const std::string& aggregate_id);

 private:
  /// Why a statement gave no more rows: it has none, or the page is full.
  enum class ending : std::uint8_t { of_rows, of_page };

  reader(connection opened, log::position scan_positions_max)
      : database_(std::move(opened)), scan_positions_max_(scan_positions_max) {}

  [[nodiscard]] result<void> prepare();
  [[nodiscard]] result<ending> read_all(const log::read_filter& filter, log::read_page& out);
  [[nodiscard]] result<ending> read_stream(const log::read_filter& filter, log::read_page& out);
  [[nodiscard]] result<ending> scan(const log::read_filter& filter, log::position last,
                                    log::read_page& out);
  [[nodiscard]] result<log::version> version_at(const log::read_filter& filter);
  [[nodiscard]] result<log::position> position_of(const log::read_filter& filter,
                                                  log::version version);
  [[nodiscard]] result<ending> collect(statement& rows, const log::read_filter& filter,
                                       log::read_page& out);

  connection database_;
  log::position scan_positions_max_;
  statement all_, scan_, stream_, position_of_, head_;
};

}  // namespace lodestar::sqlite_log
