#include "connection.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include <lodestar/base/logging.hpp>

#include "format_command.hpp"
#include "server_error.hpp"

namespace lodestar::redis_tier {
namespace {

// One that is lost sooner than that was not worth beginning anew without a longer delay.
constexpr std::chrono::seconds stable_after{1};
// A reply is a value, or a page of keys.
constexpr std::size_t page_bytes_max = 16U << 20;
// More, and server and client wait for each other; fewer, and both write for a few commands only.
constexpr int replies_of_a_turn = 32;
constexpr std::size_t outgoing_bytes_kept = 64U << 10;

std::vector<std::string> greeting_of(const server_url& url, std::vector<std::string> then) {
  std::vector<std::string> all;
  if (!url.password.empty() && url.user.empty())
    all.push_back(format_command({"AUTH", url.password}));
  if (!url.password.empty() && !url.user.empty())
    all.push_back(format_command({"AUTH", url.user, url.password}));
  if (url.database != 0) all.push_back(format_command({"SELECT", std::to_string(url.database)}));
  all.push_back(format_command({"PING"}));
  std::ranges::move(then, std::back_inserter(all));
  return all;
}

// ["message", channel, payload]
[[nodiscard]] bool is_message(const reply& whole) noexcept {
  return whole.what == reply::kind::array && whole.elements.size() == 3 &&
         whole.elements[0].text == "message";
}

// What is said to whoever comes later: it was not their reply that was wrong.
[[nodiscard]] error refusal_after(error why) {
  if (why.code == error_code::corrupt) why.code = error_code::unavailable;
  return why;
}

[[nodiscard]] bool is_redirection(const reply& whole) noexcept {
  return whole.text.starts_with("MOVED ") || whole.text.starts_with("ASK ");
}

}  // namespace

connection::link::link(const surroundings& around, const std::string& host)
    : stream(make_transport(around.context, around.tls, host)),
      resolver(around.context),
      reader({.text_bytes_max = around.settings.value_bytes_max + page_bytes_max}) {}

connection::connection(const surroundings& around, address server, connection_events events,
                       std::vector<std::string> greeting)
    : around_(around),
      server_(std::move(server)),
      name_(server_.text()),
      greeting_(greeting_of(around.url, std::move(greeting))),
      events_(std::move(events)) {}

// --- from nothing to ready

void connection::start() {
  begin();
}

void connection::move_to(address server) {
  server_ = std::move(server);
  name_ = server_.text();
}

void connection::begin() {
  state_ = state::connecting;
  time_of_state_ = around_.now() + around_.settings.connect_timeout;
  around_.wake.need(time_of_state_);
  link_ = std::make_shared<link>(around_, server_.host);
  look_up();
}

void connection::look_up() {
  io_error problem;
  const auto numeric = asio::ip::make_address(server_.host, problem);
  if (!problem) return connect_to({tcp::endpoint(numeric, server_.port)});
  link_->resolver.async_resolve(
      server_.host, std::to_string(server_.port), tcp::resolver::numeric_service,
      [self = shared_from_this(), of = link_](io_error failure,
                                              const tcp::resolver::results_type& found) {
        if (!self->is_current(of)) return;
        if (failure)
          return self->lose(self->unavailable("the host was not found: " + failure.message()));
        self->connect_to({found.begin(), found.end()});
      });
}

void connection::connect_to(std::vector<tcp::endpoint> where) {
  link_->stream->connect(
      std::move(where), [self = shared_from_this(), of = link_](io_error problem) {
        if (!self->is_current(of)) return;
        if (!problem) return self->greet();
        const std::string more = of->stream->failure();
        self->lose(self->unavailable(fmt::format("it cannot be reached: {}{}{}", problem.message(),
                                                 more.empty() ? "" : ": ", more)));
      });
}

void connection::greet() {
  state_ = state::greeting;
  greetings_open_ = greeting_.size();
  for (const std::string& each : greeting_)
    send_now(each, time_of_state_, [this](const result<reply>& answer) { greeted(answer); });
  write();
  read();
}

void connection::greeted(const result<reply>& answer) {
  if (state_ != state::greeting) return;
  if (!answer) return lose(answer.error());
  if (--greetings_open_ == 0) become_ready();
}

void connection::become_ready() {
  state_ = state::ready;
  if (!std::exchange(first_attempt_, false)) log_info("redis", "connected", {{"server", name_}});
  time_of_state_ = heard_at_ = around_.now();
  around_.wake.need(next_time());
  status_.set_up();
  write();
  if (events_.on_ready) events_.on_ready();
}

void connection::ask_whether_it_lives(steady_time now) {
  send_now(format_command({"PING"}), now + around_.settings.connect_timeout,
           [](const result<reply>&) {});
  write();
}

// --- commands and replies

void connection::send(command next) {
  if (state_ == state::closed || (state_ != state::ready && !first_attempt_)) {
    const auto why = status_.down();
    return next.done(std::unexpected(why ? *why : unavailable("it is not connected")));
  }
  around_.wake.need(next.deadline);
  waiting_.push_back(std::move(next));
  if (!std::exchange(write_planned_, true)) around_.turns.plan(shared_from_this());
}

// Not as one of those that wait until the connection is ready.
void connection::send_now(std::string wire, steady_time until, command::answered done) {
  around_.wake.need(until);
  link_->outgoing += wire;
  sent_.push_back({{.wire = {}, .deadline = until, .done = std::move(done)}, until});
}

void connection::write() {
  write_planned_ = false;
  if (!link_ || link_->is_writing) return;
  if (state_ == state::ready) {
    for (command& each : waiting_) {
      std::string wire = std::exchange(each.wire, {});
      if (link_->outgoing.empty()) {
        link_->outgoing = std::move(wire);
      } else {
        link_->outgoing += wire;
      }
      const steady_time give_up = each.deadline + around_.settings.reply_timeout;
      sent_.push_back({std::move(each), give_up});
    }
    waiting_.clear();
  }
  if (!link_->outgoing.empty()) write_bytes();
}

void connection::write_bytes() {
  std::string& bytes = link_->outgoing;
  bytes.erase(0, link_->stream->write_now(bytes));
  if (bytes.empty()) {
    // Memory for what comes next, but not for as much as was once written.
    if (bytes.capacity() > outgoing_bytes_kept) bytes = {};
    return;
  }
  link_->is_writing = true;
  link_->writing = std::exchange(bytes, {});
  link_->stream->write(
      link_->writing, [self = shared_from_this(), of = link_](io_error problem, std::size_t) {
        if (!self->is_current(of)) return;
        of->is_writing = false;
        if (problem) return self->lose(self->unavailable("it was lost: " + problem.message()));
        self->write();
      });
}

void connection::read() {
  link_->stream->read(link_->input,
                      [self = shared_from_this(), of = link_](io_error problem, std::size_t bytes) {
                        if (!self->is_current(of)) return;
                        if (problem)
                          return self->lose(self->unavailable("it was lost: " + problem.message()));
                        self->received(bytes);
                      });
}

void connection::received(std::size_t bytes) {
  const link_pointer of = link_;
  heard_at_ = around_.now();
  of->reader.feed({of->input.data(), bytes});
  while (is_current(of) && take_replies(of)) {
  }
  if (is_current(of)) read();
}

// As many as one turn answers, so that the server works on what they led to while the others are
// answered. True when there may be more.
bool connection::take_replies(const link_pointer& of) {
  const turns::turn answering(around_.turns);
  for (int taken = 0; taken < replies_of_a_turn && is_current(of); ++taken) {
    auto next = of->reader.next();
    if (!next) {
      lose({error_code::corrupt, "what came is not Redis' protocol: " + next.error(), name_,
            "see whether a Redis server listens there"});
      return false;
    }
    if (!*next) return false;
    take(**std::move(next));
  }
  return true;
}

void connection::take(reply whole) {
  if (events_.on_message && is_message(whole)) return events_.on_message(whole.elements[2].text);
  if (sent_.empty())
    return lose({error_code::corrupt, "a reply came that nobody has asked for", name_,
                 "see whether a Redis server listens there"});
  command asked = std::move(sent_.front().what);
  sent_.pop_front();
  if (whole.what != reply::kind::error || is_redirection(whole)) {
    if (asked.done) asked.done(std::move(whole));
    return;
  }
  server_error problem = server_error_of(whole.text, name_);
  const bool renew = problem.reconnects && state_ == state::ready &&
                     around_.now() - time_of_state_ >= stable_after;
  if (asked.done) asked.done(std::unexpected(problem.what));
  if (renew && state_ == state::ready) lose(std::move(problem.what));
}

// --- time

steady_time connection::tick(steady_time now) {
  if (state_ == state::resting && now >= time_of_state_ && !first_attempt_) begin();
  expire(now);
  const bool too_late = state_ == state::connecting && now >= time_of_state_;
  const bool silent = !sent_.empty() && now >= sent_.front().give_up;
  if (too_late || silent) lose(unavailable("it does not answer"));
  if (state_ == state::ready && is_idle() && now - heard_at_ >= around_.settings.idle_max)
    ask_whether_it_lives(now);
  return next_time();
}

steady_time connection::next_time() const {
  if (state_ == state::closed) return steady_time::max();
  steady_time next = steady_time::max();
  for (const owed& each : sent_)
    if (each.what.done) next = std::min(next, each.what.deadline);
  for (const command& each : waiting_) next = std::min(next, each.deadline);
  if (!sent_.empty()) next = std::min(next, sent_.front().give_up);
  if (state_ == state::ready && is_idle())
    next = std::min(next, heard_at_ + around_.settings.idle_max);
  if (state_ != state::ready) next = std::min(next, time_of_state_);
  return next;
}

void connection::expire(steady_time now) {
  std::vector<command::answered> late;
  for (owed& each : sent_)
    if (each.what.done && each.what.deadline <= now && each.give_up > now)
      late.push_back(std::exchange(each.what.done, nullptr));
  if (around_.late == late_reply::given_to_the_next)
    std::erase_if(sent_, [](const owed& each) { return !each.what.done; });
  std::erase_if(waiting_, [&](command& each) {
    if (each.deadline > now) return false;
    late.push_back(std::move(each.done));
    return true;
  });
  for (auto& done : late)
    done(fail(error_code::deadline_exceeded, "Redis has not answered in time", name_));
}

// --- the end

void connection::lose(error why) {
  if (state_ == state::closed || state_ == state::resting) return;
  const steady_time now = around_.now();
  if (state_ == state::ready && now - time_of_state_ >= stable_after) delay_.reset();
  if (state_ == state::ready || first_attempt_)
    log_warning("redis", "not connected", {{"server", name_}, {"why", why.message}});
  state_ = state::resting;
  first_attempt_ = false;
  time_of_state_ = now + delay_.next(*around_.settings.random);
  around_.wake.need(time_of_state_);
  link_->resolver.cancel();
  link_->stream->close();
  link_.reset();
  status_.set_down(refusal_after(why));
  answer_all(why);
  if (events_.on_lost && state_ != state::closed) events_.on_lost(why);
}

void connection::close(const error& why) {
  if (state_ == state::closed) return;
  state_ = state::closed;
  if (link_) {
    link_->resolver.cancel();
    link_->stream->close();
    link_.reset();
  }
  status_.set_down(why);
  answer_all(why);
}

void connection::answer_all(const error& why) {
  auto sent = std::exchange(sent_, {});
  auto waiting = std::exchange(waiting_, {});
  for (owed& each : sent)
    if (each.what.done) each.what.done(std::unexpected(why));
  for (command& each : waiting) each.done(std::unexpected(why));
}

error connection::unavailable(std::string what) const {
  return {error_code::unavailable, "no connection to Redis: " + what, name_,
          "see whether the server runs and listens there"};
}

}  // namespace lodestar::redis_tier
