# Debian packages, by cpack: comity-client, comity-services, libcomity-dev. Build comity_installable
# first (release preset): cpack itself builds nothing.
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME comity)
set(CPACK_PACKAGE_VENDOR "The Comity authors")
set(CPACK_PACKAGE_CONTACT "The Comity authors <comity@comity.test>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Key service for data under more than one law")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL client services library)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SECTION utils)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

set(CPACK_DEBIAN_CLIENT_PACKAGE_NAME comity-client)
set(CPACK_DEBIAN_CLIENT_PACKAGE_RECOMMENDS "comity-services, man-db")
set(CPACK_COMPONENT_CLIENT_DESCRIPTION
    "Command for accounts and legal requests\n\
 Stores files under more than one law, shows who holds the keys and who can\n\
 compel them, moves accounts with their owner's consent, and checks the public\n\
 logs. With the services installed, it runs a development deployment.")
set(CPACK_DEBIAN_SERVICES_PACKAGE_NAME comity-services)
set(CPACK_DEBIAN_SERVICES_PACKAGE_SECTION net)
set(CPACK_DEBIAN_SERVICES_PACKAGE_SUGGESTS comity-client)
set(CPACK_DEBIAN_SERVICES_PACKAGE_CONTROL_EXTRA ${PROJECT_SOURCE_DIR}/deploy/debian/postinst)
set(CPACK_COMPONENT_SERVICES_DESCRIPTION
    "Storage, key custody and legal review of one region\n\
 Storage keeps ciphertext, custody keeps keys, review decides legal requests.\n\
 Each runs as a user of its own under a hardened systemd unit, and starts when\n\
 its operator has put its identity and the signed topology in place.")
set(CPACK_DEBIAN_LIBRARY_PACKAGE_NAME libcomity-dev)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_DEPENDS
    "libgrpc++-dev, libprotobuf-dev, libabsl-dev, nlohmann-json3-dev, libcpp-httplib-dev, librocksdb-dev, libspdlog-dev, prometheus-cpp-dev")
set(CPACK_COMPONENT_LIBRARY_DESCRIPTION
    "Client library in C++20\n\
 Accounts, encrypted objects, signed key locations, public logs, and a fixture\n\
 that runs a deployment for tests. With a CMake package and a pkg-config file.")

foreach(pair client:comity-client services:comity-services library:libcomity-dev)
  string(REPLACE ":" ";" pair ${pair})
  list(GET pair 0 component)
  list(GET pair 1 package)
  install(FILES deploy/debian/copyright DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${package}
          COMPONENT ${component})
endforeach()
include(CPack)
