#include <fstream>

#include <fmt/format.h>

#include "config/text.hpp"
#include "ingest/event_reader.hpp"
#include "ingest/event_source.hpp"

namespace lodestar::app {
namespace {

class event_file final : public event_source {
 public:
  event_file(std::ifstream stream, std::uint64_t size_bytes, std::string name,
             const project& configuration)
      : stream_(std::move(stream)),
        size_bytes_(size_bytes),
        name_(std::move(name)),
        reader_(configuration.events, system_clock(), system_random()) {}

  [[nodiscard]] result<std::vector<log::new_event>> next(std::size_t events_max) override {
    std::vector<log::new_event> batch;
    std::string line;
    while (batch.size() < events_max && std::getline(stream_, line)) {
      ++line_number_;
      read_bytes_ += line.size() + 1;
      const auto content = trim(line);
      if (content.empty()) continue;
      auto event = reader_.read_one(content);
      if (!event) {
        const auto where = fmt::format("{}:{}", name_, line_number_);
        return std::unexpected(within(where, std::move(event.error())));
      }
      batch.push_back(std::move(*event));
    }
    if (stream_.bad()) return fail(error_code::unavailable, "cannot be read to its end", name_);
    return batch;
  }
  [[nodiscard]] double progress() const override {
    return size_bytes_ == 0
               ? 1.0
               : std::min(1.0, static_cast<double>(read_bytes_) / static_cast<double>(size_bytes_));
  }
  [[nodiscard]] std::uint64_t bytes() const override { return read_bytes_; }

 private:
  std::ifstream stream_;
  std::uint64_t size_bytes_;
  std::string name_;
  event_reader reader_;
  std::uint64_t read_bytes_ = 0;
  std::uint64_t line_number_ = 0;
};

}  // namespace

result<std::unique_ptr<event_source>> open_event_file(const std::filesystem::path& file,
                                                      const project& configuration) {
  std::error_code status;
  const auto size_bytes = std::filesystem::file_size(file, status);
  std::ifstream stream(file, std::ios::binary);
  if (status || !stream) {
    return fail(error_code::not_found, "cannot be read", file.string(),
                "check the name and the permissions");
  }
  return std::make_unique<event_file>(std::move(stream), size_bytes, file.filename().string(),
                                      configuration);
}

}  // namespace lodestar::app
