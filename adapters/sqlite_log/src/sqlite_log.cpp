#include <utility>

#include <lodestar/base/file_lock.hpp>
#include <lodestar/sqlite_log/sqlite_log.hpp>

#include "reader_pool.hpp"
#include "settings.hpp"
#include "writer.hpp"

namespace lodestar::sqlite_log {
namespace {

class sqlite_event_log final : public log::event_log {
 public:
  sqlite_event_log(const settings& how, clock& time, metrics_registry& metrics, file_lock lock,
                   std::unique_ptr<appender> opened)
      : lock_(std::move(lock)), writer_(how, time, metrics, std::move(opened)), readers_(how) {}

  void append(std::vector<log::new_event> batch, log::append_handler done) override {
    writer_.append(std::move(batch), std::move(done));
  }
  [[nodiscard]] result<log::read_page> read(const log::read_filter& filter) override {
    return readers_.read(filter, last_position());
  }
  [[nodiscard]] log::position last_position() const noexcept override {
    return writer_.last_position();
  }
  [[nodiscard]] result<log::version> stream_version(const std::string& aggregate_type,
                                                    const std::string& aggregate_id) override {
    return readers_.stream_version(aggregate_type, aggregate_id);
  }
  [[nodiscard]] std::unique_ptr<log::tail_subscription> subscribe(
      std::function<void(log::position)> wake) override {
    return writer_.subscribe(std::move(wake));
  }

 private:
  // The order matters at the end: readers close first, so that the writer's last checkpoint can
  // empty the WAL; the lock is given back when every connection is closed.
  file_lock lock_;
  writer writer_;
  reader_pool readers_;
};

}  // namespace

result<std::unique_ptr<log::event_log>> open_with(const settings& how, clock& time,
                                                  metrics_registry& metrics) {
  auto lock = file_lock::acquire(how.user.file, "the event log");
  if (!lock) return std::unexpected(lock.error());
  auto opened = appender::open(how, time);
  if (!opened) return std::unexpected(opened.error());
  return std::make_unique<sqlite_event_log>(how, time, metrics, std::move(*lock),
                                            std::move(*opened));
}

result<std::unique_ptr<log::event_log>> open(const options& settings, clock& time,
                                             metrics_registry& metrics) {
  return open_with({.user = settings}, time, metrics);
}

}  // namespace lodestar::sqlite_log
