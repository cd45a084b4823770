# SPDX-License-Identifier: Apache-2.0
# What is installed where, and the Debian package of it: `cpack --config build/release/CPackConfig.cmake`
# (script/deb). The unit expects the program in /usr/bin.
include(GNUInstallDirs)

set(PACKAGE_UNITS ${CMAKE_INSTALL_PREFIX}/lib)
if(CMAKE_INSTALL_PREFIX STREQUAL "/usr")
  set(PACKAGE_UNITS /lib) # where Debian 12 has them
endif()

# package_gzip(FILE TO): without name and time, so that the same tree gives the same package.
function(package_gzip file to)
  get_filename_component(name ${file} NAME)
  set(out ${CMAKE_BINARY_DIR}/package/${name}.gz)
  file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/package)
  execute_process(COMMAND gzip -9nc ${file} OUTPUT_FILE ${out} COMMAND_ERROR_IS_FATAL ANY)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  install(FILES ${out} DESTINATION ${to})
endfunction()

install(TARGETS stripwatch)
install(TARGETS stripwatch-fetch stripwatch-feed DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/stripwatch)
install(FILES contrib/systemd/stripwatch.service DESTINATION ${PACKAGE_UNITS}/systemd/system)
install(FILES contrib/sysusers/stripwatch.conf DESTINATION ${CMAKE_INSTALL_PREFIX}/lib/sysusers.d)
install(FILES contrib/tmpfiles/stripwatch.conf DESTINATION ${CMAKE_INSTALL_PREFIX}/lib/tmpfiles.d)
install(FILES contrib/logrotate/stripwatch DESTINATION ${CMAKE_INSTALL_FULL_SYSCONFDIR}/logrotate.d)
install(FILES contrib/debian/stripwatch.yaml DESTINATION ${CMAKE_INSTALL_FULL_SYSCONFDIR}/stripwatch)
install(DIRECTORY DESTINATION ${CMAKE_INSTALL_FULL_SYSCONFDIR}/stripwatch/conf.d)
foreach(page 1 5 7)
  file(GLOB pages ${CMAKE_SOURCE_DIR}/man/*.${page})
  foreach(file ${pages})
    package_gzip(${file} ${CMAKE_INSTALL_FULL_MANDIR}/man${page})
  endforeach()
endforeach()

file(GLOB docs ${CMAKE_SOURCE_DIR}/docs/*.md)
file(GLOB schemas ${CMAKE_SOURCE_DIR}/docs/*.schema.json)
install(FILES README.md ${docs} ${schemas} DESTINATION ${CMAKE_INSTALL_FULL_DOCDIR})
install(FILES contrib/debian/copyright DESTINATION ${CMAKE_INSTALL_FULL_DOCDIR})
configure_file(contrib/debian/changelog.in ${CMAKE_BINARY_DIR}/package/changelog @ONLY)
package_gzip(${CMAKE_BINARY_DIR}/package/changelog ${CMAKE_INSTALL_FULL_DOCDIR})
install(FILES contrib/stripwatch.yaml DESTINATION ${CMAKE_INSTALL_FULL_DOCDIR}/examples)
install(FILES contrib/systemd/lookups.conf contrib/systemd/outputs.conf
        DESTINATION ${CMAKE_INSTALL_FULL_DOCDIR}/examples/systemd)
install(DIRECTORY contrib/grafana contrib/prometheus contrib/elastic contrib/logstash contrib/receiver
                  contrib/sigma
                  contrib/splunk contrib/vector contrib/wazuh
        DESTINATION ${CMAKE_INSTALL_FULL_DOCDIR}/examples)

set(CPACK_GENERATOR DEB)
set(CPACK_SET_DESTDIR ON) # /etc and /lib are beside /usr
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_OUTPUT_FILE_PREFIX ${CMAKE_BINARY_DIR})
set(CPACK_PACKAGE_VENDOR "stripwatch")
set(CPACK_PACKAGE_CONTACT "the stripwatch authors <maintainers@stripwatch.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "passive sensor for STARTTLS stripping in mail traffic")
set(CPACK_PACKAGE_DESCRIPTION
    "stripwatch reads SMTP from an interface or from captures, and says when
someone took the encryption away: which bytes were changed, how sure that
is, what else could explain it, and what crossed in clear because of it.
It never sends a byte into the traffic that it watches.")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS
    "systemd | systemd-sysusers, systemd | systemd-tmpfiles")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "logrotate, ca-certificates, dns-root-data")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(scripts ${CMAKE_SOURCE_DIR}/contrib/debian)
file(WRITE ${CMAKE_BINARY_DIR}/package/conffiles
     "/etc/logrotate.d/stripwatch\n/etc/stripwatch/stripwatch.yaml\n")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${scripts}/postinst ${scripts}/prerm ${scripts}/postrm
    ${CMAKE_BINARY_DIR}/package/conffiles)
include(CPack)
