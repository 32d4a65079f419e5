#include "dashboard/live_page.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "config/placeholders.hpp"
#include "dashboard/format.hpp"

namespace lodestar::app {
namespace {

constexpr milliseconds linger{10'000};
constexpr milliseconds overdue_after{1'000};

/// Whether the query itself is wrong, and not what it was asked with: its tile shows that, the
/// others go on.
bool is_fault_of_query(const error& what, const analytics::query_definition* query) {
  return query != nullptr && what.place.starts_with(query->file);
}

std::string failure_message(const error& failure, bool has_value) {
  return (has_value ? "Could not be refreshed: " : "") + failure.describe();
}

void read_options(const analytics::query_result& result, std::string_view query,
                  select_view& into) {
  const auto& columns = result.columns();
  const auto value = std::ranges::find(columns, "value", &analytics::column::name);
  if (value == columns.end()) {
    into.message = fmt::format("The query {} has no column value.", query);
    return;
  }
  const auto label = std::ranges::find(columns, "label", &analytics::column::name);
  const auto text_at = [&](std::size_t row, auto column) {
    return as_text(result.at(row, static_cast<std::size_t>(column - columns.begin())),
                   column->type);
  };
  for (std::size_t row = 0; row < result.rows(); ++row) {
    into.options.push_back(
        {text_at(row, value), text_at(row, label == columns.end() ? value : label)});
  }
}

}  // namespace

result<std::shared_ptr<live_page>> live_page::open(const surroundings& around,
                                                   const dashboard_definition& dashboard,
                                                   page_parameters parameters) {
  auto page = std::make_shared<live_page>(around, dashboard, std::move(parameters));
  if (auto started = page->start(); !started) return std::unexpected(std::move(started.error()));
  return page;
}

live_page::live_page(const surroundings& around, const dashboard_definition& dashboard,
                     page_parameters parameters)
    : around_(around),
      dashboard_(dashboard),
      parameters_(std::move(parameters)),
      feed_(web::feed::make()),
      tiles_(dashboard.tiles.size()),
      asked_at_(around.time.now()) {}

result<void> live_page::start() {
  for (std::size_t index = 0; index < tiles_.size(); ++index) {
    auto bound = bind(dashboard_.tiles[index]);
    if (bound) {
      tiles_[index].watched = queries_.size();
      queries_.push_back(std::move(*bound));
    } else if (is_fault_of_query(bound.error(),
                                 around_.configuration.find_query(dashboard_.tiles[index].query))) {
      tiles_[index].without_query.failure = std::move(bound.error());
    } else {
      return std::unexpected(std::move(bound.error()));
    }
  }
  for (const auto& control : dashboard_.controls) watch_select(control);
  // A weak pointer: the watch must not keep the page alive that owns it.
  auto watch = around_.service.start_watch(queries_, [self = weak_from_this()](auto state) {
    if (const auto page = self.lock()) page->take(std::move(state));
  });
  const std::lock_guard lock(mutex_);
  watch_ = std::move(watch);
  return {};
}

/// Nothing that is wrong here is the visitor's fault: the select shows it, the page goes on.
void live_page::watch_select(const control_definition& control) {
  auto& memory = selects_.emplace_back();
  if (!control.is_select) return;
  auto bound = around_.service.bind(control.options_query, {});
  if (!bound) {
    memory.message = failure_message(bound.error(), false);
    return;
  }
  memory.watched = queries_.size();
  queries_.push_back(std::move(*bound));
}

result<analytics::bound_query> live_page::bind(const tile_definition& tile) const {
  analytics::parameters values;
  for (const auto& [name, pattern] : tile.parameters) {
    values.emplace(
        name, fill_template(pattern, [&](std::string_view parameter) -> std::optional<std::string> {
          const auto found = parameters_.find(parameter);
          return found == parameters_.end() ? std::nullopt : std::optional(found->second);
        }));
  }
  return around_.service.bind(tile.query, values);
}

void live_page::show(web::exchange exchange) {
  std::unique_lock lock(mutex_);
  if (!state_) {
    waiting_.push_back(std::move(exchange));
    return;
  }
  auto page = render_whole();
  lock.unlock();
  exchange.send(std::move(page));
}

void live_page::take(std::shared_ptr<const analytics::watch_state> state) {
  std::vector<web::exchange> waiting;
  web::response page;
  {
    const std::lock_guard lock(mutex_);
    const auto before = std::exchange(state_, std::move(state));
    for (std::size_t index = 0; index < tiles_.size(); ++index) {
      auto& memory = tiles_[index];
      const auto& content = content_of(memory, *state_);
      const bool had_trouble = memory.state != tile_state::live;
      memory.state = !content.failure ? tile_state::live
                     : content.value  ? tile_state::stale
                                      : tile_state::error;
      memory.message =
          content.failure ? failure_message(*content.failure, content.value != nullptr) : "";
      memory.overdue_since = {};
      if (!content.failure || !content.value) memory.when = when();
      const bool changed = !before || content.changed_at == state_->position ||
                           content.value != content_of(memory, *before).value;
      if (changed || had_trouble || memory.state != tile_state::live)
        memory.html = shared_bytes(render(index).take());
    }
    publish();
    waiting.swap(waiting_);
    if (!waiting.empty()) page = render_whole();
  }
  for (auto& exchange : waiting) exchange.send(page);
}

void live_page::publish() {
  web::feed_state next;
  next.position = state_->position;
  next.slots.push_back(shared_bytes(render_page_status(when()).take()));
  for (std::size_t index = 0; index < tiles_.size(); ++index) {
    next.slots.push_back(tiles_[index].html);
    next.slots.push_back(
        shared_bytes(render_as_of(dashboard_.tiles[index], tiles_[index].when).take()));
  }
  around_.states.add();
  feed_->publish(std::move(next));
}

const analytics::watch_state::tile& live_page::content_of(const tile_memory& tile,
                                                          const analytics::watch_state& state) {
  return tile.watched ? state.tiles[*tile.watched] : tile.without_query;
}

web::html live_page::render(std::size_t tile) const {
  const auto& memory = tiles_[tile];
  return render_tile({dashboard_.tiles[tile], content_of(memory, *state_), parameters_,
                      memory.state, memory.message},
                     memory.when);
}

web::response live_page::render_whole() const {
  std::vector<web::html> tiles;
  for (std::size_t index = 0; index < tiles_.size(); ++index) tiles.push_back(render(index));
  std::vector<select_view> selects;
  for (const auto& memory : selects_) selects.push_back(select_of(memory));
  return render_page({around_.configuration, dashboard_, parameters_, selects, tiles, when(),
                      dashboard_url(dashboard_.name, "/feed", parameters_)},
                     around_.assets);
}

select_view live_page::select_of(const select_memory& memory) const {
  select_view view{{}, memory.message};
  if (!memory.watched) return view;
  const auto& content = state_->tiles[*memory.watched];
  if (content.failure) view.message = failure_message(*content.failure, content.value != nullptr);
  if (content.value)
    read_options(*content.value, queries_[*memory.watched].definition().name, view);
  return view;
}

as_of live_page::when() const {
  return {state_->position, state_->wall_us};
}

void live_page::touch() noexcept {
  const std::lock_guard lock(mutex_);
  asked_at_ = around_.time.now();
}

bool live_page::is_abandoned() const noexcept {
  if (feed_->viewers() > 0) return false;
  const std::lock_guard lock(mutex_);
  return waiting_.empty() && around_.time.now() - asked_at_ > linger;
}

void live_page::mark_overdue() {
  const auto feeder_failure = around_.service.feeder_error();
  const std::lock_guard lock(mutex_);
  if (!state_) return;
  const auto now = around_.time.now();
  bool changed = false;
  for (std::size_t index = 0; index < tiles_.size(); ++index) {
    auto& memory = tiles_[index];
    if (!memory.watched ||
        (memory.state != tile_state::live && memory.state != tile_state::refreshing))
      continue;
    tile_state next = memory.state;
    if (feeder_failure) {
      next = tile_state::stale;
      memory.message = failure_message(*feeder_failure, true);
    } else if (queries_[*memory.watched].moved_at() <= state_->position) {
      memory.overdue_since = {};
    } else if (memory.overdue_since == steady_time{}) {
      memory.overdue_since = now;
    } else if (now - memory.overdue_since > overdue_after) {
      next = tile_state::refreshing;
    }
    if (next == memory.state) continue;
    memory.state = next;
    memory.html = shared_bytes(render(index).take());
    changed = true;
  }
  if (changed) publish();
}

void live_page::close() {
  std::unique_ptr<analytics::watch> ending;
  std::vector<web::exchange> waiting;
  {
    const std::lock_guard lock(mutex_);
    ending = std::move(watch_);
    waiting.swap(waiting_);
  }
  ending.reset();
  feed_->close();
  for (auto& exchange : waiting)
    exchange.send(
        web::problem({error_code::cancelled, "the page was closed", "", "reload the page"}));
}

}  // namespace lodestar::app
