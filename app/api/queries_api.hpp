// GET /api/queries (what there is) and GET /api/queries/{name} (a result).
#pragma once

#include <string_view>

#include <lodestar/analytics/service.hpp>
#include <lodestar/base/executor.hpp>
#include <lodestar/web/server.hpp>

namespace lodestar::app {

/// Thread-safe. The service must outlive it.
///
/// Every parameter of a request that is not reserved is a parameter of the query. Reserved:
///   format=json|csv|arrow   else by Accept; JSON when it does not matter
///   min_position=P          waits until the result includes position P (read your own write)
///   as_of=P                 the result as of an earlier position
/// Answers carry ETag, Age, Cache-Status (RFC 9211) and Lodestar-Position; If-None-Match answers
/// 304.
class queries_api {
 public:
  queries_api(analytics::service& service, executor& background);

  void list(web::exchange exchange) const;
  void get(std::string_view name, web::request request, web::exchange exchange);

 private:
  analytics::service& service_;
  executor& background_;
};

}  // namespace lodestar::app
