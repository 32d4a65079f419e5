#include "changes.hpp"

#include <algorithm>

namespace lodestar::lmdb_tier {

changes::changes(const std::vector<const write*>& writes) {
  all_.reserve(writes.size());
  for (const write* each : writes) {
    if (each->what == write::kind::clear) {
      all_.clear();
      clears_ = true;
    }
    for (const hash128& name : each->names())
      all_.push_back({table_key(name), each, each->what == write::kind::set, all_.size()});
  }
  // The last one of each key first, which is kept.
  std::ranges::sort(all_, [](const change& a, const change& b) {
    const int order = a.name.bytes().compare(b.name.bytes());
    return order != 0 ? order < 0 : a.order > b.order;
  });
  const auto same = [](const change& a, const change& b) {
    return a.name.bytes() == b.name.bytes();
  };
  all_.erase(std::unique(all_.begin(), all_.end(), same), all_.end());
  for (const change& each : all_) {
    if (!each.sets) continue;
    bytes_ += each.name.bytes().size() + sizeof(record_header) + each.from->key.size() +
              each.from->bytes.size();
  }
}

}  // namespace lodestar::lmdb_tier
