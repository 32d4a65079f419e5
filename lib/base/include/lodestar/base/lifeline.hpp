// How work that was begun for an object finds out, when it ends, whether the object is still there.
//
//   object    lifeline life_{this};  and in its destructor, first of all: life_.cut();
//   work      const auto line = life_.tie();  … later … if (const auto object = line.hold())
//   object->…
//
// cut() waits for those who hold it at that moment; afterwards hold() returns nothing. Who holds it
// must not destroy the object.
//
// Thread-safety: all members from any thread, but cut() once.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <tuple>
#include <utility>

#include <lodestar/base/measured_memory.hpp>

namespace lodestar {

template <class Object>
class lifeline {
  struct knot {
    std::mutex mutex;
    std::condition_variable released;
    std::size_t held = 0;
    Object* object;
  };

 public:
  /// Holds the object, or nothing.
  class grip {
   public:
    explicit grip(std::shared_ptr<knot> of) : knot_(std::move(of)) {
      const std::lock_guard held(knot_->mutex);
      object_ = knot_->object;
      if (object_ != nullptr) ++knot_->held;
    }
    ~grip() {
      if (object_ == nullptr) return;
      const std::lock_guard held(knot_->mutex);
      if (--knot_->held == 0) knot_->released.notify_all();
    }
    grip(const grip&) = delete;
    grip& operator=(const grip&) = delete;
    explicit operator bool() const noexcept { return object_ != nullptr; }
    Object* operator->() const noexcept { return object_; }

   private:
    std::shared_ptr<knot> knot_;
    Object* object_;
  };

  class line {
   public:
    explicit line(std::shared_ptr<knot> to) noexcept : knot_(std::move(to)) {}
    [[nodiscard]] grip hold() const { return grip(knot_); }

   private:
    std::shared_ptr<knot> knot_;
  };

  explicit lifeline(Object* object) {
    std::tie(knot_, memory_bytes_) = make_measured<knot>();
    knot_->object = object;
  }

  [[nodiscard]] line tie() const noexcept { return line(knot_); }
  void cut() {
    std::unique_lock lock(knot_->mutex);
    knot_->object = nullptr;
    knot_->released.wait(lock, [this] { return knot_->held == 0; });
  }
  /// What it has allocated.
  [[nodiscard]] std::size_t memory_bytes() const noexcept { return memory_bytes_; }

 private:
  std::shared_ptr<knot> knot_;
  std::size_t memory_bytes_ = 0;
};

}  // namespace lodestar
