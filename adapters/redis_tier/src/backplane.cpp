#include <lodestar/redis_tier/backplane.hpp>

#include <utility>

namespace lodestar::redis_tier {
namespace {

class channel_backplane final : public swr::backplane {
 public:
  channel_backplane(std::shared_ptr<client> over, std::string channel)
      : over_(std::move(over)), channel_(std::move(channel)) {}

  void listen(swr::backplane_listener listener) override {
    subscription_ = over_->subscribe(channel_, {.on_message = std::move(listener.received),
                                                .on_connected = std::move(listener.connected)});
  }
  void stop() override { subscription_.reset(); }
  void publish(std::string message, steady_time deadline, swr::store::ended done) override {
    over_->publish(channel_, message, deadline, std::move(done));
  }

 private:
  const std::shared_ptr<client> over_;
  const std::string channel_;
  std::unique_ptr<subscription> subscription_;
};

}  // namespace

std::shared_ptr<swr::backplane> make_backplane(std::shared_ptr<client> over, std::string channel) {
  return std::make_shared<channel_backplane>(std::move(over), std::move(channel));
}

}  // namespace lodestar::redis_tier
