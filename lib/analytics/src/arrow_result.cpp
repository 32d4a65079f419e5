#include "arrow_result.hpp"

#include <nanoarrow/nanoarrow.h>
#include <nanoarrow/nanoarrow_ipc.h>

#include <algorithm>
#include <cstring>
#include <mutex>

#include <fmt/format.h>

#include <lodestar/base/assert.hpp>

#include "column_builder.hpp"

namespace lodestar::analytics {
namespace {

template <class Struct, auto Reset>
struct arrow_owner {
  Struct value{};
  arrow_owner() = default;
  arrow_owner(const arrow_owner&) = delete;
  arrow_owner& operator=(const arrow_owner&) = delete;
  ~arrow_owner() { Reset(&value); }
  [[nodiscard]] Struct* get() noexcept { return &value; }
};

void release_schema(ArrowSchema* schema) {
  if (schema->release != nullptr) schema->release(schema);
}
void reset_view(ArrowArrayView* view) {
  ArrowArrayViewReset(view);
}
void reset_decoder(ArrowIpcDecoder* decoder) {
  ArrowIpcDecoderReset(decoder);
}
void reset_writer(ArrowIpcWriter* writer) {
  if (writer->private_data != nullptr) ArrowIpcWriterReset(writer);
}

using schema_owner = arrow_owner<ArrowSchema, release_schema>;
using view_owner = arrow_owner<ArrowArrayView, reset_view>;
using decoder_owner = arrow_owner<ArrowIpcDecoder, reset_decoder>;
using writer_owner = arrow_owner<ArrowIpcWriter, reset_writer>;

std::unexpected<error> arrow_failure(const char* what, const ArrowError& reason) {
  return fail(error_code::internal, fmt::format("{} failed: {}", what, reason.message));
}

/// ---- Writing

ArrowErrorCode append_to_string(ArrowIpcOutputStream* stream, const void* bytes, std::int64_t size,
                                std::int64_t* written, ArrowError*) {
  static_cast<std::string*>(stream->private_data)
      ->append(static_cast<const char*>(bytes), static_cast<std::size_t>(size));
  *written = size;
  return NANOARROW_OK;
}

ArrowErrorCode set_column_type(ArrowSchema* schema, value_type type) {
  switch (type) {
    case value_type::boolean: return ArrowSchemaSetType(schema, NANOARROW_TYPE_BOOL);
    case value_type::integer: return ArrowSchemaSetType(schema, NANOARROW_TYPE_INT64);
    case value_type::number: return ArrowSchemaSetType(schema, NANOARROW_TYPE_DOUBLE);
    case value_type::text: return ArrowSchemaSetType(schema, NANOARROW_TYPE_STRING);
    case value_type::date: return ArrowSchemaSetType(schema, NANOARROW_TYPE_DATE32);
    case value_type::timestamp:
      return ArrowSchemaSetTypeDateTime(schema, NANOARROW_TYPE_TIMESTAMP, NANOARROW_TIME_UNIT_MICRO,
                                        "UTC");
  }
  return NANOARROW_OK;
}

ArrowErrorCode make_schema(ArrowSchema* schema, const std::vector<column_builder>& columns) {
  ArrowSchemaInit(schema);
  NANOARROW_RETURN_NOT_OK(
      ArrowSchemaSetTypeStruct(schema, static_cast<std::int64_t>(columns.size())));
  for (std::size_t index = 0; index < columns.size(); ++index) {
    NANOARROW_RETURN_NOT_OK(set_column_type(schema->children[index], columns[index].type()));
    NANOARROW_RETURN_NOT_OK(
        ArrowSchemaSetName(schema->children[index], columns[index].name().c_str()));
  }
  return NANOARROW_OK;
}

template <class Element>
void point_to(ArrowBufferView& view, const std::vector<Element>& content) {
  view.data.data = content.data();
  view.size_bytes = static_cast<std::int64_t>(content.size() * sizeof(Element));
}

/// `shell` stands for the array that a view normally has: the encoder asks it for the number of
/// buffers, for nothing else.
void point_to(ArrowArrayView* view, ArrowArray& shell, const column_builder& from,
              std::int64_t rows) {
  shell.n_buffers = from.type() == value_type::text ? 3 : 2;
  view->array = &shell;
  view->length = rows;
  view->null_count = from.nulls();
  point_to(view->buffer_views[0], from.validity());
  const bool text = from.type() == value_type::text;
  if (text) point_to(view->buffer_views[1], from.offsets());
  point_to(view->buffer_views[text ? 2 : 1], from.values());
}

result<std::string> write_stream(const std::vector<column_builder>& columns, std::int64_t rows) {
  ArrowError reason{};
  schema_owner schema;
  view_owner batch;
  if (make_schema(schema.get(), columns) != NANOARROW_OK ||
      ArrowArrayViewInitFromSchema(batch.get(), schema.get(), &reason) != NANOARROW_OK) {
    return arrow_failure("describing a result", reason);
  }
  batch.value.length = rows;
  std::vector<ArrowArray> shells(columns.size());
  std::size_t bytes = 1024;
  for (std::size_t index = 0; index < columns.size(); ++index) {
    point_to(batch.value.children[index], shells[index], columns[index], rows);
    bytes += columns[index].bytes() + columns[index].name().size() + 256;
  }

  std::string stream;
  stream.reserve(bytes);
  ArrowIpcOutputStream out{append_to_string,
                           [](ArrowIpcOutputStream* self) { self->release = nullptr; }, &stream};
  writer_owner writer;
  if (ArrowIpcWriterInit(writer.get(), &out) != NANOARROW_OK ||
      ArrowIpcWriterWriteSchema(writer.get(), schema.get(), &reason) != NANOARROW_OK ||
      ArrowIpcWriterWriteArrayView(writer.get(), batch.get(), &reason) != NANOARROW_OK ||
      ArrowIpcWriterWriteArrayView(writer.get(), nullptr, &reason) != NANOARROW_OK) {
    return arrow_failure("writing a result", reason);
  }
  return stream;
}

std::vector<column_builder> make_builders(duckdb_result* rows) {
  std::vector<column_builder> builders;
  const auto count = duckdb_column_count(rows);
  builders.reserve(count);
  for (idx_t index = 0; index < count; ++index) {
    const type_handle type(duckdb_column_logical_type(rows, index));
    builders.emplace_back(duckdb_column_name(rows, index), type.get());
  }
  return builders;
}

std::size_t total_bytes(const std::vector<column_builder>& builders) {
  std::size_t total = 0;
  for (const auto& builder : builders) total += builder.bytes();
  return total;
}

/// ---- Reading

class arrow_result final : public query_result {
 public:
  arrow_result(shared_bytes stream, std::size_t rendered_bytes_max)
      : stream_(std::move(stream)),
        digest_(hash_bytes_128(stream_.view())),
        rendered_bytes_max_(rendered_bytes_max) {}

