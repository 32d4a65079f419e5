#include <lodestar/analytics/service.hpp>

#include <algorithm>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include <lodestar/base/lifeline.hpp>
#include <lodestar/base/nearest.hpp>

#include "bind_cache.hpp"
#include "bound_query.hpp"
#include "cache_metrics.hpp"
#include "database.hpp"
#include "event_table.hpp"
#include "feeder.hpp"
#include "fingerprint.hpp"
#include "log_dependencies.hpp"
#include "position_waiters.hpp"
#include "query_runner.hpp"
#include "result_cache.hpp"
#include "tick.hpp"
#include "timer.hpp"
#include "watch.hpp"

namespace lodestar::analytics {
namespace {

result<void> check_query(const query_definition& definition) {
  for (auto at = definition.parameters.begin(); at != definition.parameters.end(); ++at) {
    const bool reserved = at->name.empty() || at->name == as_of_parameter;
    const bool twice =
        std::ranges::find(definition.parameters.begin(), at, at->name, &parameter::name) != at;
    if (reserved || twice) {
      return fail(error_code::invalid_argument,
                  fmt::format("the parameter name '{}' is {}", at->name,
                              twice ? "declared twice" : "not allowed"),
                  definition.file, "choose another name");
    }
    if (!at->default_value) continue;
    if (auto parsed = parse_parameter(*at, *at->default_value); !parsed) {
      parsed.error().message = "the default of a parameter is wrong: " + parsed.error().message;
      parsed.error().place = definition.file;
      return std::unexpected(std::move(parsed.error()));
    }
  }
  return check_dependencies(definition);
}

std::unexpected<error> shutting_down() {
  return fail(error_code::unavailable, "analytics is shutting down");
}

class duckdb_service final : public service {
 public:
  duckdb_service(const options& settings, std::vector<event_definition> events,
                 std::vector<query_definition> queries, log::event_log& log, clock& time,
                 metrics_registry& metrics, database opened);
  ~duckdb_service() override { duckdb_service::stop(); }

  [[nodiscard]] result<void> load(std::span<const table_definition> tables);

  [[nodiscard]] const std::vector<query_definition>& queries() const noexcept override {
    return definitions_;
  }
  [[nodiscard]] std::vector<error> query_errors() const override;
  [[nodiscard]] std::optional<std::vector<std::string>> columns_of(
      std::string_view query_name) const override;
  [[nodiscard]] std::optional<error> feeder_error() const override { return feeder_->failure(); }
  [[nodiscard]] std::int64_t applied() const noexcept override {
    return tick_.applied.load(std::memory_order_acquire);
  }
  void when_applied(std::int64_t position, std::int64_t deadline_ms,
                    std::move_only_function<void(result<std::int64_t>)> done) override {
    const milliseconds allowed(std::clamp<std::int64_t>(deadline_ms, 0, 86'400'000));
    waiters_.add(position, time_.now() + allowed, std::move(done));
  }
  [[nodiscard]] result<bound_query> bind(std::string_view name, const parameters& values) override;
  void get(const bound_query& query, const swr::demand& demand, query_handler done) override;
  [[nodiscard]] std::optional<query_answer> get_cached(const bound_query& query,
                                                       const swr::demand& demand) override;
  void get_as_of(const bound_query& query, std::int64_t position, query_handler done) override;
  [[nodiscard]] std::unique_ptr<watch> start_watch(
      std::vector<bound_query> queries,
      std::function<void(std::shared_ptr<const watch_state>)> changed) override {
    return watches_.start(std::move(queries), std::move(changed));
  }
  void update_metrics() override;
  void stop() override;

 private:
  [[nodiscard]] std::size_t connections() const noexcept;
  [[nodiscard]] result<void> create_tables(std::span<const table_definition> tables);
  [[nodiscard]] result<void> make_cache(std::span<const table_definition> tables);
  [[nodiscard]] result<void> apply_log();
  [[nodiscard]] result<void> compile_queries();
  [[nodiscard]] std::shared_ptr<const bound_query::state> state_of(const bound_query& query) const;
  [[nodiscard]] result<std::shared_ptr<const known_query>> find_query(std::string_view name) const;
  void get_until(const bound_query& query, const swr::demand& demand, steady_time due,
                 query_handler done);
  [[nodiscard]] watch_host make_watch_host();

