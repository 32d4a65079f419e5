#include "config/toml_file.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include <fmt/format.h>
#include <toml++/toml.h>

#include "config/text.hpp"

namespace lodestar::app {
namespace {

struct document {
  std::string name;
  toml::table content;
  problems* found;
};

std::string_view kind_of(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table: return "a table";
    case toml::node_type::array: return "a list";
    case toml::node_type::string: return "a text";
    case toml::node_type::integer: return "an integer";
    case toml::node_type::floating_point: return "a number";
    case toml::node_type::boolean: return "true or false";
    default: return "a date or time";
  }
}

}  // namespace

struct toml_table::view {
  std::shared_ptr<document> file;
  const toml::table* table = nullptr;  // null = absent
  std::string path;                    // "server", "tile[2]", empty for the root
  std::set<std::string, std::less<>> asked;

  const toml::node* find(std::string_view key) {
    asked.emplace(key);
    return table == nullptr ? nullptr : table->get(key);
  }
  std::string place_of(const toml::node* node) const {
    if (node == nullptr || node->source().begin.line == 0) return file->name;
    return fmt::format("{}:{}", file->name, node->source().begin.line);
  }
  std::string qualified(std::string_view key) const {
    return path.empty() ? std::string(key) : fmt::format("{}.{}", path, key);
  }
  void wrong_type(std::string_view key, const toml::node& node, std::string_view wanted) const {
    file->found->add(place_of(&node),
                     fmt::format("{} must be {}, not {}", qualified(key), wanted, kind_of(node)));
  }
};

bool toml_table::has(std::string_view key) const {
  return view_->table != nullptr && view_->table->contains(key);
}

std::optional<std::string> toml_table::text(std::string_view key) {
  const toml::node* node = view_->find(key);
  if (node == nullptr) return std::nullopt;
  if (const auto* value = node->as_string()) return value->get();
  view_->wrong_type(key, *node, "a text in quotes");
  return std::nullopt;
}

std::optional<std::int64_t> toml_table::integer(std::string_view key) {
  const toml::node* node = view_->find(key);
  if (node == nullptr) return std::nullopt;
  if (const auto* value = node->as_integer()) return value->get();
  view_->wrong_type(key, *node, "an integer");
  return std::nullopt;
}

std::optional<bool> toml_table::boolean(std::string_view key) {
  const toml::node* node = view_->find(key);
  if (node == nullptr) return std::nullopt;
  if (const auto* value = node->as_boolean()) return value->get();
  view_->wrong_type(key, *node, "true or false");
  return std::nullopt;
}

std::optional<double> toml_table::number(std::string_view key) {
  const toml::node* node = view_->find(key);
  if (node == nullptr) return std::nullopt;
  if (const auto* value = node->as_floating_point()) return value->get();
  if (const auto* value = node->as_integer()) return static_cast<double>(value->get());
  view_->wrong_type(key, *node, "a number");
  return std::nullopt;
}

bool toml_table::is_table(std::string_view key) const {
  const toml::node* node = view_->table == nullptr ? nullptr : view_->table->get(key);
  return node != nullptr && node->is_table();
}

std::vector<std::string> toml_table::texts(std::string_view key) {
  const toml::node* node = view_->find(key);
  if (node == nullptr) return {};
  if (const auto* value = node->as_string()) return {value->get()};
  std::vector<std::string> values;
  const auto* list = node->as_array();
  if (list == nullptr) {
    view_->wrong_type(key, *node, "a list of texts");
    return {};
  }
  for (const auto& item : *list) {
    if (const auto* value = item.as_string()) {
      values.push_back(value->get());
    } else {
      view_->wrong_type(key, item, "a list of texts");
    }
  }
  return values;
}

toml_table toml_table::table(std::string_view key) {
  const toml::node* node = view_->find(key);
  auto inner = std::make_shared<view>(view{view_->file, nullptr, view_->qualified(key), {}});
  if (node != nullptr) {
    inner->table = node->as_table();
    if (inner->table == nullptr)
      view_->wrong_type(key, *node, fmt::format("a table ([{}])", view_->qualified(key)));
  }
  return toml_table(std::move(inner));
}

