#include "ingest/event_reader.hpp"

#include <algorithm>
#include <bitset>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>
#include <simdjson.h>
#include <lodestar/analytics/timestamp.hpp>
#include <lodestar/base/json.hpp>

#include "config/problems.hpp"
#include "config/text.hpp"

namespace lodestar::app {
namespace {

namespace dom = simdjson::dom;

constexpr std::size_t fields_max = 1024;
constexpr std::size_t value_shown_bytes_max = 60;

std::string_view kind_of(const dom::element& value) {
  switch (value.type()) {
    case dom::element_type::ARRAY: return "an array";
    case dom::element_type::OBJECT: return "an object";
    case dom::element_type::STRING: return "a text";
    case dom::element_type::BOOL: return "true or false";
    case dom::element_type::NULL_VALUE: return "null";
    default: return "a number";
  }
}

std::string shown(const dom::element& value) {
  std::string text = simdjson::minify(value);
  if (text.size() > value_shown_bytes_max) text = text.substr(0, value_shown_bytes_max) + "…";
  return text;
}

/// Empty when the value fits the type, else what the type wants.
std::string_view mismatch(const dom::element& value, analytics::value_type type) {
  using analytics::value_type;
  switch (type) {
    case value_type::boolean: return value.is_bool() ? "" : "true or false";
    case value_type::integer: return value.is_int64() ? "" : "an integer of 64 bits";
    case value_type::number: return value.is_number() ? "" : "a number";
    case value_type::text: return value.is_string() ? "" : "a text";
    case value_type::timestamp:
      return value.is_string() && analytics::parse_timestamp_us(value.get_string().value_unsafe())
                 ? ""
                 : "a timestamp like \"2001-06-30T12:34:00Z\"";
    case value_type::date:
      return value.is_string() && analytics::parse_date_days(value.get_string().value_unsafe())
                 ? ""
                 : "a date like \"2001-06-30\"";
  }
  return "";
}

error not_json(simdjson::error_code code) {
  if (code == simdjson::UTF8_ERROR) {
    return {error_code::invalid_argument, "is not valid UTF-8", {}, "send the text as UTF-8"};
  }
  return {error_code::invalid_argument,
          fmt::format("is not valid JSON: {}", simdjson::error_message(code)),
          {},
          "check quotes, commas and brackets"};
}

struct event_type_schema {
  const analytics::event_definition* definition;
  std::unordered_map<std::string_view, std::size_t> fields;
};

/// Checks and copies one event object. The places of its errors begin at the event: most events are
/// right, so only who meets an error says where the event stands.
class event_builder {
 public:
  explicit event_builder(const std::unordered_map<std::string_view, event_type_schema>& types)
      : types_(types) {}

  result<log::new_event> build(const dom::object& object) {
    if (auto read = read_members(object); !read) return std::unexpected(std::move(read.error()));
    if (!has_type_) return missing("event_type");
    if (!has_id_) return missing("aggregate_id");
    if (!has_payload_) return missing("payload");
    return finish();
  }

  result<log::new_event> build(std::string_view event_type, std::string_view aggregate_id,
                               const dom::object& payload) {
    made_.event_type = event_type;
    made_.aggregate_id = aggregate_id;
    payload_ = payload;
    return finish();
  }

 private:
  using status = result<void>;

  result<log::new_event> finish() {
    const auto found = types_.find(made_.event_type);
    if (found == types_.end()) return unknown_type();
    const auto& definition = *found->second.definition;
    if (made_.aggregate_type.empty()) made_.aggregate_type = definition.aggregate_type;
    if (made_.aggregate_type != definition.aggregate_type) {
      return fail(error_code::invalid_argument,
                  fmt::format("{} belongs to aggregate type {}, not {}", made_.event_type,
                              definition.aggregate_type, made_.aggregate_type),
                  "aggregate_type", "leave it out or correct it");
    }
    if (auto checked = check_payload(found->second); !checked)
      return std::unexpected(std::move(checked.error()));
    made_.payload = simdjson::minify(payload_);
    return std::move(made_);
  }

  std::unexpected<error> missing(std::string_view member) const {
    return fail(error_code::invalid_argument, fmt::format("{} is missing", member), {},
                fmt::format("add \"{}\"", member));
  }

