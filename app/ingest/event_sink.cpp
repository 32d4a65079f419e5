#include "ingest/event_sink.hpp"

#include <algorithm>
#include <condition_variable>
#include <iterator>
#include <mutex>
#include <optional>

#include <fmt/format.h>
#include <simdjson.h>
#include <lodestar/base/json.hpp>

#include "ingest/http_client.hpp"

namespace lodestar::app {
namespace {

constexpr std::size_t batches_under_way_max = 4;
constexpr std::int64_t post_deadline_ms = 60'000;

void count(stored_count& into, std::uint64_t events, std::uint64_t duplicates) {
  into.duplicates += duplicates;
  into.stored += events - duplicates;
}

class log_sink final : public event_sink {
 public:
  explicit log_sink(log::event_log& log) : log_(log) {}
  ~log_sink() override { (void)finish(); }

  [[nodiscard]] result<void> put(event_batch batch) override {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return under_way_ < batches_under_way_max; });
      if (outcome_.failure) return std::unexpected(*outcome_.failure);
      ++under_way_;
    }
    log_.append(std::move(batch.events),
                [this, places = std::move(batch.places)](
                    const result<std::vector<log::appended>>& answer) { take(answer, places); });
    return {};
  }

  [[nodiscard]] sink_outcome finish() override {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return under_way_ == 0; });
    return outcome_;
  }

 private:
  void take(const result<std::vector<log::appended>>& answer, const batch_places& places) {
    const std::lock_guard lock(mutex_);
    --under_way_;
    if (answer) {
      const auto duplicates = std::ranges::count_if(*answer, &log::appended::duplicate);
      count(outcome_.count, answer->size(), static_cast<std::uint64_t>(duplicates));
    } else if (!outcome_.failure) {
      outcome_.failure = places.name(answer.error());
    }
    changed_.notify_all();
  }

  log::event_log& log_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t under_way_ = 0;
  sink_outcome outcome_;
};

error_code code_of(int status) {
  switch (status) {
    case 413: return error_code::too_large;
    case 429:
    case 502:
    case 503: return error_code::unavailable;
    case 504: return error_code::deadline_exceeded;
    case 507: return error_code::storage_full;
    default: return status >= 500 ? error_code::internal : error_code::invalid_argument;
  }
}

/// What a server says about a request that it refuses: its problem document (RFC 9457), or the
/// status when something else answered in its place.
error refusal_of(const http_answer& answer) {
  constexpr std::size_t shown_bytes_max = 200;
  simdjson::dom::parser parser;
  simdjson::dom::element document;
  const bool is_json = parser.parse(answer.body).get(document) == simdjson::SUCCESS;
  const auto text = [&](const char* member) -> std::string {
    std::string_view value;
    if (!is_json || document[member].get(value) != simdjson::SUCCESS) return {};
    return std::string(value);
  };
  const std::string detail = text("detail");
  if (detail.empty()) {
    return {code_of(answer.status),
            fmt::format("the server answered {}: {}", answer.status,
                        std::string_view(answer.body).substr(0, shown_bytes_max)),
            {},
            {}};
  }
  return {code_of(answer.status),
          fmt::format("the server refused with {}: {}", answer.status, detail), text("place"),
          text("hint")};
}

class server_sink final : public event_sink {
 public:
  explicit server_sink(std::unique_ptr<http_client> client) : client_(std::move(client)) {}

  [[nodiscard]] result<void> put(event_batch batch) override {
    auto put = post(batch);
    if (!put && !outcome_.failure) outcome_.failure = put.error();
    return put;
  }

  [[nodiscard]] sink_outcome finish() override { return outcome_; }

 private:
  result<void> post(const event_batch& batch) {
    const auto answer = client_->post("/api/events", "application/x-ndjson",
                                      to_ndjson(batch.events), post_deadline_ms);
    if (!answer) return std::unexpected(answer.error());
    if (answer->status >= 300) return std::unexpected(batch.places.name(refusal_of(*answer)));
    std::uint64_t duplicates = 0;
    constexpr std::string_view mark = R"("duplicate":true)";
    for (auto at = answer->body.find(mark); at != std::string::npos;
         at = answer->body.find(mark, at + mark.size()))
      ++duplicates;
    count(outcome_.count, batch.events.size(), duplicates);
    return {};
  }

  std::unique_ptr<http_client> client_;
  sink_outcome outcome_;
};

}  // namespace

std::unique_ptr<event_sink> make_log_sink(log::event_log& log) {
  return std::make_unique<log_sink>(log);
}

result<std::unique_ptr<event_sink>> make_server_sink(const std::string& url) {
  auto client = http_client::make(url);
  if (!client) return std::unexpected(std::move(client.error()));
  return std::make_unique<server_sink>(std::move(*client));
}

std::string to_ndjson(const std::vector<log::new_event>& batch) {
  std::string out;
  for (const auto& event : batch) {
    out += R"({"event_id":)";
    append_json_string(out, event.event_id);
    out += R"(,"aggregate_type":)";
    append_json_string(out, event.aggregate_type);
    out += R"(,"aggregate_id":)";
    append_json_string(out, event.aggregate_id);
    out += R"(,"event_type":)";
    append_json_string(out, event.event_type);
    fmt::format_to(std::back_inserter(out), R"(,"schema_version":{},"payload":{},"metadata":{})",
                   event.schema_version, event.payload, event.metadata);
    if (event.expected_version) {
      fmt::format_to(std::back_inserter(out), R"(,"expected_version":{})", *event.expected_version);
    }
    out += "}\n";
  }
  return out;
}

}  // namespace lodestar::app
