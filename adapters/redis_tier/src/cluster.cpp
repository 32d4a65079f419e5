#include "cluster.hpp"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "format_command.hpp"
#include "joined_answer.hpp"
#include "server_error.hpp"

namespace lodestar::redis_tier {
namespace {

constexpr int redirections_max = 5;
constexpr milliseconds between_maps{200};

[[nodiscard]] error not_served(std::uint32_t slot) {
  return {error_code::unavailable,
          fmt::format("no node of the Redis cluster serves slot {}", slot),
          {},
          "see CLUSTER SLOTS"};
}

}  // namespace

bool cluster::node::is_ready() const noexcept {
  return std::ranges::any_of(links, [](const auto& each) { return each->is_ready(); });
}

bool cluster::node::is_idle() const noexcept {
  return std::ranges::all_of(links, [](const auto& each) { return each->is_idle(); });
}

cluster::cluster(const surroundings& around)
    : around_(around), owners_(slot_count), open_(slot_count) {}

std::uint32_t cluster::route_of(std::string_view key) const noexcept {
  return key_slot(key);
}

std::optional<error> cluster::refusal(std::uint32_t) const {
  return status_.down();
}

void cluster::start() {
  for (const address& each : around_.url.hosts) node_at(each).is_seed = true;
}

void cluster::close(const error& why) {
  closed_ = true;
  status_.set_down(why);
  for (auto& [where, each] : nodes_)
    for (const auto& link : each->links) link->close(why);
  for (const auto& each : std::exchange(early_, {})) give_up(each, why);
  for (auto& [slot, move] : std::exchange(moves_, {})) {
    for (const auto& each : move.returned) give_up(each, why);
    for (const auto& each : move.later) give_up(each, why);
  }
}

// --- commands

void cluster::send(command next) {
  const auto slot = static_cast<std::uint16_t>(next.route);
  auto one = std::make_shared<journey>(std::move(next));
  if (const auto move = moves_.find(slot); move != moves_.end()) {
    around_.wake.need(one->what.deadline);
    move->second.later.push_back(std::move(one));
    return;
  }
  if (node* const owner = owners_[slot]) return send_to(*owner, one, false);
  if (!has_map_ && first_attempt_) {
    around_.wake.need(one->what.deadline);
    early_.push_back(std::move(one));
    return;
  }
  want_map();
  give_up(one, status_.down().value_or(not_served(slot)));
}

void cluster::send_to(node& at, const journey_pointer& one, bool asking) {
  connection& link = link_of(at, one->what.route);
  ++open_[one->what.route];
  one->last = at.where;
  if (asking)
    link.send({.wire = format_command({"ASKING"}),
               .deadline = one->what.deadline,
               .done = [](const result<reply>&) {}});
  link.send({.wire = one->what.wire,
             .deadline = one->what.deadline,
             .done = [this, one](result<reply> answer) { answered(one, std::move(answer)); },
             .owner = one});
}

void cluster::answered(const journey_pointer& one, result<reply> answer) {
  const auto slot = static_cast<std::uint16_t>(one->what.route);
  --open_[slot];
  const bool redirects = answer && answer->what == reply::kind::error && !closed_;
  const auto where = redirects ? redirection_of(answer->text, one->last) : std::nullopt;
  if (where && one->redirections < redirections_max) {
    follow(one, *where);
  } else {
    if (!answer && answer.error().code == error_code::unavailable) want_map();
    if (redirects)
      answer = std::unexpected(error{error_code::unavailable,
                                     "the Redis cluster redirects again and again",
                                     one->last.text(), "see whether it is being changed"});
    one->what.done(std::move(answer));
  }
  settle(slot);
}

void cluster::follow(const journey_pointer& one, const redirection& where) {
  ++one->redirections;
  if (!where.for_good) return send_to(node_at(where.to), one, true);
  auto& move = moves_[static_cast<std::uint16_t>(one->what.route)];
  move.to = where.to;
  around_.wake.need(one->what.deadline);
  move.returned.push_back(one);
  want_map();
}

// Begins with the new owner of a slot when the old one has answered all.
void cluster::settle(std::uint16_t slot) {
  const auto move = moves_.find(slot);
  if (move == moves_.end() || open_[slot] != 0 || closed_) return;
  owners_[slot] = &node_at(move->second.to);
  const slot_move done = std::move(move->second);
  moves_.erase(move);
  start_again(done.returned);
  start_again(done.later);
}

void cluster::start_again(const std::deque<journey_pointer>& all) {
  for (const auto& each : all) {
    node* const owner = owners_[each->what.route];
    if (owner != nullptr) {
      send_to(*owner, each, false);
    } else {
      give_up(each, not_served(each->what.route));
    }
  }
}

void cluster::give_up(const journey_pointer& one, const error& why) {
  one->what.done(std::unexpected(why));
}

// --- nodes

cluster::node& cluster::node_at(const address& where) {
  auto& found = nodes_[where];
  if (found) return *found;
  found = std::make_unique<node>(node{.where = where});
  node& made = *found;
  for (std::size_t count = 0; count < around_.settings.connections; ++count)
    made.links.push_back(std::make_shared<connection>(
        around_, where,
        connection_events{.on_ready = [this] { note_ready(); },
                          .on_lost = [this](const error& why) { note_lost(why); }}));
  for (const auto& each : made.links) each->start();
  return made;
}

connection& cluster::link_of(node& at, std::uint32_t slot) const {
  return *at.links[slot % at.links.size()];
}

void cluster::note_ready() {
  if (has_map_) status_.set_up();
  ask_for_map();
}

void cluster::note_lost(const error& why) {
  want_map();
  if (std::ranges::any_of(nodes_, [](const auto& each) { return each.second->is_ready(); })) return;
  const bool all_failed = std::ranges::all_of(nodes_, [](const auto& each) {
    return std::ranges::all_of(each.second->links,
                               [](const auto& link) { return link->status().down().has_value(); });
  });
  if (all_failed) first_attempt_failed(why);
}

void cluster::first_attempt_failed(const error& why) {
  first_attempt_ = false;
  status_.set_down(why);
  for (const auto& each : std::exchange(early_, {})) give_up(each, why);
}

std::vector<connections> cluster::servers() const {
  std::set<const node*> owners(owners_.begin(), owners_.end());
  owners.erase(nullptr);
  std::vector<connections> all;
  for (const node* each : owners) all.push_back(each->links);
  return all;
}

address cluster::next_server() {
  auto at = nodes_.begin();
  std::advance(at, static_cast<std::ptrdiff_t>(rotation_++ % nodes_.size()));
  return at->first;
}

// --- the map of slots

void cluster::want_map() {
  map_wanted_ = true;
  around_.wake.need(std::max(next_map_, around_.now()));
}

void cluster::ask_for_map() {
  if (!map_wanted_ || map_asked_ || closed_ || around_.now() < next_map_) return;
  std::vector<node*> ready;
  for (auto& [where, each] : nodes_)
    if (each->is_ready()) ready.push_back(each.get());
  if (ready.empty()) return;
  node& asked = *ready[around_.settings.random->next() % ready.size()];
  map_wanted_ = false;
  map_asked_ = true;
  next_map_ = around_.now() + between_maps;
  const auto link = std::ranges::find_if(asked.links, &connection::is_ready);
  (*link)->send({.wire = format_command({"CLUSTER", "SLOTS"}),
                 .deadline = around_.now() + around_.settings.connect_timeout,
                 .done = [this, where = asked.where](const result<reply>& answer) {
                   take_map(where, answer);
                 }});
}

void cluster::take_map(const address& asked, const result<reply>& answer) {
  map_asked_ = false;
  if (closed_) return;
  result<void> well = ended_well(answer);
  const auto ranges = well ? slot_ranges_of(*answer, asked) : std::unexpected(well.error().message);
  if (!ranges) {
    want_map();
    if (well)
      well = fail(error_code::unavailable, "the answer to CLUSTER SLOTS: " + ranges.error(),
                  asked.text(), "see CLUSTER INFO");
    if (!has_map_) first_attempt_failed(well.error());
    return;
  }
  for (const slot_range& each : *ranges) {
    node& owner = node_at(each.primary);
    for (unsigned slot = each.first; slot <= each.last; ++slot)
      assign(static_cast<std::uint16_t>(slot), owner);
  }
  has_map_ = true;
  first_attempt_ = false;
  status_.set_up();
  start_again(std::exchange(early_, {}));
  drop_unused_nodes();
}

void cluster::assign(std::uint16_t slot, node& owner) {
  if (owners_[slot] == &owner) return;
  if (open_[slot] == 0) {
    owners_[slot] = &owner;
  } else {
    moves_[slot].to = owner.where;
  }
}

void cluster::drop_unused_nodes() {
  std::set<const node*> used(owners_.begin(), owners_.end());
  for (const auto& [slot, move] : moves_)
    if (const auto found = nodes_.find(move.to); found != nodes_.end())
      used.insert(found->second.get());
  std::erase_if(nodes_, [&](const auto& entry) {
    const node& each = *entry.second;
    if (each.is_seed || used.contains(&each) || !each.is_idle()) return false;
    for (const auto& link : each.links)
      link->close({error_code::unavailable, "the node serves no slots", each.where.text(), {}});
    return true;
  });
}

// --- time

steady_time cluster::tick(steady_time now) {
  ask_for_map();
  expire(early_, now);
  for (auto& [slot, move] : moves_) {
    expire(move.returned, now);
    expire(move.later, now);
  }
  steady_time next = steady_time::max();
  std::vector<std::shared_ptr<connection>> all;
  for (const auto& [where, each] : nodes_) std::ranges::copy(each->links, std::back_inserter(all));
  for (const auto& each : all) next = std::min(next, each->tick(now));
  for (const auto& each : early_) next = std::min(next, each->what.deadline);
  for (const auto& [slot, move] : moves_)
    for (const auto* list : {&move.returned, &move.later})
      for (const auto& each : *list) next = std::min(next, each->what.deadline);
  if (map_wanted_ && !map_asked_ && next_map_ > now) next = std::min(next, next_map_);
  return next;
}

void cluster::expire(std::deque<journey_pointer>& waiting, steady_time now) {
  std::vector<journey_pointer> late;
  std::erase_if(waiting, [&](const journey_pointer& each) {
    if (each->what.deadline > now) return false;
    late.push_back(each);
    return true;
  });
  for (const auto& each : late)
    give_up(each,
            {error_code::deadline_exceeded, "the Redis cluster has not answered in time", {}, {}});
}

}  // namespace lodestar::redis_tier
