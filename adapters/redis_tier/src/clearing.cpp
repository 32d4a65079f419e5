#include "clearing.hpp"

#include <utility>
#include <vector>

#include "format_command.hpp"
#include "joined_answer.hpp"
#include "unlink_commands.hpp"

namespace lodestar::redis_tier {

void clearing::begin(router& by, const options& settings, steady_time deadline,
                     swr::store::ended done) {
  const auto servers = by.servers();
  if (servers.empty())
    return done(fail(error_code::unavailable, "the nodes of the Redis cluster are not known yet"));
  std::make_shared<clearing>(by, settings, deadline, std::move(done))->wait_for_earlier(servers);
}

clearing::clearing(router& by, const options& settings, steady_time deadline,
                   swr::store::ended done)
    : by_(by),
      settings_(settings),
      pattern_(pattern_of(settings.key_prefix)),
      deadline_(deadline),
      done_(std::move(done)) {}

void clearing::wait_for_earlier(const std::vector<redis_tier::connections>& servers) {
  std::size_t count = 0;
  for (const auto& each : servers) count += each.size();
  const auto all = std::make_shared<joined_answer>(
      count, [self = shared_from_this(), servers](result<void> outcome) {
        if (!outcome) return self->done_(std::move(outcome));
        self->open_ = servers.size();
        for (const auto& each : servers) self->scan(each.front(), "0");
      });
  for (const auto& each : servers)
    for (const server& one : each)
      one->send({.wire = format_command({"PING"}),
                 .deadline = deadline_,
                 .done = joined_answer::part(all)});
}

void clearing::scan(const server& at, const std::string& cursor) {
  at->send({.wire = format_command({"SCAN", cursor, "MATCH", pattern_, "COUNT", "1000"}),
            .deadline = deadline_,
            .done = [self = shared_from_this(), at](const result<reply>& answer) {
              self->scanned(at, answer);
            }});
}

// [cursor, [key, …]]
void clearing::scanned(const server& at, const result<reply>& answer) {
  if (!answer) return note(std::unexpected(answer.error()));
  const auto& parts = answer->elements;
  if (parts.size() != 2 || !parts[0].is_text() || parts[1].what != reply::kind::array)
    return note(fail(error_code::corrupt, "Redis has answered SCAN with something else",
                     at->server().text()));
  remove(at, parts[1].elements, parts[0].text);
}

void clearing::remove(const server& at, std::vector<reply> found, const std::string& cursor) {
  std::vector<std::string> keys;
  for (reply& each : found)
    if (each.text.starts_with(settings_.key_prefix)) keys.push_back(std::move(each.text));
  auto commands = unlink_commands(keys, by_);
  if (commands.empty()) return go_on(at, cursor);
  const auto all = std::make_shared<joined_answer>(
      commands.size(), [self = shared_from_this(), at, cursor](const result<void>& outcome) {
        if (!outcome) return self->note(outcome);
        self->go_on(at, cursor);
      });
  for (auto& each : commands)
    by_.send({.wire = std::move(each.wire),
              .deadline = deadline_,
              .done = joined_answer::part(all),
              .route = each.route});
}

// SCAN has ended when it gives back the cursor with which it began.
void clearing::go_on(const server& at, const std::string& cursor) {
  if (cursor == "0") return note({});
  scan(at, cursor);
}

void clearing::note(const result<void>& outcome) {
  if (outcome_ && !outcome) outcome_ = outcome;
  if (--open_ == 0) done_(std::move(outcome_));
}

std::string pattern_of(std::string_view prefix) {
  std::string pattern;
  for (const char byte : prefix) {
    if (std::string_view("*?[]\\").contains(byte)) pattern += '\\';
    pattern += byte;
  }
  return pattern + '*';
}

}  // namespace lodestar::redis_tier
