#include <utility>

#include <fmt/format.h>

#include "config/text.hpp"
#include "ingest/event_reader.hpp"
#include "ingest/event_source.hpp"
#include "ingest/line_reader.hpp"

namespace lodestar::app {
namespace {

/// One JSON object a line: an event, or, when the event type is given, a row of it.
class event_file final : public event_source {
 public:
  event_file(const std::filesystem::path& file, std::unique_ptr<line_reader> lines,
             const project& configuration, const analytics::event_definition* event)
      : event_source(file, fmt::format("{}:", file.filename().string())),
        lines_(std::move(lines)),
        event_(event),
        reader_(configuration.events, system_clock(), system_random()) {}

  [[nodiscard]] double progress() const override { return lines_->progress(); }
  [[nodiscard]] std::uint64_t bytes() const override { return lines_->read_bytes(); }

 protected:
  [[nodiscard]] result<std::optional<log::new_event>> read() override {
    for (;;) {
      const auto line = lines_->next();
      if (!line) return std::unexpected(line.error());
      if (!*line) return std::nullopt;
      const auto content = trim(**line);
      if (content.empty()) continue;
      return event_ == nullptr ? reader_.read_one(content) : reader_.read_row(*event_, content);
    }
  }
  [[nodiscard]] std::uint64_t number() const override { return lines_->line_number(); }

 private:
  std::unique_ptr<line_reader> lines_;
  const analytics::event_definition* event_;
  event_reader reader_;
};

result<std::unique_ptr<event_source>> open_lines(const std::filesystem::path& file,
                                                 const project& configuration,
                                                 const analytics::event_definition* event) {
  auto lines = line_reader::open(file);
  if (!lines) return std::unexpected(std::move(lines.error()));
  return std::make_unique<event_file>(file, std::move(*lines), configuration, event);
}

}  // namespace

result<std::unique_ptr<event_source>> open_event_file(const std::filesystem::path& file,
                                                      const project& configuration) {
  return open_lines(file, configuration, nullptr);
}

result<std::unique_ptr<event_source>> open_json_rows(const std::filesystem::path& file,
                                                     const project& configuration,
                                                     const analytics::event_definition& event) {
  return open_lines(file, configuration, &event);
}

}  // namespace lodestar::app
