# SPDX-License-Identifier: Apache-2.0
# A release by gcc is made with a profile of itself: when a build folder is new the program is built
# once with counters in it and reads made traffic and the captures of the tests; gcc then knows which
# ways are hot. It takes a minute, once: what is changed later has the profile of what it was, or
# none. To train anew, remove `profile` in the build folder and configure.
option(STRIPWATCH_PROFILE "optimise a release by gcc with a profile of its own run" ON)
option(STRIPWATCH_COUNTERS "count what runs, for the profile (made by itself)" OFF)
set(STRIPWATCH_PROFILE_FROM "" CACHE PATH "folder `profile` of another build, to use that one")

set(profile_folder ${CMAKE_BINARY_DIR}/profile)

# The objects of the build that counted lie where those of this one will.
function(profile_take from)
  file(GLOB_RECURSE counts RELATIVE ${from} ${from}/CMakeFiles/*.gcda)
  foreach(file ${counts})
    get_filename_component(folder ${file} DIRECTORY)
    file(COPY ${from}/${file} DESTINATION ${CMAKE_BINARY_DIR}/${folder})
  endforeach()
endfunction()

# MODE BYTES...: how much of each kind of traffic is read. It ends otherwise than with 0, for attacks
# are in there.
function(profile_read folder)
  set(capture ${folder}/made.pcap)
  while(ARGN)
    list(POP_FRONT ARGN mode bytes)
    execute_process(COMMAND ${folder}/trafficgen -m ${mode} -b ${bytes} -o ${capture} -t ${folder}/made.tsv
                    OUTPUT_QUIET ERROR_QUIET)
    execute_process(COMMAND ${folder}/stripwatch read --json ${capture} OUTPUT_QUIET ERROR_QUIET)
  endwhile()
  execute_process(COMMAND ${folder}/stripwatch read --json ${CMAKE_SOURCE_DIR}/tests/pcaps
                  OUTPUT_QUIET ERROR_QUIET)
endfunction()

# Without a profile the program is slower, and nothing else.
function(profile_make folder)
  message(STATUS "Training: building once with counters, in ${folder}")
  file(REMOVE_RECURSE ${folder})
  execute_process(
    COMMAND ${CMAKE_COMMAND} -S ${CMAKE_SOURCE_DIR} -B ${folder} -G ${CMAKE_GENERATOR}
            -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_COMPILER=${CMAKE_C_COMPILER}
            -DCMAKE_C_COMPILER_LAUNCHER=${CMAKE_C_COMPILER_LAUNCHER}
            -DSTRIPWATCH_COUNTERS=ON -DSTRIPWATCH_TESTS=OFF
    OUTPUT_QUIET)
  execute_process(COMMAND ${CMAKE_COMMAND} --build ${folder} --target stripwatch trafficgen
                  OUTPUT_VARIABLE said RESULT_VARIABLE failed)
  if(failed)
    message(WARNING "no profile, for the build with counters failed:\n${said}")
    return()
  endif()
  profile_read(${folder} smtp 40000000 plain 20000000 mixed 20000000 trickle 10000000)
  file(GLOB_RECURSE made LIST_DIRECTORIES false ${folder}/*)
  list(FILTER made EXCLUDE REGEX "\\.gcda$")
  file(REMOVE ${made})
  file(TOUCH ${folder}/done)
endfunction()

if(STRIPWATCH_COUNTERS)
  add_compile_options(-fprofile-generate)
  add_link_options(-fprofile-generate)
elseif(STRIPWATCH_PROFILE AND CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT STRIPWATCH_SANITIZE
       AND CMAKE_C_COMPILER_ID STREQUAL "GNU" AND NOT CMAKE_CROSSCOMPILING)
  if(STRIPWATCH_PROFILE_FROM)
    if(NOT EXISTS ${STRIPWATCH_PROFILE_FROM}/done)
      message(FATAL_ERROR "STRIPWATCH_PROFILE_FROM: there is no profile in ${STRIPWATCH_PROFILE_FROM}")
    endif()
    profile_take(${STRIPWATCH_PROFILE_FROM})
  else()
    if(NOT EXISTS ${profile_folder}/done)
      profile_make(${profile_folder})
      profile_take(${profile_folder})
    endif()
  endif()
  # What was not trained is compiled as without a profile; what was changed since has none, and the
  # counts of who calls it are mended.
  add_compile_options(-fprofile-use -fprofile-partial-training -fprofile-correction
                      -Wno-missing-profile -Wno-coverage-mismatch)
endif()
