# BoringSSL from Debian's source package (deploy/fetch-boringssl), static and with hidden symbols.
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

add_library(comity_boringssl STATIC EXCLUDE_FROM_ALL ${crypto_sources} ${boringssl_assembly})
target_include_directories(comity_boringssl SYSTEM PUBLIC ${COMITY_BORINGSSL_SOURCE_DIR}/src/include)
# -O2 in every preset: unoptimised field arithmetic would make each test wait.
target_compile_options(comity_boringssl PRIVATE -fvisibility=hidden -O2 -w -Wa,--noexecstack)
target_compile_definitions(
  comity_boringssl PRIVATE BORINGSSL_IMPLEMENTATION _XOPEN_SOURCE=700
                           $<$<NOT:$<BOOL:${boringssl_assembly}>>:OPENSSL_NO_ASM>)
target_link_libraries(comity_boringssl PUBLIC Threads::Threads)
