// Reads one TOML file with errors that name file and line, and notices keys that nobody asked for.
//
//   auto file = toml_file::read(path, "lodestar.toml", found);      // syntax errors go to `found`
//   if (file) { auto server = file->root().table("server"); server.text("listen") … }
//   file->root().finish();                                          // unknown keys go to `found`
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/problems.hpp"
#include "config/source_places.hpp"

namespace lodestar::app {

class toml_file;

/// One table of a file. Asking for a key marks it as known. A value of another type is a problem
/// and reads as absent.
class toml_table {
 public:
  [[nodiscard]] bool has(std::string_view key) const;
  [[nodiscard]] std::optional<std::string> text(std::string_view key);
  [[nodiscard]] std::optional<std::int64_t> integer(std::string_view key);
  [[nodiscard]] std::optional<bool> boolean(std::string_view key);
  /// An integer or a floating-point number.
  [[nodiscard]] std::optional<double> number(std::string_view key);
  [[nodiscard]] bool is_table(std::string_view key) const;
  /// A list of texts; a single text reads as a list of one.
  [[nodiscard]] std::vector<std::string> texts(std::string_view key);
  /// A sub-table; absent reads as an empty one.
  [[nodiscard]] toml_table table(std::string_view key);
  /// An array of tables ([[key]]).
  [[nodiscard]] std::vector<toml_table> tables(std::string_view key);
  /// All keys, for tables whose keys are names.
  [[nodiscard]] std::vector<std::string> keys() const;

  /// Like text(), but absent or empty is a problem.
  [[nodiscard]] std::string required_text(std::string_view key);

  /// Like required_text(), but it must be a plain name, see is_identifier().
  [[nodiscard]] std::string identifier(std::string_view key);

  /// "dashboards/flights.toml:12" of this table or of one of its keys; of the table when it lacks
  /// the key.
  [[nodiscard]] std::string place() const;
  [[nodiscard]] std::string place(std::string_view key) const;
  /// All of them, to be kept beyond the file.
  [[nodiscard]] source_places places() const;
  void problem(std::string_view key, std::string message, std::string hint = {});

  /// Reports every key that was not asked for.
  void finish();

 private:
  friend class toml_file;
  struct view;
  explicit toml_table(std::shared_ptr<view> shared) : view_(std::move(shared)) {}
  std::shared_ptr<view> view_;
};

class toml_file {
 public:
  /// `name` is how messages call the file. Nothing when it cannot be read or parsed.
  [[nodiscard]] static std::optional<toml_file> read(const std::filesystem::path& path,
                                                     const std::string& name, problems& found);
  [[nodiscard]] toml_table root() const { return root_; }

 private:
  explicit toml_file(toml_table root) : root_(std::move(root)) {}
  toml_table root_;
};

/// The whole content of a file, or why not.
[[nodiscard]] result<std::string> read_file(const std::filesystem::path& path,
                                            const std::string& name);

}  // namespace lodestar::app
