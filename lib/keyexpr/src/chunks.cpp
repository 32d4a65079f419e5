#include "chunks.hpp"

namespace lodestar::keyexpr::detail {

namespace {

constexpr std::string_view gap = "$*";

/// Whether the literal text belongs to the pattern, which holds at least one gap. The pieces
/// between gaps are looked for from left to right, each as early as possible: that leaves most room
/// for the rest.
bool matches(std::string_view pattern, std::string_view text) noexcept {
  std::size_t at = pattern.find(gap);
  if (!text.starts_with(pattern.substr(0, at))) return false;
  text.remove_prefix(at);
  pattern.remove_prefix(at + gap.size());
  while ((at = pattern.find(gap)) != std::string_view::npos) {
    const std::string_view piece = pattern.substr(0, at);
    const std::size_t found = text.find(piece);
    if (found == std::string_view::npos) return false;
    text.remove_prefix(found + piece.size());
    pattern.remove_prefix(at + gap.size());
  }
  return text.ends_with(pattern);
}

/// Of two patterns with gaps only what precedes the first and what follows the last gap can
/// contradict: everything else fits one after the other into the gaps.
bool patterns_intersect(std::string_view left, std::string_view right) noexcept {
  const auto head = [](std::string_view pattern) { return pattern.substr(0, pattern.find(gap)); };
  const auto tail = [](std::string_view pattern) {
    return pattern.substr(pattern.rfind(gap) + gap.size());
  };
  const bool heads_fit = head(left).starts_with(head(right)) || head(right).starts_with(head(left));
  return heads_fit && (tail(left).ends_with(tail(right)) || tail(right).ends_with(tail(left)));
}

}  // namespace

bool chunks_intersect(std::string_view left, std::string_view right) noexcept {
  if (left == right) return true;
  if (is_verbatim(left) || is_verbatim(right)) return false;
  if (is_any_one(left) || is_any_one(right)) return true;
  if (is_wild(left)) return is_wild(right) ? patterns_intersect(left, right) : matches(left, right);
  return is_wild(right) && matches(right, left);
}

}  // namespace lodestar::keyexpr::detail
