// The receiving end of Beast's grammar: collects one request and applies our own rules to it.
#pragma once

#include <boost/beast/http/basic_parser.hpp>

#include <optional>

#include "request_parser.hpp"

namespace lodestar::web {

class request_sink final : public boost::beast::http::basic_parser<true> {
 public:
  explicit request_sink(std::size_t body_bytes_max);
  ~request_sink() override;

  request message;
  bool is_http_1_0 = false;
  bool expects_continue = false;
  std::uint64_t chunk_bytes_left = 0;  ///< 0 where the next bytes are a chunk's size.
  std::optional<refusal> refused;      ///< Ours; Beast's own reasons come as its error code.

 private:
  using field = boost::beast::http::field;
  using piece = boost::beast::string_view;
  using status = boost::beast::error_code;

  void on_request_impl(boost::beast::http::verb verb, piece verb_text, piece target, int version,
                       status& code) override;
  void on_response_impl(int code, piece reason, int version, status& result) override;
  void on_field_impl(field known, piece name, piece value, status& code) override;
  void on_header_impl(status& code) override;
  void on_body_init_impl(const boost::optional<std::uint64_t>& length, status& code) override;
  std::size_t on_body_impl(piece body, status& code) override;
  void on_chunk_header_impl(std::uint64_t size, piece extensions, status& code) override;
  std::size_t on_chunk_body_impl(std::uint64_t remaining, piece body, status& code) override;
  void on_finish_impl(status& code) override;

  void take_field(field known, std::string_view name, std::string_view value, status& code);
  void take_trailer(std::string_view name, std::string_view value, status& code);
  void check_host(std::string_view value, status& code);
  void resolve_target(status& code);
  void refuse(int code, std::string message, status& result);

  std::string host_;
  std::size_t trailer_bytes_ = 0;
  bool has_host_ = false;
  bool has_content_length_ = false;
  bool in_trailers_ = false;
};

}  // namespace lodestar::web