  [[nodiscard]] result<void> locate();

  [[nodiscard]] const std::vector<column>& columns() const noexcept override { return columns_; }
  [[nodiscard]] std::size_t rows() const noexcept override { return rows_; }
  [[nodiscard]] cell at(std::size_t row, std::size_t column) const override;
  [[nodiscard]] std::span<const column_buffers> buffers() const noexcept override {
    return places_;
  }
  [[nodiscard]] const shared_bytes& arrow() const noexcept override { return stream_; }
  [[nodiscard]] const hash128& digest() const noexcept override { return digest_; }
  [[nodiscard]] const result<shared_bytes>& json() const override {
    std::call_once(json_once_, [this] { json_ = shared(render_json(*this, rendered_bytes_max_)); });
    return json_;
  }
  [[nodiscard]] const result<shared_bytes>& csv() const override {
    std::call_once(csv_once_, [this] { csv_ = shared(render_csv(*this, rendered_bytes_max_)); });
    return csv_;
  }

 private:
  [[nodiscard]] result<void> read_columns(ArrowSchema& schema);
  [[nodiscard]] result<void> read_places(const ArrowArrayView& batch);
  [[nodiscard]] static result<shared_bytes> shared(result<std::string> text) {
    if (!text) return std::unexpected(std::move(text.error()));
    return shared_bytes(std::move(*text));
  }

