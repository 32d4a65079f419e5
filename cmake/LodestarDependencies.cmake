# What scripts/bootstrap fetched (third_party/, pinned by version and SHA-256) and what Debian ships.
set(LODESTAR_THIRD_PARTY "${PROJECT_SOURCE_DIR}/third_party" CACHE PATH "Folder that scripts/bootstrap fills")
if(NOT EXISTS "${LODESTAR_THIRD_PARTY}/duckdb/duckdb.h")
  message(FATAL_ERROR "third_party/ is incomplete: run scripts/bootstrap first (make run and make test do).")
endif()

# Not our code: its behaviour under UBSan is not ours to mend, and instrumenting SQLite takes minutes.
set(LODESTAR_FOREIGN_C_OPTIONS -w -O2)
if(LODESTAR_SANITIZE MATCHES undefined)
  list(APPEND LODESTAR_FOREIGN_C_OPTIONS -fno-sanitize=undefined)
endif()

find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(Boost 1.81 REQUIRED)
find_package(simdjson REQUIRED)
find_package(CLI11 REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
if(LODESTAR_TESTS)
  find_package(GTest REQUIRED)
  find_package(Python3 REQUIRED COMPONENTS Interpreter)
endif()
if(LODESTAR_BENCHMARKS)
  find_package(zstd REQUIRED)  # compressed traces
endif()

# Debian's LMDB has no file for CMake.
find_library(LODESTAR_LMDB_LIBRARY lmdb REQUIRED)
find_path(LODESTAR_LMDB_INCLUDE lmdb.h REQUIRED)
add_library(lodestar_lmdb UNKNOWN IMPORTED GLOBAL)
add_library(lodestar::lmdb ALIAS lodestar_lmdb)
set_target_properties(lodestar_lmdb PROPERTIES IMPORTED_LOCATION "${LODESTAR_LMDB_LIBRARY}"
  INTERFACE_INCLUDE_DIRECTORIES "${LODESTAR_LMDB_INCLUDE}")

# Nor has its hiredis 0.14 one.
find_library(LODESTAR_HIREDIS_LIBRARY hiredis REQUIRED)
find_path(LODESTAR_HIREDIS_INCLUDE hiredis/hiredis.h REQUIRED)
add_library(lodestar_hiredis UNKNOWN IMPORTED GLOBAL)
add_library(lodestar::hiredis ALIAS lodestar_hiredis)
set_target_properties(lodestar_hiredis PROPERTIES IMPORTED_LOCATION "${LODESTAR_HIREDIS_LIBRARY}"
  INTERFACE_INCLUDE_DIRECTORIES "${LODESTAR_HIREDIS_INCLUDE}")

# SQLite: one copy in the process, ours. Debian's 3.40.1 has the WAL-reset bug (fixed in 3.51.3).
add_library(lodestar_sqlite3 STATIC EXCLUDE_FROM_ALL "${LODESTAR_THIRD_PARTY}/sqlite3/sqlite3.c")
add_library(lodestar::sqlite3 ALIAS lodestar_sqlite3)
target_include_directories(lodestar_sqlite3 SYSTEM PUBLIC "${LODESTAR_THIRD_PARTY}/sqlite3")
target_compile_definitions(lodestar_sqlite3 PRIVATE SQLITE_THREADSAFE=2 SQLITE_DQS=0 SQLITE_DEFAULT_MEMSTATUS=0
  SQLITE_OMIT_LOAD_EXTENSION SQLITE_OMIT_DEPRECATED SQLITE_OMIT_SHARED_CACHE SQLITE_LIKE_DOESNT_MATCH_BLOBS
  SQLITE_MAX_EXPR_DEPTH=0 SQLITE_USE_ALLOCA)
target_compile_options(lodestar_sqlite3 PRIVATE ${LODESTAR_FOREIGN_C_OPTIONS})
target_link_libraries(lodestar_sqlite3 PRIVATE Threads::Threads)

add_library(lodestar_duckdb SHARED IMPORTED GLOBAL)
add_library(lodestar::duckdb ALIAS lodestar_duckdb)
set_target_properties(lodestar_duckdb PROPERTIES IMPORTED_LOCATION "${LODESTAR_THIRD_PARTY}/duckdb/libduckdb.so")
target_include_directories(lodestar_duckdb SYSTEM INTERFACE "${LODESTAR_THIRD_PARTY}/duckdb")

file(GLOB nanoarrow_sources "${LODESTAR_THIRD_PARTY}/nanoarrow/*.c" "${LODESTAR_THIRD_PARTY}/nanoarrow/flatcc/*.c")
add_library(lodestar_nanoarrow STATIC EXCLUDE_FROM_ALL ${nanoarrow_sources})
add_library(lodestar::nanoarrow ALIAS lodestar_nanoarrow)
target_include_directories(lodestar_nanoarrow SYSTEM PUBLIC "${LODESTAR_THIRD_PARTY}/nanoarrow/include"
  PRIVATE "${LODESTAR_THIRD_PARTY}/nanoarrow/flatcc/include")
target_compile_options(lodestar_nanoarrow PRIVATE ${LODESTAR_FOREIGN_C_OPTIONS})

