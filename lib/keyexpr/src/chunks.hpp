// The parts of a key expression, and how they match. Pure functions on views.
#pragma once

#include <cstddef>
#include <string_view>

namespace lodestar::keyexpr::detail {

/// Walks the chunks of a text: `for (chunk_walk walk(text); !walk.ended(); walk.advance())
/// use(walk.chunk());` Every text has at least one chunk; chunks may be empty in a text that is not
/// a key expression.
class chunk_walk {
 public:
  explicit chunk_walk(std::string_view text) noexcept : text_(text) { find_end(); }
  [[nodiscard]] bool ended() const noexcept { return begin_ > text_.size(); }
  [[nodiscard]] std::size_t offset() const noexcept { return begin_; }
  [[nodiscard]] std::string_view chunk() const noexcept {
    return text_.substr(begin_, end_ - begin_);
  }
  void advance() noexcept {
    begin_ = end_ + 1;
    if (!ended()) find_end();
  }

 private:
  void find_end() noexcept {
    end_ = text_.find('/', begin_);
    if (end_ == std::string_view::npos) end_ = text_.size();
  }

  std::string_view text_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

[[nodiscard]] inline bool is_verbatim(std::string_view chunk) noexcept {
  return chunk.starts_with('@');
}
[[nodiscard]] inline bool is_any_one(std::string_view chunk) noexcept {
  return chunk == "*";
}
[[nodiscard]] inline bool is_any_many(std::string_view chunk) noexcept {
  return chunk == "**";
}
/// Whether it stands for more than itself. The characters of a verbatim chunk are literal, `$*`
/// too.
[[nodiscard]] inline bool is_wild(std::string_view chunk) noexcept {
  return !is_verbatim(chunk) && chunk.find('*') != std::string_view::npos;
}

/// Whether two canonical chunks, neither of them `**`, have a chunk in common.
[[nodiscard]] bool chunks_intersect(std::string_view left, std::string_view right) noexcept;

}  // namespace lodestar::keyexpr::detail