  shared_bytes stream_;
  hash128 digest_;
  std::size_t rendered_bytes_max_;
  std::vector<column> columns_;
  std::vector<column_buffers> places_;
  std::size_t rows_ = 0;
  mutable std::once_flag json_once_;
  mutable std::once_flag csv_once_;
  mutable result<shared_bytes> json_;
  mutable result<shared_bytes> csv_;
};

result<value_type> column_type(const ArrowSchema& schema) {
  ArrowSchemaView view{};
  ArrowError reason{};
  if (ArrowSchemaViewInit(&view, &schema, &reason) != NANOARROW_OK)
    return arrow_failure("reading a result's schema", reason);
  switch (view.type) {
    case NANOARROW_TYPE_BOOL: return value_type::boolean;
    case NANOARROW_TYPE_INT64: return value_type::integer;
    case NANOARROW_TYPE_DOUBLE: return value_type::number;
    case NANOARROW_TYPE_STRING: return value_type::text;
    case NANOARROW_TYPE_DATE32: return value_type::date;
    case NANOARROW_TYPE_TIMESTAMP: return value_type::timestamp;
    default:
      return fail(error_code::corrupt, "a result has a column type that Lodestar does not write");
  }
}

ArrowBufferView view_of(std::string_view bytes) {
  ArrowBufferView view{};
  view.data.data = bytes.data();
  view.size_bytes = static_cast<std::int64_t>(bytes.size());
  return view;
}

result<void> arrow_result::locate() {
  ArrowError reason{};
  decoder_owner decoder;
  schema_owner schema;
  std::string_view rest = stream_.view();
  if (ArrowIpcDecoderInit(decoder.get()) != NANOARROW_OK ||
      ArrowIpcDecoderDecodeHeader(decoder.get(), view_of(rest), &reason) != NANOARROW_OK ||
      ArrowIpcDecoderDecodeSchema(decoder.get(), schema.get(), &reason) != NANOARROW_OK ||
      ArrowIpcDecoderSetSchema(decoder.get(), schema.get(), &reason) != NANOARROW_OK) {
    return arrow_failure("reading a result's schema", reason);
  }
  if (auto read = read_columns(schema.value); !read) return read;

  rest.remove_prefix(
      static_cast<std::size_t>(decoder.value.header_size_bytes + decoder.value.body_size_bytes));
  if (ArrowIpcDecoderDecodeHeader(decoder.get(), view_of(rest), &reason) != NANOARROW_OK)
    return arrow_failure("reading a result", reason);
  rest.remove_prefix(static_cast<std::size_t>(decoder.value.header_size_bytes));
  ArrowArrayView* batch = nullptr;
  if (ArrowIpcDecoderDecodeArrayView(decoder.get(), view_of(rest), -1, &batch, &reason) !=
      NANOARROW_OK) {
    return arrow_failure("reading a result", reason);
  }
  return read_places(*batch);
}

result<void> arrow_result::read_columns(ArrowSchema& schema) {
  columns_.reserve(static_cast<std::size_t>(schema.n_children));
  for (std::int64_t index = 0; index < schema.n_children; ++index) {
    auto type = column_type(*schema.children[index]);
    if (!type) return std::unexpected(std::move(type.error()));
    columns_.push_back({schema.children[index]->name, *type});
  }
  return {};
}

/// Where the buffer begins, also when it has no bytes.
const std::uint8_t* place_of(const ArrowBufferView& buffer) noexcept {
  alignas(std::int64_t) static constexpr std::uint8_t nothing[sizeof(std::int64_t)] = {};
  return buffer.data.as_uint8 == nullptr ? nothing : buffer.data.as_uint8;
}

bool is_aligned(const std::uint8_t* place) noexcept {
  return reinterpret_cast<std::uintptr_t>(place) % alignof(std::int64_t) == 0;
}

// A buffer begins at a multiple of 8 bytes of the stream, and the stream at one of 16.
result<void> arrow_result::read_places(const ArrowArrayView& batch) {
  rows_ = static_cast<std::size_t>(batch.length);
  places_.reserve(columns_.size());
  for (std::size_t index = 0; index < columns_.size(); ++index) {
    const ArrowArrayView& view = *batch.children[index];
    const bool text = columns_[index].type == value_type::text;
    const std::uint8_t* const values = place_of(view.buffer_views[text ? 2 : 1]);
    const std::uint8_t* const offsets = place_of(view.buffer_views[1]);
    if (!is_aligned(values) || !is_aligned(offsets))
      return fail(error_code::corrupt, "the columns of a result are not aligned");
    places_.push_back(
        {.type = columns_[index].type,
         .rows = rows_,
         .validity = view.null_count == 0 ? nullptr : view.buffer_views[0].data.as_uint8,
         .offsets = text ? reinterpret_cast<const std::int32_t*>(offsets) : nullptr,
         .values = values});
  }
  return {};
}

bool bit(const std::uint8_t* bits, std::size_t index) noexcept {
  return ((unsigned{bits[index / 8]} >> (index % 8)) & 1U) != 0;
}

template <class Value>
Value load(const std::uint8_t* values, std::size_t index) noexcept {
  Value value;
  std::memcpy(&value, values + index * sizeof(Value), sizeof(Value));
  return value;
}

cell arrow_result::at(std::size_t row, std::size_t column) const {
  LODESTAR_ASSERT(row < rows_ && column < columns_.size(), "a cell outside the result");
  const column_buffers& place = places_[column];
  if (place.validity != nullptr && !bit(place.validity, row)) return {};
  switch (columns_[column].type) {
    case value_type::boolean: return bit(place.values, row);
    case value_type::number: return load<double>(place.values, row);
    case value_type::date: return std::int64_t{load<std::int32_t>(place.values, row)};
    case value_type::integer:
    case value_type::timestamp: return load<std::int64_t>(place.values, row);
    case value_type::text: break;
  }
  const auto begin = static_cast<std::size_t>(place.offsets[row]);
  const auto end = static_cast<std::size_t>(place.offsets[row + 1]);
  return begin == end
             ? std::string_view("")
             : std::string_view(reinterpret_cast<const char*>(place.values) + begin, end - begin);
}

}  // namespace

result<query_result_ptr> make_query_result(result_handle& rows, std::size_t bytes_max) {
  const std::size_t limit = std::min(bytes_max, result_bytes_limit);
  auto builders = make_builders(rows.get());
  std::int64_t count = 0;
  for (;;) {
    const chunk_handle chunk(duckdb_fetch_chunk(*rows.get()));
    if (!chunk) break;
    const auto chunk_rows = duckdb_data_chunk_get_size(chunk.get());
    if (chunk_rows == 0) break;
    for (idx_t index = 0; index < builders.size(); ++index) {
      builders[index].append(duckdb_data_chunk_get_vector(chunk.get(), index), chunk_rows);
    }
    count += static_cast<std::int64_t>(chunk_rows);
    if (total_bytes(builders) > limit) {
      return fail(
          error_code::too_large, fmt::format("the result has more than {} bytes", limit), {},
          "aggregate more or add a LIMIT to the query, or raise the limit of a result's size");
    }
  }
  auto stream = write_stream(builders, count);
  if (!stream) return std::unexpected(std::move(stream.error()));
  return read_query_result(shared_bytes(std::move(*stream)), limit);
}

std::size_t rendered_bytes_estimate(const query_result& content) noexcept {
  // The longest cell of each type, with quotes and the comma.
  const auto cell_bytes_max = [](value_type type) -> std::size_t {
    switch (type) {
      case value_type::boolean: return sizeof("false");
      case value_type::integer: return sizeof("-9223372036854775808");
      case value_type::number: return sizeof("-1.2345678901234567e-308");
      case value_type::timestamp: return sizeof("\"2001-06-30T12:34:00.123456Z\"");
      case value_type::date: return sizeof("\"2001-06-30\"");
      case value_type::text: return sizeof("null");  // Its characters are in the Arrow bytes.
    }
    return 0;
  };
  std::size_t row_bytes = sizeof("[]");
  bool texts = false;
  for (const auto& column : content.columns()) {
    row_bytes += cell_bytes_max(column.type);
    texts = texts || column.type == value_type::text;
  }
  return content.rows() * row_bytes + (texts ? content.arrow().size() : 0);
}

std::unexpected<error> rendered_too_large(std::size_t bytes_max) {
  return fail(error_code::too_large,
              fmt::format("the result as text has more than {} bytes", bytes_max), {},
              "aggregate more or add a LIMIT to the query, or ask for format=arrow");
}

result<query_result_ptr> read_query_result(shared_bytes stream, std::size_t bytes_max) {
  auto read = std::make_shared<arrow_result>(std::move(stream), bytes_max);
  if (auto located = read->locate(); !located) return std::unexpected(std::move(located.error()));
  return query_result_ptr(std::move(read));
}

}  // namespace lodestar::analytics
