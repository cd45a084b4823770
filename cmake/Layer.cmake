# SPDX-License-Identifier: Apache-2.0
# layer(NAME [USES layer...] [LIBS target...] [EXCLUDE file...]): the static library of one folder.
# Headers are found from the top of the tree, so an include names its layer.
function(layer name)
  cmake_parse_arguments(L "" "" "USES;LIBS;EXCLUDE" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${name}/*.c)
  foreach(file ${L_EXCLUDE})
    list(REMOVE_ITEM sources ${CMAKE_SOURCE_DIR}/${name}/${file})
  endforeach()
  add_library(${name} STATIC ${sources})
  target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR})
  target_link_libraries(${name} PUBLIC ${L_USES} PRIVATE ${L_LIBS})
endfunction()
