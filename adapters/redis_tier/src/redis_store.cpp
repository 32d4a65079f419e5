#include "redis_store.hpp"

#include <algorithm>
#include <future>
#include <utility>

#include <fmt/format.h>

#include <lodestar/base/assert.hpp>
#include <lodestar/base/executor.hpp>

#include "channel_listener.hpp"
#include "clearing.hpp"
#include "cluster.hpp"
#include "format_command.hpp"
#include "joined_answer.hpp"
#include "single_server.hpp"
#include "unlink_commands.hpp"

namespace lodestar::redis_tier {
namespace {

[[nodiscard]] error destroyed() {
  return {error_code::cancelled, "the store in Redis is being destroyed", {}, {}};
}

[[nodiscard]] std::unique_ptr<router> make_router(const surroundings& around) {
  if (around.url.hosts.size() > 1) return std::make_unique<cluster>(around);
  return std::make_unique<single_server>(around);
}

// A parcel is carried out, or given up for that reason.
void give_up(parcel& each, const error& why) {
  if (auto* const one = std::get_if<command>(&each)) {
    one->done(std::unexpected(why));
  } else {
    std::get<errand>(each)(&why);
  }
}

command::answered got_by(swr::store::got done) {
  return [done = std::move(done)](const result<reply>& answer) mutable {
    if (auto well = ended_well(answer); !well) return done(std::unexpected(well.error()));
    if (answer->what == reply::kind::nil) return done(std::nullopt);
    if (answer->is_text()) return done(std::string_view(answer->text));
    done(fail(error_code::corrupt, "Redis has answered GET with something else"));
  };
}

command::answered ended_by(swr::store::ended done) {
  return
      [done = std::move(done)](const result<reply>& answer) mutable { done(ended_well(answer)); };
}

}  // namespace

redis_store::redis_store(const options& settings, server_url url,
                         std::unique_ptr<asio::ssl::context> tls, late_reply late)
    : settings_(settings),
      url_(std::move(url)),
      tls_(std::move(tls)),
      memory_(settings.queue_bytes_max),
      alarm_(context_, *settings.time, [this](steady_time now) { return tick(now); }),
      turns_(context_, [this] { take_parcels(); }),
      around_{.settings = settings_,
              .url = url_,
              .context = context_,
              .wake = alarm_,
              .turns = turns_,
              .tls = tls_.get(),
              .late = late},
      router_(make_router(around_)),
      mailbox_([this] { wake(); }),
      thread_([this] { run(); }) {}

redis_store::~redis_store() {
  LODESTAR_ASSERT(thread_.get_id() != std::this_thread::get_id(),
                  "a store is not destroyed by its own handler");
  asio::post(context_, [this] { shut_down(); });
  thread_.join();
}

// --- on the caller's thread

void redis_store::get(std::string_view key, steady_time deadline, got done) {
  const std::string name = stored(key);
  const std::uint32_t route = router_->route_of(name);
  auto memory = admit(route, name.size(), deadline);
  if (!memory) return done(std::unexpected(memory.error()));
  parcel one(command{.wire = format_command({"GET", name}),
                     .deadline = deadline,
                     .done = got_by(std::move(done)),
                     .route = route,
                     .memory = *std::move(memory)});
  submit({&one, 1});
}

void redis_store::set(std::string_view key, shared_bytes bytes, nanoseconds keep_for,
                      steady_time deadline, ended done) {
  LODESTAR_ASSERT(keep_for > nanoseconds::zero(), "an entry is kept for more than nothing");
  if (bytes.size() > settings_.value_bytes_max) {
    return done(fail(error_code::too_large,
                     fmt::format("a value of {} bytes is larger than the {} that are allowed",
                                 bytes.size(), settings_.value_bytes_max),
                     "value_bytes_max", "make it larger, or the value smaller"));
  }
  const std::string name = stored(key);
  const std::uint32_t route = router_->route_of(name);
  auto memory = admit(route, name.size() + bytes.size(), deadline);
  if (!memory) return done(std::unexpected(memory.error()));
  const bool for_ever = settings_.disable_expiration || keep_for == nanoseconds::max();
  const std::string time_ms = std::to_string(std::chrono::ceil<milliseconds>(keep_for).count());
  parcel one(command{.wire = for_ever ? format_command({"SET", name, bytes.view()})
                                      : format_command({"SET", name, bytes.view(), "PX", time_ms}),
                     .deadline = deadline,
                     .done = ended_by(std::move(done)),
                     .route = route,
                     .memory = *std::move(memory)});
  submit({&one, 1});
}

void redis_store::remove(std::span<const std::string_view> keys, steady_time deadline, ended done) {
  if (keys.empty()) return done({});
  std::vector<std::string> names;
  for (const std::string_view key : keys) names.push_back(stored(key));
  auto commands = unlink_commands(names, *router_);
  std::vector<memory_bound::reservation> memory;
  for (const auto& each : commands) {
    auto admitted = admit(each.route, each.wire.size(), deadline);
    if (!admitted) return done(std::unexpected(admitted.error()));
    memory.push_back(*std::move(admitted));
  }
  const auto joined = std::make_shared<joined_answer>(commands.size(), std::move(done));
  std::vector<parcel> all;
  for (std::size_t index = 0; index < commands.size(); ++index)
    all.emplace_back(command{.wire = std::move(commands[index].wire),
                             .deadline = deadline,
                             .done = joined_answer::part(joined),
                             .route = commands[index].route,
                             .memory = std::move(memory[index])});
  submit(all);
}

void redis_store::clear(steady_time deadline, ended done) {
  auto memory = admit(router_->route_of(settings_.key_prefix), 0, deadline);
  if (!memory) return done(std::unexpected(memory.error()));
  parcel one(errand([this, deadline, memory = *std::move(memory),
                     done = std::move(done)](const error* cancelled) mutable {
    if (cancelled != nullptr) return done(std::unexpected(*cancelled));
    clearing::begin(*router_, settings_, deadline, std::move(done));
  }));
  submit({&one, 1});
}

void redis_store::publish(std::string_view channel, std::string_view payload, steady_time deadline,
                          ended done) {
  const std::uint32_t route = router_->route_of(channel);
  auto memory = admit(route, channel.size() + payload.size(), deadline);
  if (!memory) return done(std::unexpected(memory.error()));
  parcel one(command{.wire = format_command({"PUBLISH", channel, payload}),
                     .deadline = deadline,
                     .done = ended_by(std::move(done)),
                     .route = route,
                     .memory = *std::move(memory)});
  submit({&one, 1});
}

std::string redis_store::stored(std::string_view key) const {
  std::string name;
  name.reserve(settings_.key_prefix.size() + key.size());
  name += settings_.key_prefix;
  name += key;
  return name;
}

result<memory_bound::reservation> redis_store::admit(std::uint32_t route, std::size_t bytes,
                                                     steady_time deadline) {
  if (deadline <= settings_.time->now())
    return fail(error_code::deadline_exceeded, "the deadline had passed before Redis was asked");
  if (auto why = router_->refusal(route)) return std::unexpected(*std::move(why));
  auto memory = memory_.reserve(bytes + command::overhead_bytes);
  if (!memory)
    return fail(error_code::unavailable, "Redis answers more slowly than calls come",
                "queue_bytes_max", "make it larger, or ask less");
  return *std::move(memory);
}

// Called by whoever puts something into the empty mailbox.
void redis_store::wake() {
  if (context_.get_executor().running_in_this_thread() && turns_.will_collect()) return;
  asio::post(context_, [this] { const turns::turn collected(turns_); });
}

void redis_store::submit(std::span<parcel> all) {
  if (mailbox_.put(all)) return;
  for (parcel& each : all) give_up(each, destroyed());
}

// --- on the loop's thread

void redis_store::run() {
  set_thread_name("redis tier");
  router_->start();
  context_.run();
}

void redis_store::take_parcels() {
  std::vector<parcel> all = std::exchange(emptied_, {});
  mailbox_.take(all);
  for (parcel& each : all) {
    if (auto* const one = std::get_if<command>(&each)) {
      router_->send(std::move(*one));
    } else {
      std::get<errand>(each)(nullptr);
    }
  }
  all.clear();
  emptied_ = std::move(all);
}

steady_time redis_store::tick(steady_time now) {
  steady_time next = router_->tick(now);
  for (const auto& each : std::vector(listeners_)) next = std::min(next, each->tick(now));
  return next;
}

void redis_store::shut_down() {
  mailbox_.close();
  alarm_.stop();
  std::vector<parcel> left;
  mailbox_.take(left);
  for (parcel& each : left) give_up(each, destroyed());
  router_->close(destroyed());
  LODESTAR_ASSERT(listeners_.empty(), "subscriptions are destroyed before their client");
  work_.reset();
  context_.stop();
}

// --- subscriptions

namespace {

class running_subscription final : public subscription {
 public:
  running_subscription(redis_store& of, std::shared_ptr<channel_listener> listening)
      : of_(of), listening_(std::move(listening)) {}
  ~running_subscription() override { of_.stop(listening_); }
  running_subscription(const running_subscription&) = delete;
  running_subscription& operator=(const running_subscription&) = delete;