std::vector<toml_table> toml_table::tables(std::string_view key) {
  const toml::node* node = view_->find(key);
  if (node == nullptr) return {};
  std::vector<toml_table> found;
  const auto* list = node->as_array();
  if (list == nullptr || !list->is_homogeneous(toml::node_type::table)) {
    view_->wrong_type(key, *node, fmt::format("a list of tables ([[{}]])", view_->qualified(key)));
    return {};
  }
  for (const auto& item : *list) {
    const std::string path = fmt::format("{}[{}]", view_->qualified(key), found.size());
    found.push_back(
        toml_table(std::make_shared<view>(view{view_->file, item.as_table(), path, {}})));
  }
  return found;
}

std::vector<std::string> toml_table::keys() const {
  std::vector<std::string> names;
  if (view_->table == nullptr) return names;
  for (const auto& [key, node] : *view_->table) names.emplace_back(key.str());
  return names;
}

std::string toml_table::required_text(std::string_view key) {
  auto value = text(key);
  if (!value && !has(key)) {
    view_->file->found->add(place(), fmt::format("{} is missing", view_->qualified(key)),
                            fmt::format("add {} = \"…\"", key));
  } else if (value && value->empty()) {
    problem(key, fmt::format("{} must not be empty", view_->qualified(key)));
  }
  return value.value_or("");
}

std::string toml_table::identifier(std::string_view key) {
  std::string name = required_text(key);
  if (!name.empty() && !is_identifier(name)) {
    problem(key, fmt::format("{} \"{}\" is not a plain name", view_->qualified(key), name),
            plain_name_hint);
  }
  return name;
}

std::string toml_table::place() const {
  return view_->place_of(view_->table);
}

std::string toml_table::place(std::string_view key) const {
  const toml::node* node = view_->table == nullptr ? nullptr : view_->table->get(key);
  return view_->place_of(node == nullptr ? view_->table : node);
}

source_places toml_table::places() const {
  source_places made{place(), {}};
  if (view_->table == nullptr) return made;
  for (const auto& [key, node] : *view_->table) {
    made.keys.emplace(key.str(), view_->place_of(&node));
    const auto* inner = node.as_table();
    if (inner == nullptr) continue;
    for (const auto& [inner_key, inner_node] : *inner) {
      made.keys.emplace(fmt::format("{}.{}", key.str(), inner_key.str()),
                        view_->place_of(&inner_node));
    }
  }
  return made;
}

void toml_table::problem(std::string_view key, std::string message, std::string hint) {
  view_->file->found->add(place(key), std::move(message), std::move(hint));
}

void toml_table::finish() {
  if (view_->table == nullptr) return;
  const std::vector<std::string_view> known(view_->asked.begin(), view_->asked.end());
  for (const auto& [key, node] : *view_->table) {
    if (view_->asked.contains(key.str())) continue;
    const std::string place = fmt::format("{}:{}", view_->file->name, key.source().begin.line);
    view_->file->found->add(place, fmt::format("unknown key {}", view_->qualified(key.str())),
                            suggest(key.str(), known));
  }
}

std::optional<toml_file> toml_file::read(const std::filesystem::path& path, const std::string& name,
                                         problems& found) {
  const auto content = read_file(path, name);
  if (!content) {
    found.add(content.error());
    return std::nullopt;
  }
  try {
    auto file = std::make_shared<document>(document{name, toml::parse(*content), &found});
    const toml::table* root = &file->content;
    return toml_file(toml_table(
        std::make_shared<toml_table::view>(toml_table::view{std::move(file), root, "", {}})));
  } catch (const toml::parse_error& failure) {
    found.add(fmt::format("{}:{}", name, failure.source().begin.line),
              std::string(failure.description()), "the file must be valid TOML");
    return std::nullopt;
  }
}

result<std::string> read_file(const std::filesystem::path& path, const std::string& name) {
  std::error_code status;
  if (std::filesystem::is_directory(path, status)) {
    return fail(error_code::invalid_argument, "is a folder, not a file", name);
  }
  std::ifstream stream(path, std::ios::binary);
  if (!stream) {
    const auto code = errno == EACCES ? error_code::permission_denied : error_code::not_found;
    return fail(code, fmt::format("cannot be read: {}", std::strerror(errno)), name);
  }
  return std::string(std::istreambuf_iterator<char>(stream), {});
}

}  // namespace lodestar::app
