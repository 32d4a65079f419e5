// Whether a history is linearizable; see <verify/linearizability.hpp>.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include <verify/linearizability/history.hpp>
#include <verify/linearizability/timeline.hpp>

namespace lodestar::linearizability {

enum class answer : std::uint8_t { linearizable, violated, undecided };

struct verdict {
  answer what = answer::linearizable;
  std::string explanation;  // Of a violation.
  std::uint64_t nodes = 0;  // Operations that were tried at some place in an order.

  [[nodiscard]] bool holds() const noexcept { return what == answer::linearizable; }
};

struct check_limits {
  /// For each part of the object; memory grows with it.
  std::uint64_t nodes_max = 500'000;
};

namespace detail {

/// An operation as the search sees it. One that is not required may be left out of the order, and
/// may come at any time after its call.
template <class Model>
struct candidate {
  const operation<Model>* what = nullptr;
  bool required = true;
};

template <class Model>
class search {
 public:
  search(const std::vector<candidate<Model>>& operations, std::uint64_t nodes_max)
      : operations_(operations),
        nodes_max_(nodes_max),
        effective_(operations.size(), false),
        placed_((operations.size() + 63) / 64, 0) {
    list_events();
  }

  [[nodiscard]] answer run();

  [[nodiscard]] std::uint64_t nodes() const noexcept { return nodes_; }
  /// Whether the operation changed the state in some order that was tried.
  [[nodiscard]] bool is_effective(std::size_t index) const { return effective_[index]; }
  /// The longest order that was found, and the state behind it.
  [[nodiscard]] const std::vector<std::size_t>& longest() const noexcept { return longest_; }
  [[nodiscard]] const typename Model::state& state_behind_longest() const noexcept {
    return longest_state_;
  }

 private:
  using state = typename Model::state;
  static constexpr std::size_t none = SIZE_MAX;

  /// A list of calls and returns in order of time; those of operations in the order are taken out.
  struct event {
    std::size_t operation = none;
    bool is_call = false;
    std::size_t before = 0;
    std::size_t after = 0;
  };
  struct placed {
    std::size_t operation = 0;
    std::size_t alternative = 0;  // Which of the states that the operation may lead to.
    state from;
  };
  struct visited {
    std::vector<std::uint64_t> operations;
    state after;
    friend bool operator==(const visited&, const visited&) = default;
  };
  struct hash_visited {
    std::size_t operator()(const visited& each) const {
      std::size_t mixed = Model::hash(each.after);
      for (const auto word : each.operations) mixed = (mixed ^ word) * 0x9E37'79B9'7F4A'7C15U;
      return mixed ^ (mixed >> 32);
    }
  };

  void list_events();
  void take_out(std::size_t event_index);
  void put_back(std::size_t event_index);
  /// Puts the operation next in the order, with the first alternative from `first` on that leads to
  /// something new.
  [[nodiscard]] bool place(std::size_t operation, std::size_t first);
  /// Takes the last one back; returns it.
  placed take_back();
  void remember_longest();

  const std::vector<candidate<Model>>& operations_;
  std::uint64_t nodes_max_;
  std::uint64_t nodes_ = 0;
  std::vector<bool> effective_;

  std::vector<event> events_;  // 0 is the list's head and end.
  std::vector<std::size_t> call_of_;
  std::vector<std::size_t> return_of_;
  std::size_t required_left_ = 0;

