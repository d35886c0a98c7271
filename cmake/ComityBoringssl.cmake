# BoringSSL from Debian's source package (deploy/fetch-boringssl), static and with hidden symbols:
# target comity_boringssl, for services/common/crypto alone.
#
# gRPC brings OpenSSL into the same process, and the two libraries define the same names. Hidden
# visibility keeps ours from leaking out, but not OpenSSL's from being taken by our own calls when
# libcrypto.so happens to stand first on the link line. So every symbol of the archive is renamed
# to COMITY_BORINGSSL_<name>; BoringSSL's headers know this as BORINGSSL_PREFIX.
set(COMITY_BORINGSSL_SOURCE_DIR ${PROJECT_SOURCE_DIR}/build/boringssl-src
    CACHE PATH "Unpacked source package android-platform-external-boringssl")
if(NOT EXISTS ${COMITY_BORINGSSL_SOURCE_DIR}/android-sources.cmake)
  message(FATAL_ERROR "BoringSSL's source is not at ${COMITY_BORINGSSL_SOURCE_DIR}.\n"
                      "Fetch it once with: deploy/fetch-boringssl\n"
                      "or name a copy with -DCOMITY_BORINGSSL_SOURCE_DIR=<folder>.")
endif()
set(COMITY_WYCHEPROOF_DIR ${COMITY_BORINGSSL_SOURCE_DIR}/src/third_party/wycheproof_testvectors)

set(BORINGSSL_ROOT ${COMITY_BORINGSSL_SOURCE_DIR}/)
include(${COMITY_BORINGSSL_SOURCE_DIR}/android-sources.cmake)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|amd64")
  set(boringssl_assembly ${crypto_sources_linux_x86_64})
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
  set(boringssl_assembly ${crypto_sources_linux_aarch64})
else()
  set(boringssl_assembly)
endif()

add_library(comity_boringssl_raw STATIC EXCLUDE_FROM_ALL ${crypto_sources} ${boringssl_assembly})
target_include_directories(comity_boringssl_raw PRIVATE ${BORINGSSL_ROOT}src/include)
# -O2 in every preset: unoptimised field arithmetic would make each test wait.
target_compile_options(comity_boringssl_raw PRIVATE -fvisibility=hidden -O2 -w -Wa,--noexecstack)
target_compile_definitions(
  comity_boringssl_raw PRIVATE BORINGSSL_IMPLEMENTATION _XOPEN_SOURCE=700
                               $<$<NOT:$<BOOL:${boringssl_assembly}>>:OPENSSL_NO_ASM>)

set(boringssl_dir ${PROJECT_BINARY_DIR}/boringssl)
set(boringssl_archive ${boringssl_dir}/libcomity_boringssl.a)
set(boringssl_header ${boringssl_dir}/include/boringssl_prefix_symbols.h)
set(COMITY_BORINGSSL_SYMBOLS ${boringssl_dir}/symbols.txt)
file(MAKE_DIRECTORY ${boringssl_dir}/include)
add_custom_command(
  OUTPUT ${boringssl_archive} ${COMITY_BORINGSSL_SYMBOLS}
  BYPRODUCTS ${boringssl_header}
  COMMAND ${PROJECT_SOURCE_DIR}/cmake/prefix-archive ${CMAKE_NM} ${CMAKE_OBJCOPY} COMITY_BORINGSSL
          $<TARGET_FILE:comity_boringssl_raw> ${boringssl_archive} ${boringssl_header}
          ${COMITY_BORINGSSL_SYMBOLS}
  DEPENDS comity_boringssl_raw ${PROJECT_SOURCE_DIR}/cmake/prefix-archive
  COMMENT "Prefixing BoringSSL's symbols"
  VERBATIM)
add_custom_target(comity_boringssl_prefixed DEPENDS ${boringssl_archive})

add_library(comity_boringssl STATIC IMPORTED GLOBAL)
add_dependencies(comity_boringssl comity_boringssl_prefixed)
set_target_properties(comity_boringssl PROPERTIES IMPORTED_LOCATION ${boringssl_archive})
target_include_directories(comity_boringssl SYSTEM INTERFACE ${BORINGSSL_ROOT}src/include
                                                             ${boringssl_dir}/include)
target_compile_definitions(comity_boringssl INTERFACE BORINGSSL_PREFIX=COMITY_BORINGSSL)
target_link_libraries(comity_boringssl INTERFACE Threads::Threads)
