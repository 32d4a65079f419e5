#include "ingest/import_ids.hpp"

#include <iterator>
#include <utility>

#include <fmt/format.h>
#include <lodestar/base/hash.hpp>

namespace lodestar::app {
namespace {

constexpr std::size_t slots_at_first = 1'024;  // a power of two, as ever after

/// All that makes the event, each text with its size so that no two events read the same.
void write_content(std::string& out, const log::new_event& event) {
  out.clear();
  fmt::format_to(std::back_inserter(out), "{}", event.schema_version);
  for (const auto* text : {&event.event_type, &event.aggregate_type, &event.aggregate_id,
                           &event.payload, &event.metadata}) {
    fmt::format_to(std::back_inserter(out), ",{}:", text->size());
    out += *text;
  }
}

}  // namespace

import_ids::import_ids(std::string_view file_name)
    : seed_(hash_bytes_64(file_name)), hashes_(slots_at_first), counts_(slots_at_first) {}

std::string import_ids::next(const log::new_event& event) {
  write_content(content_, event);
  auto hash = hash_bytes_128(content_, seed_);
  // Were two contents ever to share these 64 bits, the second would only count as a repetition.
  if (const auto before = count(hash.low); before > 0)
    hash = hash_bytes_128(content_, seed_ + before);
  // The file in front: the ids of a file then lie side by side in the log's index, which may be
  // much larger than the file and than the memory for it.
  return fmt::format("import-{:08x}{}", seed_ >> 32, std::string_view(hash.hex()).substr(8));
}

std::uint32_t import_ids::count(std::uint64_t content_hash) {
  if (content_hash == 0) content_hash = 1;
  if ((taken_ + 1) * 4 > hashes_.size() * 3) grow();
  const auto slot = slot_of(content_hash);
  if (hashes_[slot] == 0) {
    hashes_[slot] = content_hash;
    ++taken_;
  }
  return counts_[slot]++;
}

std::size_t import_ids::slot_of(std::uint64_t content_hash) const noexcept {
  auto slot = content_hash & (hashes_.size() - 1);
  while (hashes_[slot] != 0 && hashes_[slot] != content_hash)
    slot = (slot + 1) & (hashes_.size() - 1);
  return slot;
}

void import_ids::grow() {
  const auto hashes = std::exchange(hashes_, std::vector<std::uint64_t>(hashes_.size() * 2));
  const auto counts = std::exchange(counts_, std::vector<std::uint32_t>(counts_.size() * 2));
  for (std::size_t old = 0; old < hashes.size(); ++old) {
    if (hashes[old] == 0) continue;
    const auto slot = slot_of(hashes[old]);
    hashes_[slot] = hashes[old];
    counts_[slot] = counts[old];
  }
}

}  // namespace lodestar::app