  std::vector<std::uint64_t> placed_;  // A bit for each operation.
  state now_ = Model::initial();
  std::vector<placed> order_;
  std::unordered_set<visited, hash_visited> visited_;
  std::vector<std::size_t> longest_;
  state longest_state_ = Model::initial();
};

template <class State, class Use>
void for_each_state(const std::optional<State>& next, Use&& use) {
  if (next.has_value()) use(*next);
}
template <class States, class Use>
void for_each_state(const States& next, Use&& use) {
  for (const auto& each : next) use(each);
}

template <class Model>
answer search<Model>::run() {
  std::size_t at = events_[0].after;
  while (required_left_ > 0) {
    if (nodes_ > nodes_max_) return answer::undecided;
    if (at != 0 && events_[at].is_call) {
      // Any operation that is called before the first return may be the next one.
      at = place(events_[at].operation, 0) ? events_[0].after : events_[at].after;
      continue;
    }
    if (order_.empty()) return answer::violated;
    const auto last = take_back();
    at = place(last.operation, last.alternative + 1) ? events_[0].after
                                                     : events_[call_of_[last.operation]].after;
  }
  return answer::linearizable;
}

template <class Model>
void search<Model>::list_events() {
  struct moment {
    std::uint64_t at;
    std::size_t operation;
    bool is_call;
  };
  std::vector<moment> moments;
  for (std::size_t index = 0; index < operations_.size(); ++index) {
    const auto& each = operations_[index];
    moments.push_back({each.what->called_at, index, true});
    if (each.required) moments.push_back({each.what->returned_at, index, false});
    required_left_ += each.required ? 1 : 0;
  }
  std::ranges::sort(moments, {}, &moment::at);
  call_of_.assign(operations_.size(), none);
  return_of_.assign(operations_.size(), none);
  events_.resize(moments.size() + 1);
  for (std::size_t index = 1; index < events_.size(); ++index) {
    const auto& each = moments[index - 1];
    events_[index] = {.operation = each.operation,
                      .is_call = each.is_call,
                      .before = index - 1,
                      .after = (index + 1) % events_.size()};
    (each.is_call ? call_of_ : return_of_)[each.operation] = index;
  }
  events_[0].after = events_.size() > 1 ? 1 : 0;
  events_[0].before = events_.size() - 1;
}

template <class Model>
void search<Model>::take_out(std::size_t event_index) {
  if (event_index == none) return;
  const auto& out = events_[event_index];
  events_[out.before].after = out.after;
  events_[out.after].before = out.before;
}

template <class Model>
void search<Model>::put_back(std::size_t event_index) {
  if (event_index == none) return;
  const auto& in = events_[event_index];
  events_[in.before].after = event_index;
  events_[in.after].before = event_index;
}

template <class Model>
bool search<Model>::place(std::size_t index, std::size_t first) {
  const auto& what = *operations_[index].what;
  const auto word = index / 64;
  const auto bit = std::uint64_t{1} << (index % 64);
  std::size_t alternative = 0;
  std::optional<state> chosen;
  placed_[word] |= bit;
  for_each_state(Model::step(now_, what.input, what.output), [&](const state& next) {
    if (chosen.has_value() || alternative++ < first) return;
    ++nodes_;
    if (!(next == now_)) effective_[index] = true;
    if (visited_.insert({placed_, next}).second) chosen = next;
  });
  if (!chosen.has_value()) {
    placed_[word] &= ~bit;
    return false;
  }
  order_.push_back({index, alternative - 1, std::exchange(now_, std::move(*chosen))});
  take_out(call_of_[index]);
  take_out(return_of_[index]);
  if (operations_[index].required) --required_left_;
  remember_longest();
  return true;
}

template <class Model>
typename search<Model>::placed search<Model>::take_back() {
  auto last = std::move(order_.back());
  order_.pop_back();
  // In the reverse order of taking out.
  put_back(return_of_[last.operation]);
  put_back(call_of_[last.operation]);
  placed_[last.operation / 64] &= ~(std::uint64_t{1} << (last.operation % 64));
  if (operations_[last.operation].required) ++required_left_;
  now_ = last.from;
  return last;
}

template <class Model>
void search<Model>::remember_longest() {
  if (order_.size() <= longest_.size()) return;
  longest_.clear();
  for (const auto& each : order_) longest_.push_back(each.operation);
  longest_state_ = now_;
}

/// The shortest part of a violated history that is still violated.
template <class Model>
class explanation {
 public:
  explanation(const std::vector<const operation<Model>*>& all, const check_limits& within)
      : all_(all), within_(within) {}

