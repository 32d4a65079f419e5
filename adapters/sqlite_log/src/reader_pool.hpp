// Read-only connections with their statements, lent to one thread at a time.
//
// Thread-safety: every member on any thread. The pool must outlive what it lends.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include <lodestar/base/error.hpp>
#include <lodestar/log/event_log.hpp>

#include "settings.hpp"

namespace lodestar::sqlite_log {

class reader;

class reader_pool {
 public:
  explicit reader_pool(const settings& how);
  ~reader_pool();
  reader_pool(const reader_pool&) = delete;
  reader_pool& operator=(const reader_pool&) = delete;

  /// `last` is the end of the log: a filter that scans does not look beyond it.
  [[nodiscard]] result<log::read_page> read(const log::read_filter& filter, log::position last);
  [[nodiscard]] result<log::version> stream_version(const std::string& aggregate_type,
                                                    const std::string& aggregate_id);

 private:
  [[nodiscard]] result<std::unique_ptr<reader>> borrow();
  void give_back(std::unique_ptr<reader> used);

  const settings how_;
  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<std::unique_ptr<reader>> idle_;
  std::size_t open_ = 0;
};

}  // namespace lodestar::sqlite_log