  std::unexpected<error> unknown_type() const {
    std::vector<std::string_view> known;
    for (const auto& [name, schema] : types_) known.push_back(name);
    std::sort(known.begin(), known.end());
    return fail(error_code::invalid_argument,
                fmt::format("unknown event type {}", made_.event_type), "event_type",
                suggest(made_.event_type, known));
  }

  status read_members(const dom::object& object) {
    for (const auto [key, value] : object) {
      if (auto read = read_member(key, value); !read) return read;
    }
    return {};
  }

  status read_member(std::string_view key, const dom::element& value) {
    if (key == "event_type") return read_text(key, value, made_.event_type, has_type_);
    if (key == "aggregate_id") return read_text(key, value, made_.aggregate_id, has_id_);
    if (key == "aggregate_type")
      return read_text(key, value, made_.aggregate_type, has_aggregate_type_);
    if (key == "event_id") return read_text(key, value, made_.event_id, has_event_id_);
    if (key == "payload") return read_payload(key, value);
    if (key == "metadata") return read_metadata(key, value);
    if (key == "schema_version") return read_schema_version(key, value);
    if (key == "expected_version") return read_expected_version(key, value);
    return fail(error_code::invalid_argument, fmt::format("unknown member {}", key),
                std::string(key),
                suggest(key, {"event_type", "aggregate_id", "payload", "event_id", "aggregate_type",
                              "metadata", "schema_version", "expected_version"}));
  }

  status wrong(std::string_view key, const dom::element& value, std::string_view wanted) const {
    return fail(error_code::invalid_argument,
                fmt::format("must be {}, not {}", wanted, shown(value)), std::string(key));
  }

  status once(std::string_view key, bool& seen) const {
    if (std::exchange(seen, true)) {
      return fail(error_code::invalid_argument, fmt::format("{} is given twice", key),
                  std::string(key), "keep one of them");
    }
    return {};
  }

  status read_text(std::string_view key, const dom::element& value, std::string& into, bool& seen) {
    if (auto first = once(key, seen); !first) return first;
    if (!value.is_string()) return wrong(key, value, "a text");
    into = std::string_view(value.get_string().value_unsafe());
    if (into.empty()) return wrong(key, value, "a text that is not empty");
    return {};
  }

  status read_payload(std::string_view key, const dom::element& value) {
    if (auto first = once(key, has_payload_); !first) return first;
    if (!value.is_object()) return wrong(key, value, "an object");
    payload_ = value.get_object().value_unsafe();
    return {};
  }

  status read_metadata(std::string_view key, const dom::element& value) {
    if (auto first = once(key, has_metadata_); !first) return first;
    if (!value.is_object()) return wrong(key, value, "an object");
    made_.metadata = simdjson::minify(value);
    return {};
  }

  status read_schema_version(std::string_view key, const dom::element& value) {
    const auto number = value.get_int64();
    if (number.error() != simdjson::SUCCESS || number.value_unsafe() < 1 ||
        number.value_unsafe() > 1'000'000) {
      return wrong(key, value, "an integer from 1 to 1000000");
    }
    made_.schema_version = static_cast<std::int32_t>(number.value_unsafe());
    return {};
  }

  status read_expected_version(std::string_view key, const dom::element& value) {
    const auto number = value.get_int64();
    if (number.error() != simdjson::SUCCESS || number.value_unsafe() < 0) {
      return wrong(key, value, "an integer, 0 or more");
    }
    made_.expected_version = number.value_unsafe();
    return {};
  }

  status check_payload(const event_type_schema& schema) const {
    const auto& fields = schema.definition->fields;
    std::bitset<fields_max> seen;
    for (const auto [key, value] : payload_) {
      const auto found = schema.fields.find(key);
      if (found == schema.fields.end()) return unknown_field(key, fields);
      const auto& field = fields[found->second];
      if (seen.test(found->second)) {
        return fail(error_code::invalid_argument, "is given twice", at_field(key),
                    "keep one of them");
      }
      seen.set(found->second);
      if (value.is_null() && !field.required) continue;
      if (const auto wanted = mismatch(value, field.type); !wanted.empty()) {
        return fail(error_code::invalid_argument,
                    fmt::format("must be {}, not {} ({})", wanted, kind_of(value), shown(value)),
                    at_field(key));
      }
    }
    for (std::size_t index = 0; index < fields.size(); ++index) {
      if (fields[index].required && !seen.test(index)) {
        return fail(error_code::invalid_argument,
                    fmt::format("field {} is missing", fields[index].name), "payload",
                    fmt::format("{} is declared as required in {}", fields[index].name,
                                schema.definition->file));
      }
    }
    return {};
  }

