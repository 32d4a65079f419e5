#include "query_runner.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include <lodestar/base/assert.hpp>

#include "arrow_result.hpp"
#include "column_builder.hpp"

namespace lodestar::analytics {
namespace {

constexpr milliseconds interrupt_again{2};

duckdb_state bind_value(duckdb_prepared_statement statement, idx_t at, const parameter_value& value,
                        value_type type) {
  if (const auto* truth = std::get_if<bool>(&value))
    return duckdb_bind_boolean(statement, at, *truth);
  if (const auto* number = std::get_if<double>(&value))
    return duckdb_bind_double(statement, at, *number);
  if (const auto* text = std::get_if<std::string>(&value))
    return duckdb_bind_varchar_length(statement, at, text->data(), text->size());
  const auto integer = std::get<std::int64_t>(value);
  if (type == value_type::timestamp) return duckdb_bind_timestamp(statement, at, {integer});
  if (type == value_type::date)
    return duckdb_bind_date(statement, at, {static_cast<std::int32_t>(integer)});
  return duckdb_bind_int64(statement, at, integer);
}

bool has_unsupported_column(duckdb_result* rows) {
  for (idx_t index = 0; index < duckdb_column_count(rows); ++index) {
    if (!column_builder::supports(duckdb_column_type(rows, index))) return true;
  }
  return false;
}

query_outcome make_outcome(query_result_ptr value,
                           const std::shared_ptr<const bound_query::state>& query,
                           std::int64_t as_of) {
  return {.value = std::move(value), .computed_at = as_of, .depends_on = query};
}

}  // namespace

/// One thread's connection and the statements that it has prepared so far.
class query_runner::session {
 public:
  session(connection_handle connection, std::size_t queries, std::size_t result_bytes_max)
      : connection_(std::move(connection)),
        statements_(queries),
        result_bytes_max_(result_bytes_max) {}

  [[nodiscard]] duckdb_connection connection() const noexcept { return connection_.get(); }
  [[nodiscard]] result<query_result_ptr> run(const bound_query::state& query, std::int64_t as_of);

  const job* running = nullptr;  ///< Under the runner's mutex.

 private:
  [[nodiscard]] result<void> prepare(const known_query& query);
  [[nodiscard]] result<void> execute(const bound_query::state& query, std::int64_t as_of,
                                     result_handle& rows);

