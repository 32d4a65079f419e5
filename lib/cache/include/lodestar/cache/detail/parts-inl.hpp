// The classes inside of cache (cache.hpp).
#pragma once

#include <array>

#include <lodestar/cache/cache.hpp>

namespace lodestar::cache {

template <class Key, class Value, class Hash, class Equal>
class cache<Key, Value, Hash, Equal>::incoming {
 public:
  incoming(const cache& owner, std::uint64_t hash_of_key, const Key& of, Value&& value)
      : key(of),
        hash(hash_of_key),
        weight(owner.settings_.weigher ? owner.settings_.weigher(of, value) : 1),
        content(contents::pack(of, std::move(value))) {}
  ~incoming() {
    if constexpr (contents::boxed) {
      if (!stored) contents::destroy(contents::box_of(content));
    }
  }
  incoming(const incoming&) = delete;
  incoming& operator=(const incoming&) = delete;

  const Key& key;
  const std::uint64_t hash;
  const std::size_t weight;
  const words content;
  ticks expires = detail::ticks_never;
  ticks deadline = detail::ticks_never;
  // Of what was written before, elsewhere (snapshot.hpp).
  ticks age = 0;
  std::uint8_t uses = 0;
  detail::arrival how = detail::arrival::missed;
  const flight* loaded_by = nullptr;
  bool stored = false;
};

template <class Key, class Value, class Hash, class Equal>
class cache<Key, Value, Hash, Equal>::removals {
 public:
  explicit removals(cache& owner) noexcept : owner_(owner) {}
  ~removals() {
    for (std::size_t index = 0; index < count_; ++index) {
      const removal& each = items_[index];
      if (owner_.settings_.listener) {
        contents::open(each.content, [&](const Key& key, const Value& value) {
          owner_.settings_.listener(key, value, each.cause);
        });
      }
      owner_.retire(each.content);
    }
  }
  removals(const removals&) = delete;
  removals& operator=(const removals&) = delete;

  [[nodiscard]] bool full() const noexcept { return count_ == items_.size(); }
  void add(const words& content, removal_cause cause) noexcept {
    LODESTAR_ASSERT(!full(), "whoever removes looks for space first");
    items_[count_++] = {content, cause};
  }

 private:
  struct removal {
    words content;
    removal_cause cause;
  };
  cache& owner_;
  std::size_t count_ = 0;
  std::array<removal, detail::limits::removals_max> items_;
};

template <class Key, class Value, class Hash, class Equal>
class cache<Key, Value, Hash, Equal>::cleaning {
 public:
  explicit cleaning(cache& owner) noexcept : owner_(owner) {}
  ~cleaning() {
    if (owner_.settings_.destroys_in_maintain) return;
    owner_.set_alarm();
    owner_.sweep_some(detail::limits::swept_at_once);
    owner_.destroy_retired(detail::limits::retired_max);
  }
  cleaning(const cleaning&) = delete;
  cleaning& operator=(const cleaning&) = delete;

 private:
  cache& owner_;
};

template <class Key, class Value, class Hash, class Equal>
class cache<Key, Value, Hash, Equal>::policy_view {
 public:
  explicit policy_view(const cache& owner) noexcept : owner_(&owner) {}
  [[nodiscard]] std::uint32_t newer(std::uint32_t number) const noexcept {
    return owner_->records_.policy_links(number).newer;
  }
  [[nodiscard]] std::uint32_t older(std::uint32_t number) const noexcept {
    return owner_->records_.policy_links(number).older;
  }
  void set_newer(std::uint32_t number, std::uint32_t newer) const noexcept {
    owner_->records_.policy_links(number).newer = newer;
  }
  void set_older(std::uint32_t number, std::uint32_t older) const noexcept {
    owner_->records_.policy_links(number).older = older;
  }
  [[nodiscard]] std::uint8_t region(std::uint32_t number) const noexcept {
    return owner_->records_.at(number).region();
  }
  void set_region(std::uint32_t number, std::uint8_t region) const noexcept {
    owner_->records_.at(number).set_region(region);
  }
  [[nodiscard]] std::uint8_t uses(std::uint32_t number) const noexcept {
    return owner_->records_.at(number).uses();
  }
  void set_uses(std::uint32_t number, std::uint8_t uses) const noexcept {
    owner_->records_.at(number).set_uses(uses);
  }
  [[nodiscard]] std::uint64_t hash(std::uint32_t number) const {
    return owner_->hash_of_record(number);
  }
  [[nodiscard]] std::uint64_t weight(std::uint32_t number) const noexcept {
    return owner_->weight_of(number);
  }

 private:
  const cache* owner_;
};

}  // namespace lodestar::cache
