// Values that know their key and count who holds them. A cache of pointers to such values keeps
// nothing beside them: a hit follows one pointer less than with a std::shared_ptr, whose key lies in
// a box of the cache, and whoever holds a pointer keeps the value, also when the cache has let it go.
//
//   struct page : lodestar::cache::counted_entry<page, std::string> {
//     page(std::string path, std::string text)
//         : counted_entry(std::move(path)), html(std::move(text)) {}
//     std::string html;
//   };
//   using pointer = lodestar::cache::entry_pointer<page>;
//   lodestar::cache::cache<std::string, pointer> pages({.entries_max = 10'000});
//   const auto home = pointer::make("/", "<h1>hello</h1>");
//   pages.insert(home->key(), home);
//
// An entry is stored under its own key, in one cache, once: what has been stored is not stored
// again, also when it was removed or refused (an assertion).
//
// Thread-safety: pointers as those of std::shared_ptr; key() from any thread. Lifetimes: an entry is
// destroyed by the last of its pointers, where the cache counts as one until no reader can have it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <lodestar/base/assert.hpp>

namespace lodestar::cache {

namespace detail {
class counted_access;
}

template <class Entry>
class entry_pointer;

/// What Entry derives from.
template <class Entry, class Key>
class counted_entry {
 public:
  counted_entry(const counted_entry&) = delete;
  counted_entry& operator=(const counted_entry&) = delete;
  [[nodiscard]] const Key& key() const noexcept { return key_; }

  Entry* next = nullptr;  ///< The cache's.

 protected:
  explicit counted_entry(Key key) : key_(std::move(key)) {}
  ~counted_entry() = default;

 private:
  friend entry_pointer<Entry>;
  friend detail::counted_access;

  static constexpr std::uint32_t stored_bit = 1U << 31U;
  void add_reference() const noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
  void drop_reference() const noexcept {
    if ((references_.fetch_sub(1, std::memory_order_acq_rel) & ~stored_bit) == 1)
      delete static_cast<const Entry*>(this);
  }
  void note_storing() const {
    const std::uint32_t before = references_.fetch_or(stored_bit, std::memory_order_relaxed);
    LODESTAR_ASSERT((before & stored_bit) == 0, "an entry is stored once");
  }

  const Key key_;
  mutable std::atomic<std::uint32_t> references_{0};
};

/// A reference to an Entry, or null.
template <class Entry>
class entry_pointer {
 public:
  constexpr entry_pointer() noexcept = default;
  constexpr entry_pointer(std::nullptr_t) noexcept {}
  template <class... Arguments>
  [[nodiscard]] static entry_pointer make(Arguments&&... arguments) {
    return entry_pointer(new Entry(std::forward<Arguments>(arguments)...));
  }
  entry_pointer(const entry_pointer& other) noexcept : entry_pointer(other.entry_) {}
  entry_pointer(entry_pointer&& other) noexcept : entry_(std::exchange(other.entry_, nullptr)) {}
  entry_pointer& operator=(entry_pointer other) noexcept {
    std::swap(entry_, other.entry_);
    return *this;
  }
  ~entry_pointer() {
    if (entry_ != nullptr) entry_->drop_reference();
  }

  [[nodiscard]] Entry& operator*() const noexcept { return *entry_; }
  [[nodiscard]] Entry* operator->() const noexcept { return entry_; }
  [[nodiscard]] Entry* get() const noexcept { return entry_; }
  [[nodiscard]] explicit operator bool() const noexcept { return entry_ != nullptr; }
  /// Of the same object.
  friend bool operator==(const entry_pointer&, const entry_pointer&) noexcept = default;

 private:
  friend detail::counted_access;
  explicit entry_pointer(Entry* entry) noexcept : entry_(entry) {
    if (entry_ != nullptr) entry_->add_reference();
  }
  Entry* entry_ = nullptr;
};

namespace detail {

/// How a cache takes a reference and gives it back.
class counted_access {
 public:
  template <class Entry>
  [[nodiscard]] static Entry* take(entry_pointer<Entry>& from) {
    LODESTAR_ASSERT(from, "a null pointer is no entry");
    from->note_storing();
    return std::exchange(from.entry_, nullptr);
  }
  template <class Entry>
  static void drop(Entry* taken) noexcept {
    taken->drop_reference();
  }
};

}  // namespace detail
}  // namespace lodestar::cache
