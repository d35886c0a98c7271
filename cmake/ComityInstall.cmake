# What `cmake --install` and cpack lay down. Three components:
#   client     the comity command, its manual, completion, topologies and scenarios
#   services   the three services, their manual, systemd units and users
#   library    libcomity.a, headers, a CMake package and a pkg-config file
include(GNUInstallDirs)

# ---- the library: one archive of everything under client/ that others may use
#
# Inside, each folder is a target of its own; outside, one library with one include folder is easier
# to use and to describe. BoringSSL is in it with its renamed symbols.
set(public_targets
    comity_account comity_deployment_test comity_key comity_legal comity_logs comity_migrate
    comity_objects comity_person comity_profile comity_report comity_running_deployment
    comity_session comity_supervisor)
set(archive_targets)
set(outside_libraries)
function(comity_collect target)
  if(target IN_LIST archive_targets)
    return()
  endif()
  get_target_property(aliased ${target} ALIASED_TARGET)
  if(aliased)
    comity_collect(${aliased})
    set(archive_targets ${archive_targets} PARENT_SCOPE)
    set(outside_libraries ${outside_libraries} PARENT_SCOPE)
    return()
  endif()
  list(APPEND archive_targets ${target})
  set(dependencies)
  foreach(property LINK_LIBRARIES INTERFACE_LINK_LIBRARIES)
    get_target_property(found ${target} ${property})
    if(found)
      list(APPEND dependencies ${found})
    endif()
  endforeach()
  list(REMOVE_DUPLICATES dependencies)
  foreach(dependency IN LISTS dependencies)
    string(REGEX REPLACE "^\\$<LINK_ONLY:(.*)>$" "\\1" dependency "${dependency}")
    if(dependency MATCHES "^\\$<BUILD_INTERFACE|^comity_boringssl$")
      continue()
    elseif(dependency MATCHES "^comity(::|_)" AND TARGET ${dependency})
      comity_collect(${dependency})
    elseif(NOT dependency MATCHES "^GTest::")
      list(APPEND outside_libraries ${dependency})
    endif()
  endforeach()
  set(archive_targets ${archive_targets} PARENT_SCOPE)
  set(outside_libraries ${outside_libraries} PARENT_SCOPE)
endfunction()
foreach(target IN LISTS public_targets)
  comity_collect(${target})
endforeach()
list(REMOVE_DUPLICATES outside_libraries)
list(SORT outside_libraries)

set(archives)
set(headers)
foreach(target IN LISTS archive_targets)
  get_target_property(type ${target} TYPE)
  if(type STREQUAL STATIC_LIBRARY)
    list(APPEND archives $<TARGET_FILE:${target}>)
  endif()
  get_target_property(sources ${target} SOURCES)
  get_target_property(folder ${target} SOURCE_DIR)
  foreach(source IN LISTS sources)
    # Drivers of a store are reached through its ports.
    if(source MATCHES "\\.h$" AND NOT source MATCHES "^rocksdb_" AND NOT IS_ABSOLUTE ${source})
      list(APPEND headers ${folder}/${source})
    endif()
  endforeach()
endforeach()
# Tests install it; otherwise it is made when asked for.
set(all_with_tests)
if(BUILD_TESTING)
  set(all_with_tests ALL)
endif()
set(library_archive ${PROJECT_BINARY_DIR}/library/libcomity.a)
add_custom_command(
  OUTPUT ${library_archive}
  COMMAND ${PROJECT_SOURCE_DIR}/cmake/merge-archives ${CMAKE_AR} ${library_archive} ${archives}
          $<TARGET_FILE:comity_boringssl>
  DEPENDS ${archive_targets} comity_boringssl_prefixed ${PROJECT_SOURCE_DIR}/cmake/merge-archives
  COMMENT "Merging the client library"
  VERBATIM)
add_custom_target(comity_client_library ${all_with_tests} DEPENDS ${library_archive})

set(include_dir ${CMAKE_INSTALL_INCLUDEDIR}/comity)
install(FILES ${library_archive} DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT library)
foreach(header IN LISTS headers)
  cmake_path(RELATIVE_PATH header BASE_DIRECTORY ${PROJECT_SOURCE_DIR} OUTPUT_VARIABLE path)
  cmake_path(GET path PARENT_PATH folder)
  install(FILES ${header} DESTINATION ${include_dir}/${folder} COMPONENT library)
