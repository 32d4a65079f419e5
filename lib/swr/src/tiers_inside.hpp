// The inside of tiers: the parts, and what connects them.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include <lodestar/swr/tiers.hpp>

#include "announcer.hpp"
#include "recent_writes.hpp"
#include "tier.hpp"

namespace lodestar::swr::detail {

class tiers_inside : public std::enable_shared_from_this<tiers_inside> {
 public:
  explicit tiers_inside(tiers_options options);
  ~tiers_inside();
  tiers_inside(const tiers_inside&) = delete;
  tiers_inside& operator=(const tiers_inside&) = delete;
  /// Connects the parts, once there is a reference to hand out.
  void begin();
  void end();

  [[nodiscard]] std::shared_ptr<tiers_user> user_of(const std::string& name);
  [[nodiscard]] bool attach(const std::string& name, std::weak_ptr<tiers_user> user);
  void detach(const std::string& name);

  /// Whether an entry that a tier gave back is to be believed, tags aside.
  [[nodiscard]] bool believes(const tier& from, const envelope& entry) const;
  /// Whether what is known about the tag is good enough to judge entries by.
  [[nodiscard]] bool knows(const tag_mark& mark) const;

  [[nodiscard]] bool announces() const noexcept { return announcer_ != nullptr; }
  void announce(const backplane_message& message);
  void send();
  void plan_recovery();
  [[nodiscard]] bool is_settled() const;
  [[nodiscard]] bool has_shared() const noexcept { return has_shared_; }

  /// Null: nobody listens.
  [[nodiscard]] const std::shared_ptr<lifeline<event_sink>>& events() const noexcept {
    return events_;
  }
  /// Without the stores and the backplane.
  const tiers_options& options() const noexcept { return options_; }
  const clock& time;
  write_clock stamps;
  recent_writes recent;
  std::vector<std::shared_ptr<tier>> all;

 private:
  void recover();
  void receive(std::string_view bytes);
  void apply(const backplane_message& message);
  void apply_change(const backplane_message& message, tiers_user* user);
  void found_newer(std::string_view stored, const write_stamp& stamp);
  void found_newer_mark(std::string_view stored, const write_stamp& stamp);
  void announce_repair(std::string_view stored, const write_stamp& stamp);
  static constexpr std::size_t asserted_again_max = 1'000;
  void connected();
  void assert_again();
  [[nodiscard]] std::vector<std::shared_ptr<tiers_user>> users();
  void distrust(std::uint64_t up_to);

  tiers_options options_;
  std::shared_ptr<lifeline<event_sink>> events_;
  std::shared_ptr<backplane> announcements_;
  bool has_shared_ = false;
  std::shared_ptr<announcer> announcer_;
  std::atomic<bool> recovery_planned_{false};
  std::atomic<std::int64_t> connected_at_ns_{0};  // 0: never
  std::mutex mutex_;
  std::unordered_map<std::string, std::weak_ptr<tiers_user>> users_;
};

}  // namespace lodestar::swr::detail
