#include <lodestar/swr/tag_marks.hpp>

#include <algorithm>

namespace lodestar::swr {

tag_mark_pointer tag_marks::find(std::string_view tag) {
  const std::lock_guard held(mutex_);
  if (const auto place = marks_.find(tag); place != marks_.end()) return place->second;
  if (marks_.size() >= forget_at_) forget_unused();
  return marks_.emplace(std::string(tag), std::make_shared<tag_mark>(floor_)).first->second;
}

// Nobody can get hold of a mark meanwhile, as that takes the lock. When entries hold most of them,
// the next look waits until there are twice as many: it costs little for each one then.
void tag_marks::forget_unused() {
  for (auto each = marks_.begin(); each != marks_.end();) {
    if (each->second.use_count() > 1) {
      ++each;
      continue;
    }
    floor_ = std::max(floor_, each->second->removed_at());
    each = marks_.erase(each);
  }
  forget_at_ = std::max(marks_max_, 2 * marks_.size());
}

}  // namespace lodestar::swr
