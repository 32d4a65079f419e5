#include <lodestar/cache/detail/wait_circle.hpp>

#include <cstddef>
#include <mutex>
#include <unordered_map>

namespace lodestar::cache::detail {
namespace {

/// What the threads wait for whose loaders wait. Of the process, since loaders may use several
/// caches.
struct waiting_list {
  std::mutex mutex;
  std::unordered_map<std::thread::id, const awaited*> loads;

  [[nodiscard]] bool leads_back(const awaited* load, std::thread::id to) const {
    // No thread comes twice: its own turn would have closed the circle.
    for (std::size_t steps = 0; steps <= loads.size(); ++steps) {
      const std::thread::id runs_on = load->loading_on();
      if (runs_on == to) return true;
      const auto next = loads.find(runs_on);
      if (next == loads.end()) return false;
      load = next->second;
    }
    return false;
  }
};

/// Never destroyed: threads may outlive the statics.
waiting_list& all() {
  static auto* const list = new waiting_list;
  return *list;
}

}  // namespace

waiting_turn::waiting_turn(const awaited& load) {
  if (loaders_on_this_thread == 0) return;
  const std::thread::id self = std::this_thread::get_id();
  const std::lock_guard held(all().mutex);
  closes_circle_ = all().leads_back(&load, self);
  if (!closes_circle_) is_listed_ = all().loads.emplace(self, &load).second;
}

waiting_turn::~waiting_turn() {
  if (!is_listed_) return;
  const std::lock_guard held(all().mutex);
  all().loads.erase(std::this_thread::get_id());
}

}  // namespace lodestar::cache::detail
