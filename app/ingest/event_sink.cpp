#include "ingest/event_sink.hpp"

#include <condition_variable>
#include <iterator>
#include <mutex>
#include <optional>

#include <fmt/format.h>
#include <lodestar/base/json.hpp>

#include "ingest/http_client.hpp"

namespace lodestar::app {
namespace {

constexpr std::size_t batches_under_way_max = 4;
constexpr std::int64_t post_deadline_ms = 60'000;

class log_sink final : public event_sink {
 public:
  explicit log_sink(log::event_log& log) : log_(log) {}
  ~log_sink() override { (void)finish(); }

  [[nodiscard]] result<void> put(std::vector<log::new_event> batch) override {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return under_way_ < batches_under_way_max; });
      if (failure_) return std::unexpected(*failure_);
      ++under_way_;
    }
    log_.append(std::move(batch),
                [this](result<std::vector<log::appended>> outcome) { take(std::move(outcome)); });
    return {};
  }

  [[nodiscard]] result<stored_count> finish() override {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return under_way_ == 0; });
    if (failure_) return std::unexpected(*failure_);
    return count_;
  }

 private:
  void take(result<std::vector<log::appended>> outcome) {
    const std::lock_guard lock(mutex_);
    --under_way_;
    if (!outcome) {
      if (!failure_) failure_ = std::move(outcome.error());
    } else {
      for (const auto& one : *outcome) ++(one.duplicate ? count_.duplicates : count_.stored);
    }
    changed_.notify_all();
  }

  log::event_log& log_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t under_way_ = 0;
  stored_count count_;
  std::optional<error> failure_;
};

class server_sink final : public event_sink {
 public:
  explicit server_sink(std::unique_ptr<http_client> client) : client_(std::move(client)) {}

  [[nodiscard]] result<void> put(std::vector<log::new_event> batch) override {
    const auto answer =
        client_->post("/api/events", "application/x-ndjson", to_ndjson(batch), post_deadline_ms);
    if (!answer) return std::unexpected(answer.error());
    if (answer->status >= 300) {
      return fail(
          error_code::invalid_argument,
          fmt::format("the server refused a batch with {}: {}", answer->status, answer->body));
    }
    std::uint64_t duplicates = 0;
    constexpr std::string_view mark = R"("duplicate":true)";
    for (auto at = answer->body.find(mark); at != std::string::npos;
         at = answer->body.find(mark, at + mark.size()))
      ++duplicates;
    count_.duplicates += duplicates;
    count_.stored += batch.size() - duplicates;
    return {};
  }

  [[nodiscard]] result<stored_count> finish() override { return count_; }

 private:
  std::unique_ptr<http_client> client_;
  stored_count count_;
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
    fmt::format_to(std::back_inserter(out), R"(,"schema_version":{},"payload":{},"metadata":{}}})",
                   event.schema_version, event.payload, event.metadata);
    out += '\n';
  }
  return out;
}

}  // namespace lodestar::app
