// The policies once more, as their papers tell them: plain sequences that are searched from the
// beginning. For tests; every operation takes time in proportion to the entries.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <span>
#include <vector>

#include "hit_ratio/policy.hpp"

namespace lodestar::bench::hit_ratio {

/// Keys from the oldest to the newest.
class key_queue {
 public:
  [[nodiscard]] std::size_t size() const { return keys_.size(); }
  [[nodiscard]] std::uint64_t oldest() const { return keys_.front(); }
  [[nodiscard]] bool has(std::uint64_t key) const { return std::ranges::count(keys_, key) > 0; }
  [[nodiscard]] const std::deque<std::uint64_t>& keys() const { return keys_; }
  void add(std::uint64_t key) { keys_.push_back(key); }
  bool remove(std::uint64_t key) { return std::erase(keys_, key) > 0; }
  void refresh(std::uint64_t key) {
    remove(key);
    add(key);
  }
  std::uint64_t take() {
    const auto key = keys_.front();
    keys_.pop_front();
    return key;
  }
  /// Adds to a queue that remembers at most `bound` keys.
  void remember(std::uint64_t key, std::size_t bound) {
    add(key);
    if (size() > bound) take();
  }

 private:
  std::deque<std::uint64_t> keys_;
};

class reference_lru final : public policy {
 public:
  explicit reference_lru(std::size_t capacity) : capacity_(capacity) {}
  bool access(std::uint64_t key) override {
    const bool hit = order_.remove(key);
    order_.remember(key, capacity_);
    return hit;
  }

 private:
  std::size_t capacity_;
  key_queue order_;
};

/// Looks through the whole future for each entry.
class reference_belady final : public policy {
 public:
  reference_belady(std::size_t capacity, std::span<const std::uint32_t> accesses)
      : capacity_(capacity), accesses_(accesses) {}
  bool access(std::uint64_t key) override {
    ++now_;
    if (entries_.has(key)) return true;
    if (entries_.size() == capacity_)
      entries_.remove(*std::ranges::max_element(
          entries_.keys(), {}, [this](std::uint64_t entry) { return next_use(entry); }));
    entries_.add(key);
    return false;
  }

 private:
  [[nodiscard]] std::size_t next_use(std::uint64_t key) const {
    const auto future = accesses_.subspan(now_);
    return static_cast<std::size_t>(std::ranges::find(future, key) - future.begin());
  }

  std::size_t capacity_;
  std::span<const std::uint32_t> accesses_;
  key_queue entries_;
  std::size_t now_ = 0;
};

class reference_sieve final : public policy {
 public:
  explicit reference_sieve(std::size_t capacity) : capacity_(capacity) {}
  bool access(std::uint64_t key) override {
    const auto found = std::ranges::find(entries_, key, &entry::key);
    if (found != entries_.end()) return found->visited = true;
    if (entries_.size() == capacity_) evict();
    entries_.push_back({key, false});
    return false;
  }

 private:
  struct entry {
    std::uint64_t key;
    bool visited;
  };
  void evict() {
    for (;; ++hand_) {
      if (hand_ == entries_.size()) hand_ = 0;
      if (!entries_[hand_].visited) break;
      entries_[hand_].visited = false;
    }
    entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(hand_));
    // At the end it waits before the oldest, not for a newer one to come.
    if (hand_ == entries_.size()) hand_ = 0;
  }

  std::size_t capacity_;
  std::vector<entry> entries_;
  std::size_t hand_ = 0;
};

class reference_two_q final : public policy {
 public:
  explicit reference_two_q(std::size_t capacity) : capacity_(capacity) {}
  bool access(std::uint64_t key) override {
    if (in_.has(key)) return true;
    if (main_.has(key)) {
      main_.refresh(key);
      return true;
    }
    const bool remembered = out_.remove(key);
    if (in_.size() + main_.size() == capacity_) {
      if (in_.size() > capacity_ / 4) {
        out_.remember(in_.take(), capacity_ / 2);
      } else {
        main_.take();
      }
    }
    (remembered ? main_ : in_).add(key);
    return false;
  }

 private:
  std::size_t capacity_;
  key_queue in_, out_, main_;
};

class reference_s3fifo final : public policy {
 public:
  explicit reference_s3fifo(std::size_t capacity)
      : capacity_(capacity), small_max_(std::max<std::size_t>(capacity / 10, 1)) {}
  bool access(std::uint64_t key) override {
    if (small_.has(key) || main_.has(key)) {
      hits_[key] = std::min(hits_[key] + 1, 3);
      return true;
    }
    const bool remembered = ghost_.remove(key);
    while (small_.size() + main_.size() == capacity_) evict();
    (remembered ? main_ : small_).add(key);
    hits_[key] = 0;
    return false;
  }

