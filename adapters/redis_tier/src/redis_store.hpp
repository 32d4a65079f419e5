// The store, and what runs its thread.
#pragma once

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <lodestar/redis_tier/client.hpp>

#include "alarm.hpp"
#include "asio.hpp"
#include "mailbox.hpp"
#include "router.hpp"
#include "server_url.hpp"
#include "surroundings.hpp"
#include "turns.hpp"

namespace lodestar::redis_tier {

class channel_listener;

class redis_store final : public client {
 public:
  /// `tls`: nothing when the URL does not want it.
  redis_store(const options& settings, server_url url, std::unique_ptr<asio::ssl::context> tls,
              late_reply late);
  ~redis_store() override;

  [[nodiscard]] std::string_view name() const noexcept override { return "redis"; }
  void get(std::string_view key, steady_time deadline, got done) override;
  void set(std::string_view key, shared_bytes bytes, nanoseconds keep_for, steady_time deadline,
           ended done) override;
  void remove(std::span<const std::string_view> keys, steady_time deadline, ended done) override;
  void clear(steady_time deadline, ended done) override;
  void publish(std::string_view channel, std::string_view payload, steady_time deadline,
               ended done) override;
  [[nodiscard]] std::unique_ptr<subscription> subscribe(std::string channel,
                                                        subscription_events events) override;

  /// Of a subscription: from any thread, returns when no callback of it runs any more.
  void stop(const std::shared_ptr<channel_listener>& listening);

 private:
  [[nodiscard]] std::string stored(std::string_view key) const;
  /// Whether a command has a chance; the memory that it takes.
  [[nodiscard]] result<memory_bound::reservation> admit(std::uint32_t route, std::size_t bytes,
                                                        steady_time deadline);
  void submit(std::span<parcel> all);
  void run();
  void wake();
  void take_parcels();
  void shut_down();
  [[nodiscard]] steady_time tick(steady_time now);

  const options settings_;
  const server_url url_;
  const std::unique_ptr<asio::ssl::context> tls_;
  memory_bound memory_;
  asio::io_context context_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_{context_.get_executor()};
  alarm alarm_;
  turns turns_;
  const surroundings around_;
  const std::unique_ptr<router> router_;
  mailbox mailbox_;
  std::vector<parcel> emptied_;  // the thread's: memory for what it takes next
  std::vector<std::shared_ptr<channel_listener>> listeners_;  // the thread's
  std::thread thread_;
};

/// As connect() does; `late` is for a test.
[[nodiscard]] result<std::unique_ptr<client>> connect_with(const options& settings,
                                                           late_reply late);

}  // namespace lodestar::redis_tier