  static std::string at_field(std::string_view key) { return fmt::format("payload.{}", key); }

  status unknown_field(std::string_view key, const std::vector<analytics::field>& fields) const {
    std::vector<std::string_view> known;
    for (const auto& field : fields) known.push_back(field.name);
    return fail(error_code::invalid_argument,
                fmt::format("unknown field {} of {}", key, made_.event_type), at_field(key),
                suggest(key, known));
  }

  const std::unordered_map<std::string_view, event_type_schema>& types_;
  log::new_event made_;
  dom::object payload_;
  bool has_type_ = false, has_id_ = false, has_aggregate_type_ = false, has_event_id_ = false,
       has_payload_ = false, has_metadata_ = false;
};

}  // namespace

error within(const std::string& where, error failure) {
  failure.place = failure.place.empty() ? where : where + "." + failure.place;
  return failure;
}

struct event_reader::state {
  std::unordered_map<std::string_view, event_type_schema> types;
  clock& time;
  random_source& random;
  dom::parser parser{};

  result<log::new_event> parse_event(std::string_view text) {
    dom::element root;
    if (const auto code = parser.parse(text.data(), text.size()).get(root))
      return std::unexpected(not_json(code));
    return build(root);
  }

  result<log::new_event> build(const dom::element& value) {
    if (!value.is_object()) {
      return fail(error_code::invalid_argument,
                  fmt::format("must be an object, not {}", kind_of(value)));
    }
    return event_builder(types).build(value.get_object().value_unsafe());
  }

  /// The parts of a row: the aggregate id, the event id, and the rest, which is the payload.
  /// Whether the payload is right is for read_payload to say.
  struct row {
    std::string aggregate_id, event_id, payload;
  };

  static result<row> split_row(const dom::object& members, std::string_view key_column) {
    row made;
    bool has_key = false, has_id = false;
    for (const auto [name, value] : members) {
      const bool is_key = name == key_column;
      if (!is_key && name != "event_id") {
        made.payload += made.payload.empty() ? '{' : ',';
        append_json_string(made.payload, name);
        made.payload += ':';
        made.payload += simdjson::minify(value);
        continue;
      }
      if (std::exchange(is_key ? has_key : has_id, true)) {
        return fail(error_code::invalid_argument, "is given twice", std::string(name),
                    "keep one of them");
      }
      if (!value.is_string() && !(is_key && value.is_int64())) {
        return fail(error_code::invalid_argument,
                    fmt::format("must be a text, not {}", shown(value)), std::string(name));
      }
      (is_key ? made.aggregate_id : made.event_id) =
          value.is_string() ? std::string(std::string_view(value.get_string().value_unsafe()))
                            : std::string(simdjson::minify(value));
    }
    if (made.aggregate_id.empty()) {
      return fail(error_code::invalid_argument, fmt::format("{} is missing", key_column), {},
                  fmt::format("add \"{}\"", key_column));
    }
    made.payload += made.payload.empty() ? "{}" : "}";
    return made;
  }

  /// Whether the first of several lines is an object by itself: in JSON over several lines it is
  /// not, however wrong the rest may be.
  bool begins_with_object_line(std::string_view text) {
    text = trim(text);
    const auto end = text.find('\n');
    if (end == std::string_view::npos) return false;
    dom::element root;
    return parser.parse(text.data(), end).get(root) == simdjson::SUCCESS && root.is_object();
  }

  result<std::vector<log::new_event>> read_json(std::string_view text) {
    dom::element root;
    if (const auto code = parser.parse(text.data(), text.size()).get(root))
      return std::unexpected(within("body", not_json(code)));
    return root.is_array() ? read_array(root.get_array().value_unsafe()) : read_single(root);
  }

