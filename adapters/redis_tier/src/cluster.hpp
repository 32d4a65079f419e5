// The router of a Redis cluster: knows which node serves which slot, and follows what moves.
//
// The nodes of the URL are asked for the others (CLUSTER SLOTS) as soon as one of them answers, and
// again when a node is lost or says that a slot has moved, at most a few times a second.
//
// Order. When a node answers MOVED, commands for that slot may still be on their way to it, and
// come back in the same way. Until the last of them has been answered, those that have come back
// and those that are new wait; then all go to the other node, in the order in which they were
// made. A slot that another map of the cluster moves is treated alike.
//
// Thread-safety: as router.hpp says.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "key_slot.hpp"
#include "router.hpp"
#include "slot_map.hpp"

namespace lodestar::redis_tier {

class cluster final : public router {
 public:
  explicit cluster(const surroundings& around);

  [[nodiscard]] std::uint32_t route_of(std::string_view key) const noexcept override;
  [[nodiscard]] std::optional<error> refusal(std::uint32_t route) const override;
  void start() override;
  void send(command next) override;
  steady_time tick(steady_time now) override;
  void close(const error& why) override;
  [[nodiscard]] std::vector<connections> servers() const override;
  [[nodiscard]] address next_server() override;

 private:
  struct node {
    address where;
    connections links = {};
    bool is_seed = false;
    [[nodiscard]] bool is_ready() const noexcept;
    [[nodiscard]] bool is_idle() const noexcept;
  };
  // A command that may have to be sent again.
  struct journey {
    command what;
    int redirections = 0;
    address last = {};
  };
  using journey_pointer = std::shared_ptr<journey>;
  struct slot_move {
    address to;
    std::deque<journey_pointer> returned = {};
    std::deque<journey_pointer> later = {};
  };

  [[nodiscard]] node& node_at(const address& where);
  [[nodiscard]] connection& link_of(node& at, std::uint32_t slot) const;
  void send_to(node& at, const journey_pointer& one, bool asking);
  void answered(const journey_pointer& one, result<reply> answer);
  void follow(const journey_pointer& one, const redirection& where);
  void settle(std::uint16_t slot);
  void start_again(const std::deque<journey_pointer>& all);
  void give_up(const journey_pointer& one, const error& why);

  void note_ready();
  void note_lost(const error& why);
  void want_map();
  void ask_for_map();
  void take_map(const address& asked, const result<reply>& answer);
  void assign(std::uint16_t slot, node& owner);
  void drop_unused_nodes();
  void first_attempt_failed(const error& why);

  void expire(std::deque<journey_pointer>& waiting, steady_time now);

  const surroundings& around_;
  link_status status_;
  std::map<address, std::unique_ptr<node>> nodes_;
  std::vector<node*> owners_;        // of each slot; nullptr: nobody that is known
  std::vector<std::uint32_t> open_;  // commands for each slot that are on their way
  std::map<std::uint16_t, slot_move> moves_;
  std::deque<journey_pointer> early_;  // until the first map
  bool has_map_ = false;
  bool map_wanted_ = true;
  bool map_asked_ = false;
  bool first_attempt_ = true;
  bool closed_ = false;
  steady_time next_map_;
  std::size_t rotation_ = 0;
};

}  // namespace lodestar::redis_tier