 private:
  void evict() {
    if (main_.size() > capacity_ - small_max_ || small_.size() == 0) {
      evict_main();
    } else {
      evict_small();
    }
  }
  void evict_small() {
    const auto key = small_.take();
    if (hits_[key] < 2) return ghost_.remember(key, capacity_ * 9 / 10);
    main_.add(key);
    hits_[key] = 0;
    if (small_.size() > 0) evict_small();
  }
  void evict_main() {
    for (auto key = main_.take(); hits_[key] > 0; key = main_.take()) {
      --hits_[key];
      main_.add(key);
    }
  }

  std::size_t capacity_, small_max_;
  key_queue small_, main_, ghost_;
  std::map<std::uint64_t, int> hits_;
};

/// Figure 4 of the ARC paper, case by case.
class reference_arc final : public policy {
 public:
  explicit reference_arc(std::size_t capacity) : c_(capacity) {}
  bool access(std::uint64_t x) override {
    if (t1_.remove(x) || t2_.remove(x)) {  // case I
      t2_.add(x);
      return true;
    }
    if (b1_.has(x)) {  // case II
      p_ = std::min(p_ + std::max(ratio(b2_, b1_), 1.0), static_cast<double>(c_));
      replace(false);
      b1_.remove(x);
      t2_.add(x);
    } else if (b2_.has(x)) {  // case III
      p_ = std::max(p_ - std::max(ratio(b1_, b2_), 1.0), 0.0);
      replace(true);
      b2_.remove(x);
      t2_.add(x);
    } else {  // case IV
      miss();
      t1_.add(x);
    }
    return false;
  }

 private:
  static double ratio(const key_queue& above, const key_queue& below) {
    return static_cast<double>(above.size()) / static_cast<double>(below.size());
  }
  void miss() {
    if (t1_.size() + b1_.size() == c_) {  // A
      if (t1_.size() < c_) {
        b1_.take();
        replace(false);
      } else {
        t1_.take();
      }
    } else if (t1_.size() + t2_.size() + b1_.size() + b2_.size() >= c_) {  // B
      if (t1_.size() + t2_.size() + b1_.size() + b2_.size() == 2 * c_) b2_.take();
      replace(false);
    }
  }
  void replace(bool in_b2) {
    const auto t1 = static_cast<double>(t1_.size());
    if (t1_.size() > 0 && ((in_b2 && t1 == p_) || t1 > p_)) {
      b1_.add(t1_.take());
    } else {
      b2_.add(t2_.take());
    }
  }

  std::size_t c_;
  key_queue t1_, t2_, b1_, b2_;
  double p_ = 0;
};

class reference_lirs final : public policy {
 public:
  explicit reference_lirs(std::size_t capacity)
      : capacity_(capacity), low_max_(capacity - std::max<std::size_t>(capacity / 100, 1)) {}
  bool access(std::uint64_t key) override {
    const bool hit = low_.has(key) || queue_.has(key);
    if (!hit && low_.size() + queue_.size() == capacity_) evict();
    const bool stacked = stack_.remove(key);
    stack_.add(key);
    place(key, stacked);
    while (stack_.size() > 0 && !low_.has(stack_.oldest())) evicted_.remove(stack_.take());
    while (stack_.size() > 2 * capacity_ && evicted_.size() > 0) stack_.remove(evicted_.take());
    return hit;
  }

 private:
  void place(std::uint64_t key, bool stacked) {
    if (low_.has(key)) return;
    const bool known = queue_.has(key) || evicted_.has(key);
    if (known ? stacked : low_.size() < low_max_) {
      queue_.remove(key);
      evicted_.remove(key);
      low_.add(key);
      if (low_.size() > low_max_) demote();
    } else {
      queue_.refresh(key);
    }
  }
  void evict() {
    const auto victim = queue_.take();
    if (stack_.has(victim)) evicted_.add(victim);
  }
  void demote() {
    const auto bottom = stack_.take();
    low_.remove(bottom);
    queue_.add(bottom);
  }

  std::size_t capacity_, low_max_;
  key_queue stack_, queue_, evicted_;
  key_queue low_;  // used as a set
};

}  // namespace lodestar::bench::hit_ratio
