# lodestar_web_assets(TARGET)
#
# Bundles web-assets/ with Rolldown into ${CMAKE_BINARY_DIR}/web-assets and makes a static library of the result: every
# file (and its .gz and .br) included by the assembler, and a table of lodestar::web::asset in lodestar_assets.hpp.
# Needs Node (from PATH or third_party/node) and web-assets/node_modules; scripts/bootstrap provides both.
enable_language(ASM)   # not possible inside of a function

function(lodestar_web_assets target)
  find_program(LODESTAR_NODE node HINTS "${LODESTAR_THIRD_PARTY}/node/bin" REQUIRED)
  set(folder "${PROJECT_SOURCE_DIR}/web-assets")
  set(out "${CMAKE_BINARY_DIR}/web-assets")
  if(NOT EXISTS "${folder}/node_modules/rolldown")
    message(FATAL_ERROR "web-assets/node_modules is missing: run scripts/bootstrap first (make run and make test do).")
  endif()

  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${folder}/src/*" "${folder}/licenses/*")
  add_custom_command(
    OUTPUT "${out}/manifest.json" "${out}/assets.S" "${out}/assets.cpp"
    COMMAND "${LODESTAR_NODE}" build.mjs --out "${out}" --third-party "${LODESTAR_THIRD_PARTY}"
    COMMAND "${LODESTAR_NODE}" embed.mjs "${out}"
    DEPENDS ${sources} "${folder}/build.mjs" "${folder}/embed.mjs" "${folder}/package-lock.json"
      "${LODESTAR_THIRD_PARTY}/datastar/datastar.js" "${LODESTAR_THIRD_PARTY}/vega-datasets/us-10m.json"
    WORKING_DIRECTORY "${folder}"
    COMMENT "Bundling web-assets"
    VERBATIM)

  add_library(${target} STATIC "${out}/assets.S" "${out}/assets.cpp")
  # .incbin is not seen by the compiler's dependency scan: the manifest's names carry the hashes of all content, and
  # assets.S is written anew by each bundling.
  set_source_files_properties("${out}/assets.S" PROPERTIES OBJECT_DEPENDS "${out}/manifest.json")
  target_include_directories(${target} PUBLIC "${folder}/include")
  target_link_libraries(${target} PUBLIC lodestar::web)
  target_compile_features(${target} PUBLIC cxx_std_23)
endfunction()