  [[nodiscard]] std::string write() {
    cut_behind_first_impossible_return();
    release_what_need_not_happen();
    leave_out_what_changes_nothing();
    return describe();
  }

 private:
  /// What was called before that moment; what had not returned by then need not have happened.
  [[nodiscard]] std::vector<candidate<Model>> up_to(std::uint64_t moment) const {
    std::vector<candidate<Model>> part;
    for (const auto* each : all_) {
      if (each->called_at < moment) part.push_back({each, each->returned_at <= moment});
    }
    return part;
  }
  [[nodiscard]] bool is_violated(const std::vector<candidate<Model>>& part) const {
    return search<Model>(part, within_.nodes_max).run() == answer::violated;
  }

  /// Once impossible, a history stays so, whatever follows.
  void cut_behind_first_impossible_return() {
    std::vector<std::uint64_t> returns;
    for (const auto* each : all_) returns.push_back(each->returned_at);
    std::ranges::sort(returns);
    const auto first = std::ranges::partition_point(
        returns, [this](std::uint64_t moment) { return !is_violated(up_to(moment)); });
    end_ = first == returns.end() ? returns.back() : *first;
    part_ = up_to(end_);
  }
  void release_what_need_not_happen() {
    for (auto& each : part_) {
      if (!std::exchange(each.required, false)) continue;
      if (!is_violated(part_)) each.required = true;
    }
  }
  void leave_out_what_changes_nothing() {
    search<Model> tried(part_, within_.nodes_max);
    if (tried.run() != answer::violated) return;
    std::size_t index = 0;
    std::erase_if(part_, [&](const candidate<Model>& each) {
      return !tried.is_effective(index++) && !each.required;
    });
  }

  [[nodiscard]] std::string describe() {
    std::ranges::sort(part_, {}, [](const auto& each) { return each.what->called_at; });
    std::vector<timeline_entry> entries;
    for (auto& each : part_) {
      each.required = each.what->returned_at <= end_;
      entries.push_back({.thread = each.what->thread,
                         .called_at = each.what->called_at,
                         .returned_at = each.required ? each.what->returned_at : UINT64_MAX,
                         .text = Model::describe(each.what->input, each.what->output)});
    }
    search<Model> tried(part_, within_.nodes_max);
    static_cast<void>(tried.run());
    return write_explanation(entries, all_.size(), tried.longest(),
                             Model::describe(tried.state_behind_longest()));
  }

  const std::vector<const operation<Model>*>& all_;
  check_limits within_;
  std::uint64_t end_ = 0;
  std::vector<candidate<Model>> part_;
};

/// The operations on each part of the object.
template <class Model>
[[nodiscard]] auto parts_of(const history<Model>& all) {
  std::vector<std::vector<const operation<Model>*>> parts;
  if constexpr (requires { Model::key(all.front().input); }) {
    std::map<decltype(Model::key(all.front().input)), std::size_t> numbers;
    for (const auto& each : all) {
      const auto part = numbers.try_emplace(Model::key(each.input), parts.size()).first->second;
      if (part == parts.size()) parts.emplace_back();
      parts[part].push_back(&each);
    }
  } else {
    parts.emplace_back();
    for (const auto& each : all) parts.back().push_back(&each);
  }
  return parts;
}

}  // namespace detail

template <class Model>
[[nodiscard]] verdict check(const history<Model>& all, const check_limits& within = {}) {
  verdict result;
  for (const auto& part : detail::parts_of<Model>(all)) {
    std::vector<detail::candidate<Model>> operations;
    for (const auto* each : part) operations.push_back({each, true});
    detail::search<Model> search(operations, within.nodes_max);
    const auto found = search.run();
    result.nodes += search.nodes();
    if (found == answer::undecided) result.what = answer::undecided;
    if (found == answer::violated) {
      // One part that is wrong decides, whatever the others are.
      result.what = answer::violated;
      result.explanation = detail::explanation<Model>(part, within).write();
      break;
    }
  }
  return result;
}

}  // namespace lodestar::linearizability
