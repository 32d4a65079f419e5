#include "check_batch.hpp"

#include <fmt/format.h>

#include <string>

#include <lodestar/base/utf8.hpp>

namespace lodestar::sqlite_log {
namespace {

using log::new_event;

result<void> check_name(std::string_view field, std::string_view value, std::size_t bytes_max) {
  if (value.empty()) return fail(error_code::invalid_argument, fmt::format("{} is empty", field));
  if (value.size() > bytes_max) {
    return fail(error_code::too_large,
                fmt::format("{} has {} bytes, the limit is {}", field, value.size(), bytes_max));
  }
  if (!is_valid_utf8(value) || value.find('\0') != std::string_view::npos) {
    return fail(error_code::invalid_argument, fmt::format("{} is not valid UTF-8 text", field));
  }
  return {};
}

result<void> check_document(std::string_view field, std::string_view value) {
  if (value.size() > log::payload_bytes_max) {
    return fail(error_code::too_large, fmt::format("{} has {} bytes, the limit is {}", field,
                                                   value.size(), log::payload_bytes_max));
  }
  if (!is_valid_utf8(value)) {
    return fail(error_code::invalid_argument, fmt::format("{} is not valid UTF-8 text", field));
  }
  return {};
}

result<void> check_event(const new_event& event) {
  auto checked = check_name("event_id", event.event_id, log::event_id_bytes_max);
  if (checked) checked = check_name("aggregate_type", event.aggregate_type, log::name_bytes_max);
  if (checked) checked = check_name("aggregate_id", event.aggregate_id, log::name_bytes_max);
  if (checked) checked = check_name("event_type", event.event_type, log::name_bytes_max);
  if (checked) checked = check_document("payload", event.payload);
  if (checked) checked = check_document("metadata", event.metadata);
  if (checked && event.expected_version.value_or(0) < 0) {
    return fail(error_code::invalid_argument, "expected_version is negative", {},
                "0 means that the stream must not exist yet");
  }
  return checked;
}

}  // namespace

result<void> check_batch(std::span<const new_event> batch) {
  if (batch.size() > log::batch_events_max) {
    return fail(error_code::too_large,
                fmt::format("the batch has {} events, the limit is {}", batch.size(),
                            log::batch_events_max),
                "events", "send several smaller batches");
  }
  for (std::size_t index = 0; index < batch.size(); ++index) {
    if (auto checked = check_event(batch[index]); !checked) {
      checked.error().place = fmt::format("events[{}]", index);
      return checked;
    }
  }
  return {};
}

std::size_t text_bytes(std::span<const new_event> batch) noexcept {
  std::size_t bytes = 0;
  for (const auto& event : batch) {
    bytes += event.event_id.size() + event.aggregate_type.size() + event.aggregate_id.size() +
             event.event_type.size() + event.payload.size() + event.metadata.size();
  }
  return bytes;
}

}  // namespace lodestar::sqlite_log