  const options settings_;
  const std::vector<event_definition> events_;
  const std::vector<query_definition> definitions_;
  log::event_log& log_;
  clock& time_;
  metrics_registry& metrics_;

  database database_;
  tick tick_;
  timer timer_;
  position_waiters waiters_;
  bind_cache bound_;
  std::shared_ptr<log_dependencies> dependencies_;
  std::unique_ptr<result_cache> cache_;
  cache_metrics cache_metrics_;
  std::map<std::string, std::shared_ptr<const known_query>, std::less<>> known_;
  watch_registry watches_;
  std::unique_ptr<query_runner> runner_;
  std::unique_ptr<feeder> feeder_;
  std::once_flag stopped_;
  lifeline<duckdb_service> life_{this};
};

duckdb_service::duckdb_service(const options& settings, std::vector<event_definition> events,
                               std::vector<query_definition> queries, log::event_log& log,
                               clock& time, metrics_registry& metrics, database opened)
    : settings_(settings),
      events_(std::move(events)),
      definitions_(std::move(queries)),
      log_(log),
      time_(time),
      metrics_(metrics),
      database_(std::move(opened)),
      timer_(time),
      waiters_(settings.waiting_queries_max, tick_, timer_),
      cache_metrics_(metrics),
      watches_(make_watch_host()) {}

result<void> duckdb_service::load(std::span<const table_definition> tables) {
  if (auto created = create_tables(tables); !created) return created;
  if (auto made = make_cache(tables); !made) return made;
  if (auto applied = apply_log(); !applied) return applied;
  // Compresses what was loaded: 3 million flights take 18 instead of 233 MB, and a scan of them a
  // third of the time.
  if (auto compressed = database_.load("CHECKPOINT"); !compressed) return compressed;
  if (auto compiled = compile_queries(); !compiled) return compiled;
  const query_runner::limits limits{connections(), settings_.waiting_queries_max,
                                    settings_.result_bytes_max};
  auto runner =
      query_runner::open(database_, limits, definitions_.size(), tick_, timer_, time_, metrics_);
  if (!runner) return std::unexpected(std::move(runner.error()));
  runner_ = std::move(*runner);
  feeder_->start({.advanced =
                      [this](std::int64_t position, bool more) {
                        watches_.wake(more);
                        waiters_.advance(position);
                      },
                  .failed = [this](const error& reason) { waiters_.close(reason); }});
  return {};
}

std::size_t duckdb_service::connections() const noexcept {
  if (settings_.connections > 0) return settings_.connections;
  return std::max<std::size_t>(1, std::thread::hardware_concurrency());
}

result<void> duckdb_service::create_tables(std::span<const table_definition> tables) {
  if (auto checked = check_definitions(events_, tables); !checked) return checked;
  for (const auto& definition : tables) {
    if (auto created = create_static_table(database_, definition); !created) return created;
  }
  for (const auto& definition : events_) {
    if (auto created = create_event_table(database_, definition); !created) return created;
  }
  return database_.seal();
}

result<void> duckdb_service::make_cache(std::span<const table_definition> tables) {
  if (settings_.below) {
    const auto fingerprint = fingerprint_of(database_, events_, tables);
    if (!fingerprint) return std::unexpected(fingerprint.error());
    dependencies_ = std::make_shared<log_dependencies>(log_, tick_.moved, *fingerprint);
  }
  cache_ = std::make_unique<result_cache>(
      result_cache::options_type{.name = "results",
                                 .weight_max = settings_.cache_bytes_max,
                                 .weigher = weight_of,
                                 // Queries have deadlines of their own.
                                 .load_ms_max = swr::duration_ms_unlimited,
                                 .below = settings_.below,
                                 .values = result_codec(settings_.result_bytes_max),
                                 .keys = request_codec(),
                                 .dependencies = dependencies_,
                                 .time = &time_});
  return {};
}

result<void> duckdb_service::apply_log() {
  auto connection = database_.connect();
  if (!connection) return std::unexpected(std::move(connection.error()));
  auto opened = feeder::open(std::move(*connection), events_, log_, tick_, time_, metrics_);
  if (!opened) return std::unexpected(std::move(opened.error()));
  feeder_ = std::move(*opened);
  return feeder_->catch_up();
}

result<void> duckdb_service::compile_queries() {
  auto connection = database_.connect();
  if (!connection) return std::unexpected(std::move(connection.error()));
  for (std::size_t index = 0; index < definitions_.size(); ++index) {
    const auto& definition = definitions_[index];
    if (known_.contains(definition.name)) {
      return fail(error_code::invalid_argument,
                  fmt::format("the query '{}' is declared twice", definition.name),
                  definition.file);
    }
    const auto checked = check_query(definition);
    auto compiled = checked ? compile_query(connection->get(), definition, events_)
                            : std::unexpected(checked.error());
    auto& executions =
        metrics_.make_counter("lodestar_analytics_query_executions_total",
                              "Times DuckDB ran a query", {{"query", definition.name}});
    known_.emplace(definition.name, std::make_shared<const known_query>(
                                        index, definition, std::move(compiled), executions));
  }
  return {};
}

std::vector<error> duckdb_service::query_errors() const {
  std::vector<error> errors;
  for (const auto& [name, query] : known_) {
    if (!query->compiled) errors.push_back(query->compiled.error());
  }
  return errors;
}

std::optional<std::vector<std::string>> duckdb_service::columns_of(
    std::string_view query_name) const {
  const auto found = known_.find(query_name);
  if (found == known_.end() || !found->second->compiled) return std::nullopt;
  return found->second->compiled->columns;
}

result<std::shared_ptr<const known_query>> duckdb_service::find_query(std::string_view name) const {
  const auto found = known_.find(name);
  if (found != known_.end()) {
    if (!found->second->compiled) return std::unexpected(found->second->compiled.error());
    return found->second;
  }
  constexpr std::size_t name_bytes_max = 256;
  const auto shown = name.substr(0, name_bytes_max);
  std::vector<std::string_view> names;
  for (const auto& [known, query] : known_) names.emplace_back(known);
  const auto meant = nearest(shown, names);
  return fail(error_code::not_found, fmt::format("there is no query '{}'", shown), "query",
              meant.empty() ? "" : fmt::format("did you mean '{}'?", meant));
}

result<bound_query> duckdb_service::bind(std::string_view name, const parameters& values) {
  thread_local std::string request;
  bind_cache::write_request(request, name, values);
  if (auto found = bound_.find(request)) return bound_query(std::move(found));
  auto query = find_query(name);
  if (!query) return std::unexpected(std::move(query.error()));
  auto bound = bind_query(std::move(*query), values, tick_.moved);
  if (bound) bound_.add(request, state_of(*bound));
  return bound;
}

std::shared_ptr<const bound_query::state> duckdb_service::state_of(const bound_query& query) const {
  return std::static_pointer_cast<const bound_query::state>(query.internals().shared_from_this());
}

void duckdb_service::get(const bound_query& query, const swr::demand& demand, query_handler done) {
  const auto due = time_.now() + deadline_of(query.definition());
  if (demand.position_min <= applied()) return get_until(query, demand, due, std::move(done));
  // The cache may be asked only about positions that the dependencies have heard of.
  waiters_.add(
      demand.position_min, due,
      [this, query, demand, due, done = std::move(done)](result<std::int64_t> reached) mutable {
        if (!reached) return done(std::unexpected(std::move(reached.error())));
        get_until(query, demand, due, std::move(done));
      });
}

void duckdb_service::get_until(const bound_query& query, const swr::demand& demand, steady_time due,
                               query_handler done) {
  const auto state = state_of(query);
  const auto as_of = demand.position_max == swr::position_unlimited
                         ? std::nullopt
                         : std::optional(demand.position_max);
  // Tiers may answer, and begin the load, when the service is gone.
  const auto load = [line = life_.tie(), state, as_of, due](result_cache::done loaded) {
    const auto here = line.hold();
    if (!here) return loaded(shutting_down());
    here->runner_->request(state, as_of, due, std::move(loaded));
  };
  cache_->get_or_load({state}, {.keep = query.definition().lifetimes}, demand, load,
                      std::move(done));
}

std::optional<query_answer> duckdb_service::get_cached(const bound_query& query,
                                                       const swr::demand& demand) {
  if (demand.position_min > applied()) return std::nullopt;
  return cache_->peek_before_load({state_of(query)}, {.keep = query.definition().lifetimes},
                                  demand);
}

void duckdb_service::get_as_of(const bound_query& query, std::int64_t position,
                               query_handler done) {
  if (position < 0 || position > applied()) {
    return done(fail(error_code::invalid_argument,
                     fmt::format("the position {} is not between 0 and {}", position, applied()),
                     "parameter as_of"));
  }
  runner_->request(state_of(query), position, time_.now() + deadline_of(query.definition()),
                   [done = std::move(done)](result<query_outcome> outcome) mutable {
                     if (!outcome) return done(std::unexpected(std::move(outcome.error())));
                     done(query_answer{.value = std::move(outcome->value),
                                       .computed_at = outcome->computed_at,
                                       .state = swr::freshness::fresh,
                                       .hit = false,
                                       .coalesced = false,
                                       .age_ms = 0});
                   });
}

watch_host duckdb_service::make_watch_host() {
  return {.state = tick_,
          .schedule = timer_,
          .time = time_,
          .round_interval = milliseconds(settings_.round_interval_ms),
          .rounds =
              metrics_.make_counter("lodestar_analytics_rounds_total", "Refresh rounds of watches"),
          .compute = [this](const bound_query& query, std::int64_t position, query_handler done) {
            const swr::demand exactly{.position_min = position,
                                      .position_max = position,
                                      .allow_stale = false,
                                      .bypass = false};
            const auto state = state_of(query);
            const auto load = [line = life_.tie(), state, position](result_cache::done loaded) {
              const auto here = line.hold();
              if (!here) return loaded(shutting_down());
              here->runner_->refresh(state, position, std::move(loaded));
            };
            // What follows on the first round the tiers cannot have.
            swr::call_options how{.keep = query.definition().lifetimes};
            if (state->was_looked_for.exchange(true)) how.skip_read = swr::tier_set::all_tiers();
            cache_->get_or_load({state}, how, exactly, load, std::move(done));
          }};
}

void duckdb_service::update_metrics() {
  cache_metrics_.update(cache_->stats());
}

void duckdb_service::stop() {
  std::call_once(stopped_, [this] {
    watches_.close();
    if (feeder_) feeder_->stop();
    waiters_.close(error{error_code::cancelled, "analytics is shutting down", {}, {}});
    if (runner_) runner_->stop();
    life_.cut();
    if (dependencies_) dependencies_->close();
    timer_.stop();
  });
}

}  // namespace

result<std::unique_ptr<service>> service::open(const options& settings,
                                               std::vector<event_definition> events,
                                               std::vector<table_definition> tables,
                                               std::vector<query_definition> queries,
                                               log::event_log& log, clock& time,
                                               metrics_registry& metrics) {
  auto opened = database::open(settings);
  if (!opened) return std::unexpected(std::move(opened.error()));
  auto made = std::make_unique<duckdb_service>(settings, std::move(events), std::move(queries), log,
                                               time, metrics, std::move(*opened));
  if (auto loaded = made->load(tables); !loaded) return std::unexpected(std::move(loaded.error()));
  return made;
}

}  // namespace lodestar::analytics
