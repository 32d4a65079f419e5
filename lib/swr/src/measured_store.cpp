#include <lodestar/swr/measured_store.hpp>

#include <utility>

namespace lodestar::swr {

struct measured_store::surroundings {
  std::string tier;
  std::string cache;
  event_sink& events;
  const clock& time;
};

measured_store::measured_store(std::shared_ptr<store> below, event_sink& events,
                               measured_store_options options)
    : below_(std::move(below)),
      around_(std::make_shared<const surroundings>(
          std::string(below_->name()), std::move(options.cache), events, *options.time)) {}

void measured_store::get(std::string_view key, steady_time deadline, got done) {
  const steady_time began = around_->time.now();
  below_->get(key, deadline,
              [around = around_, name = std::string(key), began,
               done = std::move(done)](result<std::optional<std::string_view>> bytes) mutable {
                around->events.read({.tier = around->tier,
                                     .cache = around->cache,
                                     .key = name,
                                     .hit = bytes && bytes->has_value(),
                                     .failed = !bytes,
                                     .latency = around->time.now() - began});
                done(std::move(bytes));
              });
}

void measured_store::set(std::string_view key, shared_bytes bytes, nanoseconds keep_for,
                         steady_time deadline, ended done) {
  const steady_time began = around_->time.now();
  below_->set(key, std::move(bytes), keep_for, deadline,
              [around = around_, name = std::string(key), began,
               done = std::move(done)](result<void> outcome) mutable {
                around->events.written({.tier = around->tier,
                                        .cache = around->cache,
                                        .key = name,
                                        .failed = !outcome,
                                        .latency = around->time.now() - began});
                done(std::move(outcome));
              });
}

void measured_store::remove(std::span<const std::string_view> keys, steady_time deadline,
                            ended done) {
  const steady_time began = around_->time.now();
  below_->remove(keys, deadline,
                 [around = around_, count = keys.size(),
                  first = std::string(keys.empty() ? std::string_view() : keys.front()), began,
                  done = std::move(done)](result<void> outcome) mutable {
                   around->events.removed({.tier = around->tier,
                                           .cache = around->cache,
                                           .keys = count,
                                           .first_key = first,
                                           .failed = !outcome,
                                           .latency = around->time.now() - began});
                   done(std::move(outcome));
                 });
}

void measured_store::clear(steady_time deadline, ended done) {
  const steady_time began = around_->time.now();
  below_->clear(deadline,
                [around = around_, began, done = std::move(done)](result<void> outcome) mutable {
                  around->events.removed({.tier = around->tier,
                                          .cache = around->cache,
                                          .everything = true,
                                          .failed = !outcome,
                                          .latency = around->time.now() - began});
                  done(std::move(outcome));
                });
}

}  // namespace lodestar::swr
