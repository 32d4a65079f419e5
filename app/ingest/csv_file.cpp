#include <utility>

#include <fmt/format.h>

#include "ingest/csv_reader.hpp"
#include "ingest/event_source.hpp"
#include "ingest/row_mapper.hpp"

namespace lodestar::app {
namespace {

class csv_file final : public event_source {
 public:
  csv_file(const std::filesystem::path& file, csv_reader records, row_mapper rows,
           const project& configuration)
      : event_source(file, fmt::format("{}:", file.filename().string())),
        records_(std::move(records)),
        rows_(std::move(rows)),
        reader_(configuration.events, system_clock(), system_random()) {}

  [[nodiscard]] double progress() const override { return records_.lines().progress(); }
  [[nodiscard]] std::uint64_t bytes() const override { return records_.lines().read_bytes(); }

 protected:
  [[nodiscard]] result<std::optional<log::new_event>> read() override {
    const auto more = records_.next();
    if (!more) return std::unexpected(more.error());
    if (!*more) return std::nullopt;
    return rows_.event_of(records_.cells(), reader_);
  }
  [[nodiscard]] std::uint64_t number() const override { return records_.line_number(); }

 private:
  csv_reader records_;
  row_mapper rows_;
  event_reader reader_;
};

}  // namespace

result<std::unique_ptr<event_source>> open_csv_rows(const std::filesystem::path& file,
                                                    const project& configuration,
                                                    const analytics::event_definition& event) {
  auto lines = line_reader::open(file);
  if (!lines) return std::unexpected(std::move(lines.error()));
  const std::string header = fmt::format("{}:1", file.filename().string());
  auto records = csv_reader::open(std::move(*lines), file.extension() == ".tsv" ? '\t' : '\0');
  if (!records) return std::unexpected(within(header, std::move(records.error())));
  auto rows = row_mapper::make(event, records->columns());
  if (!rows) return std::unexpected(within(header, std::move(rows.error())));
  return std::make_unique<csv_file>(file, std::move(*records), std::move(*rows), configuration);
}

}  // namespace lodestar::app
