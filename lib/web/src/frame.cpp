#include "frame.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace lodestar::web {

frame_writer::frame_writer(std::int64_t position)
    : text_(fmt::format("event: datastar-patch-elements\nid: {}\n", position)),
      data_begin_(text_.size()) {}

void frame_writer::add(std::string_view html) {
  while (!html.empty()) {
    const std::size_t end = std::min(html.find_first_of("\r\n"), html.size());
    text_.append("data: elements ").append(html, 0, end).append("\n");
    html.remove_prefix(end);
    if (html.starts_with("\r\n"))
      html.remove_prefix(2);
    else if (!html.empty())
      html.remove_prefix(1);
  }
}

frame frame_writer::take() && {
  // Without data there is no event for a reader to see.
  if (text_.size() == data_begin_) return {};
  text_ += '\n';
  return {shared_bytes(std::move(text_)), data_begin_};
}

std::string heartbeat_text(std::int64_t position) {
  return fmt::format(": heartbeat\nevent: datastar-heartbeat\ndata: position {}\n\n", position);
}

}  // namespace lodestar::web
