#include "file_check.hpp"

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace lodestar::lmdb_tier {
namespace {

using verdict = std::expected<void, std::string>;

constexpr std::size_t page_header_bytes = 16;
constexpr std::size_t node_header_bytes = 8;
constexpr std::uint64_t no_page = ~std::uint64_t{0};
constexpr std::uint32_t meta_magic = 0xBEEFC0DE;
constexpr std::uint32_t data_version = 1;
constexpr unsigned depth_max = 32;

enum page_flag : std::uint16_t { branch = 1, leaf = 2, overflow = 4, meta = 8 };
constexpr std::uint16_t kinds = branch | leaf | overflow | meta | 0x20 | 0x40;
constexpr std::uint16_t big_data = 1;  // of a node: the data are on overflow pages

/// A file in memory, read-only.
class mapped_file {
 public:
  [[nodiscard]] static std::expected<mapped_file, std::string> open(
      const std::filesystem::path& file);
  mapped_file(mapped_file&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  mapped_file& operator=(mapped_file&&) = delete;
  ~mapped_file() {
    if (!bytes_.empty()) ::munmap(const_cast<char*>(bytes_.data()), bytes_.size());
  }
  [[nodiscard]] std::string_view bytes() const noexcept { return bytes_; }

 private:
  explicit mapped_file(std::string_view bytes) noexcept : bytes_(bytes) {}
  std::string_view bytes_;
};

std::expected<mapped_file, std::string> mapped_file::open(const std::filesystem::path& file) {
  const auto because = [] { return std::unexpected(std::string(std::strerror(errno))); };
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    if (errno == ENOENT) return mapped_file({});
    return because();
  }
  struct stat about{};
  if (::fstat(descriptor, &about) != 0) {
    auto failure = because();
    ::close(descriptor);
    return failure;
  }
  const auto size = static_cast<std::size_t>(about.st_size);
  void* const memory =
      size == 0 ? nullptr : ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
  auto failure = because();
  ::close(descriptor);
  if (memory == MAP_FAILED) return failure;
  return mapped_file({static_cast<const char*>(memory), size});
}

/// One of the two trees: the free pages, and the entries.
struct tree {
  std::uint16_t flags;
  std::uint16_t depth;
  std::uint64_t root;
};

class walker {
 public:
  explicit walker(std::string_view bytes) noexcept : bytes_(bytes) {}
  [[nodiscard]] verdict run();

 private:
  template <class Number>
  [[nodiscard]] Number at(std::size_t offset) const noexcept {
    Number number{};
    std::memcpy(&number, bytes_.data() + offset, sizeof(number));
    return number;
  }
  [[nodiscard]] static std::unexpected<std::string> wrong(std::uint64_t page,
                                                          std::string_view what) {
    return std::unexpected(fmt::format("page {}: {}", page, what));
  }

  [[nodiscard]] std::optional<std::size_t> newer_meta() const;
  [[nodiscard]] bool is_meta(std::size_t page) const;
  [[nodiscard]] verdict check_tree(const tree& each);
  [[nodiscard]] verdict check_page(std::uint64_t page, unsigned depth_left);
  [[nodiscard]] verdict check_node(std::uint64_t page, std::size_t node, std::size_t room,
                                   bool is_leaf, unsigned depth_left);
  [[nodiscard]] verdict check_overflow(std::uint64_t page, std::size_t bytes);
  [[nodiscard]] verdict check_free_pages(std::string_view list, std::uint64_t page);
  /// False when the pages do not lie in the file, or somebody else has one of them.
  [[nodiscard]] bool take(std::uint64_t page, std::uint64_t count = 1);

  std::string_view bytes_;
  std::size_t page_bytes_ = 4096;
  std::uint64_t last_page_ = 0;
  std::vector<bool> taken_;
  bool walks_free_pages_ = false;
};

verdict walker::run() {
  // The size of a page stands on the first one.
  if (bytes_.size() < 2 * 512) return wrong(0, "the file is cut off");
  const auto stated = at<std::uint32_t>(page_header_bytes + 24);
  const bool possible = stated >= 512 && stated <= 65'536 && (stated & (stated - 1)) == 0;
  if (at<std::uint32_t>(page_header_bytes) != meta_magic) return wrong(0, "not a file of LMDB");
  if (!possible) return wrong(0, fmt::format("pages of {} bytes cannot be", stated));
  page_bytes_ = stated;
  if (bytes_.size() < 2 * page_bytes_) return wrong(1, "the file is cut off");
  const auto chosen = newer_meta();
  if (!chosen) return wrong(0, "neither of the first two pages is right");
  const std::size_t here = *chosen * page_bytes_ + page_header_bytes;
  last_page_ = at<std::uint64_t>(here + 120);
  taken_.resize(bytes_.size() / page_bytes_);
  taken_[0] = taken_[1] = true;
  if (last_page_ < 1) return wrong(*chosen, "the last page lies before the first one");
  for (const std::size_t index : {std::size_t{0}, std::size_t{1}}) {
    const std::size_t place = here + 24 + 48 * index;
    walks_free_pages_ = index == 0;
    const tree each{at<std::uint16_t>(place + 4), at<std::uint16_t>(place + 6),
                    at<std::uint64_t>(place + 40)};
    if (auto right = check_tree(each); !right) return right;
  }
  return {};
}

bool walker::is_meta(std::size_t page) const {
  const std::size_t begin = page * page_bytes_;
  const std::size_t here = begin + page_header_bytes;
  return at<std::uint64_t>(begin) == page && (at<std::uint16_t>(begin + 10) & kinds) == meta &&
         at<std::uint32_t>(here) == meta_magic && at<std::uint32_t>(here + 4) == data_version &&
         at<std::uint32_t>(here + 24) == page_bytes_;
}

// LMDB takes the one of the later transaction, and of two of the same the first.
std::optional<std::size_t> walker::newer_meta() const {
  if (!is_meta(0) || !is_meta(1)) return std::nullopt;
  const auto transaction = [&](std::size_t page) {
    return at<std::uint64_t>(page * page_bytes_ + page_header_bytes + 128);
  };
  return transaction(1) > transaction(0) ? 1 : 0;
}

verdict walker::check_tree(const tree& each) {
  constexpr std::uint16_t integer_keys = 8;
  constexpr std::uint16_t of_the_environment = 0x4001;  // LMDB keeps them beside the first tree's
  if (each.root == no_page) return {};
  if (each.depth == 0 || each.depth > depth_max) return wrong(each.root, "the tree is too deep");
  const int flags = each.flags & (walks_free_pages_ ? ~of_the_environment : ~0);
  if (flags != (walks_free_pages_ ? integer_keys : 0))
    return wrong(each.root, "the tree is of another kind");
  return check_page(each.root, each.depth);
}

bool walker::take(std::uint64_t page, std::uint64_t count) {
  if (count == 0 || page > last_page_ || count > last_page_ + 1 - page) return false;
  if (page >= taken_.size() || count > taken_.size() - page) return false;
  for (std::uint64_t each = page; each < page + count; ++each) {
    if (taken_[each]) return false;
    taken_[each] = true;
  }
  return true;
}

verdict walker::check_page(std::uint64_t page, unsigned depth_left) {
  if (!take(page)) return wrong(page, "it does not lie in the file, or is used twice");
  const std::size_t begin = page * page_bytes_;
  const bool is_leaf = depth_left == 1;
  if (at<std::uint64_t>(begin) != page) return wrong(page, "it has another number");
  if ((at<std::uint16_t>(begin + 10) & kinds) != (is_leaf ? leaf : branch))
    return wrong(page, "it is of another kind");
  const std::size_t lower = at<std::uint16_t>(begin + 12);
  const std::size_t upper = at<std::uint16_t>(begin + 14);
  if (lower < page_header_bytes || lower % 2 != 0 || upper < lower || upper > page_bytes_)
    return wrong(page, "its bounds cannot be");
  const std::size_t nodes = (lower - page_header_bytes) / 2;
  if (nodes < (is_leaf ? 1U : 2U)) return wrong(page, "it is nearly empty");
  for (std::size_t index = 0; index < nodes; ++index) {
    const std::size_t place = at<std::uint16_t>(begin + page_header_bytes + 2 * index);
    if (place < upper || place + node_header_bytes > page_bytes_ || place % 2 != 0)
      return wrong(page, "an entry lies outside");
    if (auto right = check_node(page, begin + place, page_bytes_ - place, is_leaf, depth_left);
        !right)
      return right;
  }
  return {};
}

verdict walker::check_node(std::uint64_t page, std::size_t node, std::size_t room, bool is_leaf,
                           unsigned depth_left) {
  const std::uint64_t low = at<std::uint16_t>(node);
  const std::uint64_t high = at<std::uint16_t>(node + 2);
  const std::uint64_t flags = at<std::uint16_t>(node + 4);
  const std::size_t key_bytes = at<std::uint16_t>(node + 6);
  if (node_header_bytes + key_bytes > room) return wrong(page, "a key lies outside");
  if (walks_free_pages_ && is_leaf && key_bytes != 8) return wrong(page, "a key is too short");
  if (!is_leaf) return check_page(low | high << 16U | flags << 32U, depth_left - 1);
  const std::size_t data_bytes = low | high << 16U;
  const std::size_t data = node + node_header_bytes + key_bytes;
  const std::size_t data_room = room - node_header_bytes - key_bytes;
  if (flags == big_data) {
    if (data_room < 8) return wrong(page, "an entry lies outside");
    const auto first = at<std::uint64_t>(data);
    if (auto right = check_overflow(first, data_bytes); !right) return right;
    if (!walks_free_pages_) return {};
    return check_free_pages(bytes_.substr(first * page_bytes_ + page_header_bytes, data_bytes),
                            first);
  }
  if (flags != 0) return wrong(page, "an entry is of another kind");
  if (data_bytes > data_room) return wrong(page, "an entry lies outside");
  return walks_free_pages_ ? check_free_pages(bytes_.substr(data, data_bytes), page) : verdict{};
}

verdict walker::check_overflow(std::uint64_t page, std::size_t bytes) {
  // A shorter value may have taken the place of a longer one.
  const std::size_t needed = (page_header_bytes - 1 + bytes) / page_bytes_ + 1;
  if (page >= taken_.size()) return wrong(page, "it does not lie in the file");
  const std::size_t begin = page * page_bytes_;
  const std::size_t pages = at<std::uint32_t>(begin + 12);
  if (at<std::uint64_t>(begin) != page) return wrong(page, "it has another number");
  if ((at<std::uint16_t>(begin + 10) & kinds) != overflow)
    return wrong(page, "it is of another kind");
  if (pages < needed) return wrong(page, "it is too short");
  if (!take(page, pages)) return wrong(page, "it does not lie in the file, or is used twice");
  return {};
}

// A count, and the numbers from the highest to the lowest.
verdict walker::check_free_pages(std::string_view list, std::uint64_t page) {
  const auto number = [&](std::size_t index) {
    std::uint64_t value = 0;
    std::memcpy(&value, list.data() + 8 * index, sizeof(value));
    return value;
  };
  if (list.size() < 8 || list.size() % 8 != 0) return wrong(page, "a list of pages is cut off");
  const std::uint64_t count = number(0);
  if (count > list.size() / 8 - 1) return wrong(page, "a list of pages is cut off");
  std::uint64_t before = last_page_ + 1;
  for (std::uint64_t index = 1; index <= count; ++index) {
    const std::uint64_t each = number(index);
    // It may lie behind the end of the file: it was never written then.
    const bool used = each < taken_.size() && taken_[each];
    if (each < 2 || each >= before || used) return wrong(page, "a free page cannot be");
    if (each < taken_.size()) taken_[each] = true;
    before = each;
  }
  return {};
}

}  // namespace

verdict check_file(const std::filesystem::path& file) {
  const auto mapped = mapped_file::open(file);
  if (!mapped) return std::unexpected(mapped.error());
  if (mapped->bytes().empty()) return {};
  return walker(mapped->bytes()).run();
}

}  // namespace lodestar::lmdb_tier
