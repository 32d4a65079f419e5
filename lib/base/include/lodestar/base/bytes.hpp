// Immutable, reference-counted bytes: what a cached result, a rendered frame and an answer on the
// wire are made of. Copying shares; the bytes live until the last owner is gone. Thread-safe to
// share and to read, as they never change.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace lodestar {

class shared_bytes {
 public:
  shared_bytes() = default;
  explicit shared_bytes(std::string content)
      : content_(std::make_shared<const std::string>(std::move(content))) {}

  [[nodiscard]] std::string_view view() const noexcept {
    return content_ ? std::string_view(*content_) : std::string_view();
  }
  [[nodiscard]] std::size_t size() const noexcept { return content_ ? content_->size() : 0; }
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }
  [[nodiscard]] const char* data() const noexcept { return view().data(); }

 private:
  std::shared_ptr<const std::string> content_;
};

}  // namespace lodestar
