// A backplane (backplane.hpp) between several nodes of a test, whose messages arrive when the test
// says so and whose connections it interrupts.
//
// Not thread-safe: the test has one thread.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <lodestar/base/error.hpp>
#include <lodestar/swr/backplane.hpp>

namespace lodestar::swr::testing {

class steered_backplane {
 public:
  /// The connection of one node. Must not outlive the backplane.
  class connection final : public backplane {
   public:
    connection(steered_backplane& owner, bool connected) : owner_(owner), connected_(connected) {}
    void listen(backplane_listener listener) override {
      listener_ = std::move(listener);
      if (connected_) listener_.connected();
    }
    void stop() override { listener_ = {}; }
    void publish(std::string message, steady_time, store::ended done) override {
      published.push_back(message);
      if (!connected_)
        return done(fail(error_code::unavailable, "the test has interrupted the backplane"));
      owner_.send(*this, message);
      done({});
    }

    /// Messages that are under way to this node are lost when it is interrupted.
    void set_connected(bool connected) {
      if (connected == connected_) return;
      connected_ = connected;
      arriving_.clear();
      if (connected && tells_ && listener_.connected) listener_.connected();
    }
    /// A broken one: nobody hears of interruptions.
    void keep_interruptions_secret() { tells_ = false; }
    [[nodiscard]] std::size_t arriving() const { return arriving_.size(); }
    void deliver_one() {
      const std::string message = std::move(arriving_.front());
      arriving_.pop_front();
      if (listener_.received) listener_.received(message);
    }

    /// What this node wanted to say, whether or not it could; for the test to look at and to clear.
    std::vector<std::string> published;

   private:
    friend class steered_backplane;
    steered_backplane& owner_;
    backplane_listener listener_;
    bool connected_;
    bool tells_ = true;
    std::deque<std::string> arriving_;
  };

  /// Connected: before somebody listens.
  [[nodiscard]] std::shared_ptr<connection> connect(bool connected = true) {
    connections_.push_back(std::make_shared<connection>(*this, connected));
    return connections_.back();
  }

 private:
  void send(const connection& from, const std::string& message) {
    for (const auto& each : connections_) {
      if (each.get() != &from && each->connected_) each->arriving_.push_back(message);
    }
  }
  std::vector<std::shared_ptr<connection>> connections_;
};

}  // namespace lodestar::swr::testing
