# Every tests/**/*_test.cc must be a source of some comity_test: a forgotten test proves nothing.
if(COMITY_REQUIRE_REGISTERED_TESTS)
  file(GLOB_RECURSE test_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/*_test.cc)
  set(severity FATAL_ERROR)
else()
  file(GLOB_RECURSE test_sources ${PROJECT_SOURCE_DIR}/tests/*_test.cc)
  set(severity WARNING)
endif()
get_property(registered GLOBAL PROPERTY COMITY_REGISTERED_TEST_SOURCES)
list(REMOVE_ITEM test_sources ${registered})
if(test_sources)
  list(JOIN test_sources "\n  " listing)
  message(${severity} "These test files belong to no comity_test:\n  ${listing}")
endif()

# check: what CI runs. tidy and analyze: the checks of .clang-tidy over our own sources, first all but
# the static analyzer, then the analyzer alone; three quarters of an hour and some more than an hour on
# two cores. Both read the generated headers of a tree that was built.
get_property(programs GLOBAL PROPERTY COMITY_PROGRAMS)
add_custom_target(
  check
  COMMAND ${CMAKE_CTEST_COMMAND} --test-dir ${PROJECT_BINARY_DIR} --output-on-failure
          --no-tests=error
  COMMENT "Format, layering, proto rules and every other test"
  USES_TERMINAL VERBATIM)
add_dependencies(check ${programs})
if(TARGET comity_headers_alone)
  add_dependencies(check comity_headers_alone)
endif()

find_program(COMITY_RUN_CLANG_TIDY NAMES run-clang-tidy run-clang-tidy-14)
if(COMITY_RUN_CLANG_TIDY AND CMAKE_EXPORT_COMPILE_COMMANDS)
  function(comity_tidy target checks comment)
    add_custom_target(
      ${target}
      COMMAND ${COMITY_RUN_CLANG_TIDY} -quiet -p ${PROJECT_BINARY_DIR} -checks=${checks}
              "^${PROJECT_SOURCE_DIR}/(services|client|tests)/"
      COMMENT "${comment}"
      USES_TERMINAL VERBATIM)
  endfunction()
  comity_tidy(tidy "-clang-analyzer-*" "clang-tidy")
  comity_tidy(analyze "-*,clang-analyzer-*,-clang-analyzer-optin.cplusplus.VirtualCall"
              "clang's static analyzer")
endif()