  connection_handle connection_;
  std::vector<prepared_handle> statements_;
  std::size_t result_bytes_max_;
};

result<query_result_ptr> query_runner::session::run(const bound_query::state& query,
                                                    std::int64_t as_of) {
  if (auto prepared = prepare(*query.query); !prepared)
    return std::unexpected(std::move(prepared.error()));
  {
    result_handle rows;
    if (auto executed = execute(query, as_of, rows); !executed)
      return std::unexpected(std::move(executed.error()));
    if (!has_unsupported_column(rows.get())) return make_query_result(rows, result_bytes_max_);
    auto casting =
        prepare_select(connection_.get(), with_text_columns(*query.query->compiled, rows.get()));
    if (!casting) return std::unexpected(std::move(casting.error()));
    statements_[query.query->index] = std::move(*casting);
  }
  result_handle rows;
  if (auto executed = execute(query, as_of, rows); !executed)
    return std::unexpected(std::move(executed.error()));
  if (has_unsupported_column(rows.get())) {
    // A column whose type depends on the parameters changed its type: begin with the plain
    // statement next time.
    statements_[query.query->index] = prepared_handle();
    return fail(error_code::invalid_argument,
                "the types of the query's columns depend on its parameters",
                query.query->definition.file, "cast the column to one type");
  }
  return make_query_result(rows, result_bytes_max_);
}

result<void> query_runner::session::prepare(const known_query& query) {
  if (statements_[query.index]) return {};
  auto statement = prepare_select(connection_.get(), query.compiled->sql());
  if (!statement) return std::unexpected(std::move(statement.error()));
  statements_[query.index] = std::move(*statement);
  return {};
}

result<void> query_runner::session::execute(const bound_query::state& query, std::int64_t as_of,
                                            result_handle& rows) {
  const duckdb_prepared_statement statement = statements_[query.query->index].get();
  const auto& declared = query.query->definition.parameters;
  // The casting statement names its parameters in another order, so the place is asked by name.
  for (const std::size_t slot : query.query->compiled->slots) {
    const bool position = slot == compiled_query::as_of_slot;
    idx_t at = 0;
    const bool bound =
        duckdb_bind_parameter_index(statement, &at,
                                    position ? as_of_parameter : declared[slot].name.c_str()) ==
            DuckDBSuccess &&
        (position
             ? duckdb_bind_int64(statement, at, as_of)
             : bind_value(statement, at, query.values[slot], declared[slot].type)) == DuckDBSuccess;
    if (!bound)
      return fail(error_code::internal, "DuckDB does not take a parameter",
                  query.query->definition.file);
  }
  if (duckdb_execute_prepared(statement, rows.get()) == DuckDBSuccess) return {};
  const char* message = duckdb_result_error(rows.get());
  error failure =
      duckdb_failure(duckdb_result_error_type(rows.get()), message == nullptr ? "" : message);
  failure.place = query.query->definition.file;
  return std::unexpected(std::move(failure));
}

struct query_runner::job {
  enum class state : std::uint8_t { waiting, running, finished };
  std::shared_ptr<const bound_query::state> query;
  std::optional<std::int64_t> as_of;
  lane where = lane::request;
  steady_time due{};  ///< Of a request.
  handler done;
  timer::ticket deadline;
  state at = state::waiting;  ///< Under the runner's mutex, as the next one.
  bool late = false;
};

query_runner::query_runner(const limits& bounds, tick& state, timer& deadlines, const clock& time,
                           metrics_registry& metrics)
    : limits_(bounds),
      tick_(state),
      timer_(deadlines),
      time_(time),
      duration_(metrics.make_histogram("lodestar_analytics_query_seconds",
                                       "Time DuckDB took for a query")),
      interrupted_(metrics.make_counter("lodestar_analytics_queries_interrupted_total",
                                        "Queries ended at their deadline")) {}

result<std::unique_ptr<query_runner>> query_runner::open(const database& source,
                                                         const limits& bounds, std::size_t queries,
                                                         tick& state, timer& deadlines,
                                                         const clock& time,
                                                         metrics_registry& metrics) {
  LODESTAR_ASSERT(bounds.connections > 0, "queries need a connection");
  std::unique_ptr<query_runner> made(new query_runner(bounds, state, deadlines, time, metrics));
  for (std::size_t index = 0; index < bounds.connections; ++index) {
    auto connection = source.connect();
    if (!connection) return std::unexpected(std::move(connection.error()));
    made->sessions_.push_back(
        std::make_unique<session>(std::move(*connection), queries, bounds.result_bytes_max));
  }
  for (std::size_t index = 0; index < bounds.connections; ++index) {
    made->threads_.emplace_back([runner = made.get(), own = made->sessions_[index].get(), index] {
      set_thread_name("analytics-" + std::to_string(index));
      runner->run(*own);
    });
  }
  return made;
}

query_runner::~query_runner() {
  stop();
}

void query_runner::request(std::shared_ptr<const bound_query::state> query,
                           std::optional<std::int64_t> as_of, steady_time due, handler done) {
  auto added = std::make_shared<job>();
  added->query = std::move(query);
  added->as_of = as_of;
  added->due = due;
  added->done = std::move(done);
  submit(std::move(added));
}

void query_runner::refresh(std::shared_ptr<const bound_query::state> query,
                           std::optional<std::int64_t> as_of, handler done) {
  auto added = std::make_shared<job>();
  added->query = std::move(query);
  added->as_of = as_of;
  added->where = lane::round;
  added->done = std::move(done);
  submit(std::move(added));
}

void query_runner::submit(job_pointer added) {
  std::optional<error> refused;
  {
    const std::lock_guard lock(mutex_);
    auto& queue = lanes_[static_cast<std::size_t>(added->where)];
    if (stopping_) {
      refused = error{error_code::unavailable, "analytics is shutting down", {}, {}};
    } else if (queue.size() >= limits_.waiting_queries_max) {
      refused = error{error_code::unavailable,
                      fmt::format("{} queries are waiting already", queue.size()),
                      {},
                      "try again later"};
    } else {
      queue.push_back(added);
      if (added->where == lane::request)
        added->deadline = timer_.schedule(added->due, [this, added] { on_deadline(added); });
    }
  }
  if (refused) return added->done(std::unexpected(std::move(*refused)));
  wake_.notify_one();
}

void query_runner::stop() {
  std::array<std::deque<job_pointer>, 2> dropped;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    dropped.swap(lanes_);
    for (const auto& queue : dropped) {
      for (const auto& waiting : queue) waiting->at = job::state::finished;
    }
  }
  wake_.notify_all();
  for (const auto& queue : dropped) {
    for (const auto& waiting : queue) {
      timer_.cancel(waiting->deadline);
      waiting->done(fail(error_code::cancelled, "analytics is shutting down"));
    }
  }
  // An interrupt may come before its statement begins and is forgotten then: again until nobody
  // runs.
  std::unique_lock lock(mutex_);
  const auto idle = [this] {
    return std::ranges::all_of(sessions_,
                               [](const auto& each) { return each->running == nullptr; });
  };
  while (!idle()) {
    for (const auto& each : sessions_) {
      if (each->running != nullptr) duckdb_interrupt(each->connection());
    }
    wake_.wait_for(lock, interrupt_again);
  }
  lock.unlock();
  for (auto& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void query_runner::run(session& own) {
  while (const job_pointer work = next_job(own)) execute(own, *work);
}

query_runner::job_pointer query_runner::next_job(session& own) {
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [this] { return stopping_ || !lanes_[0].empty() || !lanes_[1].empty(); });
  if (stopping_) return nullptr;
  job_pointer work = pop();
  work->at = job::state::running;
  own.running = work.get();
  if (work->where == lane::round) {
    work->deadline = timer_.schedule(time_.now() + deadline_of(work->query->query->definition),
                                     [this, work] { on_deadline(work); });
  }
  return work;
}

query_runner::job_pointer query_runner::pop() {
  if (lanes_[next_lane_].empty()) next_lane_ = 1 - next_lane_;
  auto& queue = lanes_[next_lane_];
  next_lane_ = 1 - next_lane_;
  job_pointer work = std::move(queue.front());
  queue.pop_front();
  return work;
}

void query_runner::execute(session& own, job& work) {
  const auto began = time_.now();
  // Never beyond what the tables hold: a result may not claim a position whose events it has not
  // seen.
  const auto applied = tick_.applied.load(std::memory_order_acquire);
  const auto as_of = std::min(work.as_of.value_or(applied), applied);
  work.query->query->executions.add();
  auto value = own.run(*work.query, as_of);
  duration_.observe_us(std::chrono::duration_cast<microseconds>(time_.now() - began).count());
  bool late = false;
  bool stopping = false;
  {
    const std::lock_guard lock(mutex_);
    work.at = job::state::finished;
    own.running = nullptr;
    late = work.late;
    stopping = stopping_;
  }
  if (stopping) wake_.notify_all();
  timer_.cancel(work.deadline);
  handler done = std::move(work.done);
  if (value) return done(make_outcome(std::move(*value), work.query, as_of));
  error failure = std::move(value.error());
  if (late && failure.code == error_code::cancelled) {
    interrupted_.add();
    failure =
        error{error_code::deadline_exceeded,
              fmt::format("the query {} took longer than {} ms", work.query->query->definition.name,
                          work.query->query->definition.deadline_ms),
              work.query->query->definition.file, "make the query cheaper, or raise its deadline"};
  } else if (stopping && failure.code == error_code::cancelled) {
    failure.message = "analytics is shutting down";
  }
  done(std::unexpected(std::move(failure)));
}

void query_runner::on_deadline(const job_pointer& late) {
  bool waiting = false;
  {
    const std::lock_guard lock(mutex_);
    late->late = true;
    if (interrupt_if_running(*late)) {
      late->deadline =
          timer_.schedule(time_.now() + interrupt_again, [this, late] { on_deadline(late); });
      return;
    }
    auto& queue = lanes_[static_cast<std::size_t>(late->where)];
    waiting = late->at == job::state::waiting;
    if (waiting) {
      late->at = job::state::finished;
      std::erase(queue, late);
    }
  }
  if (!waiting) return;
  late->done(fail(
      error_code::deadline_exceeded,
      fmt::format("the query {} was still waiting for a connection after {} ms",
                  late->query->query->definition.name, late->query->query->definition.deadline_ms),
      late->query->query->definition.file));
}

bool query_runner::interrupt_if_running(const job& work) {
  for (const auto& each : sessions_) {
    if (each->running != &work) continue;
    duckdb_interrupt(each->connection());
    return true;
  }
  return false;
}

}  // namespace lodestar::analytics
