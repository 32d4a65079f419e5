#include <lodestar/swr/memory_store.hpp>

#include <optional>
#include <utility>

#include <lodestar/base/assert.hpp>

namespace lodestar::swr {

auto memory_store::settings_for(const memory_store_options& options) -> entries::options_type {
  entries::options_type settings{.weight_max = options.bytes_max,
                                 .weigher =
                                     [](const std::string& key, const kept& value) {
                                       return key.size() + value.bytes.size() +
                                              entry_overhead_bytes;
                                     },
                                 .time = options.time};
  settings.expires.after_create = [](const std::string&, const kept& value) {
    return value.keep_for;
  };
  settings.expires.after_update = [](const std::string&, const kept& value, nanoseconds) {
    return value.keep_for;
  };
  return settings;
}

memory_store::memory_store(const memory_store_options& options) : entries_(settings_for(options)) {}

void memory_store::get(std::string_view key, steady_time, got done) {
  // Not where it lies: a handler that takes long would keep everything that is removed meanwhile.
  const std::optional<kept> found = entries_.get(key);
  done(found ? std::optional(found->bytes.view()) : std::nullopt);
}

void memory_store::set(std::string_view key, shared_bytes bytes, nanoseconds keep_for, steady_time,
                       ended done) {
  LODESTAR_ASSERT(keep_for > nanoseconds::zero(), "an entry is kept for more than nothing");
  const std::size_t size = bytes.size();
  const auto stored = entries_.insert(std::string(key), {std::move(bytes), keep_for});
  if (stored == ::lodestar::cache::outcome::too_heavy) {
    return done(fail(error_code::too_large,
                     "an entry of " + std::to_string(size) + " bytes is larger than the store",
                     std::string(key), "make bytes_max larger, or the value smaller"));
  }
  done({});
}

void memory_store::remove(std::span<const std::string_view> keys, steady_time, ended done) {
  for (const std::string_view key : keys) static_cast<void>(entries_.remove(key));
  done({});
}

void memory_store::clear(steady_time, ended done) {
  entries_.invalidate_all();
  done({});
}

}  // namespace lodestar::swr
