// A log without events, for commands that look at a project and not at its data.
#pragma once

#include <lodestar/log/event_log.hpp>

namespace lodestar::app {

class empty_log final : public log::event_log {
 public:
  void append(std::vector<log::new_event>, log::append_handler done) override {
    done(fail(error_code::unsupported, "this log takes no events"));
  }
  [[nodiscard]] result<log::read_page> read(const log::read_filter& filter) override {
    return log::read_page{{}, filter.after, true};
  }
  [[nodiscard]] log::position last_position() const noexcept override { return 0; }
  [[nodiscard]] result<log::version> stream_version(const std::string&,
                                                    const std::string&) override {
    return 0;
  }
  [[nodiscard]] std::unique_ptr<log::tail_subscription> subscribe(
      std::function<void(log::position)>) override {
    return std::make_unique<log::tail_subscription>();
  }
};

}  // namespace lodestar::app
