#include "reply_reader.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include <hiredis/read.h>

#include <lodestar/base/assert.hpp>

namespace lodestar::redis_tier {

// What the reply that is being read has become so far; hiredis hands it to each callback.
struct reply_reader::growth {
  reply_limits limits;
  std::size_t text_bytes = 0;
  std::size_t elements = 0;
  std::string refused = {};
};

// Called by hiredis for each part. An array is there before its elements, and those come in order:
// one that is being filled is the last of its parent, which therefore does not move it meanwhile.
struct reply_reader::callbacks {
  static growth& of(const redisReadTask* task) { return *static_cast<growth*>(task->privdata); }

  static void* add(const redisReadTask* task, reply made) {
    if (task->parent == nullptr) return new reply(std::move(made));
    auto& siblings = static_cast<reply*>(task->parent->obj)->elements;
    return &siblings.emplace_back(std::move(made));
  }

  // hiredis takes nullptr for an error.
  static void* refuse(growth& built, const char* why) {
    built.refused = why;
    return nullptr;
  }

  static void* text(const redisReadTask* task, char* bytes, std::size_t size) {
    growth& built = of(task);
    const bool bulk = task->type == REDIS_REPLY_STRING;
    if (!bulk && size > built.limits.line_bytes_max) return refuse(built, "a line is too long");
    if (size > built.limits.text_bytes_max - built.text_bytes)
      return refuse(built, "a reply is too large");
    built.text_bytes += size;
    const auto what = bulk                               ? reply::kind::bulk
                      : task->type == REDIS_REPLY_STATUS ? reply::kind::status
                                                         : reply::kind::error;
    return add(task, {.what = what, .text = std::string(bytes, size)});
  }

  static void* array(const redisReadTask* task, int count) {
    growth& built = of(task);
    const auto more = static_cast<std::size_t>(count);
    if (more > built.limits.elements_max - built.elements)
      return refuse(built, "a reply has too many elements");
    built.elements += more;
    return add(task, {.what = reply::kind::array});
  }

  static void* integer(const redisReadTask* task, long long value) {
    return add(task, {.what = reply::kind::integer, .integer = value});
  }
  static void* nil(const redisReadTask* task) { return add(task, {}); }
  static void drop(void* root) { delete static_cast<reply*>(root); }

  static redisReplyObjectFunctions* table() {
    static redisReplyObjectFunctions functions{text, array, integer, nil, drop};
    return &functions;
  }
};

reply_reader::reply_reader(const reply_limits& limits)
    : growth_(new growth{.limits = limits}),
      reader_(redisReaderCreateWithFunctions(callbacks::table())) {
  LODESTAR_ASSERT(reader_ != nullptr, "there is memory for a reader");
  reader_->privdata = growth_.get();
}

void reply_reader::deleter::operator()(redisReader* reader) const noexcept {
  redisReaderFree(reader);
}
void reply_reader::deleter::operator()(growth* built) const noexcept {
  delete built;
}

void reply_reader::feed(std::string_view bytes) {
  redisReaderFeed(reader_.get(), bytes.data(), bytes.size());
}

std::expected<std::optional<reply>, std::string> reply_reader::next() {
  void* made = nullptr;
  if (redisReaderGetReply(reader_.get(), &made) != REDIS_OK)
    return std::unexpected(growth_->refused.empty() ? reader_->errstr : growth_->refused);
  if (made == nullptr) {
    if (auto why = too_large_to_come()) return std::unexpected(*std::move(why));
    return std::nullopt;
  }
  growth_->text_bytes = growth_->elements = 0;
  const std::unique_ptr<reply> whole(static_cast<reply*>(made));
  return std::move(*whole);
}

// hiredis keeps what has come of a line or of a bulk until it is whole; it asks nobody before.
std::optional<std::string> reply_reader::too_large_to_come() const {
  const reply_limits& limits = growth_->limits;
  if (reader_->ridx < 0) return std::nullopt;
  const redisReadTask& task = reader_->rstack[reader_->ridx];
  if (task.type < 0) return std::nullopt;
  const std::string_view unread(reader_->buf + reader_->pos, reader_->len - reader_->pos);
  const auto end = unread.substr(0, limits.line_bytes_max + 2).find("\r\n");
  if (end == std::string_view::npos) {
    if (unread.size() > limits.line_bytes_max + 1) return "a line is too long";
    return std::nullopt;
  }
  if (task.type != REDIS_REPLY_STRING) return std::nullopt;
  long long announced = 0;
  std::from_chars(unread.data(), unread.data() + end, announced);
  if (announced > 0 &&
      static_cast<unsigned long long>(announced) > limits.text_bytes_max - growth_->text_bytes)
    return "a reply is too large";
  return std::nullopt;
}

}  // namespace lodestar::redis_tier
