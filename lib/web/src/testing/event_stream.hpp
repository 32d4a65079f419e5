// Reads an event stream as the HTML standard says (section 9.2.6): the oracle for what we write.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace lodestar::web::testing {

struct stream_event {
  std::string type = "message";
  std::string data;
  std::string last_id;
  std::string retry;  ///< The value of a `retry:` line in the event's block.
  friend bool operator==(const stream_event&, const stream_event&) = default;
};

class event_stream_reader {
 public:
  [[nodiscard]] std::vector<stream_event> read(std::string_view text) {
    std::vector<stream_event> events;
    while (!text.empty()) {
      const std::size_t end = text.find_first_of("\r\n");
      if (end == std::string_view::npos) break;
      const auto line = text.substr(0, end);
      text.remove_prefix(text.substr(end).starts_with("\r\n") ? end + 2 : end + 1);
      if (line.empty())
        dispatch(events);
      else
        take_line(line);
    }
    return events;
  }

 private:
  void take_line(std::string_view line) {
    if (line.starts_with(':')) return;
    const std::size_t colon = std::min(line.find(':'), line.size());
    const auto field = line.substr(0, colon);
    auto value = line.substr(std::min(colon + 1, line.size()));
    if (value.starts_with(' ')) value.remove_prefix(1);
    if (field == "event")
      current_.type = value;
    else if (field == "data")
      current_.data.append(value).append("\n"), has_data_ = true;
    else if (field == "id" && value.find('\0') == std::string_view::npos)
      last_id_ = value;
    else if (field == "retry")
      current_.retry = value;
  }

  void dispatch(std::vector<stream_event>& events) {
    current_.last_id = last_id_;
    if (has_data_) {
      current_.data.pop_back();
      events.push_back(current_);
    }
    current_ = {};
    has_data_ = false;
  }

  stream_event current_;
  std::string last_id_;
  bool has_data_ = false;
};

/// What Datastar's client makes of the data of a patch-elements event: its lines without their key.
[[nodiscard]] inline std::string elements_of(const stream_event& event) {
  constexpr std::string_view key = "elements ";
  std::string out;
  std::string_view rest = event.data;
  while (true) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    auto line = rest.substr(0, end);
    if (!line.starts_with(key)) return "not an elements line: " + std::string(line);
    if (&rest.front() != event.data.data()) out += '\n';
    out += line.substr(key.size());
    if (end == rest.size()) return out;
    rest.remove_prefix(end + 1);
  }
}

}  // namespace lodestar::web::testing