  result<std::vector<log::new_event>> read_single(const dom::element& object) {
    auto made = build(object);
    if (!made) return std::unexpected(within("events[0]", std::move(made.error())));
    std::vector<log::new_event> batch;
    batch.push_back(std::move(*made));
    return batch;
  }

  result<std::vector<log::new_event>> read_array(const dom::array& items) {
    std::vector<log::new_event> batch;
    batch.reserve(std::min(items.size(), log::batch_events_max));
    for (const auto& item : items) {
      if (batch.size() == log::batch_events_max) return too_many();
      auto made = build(item);
      if (!made) {
        const auto where = fmt::format("events[{}]", batch.size());
        return std::unexpected(within(where, std::move(made.error())));
      }
      batch.push_back(std::move(*made));
    }
    return batch;
  }

  result<std::vector<log::new_event>> read_lines(std::string_view text) {
    std::vector<log::new_event> batch;
    for (std::size_t line = 1; !text.empty(); ++line) {
      const auto end = text.find('\n');
      const auto content = trim(text.substr(0, end));
      text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
      if (content.empty()) continue;
      if (batch.size() == log::batch_events_max) return too_many();
      auto made = parse_event(content);
      if (!made) {
        const auto where = fmt::format("events[{}] (line {})", batch.size(), line);
        return std::unexpected(within(where, std::move(made.error())));
      }
      batch.push_back(std::move(*made));
    }
    return batch;
  }

  static std::unexpected<error> too_many() {
    return fail(error_code::too_large,
                fmt::format("more than {} events in one request", log::batch_events_max), "body",
                "send several requests");
  }
};

event_reader::event_reader(const std::vector<analytics::event_definition>& definitions, clock& time,
                           random_source& random)
    : state_(new state{{}, time, random}) {
  for (const auto& definition : definitions) {
    event_type_schema schema{&definition, {}};
    for (std::size_t index = 0; index < definition.fields.size(); ++index) {
      schema.fields.emplace(definition.fields[index].name, index);
    }
    state_->types.emplace(definition.event_type, std::move(schema));
  }
}

event_reader::~event_reader() = default;

result<std::vector<log::new_event>> event_reader::read(std::string_view text, event_format format) {
  if (trim(text).empty())
    return fail(error_code::invalid_argument, "holds no event", "body",
                "send one event as a JSON object");
  const bool lines = format == event_format::ndjson ||
                     (format == event_format::detect && state_->begins_with_object_line(text));
  auto batch = lines ? state_->read_lines(text) : state_->read_json(text);
  if (!batch) return batch;
  for (auto& event : *batch) {
    if (event.event_id.empty()) event.event_id = make_uuid_v7(state_->time, state_->random);
  }
  return batch;
}

result<log::new_event> event_reader::read_one(std::string_view text) {
  return state_->parse_event(text);
}

result<log::new_event> event_reader::read_row(const analytics::event_definition& event,
                                              std::string_view text) {
  dom::element root;
  if (const auto code = state_->parser.parse(text.data(), text.size()).get(root))
    return std::unexpected(not_json(code));
  if (!root.is_object()) {
    return fail(error_code::invalid_argument,
                fmt::format("must be an object, not {}", kind_of(root)));
  }
  auto row = state::split_row(root.get_object().value_unsafe(), event.key_column);
  if (!row) return std::unexpected(std::move(row.error()));
  auto made = read_payload(event.event_type, row->aggregate_id, row->payload);
  if (made) made->event_id = std::move(row->event_id);
  return made;
}

result<log::new_event> event_reader::read_payload(std::string_view event_type,
                                                  std::string_view aggregate_id,
                                                  std::string_view payload) {
  dom::element root;
  if (const auto code = state_->parser.parse(payload.data(), payload.size()).get(root)) {
    return std::unexpected(not_json(code));
  }
  if (!root.is_object()) return fail(error_code::invalid_argument, "the payload must be an object");
  return event_builder(state_->types)
      .build(event_type, aggregate_id, root.get_object().value_unsafe());
}

}  // namespace lodestar::app