 private:
  redis_store& of_;
  const std::shared_ptr<channel_listener> listening_;
};

}  // namespace

std::unique_ptr<subscription> redis_store::subscribe(std::string channel,
                                                     subscription_events events) {
  LODESTAR_ASSERT(events.on_message != nullptr, "whoever subscribes takes messages");
  auto listening = std::make_shared<channel_listener>(std::move(channel), std::move(events));
  parcel one(errand([this, listening](const error* cancelled) {
    if (cancelled != nullptr) return;
    listeners_.push_back(listening);
    listening->start(around_, *router_);
  }));
  submit({&one, 1});
  return std::make_unique<running_subscription>(*this, std::move(listening));
}

void redis_store::stop(const std::shared_ptr<channel_listener>& listening) {
  const auto forget = [this](const std::shared_ptr<channel_listener>& which) {
    which->close(destroyed());
    std::erase(listeners_, which);
    // It may be one of its own callbacks that ends it.
    asio::post(context_, [which] {});
  };
  if (thread_.get_id() == std::this_thread::get_id()) return forget(listening);
  std::promise<void> stopped;
  parcel one(errand([&](const error*) {
    forget(listening);
    stopped.set_value();
  }));
  submit({&one, 1});
  stopped.get_future().wait();
}

}  // namespace lodestar::redis_tier