endforeach()
# The messages of the wire; what a service keeps on its disk is its own affair.
install(DIRECTORY ${PROJECT_BINARY_DIR}/gen/comity DESTINATION ${include_dir} COMPONENT library
        FILES_MATCHING PATTERN "*.pb.h" PATTERN "store" EXCLUDE)

# What a program that links the archive needs besides: by CMake name, and for pkg-config.
set(cmake_libraries)
set(pc_requires grpc++ protobuf)
set(pc_libraries -lpthread)
foreach(library IN LISTS outside_libraries)
  if(library MATCHES "^absl::(.*)$")
    list(APPEND pc_requires absl_${CMAKE_MATCH_1})
    list(APPEND cmake_libraries ${library})
  elseif(library MATCHES "^(gRPC::|protobuf::|Threads::|nlohmann_json::|spdlog::)")
    list(APPEND cmake_libraries ${library})
  elseif(library STREQUAL "RocksDB::rocksdb")
    list(APPEND cmake_libraries ${library})
    list(APPEND pc_libraries -lrocksdb)
  elseif(library MATCHES "httplib")
    list(APPEND pc_requires cpp-httplib)
  elseif(library MATCHES "^prometheus-cpp::(.*)$")
    list(APPEND pc_requires prometheus-cpp-${CMAKE_MATCH_1})
    list(APPEND cmake_libraries ${library})
  elseif(library MATCHES "^CLI11::")
    # Headers only, and not ours.
  else()
    message(FATAL_ERROR "ComityInstall: say how others find ${library}")
  endif()
  if(library MATCHES "^spdlog::")
    list(APPEND pc_requires spdlog)
  endif()
endforeach()
list(REMOVE_DUPLICATES pc_requires)
list(JOIN pc_requires " " pc_requires)
list(JOIN pc_libraries " " pc_libraries)
list(JOIN cmake_libraries "\n  " cmake_libraries)
# From lib/cmake/comity, and from lib/pkgconfig, to the prefix: both move with it.
string(REGEX MATCHALL "[^/]+" libdir_parts ${CMAKE_INSTALL_LIBDIR})
set(comity_levels)
set(pc_levels ..)
foreach(part IN LISTS libdir_parts)
  string(APPEND comity_levels " ${part}")
  string(APPEND pc_levels "/..")
endforeach()
string(APPEND comity_levels " cmake comity")
foreach(file comity-config.cmake comity.pc)
  configure_file(${PROJECT_SOURCE_DIR}/cmake/${file}.in ${PROJECT_BINARY_DIR}/library/${file} @ONLY)
endforeach()
include(CMakePackageConfigHelpers)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/library/comity-config-version.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/library/comity-config.cmake
              ${PROJECT_BINARY_DIR}/library/comity-config-version.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/comity COMPONENT library)
install(FILES ${PROJECT_BINARY_DIR}/library/comity.pc
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT library)

# ---- programs, manual, completion, units
set(manual ${PROJECT_BINARY_DIR}/manual)
install(TARGETS comity DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT client)
install(TARGETS comity-storage comity-custody comity-review
        DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT services)
install(DIRECTORY ${manual}/man/man1 DESTINATION ${CMAKE_INSTALL_MANDIR} COMPONENT client)
install(DIRECTORY ${manual}/man/man8 DESTINATION ${CMAKE_INSTALL_MANDIR} COMPONENT services)
install(FILES ${manual}/completion/comity
        DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions COMPONENT client)
install(FILES ${manual}/completion/_comity
        DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions COMPONENT client)
install(FILES ${manual}/completion/comity.fish
        DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d COMPONENT client)
install(DIRECTORY deploy/topologies deploy/scenarios
        DESTINATION ${CMAKE_INSTALL_DATADIR}/comity COMPONENT client)
install(DIRECTORY deploy/systemd/ DESTINATION lib/systemd/system COMPONENT services
        FILES_MATCHING PATTERN "*.service")
install(FILES deploy/systemd/comity.sysusers DESTINATION lib/sysusers.d RENAME comity.conf
        COMPONENT services)

include(ComityPackages)
# Everything that is installed, and no test.
add_custom_target(comity_installable)
add_dependencies(comity_installable comity comity-storage comity-custody comity-review
                 comity_client_library comity_manual_files)
