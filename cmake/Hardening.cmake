# SPDX-License-Identifier: Apache-2.0
# _GNU_SOURCE: fopencookie(3), getrandom(2) and the like.
add_compile_definitions(_GNU_SOURCE)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_C_FLAGS_RELEASE "-O2 -g1")
if(STRIPWATCH_SANITIZE)
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
elseif(STRIPWATCH_MSAN)
  add_compile_options(-fsanitize=memory -fsanitize-memory-track-origins -fno-sanitize-recover=all
                      -fno-omit-frame-pointer)
  add_link_options(-fsanitize=memory)
elseif(STRIPWATCH_FUZZ)
  # Tracing every comparison takes a third to two thirds of the time; the dictionaries have the words.
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
                      -fno-sanitize-coverage=trace-cmp)
  add_compile_definitions(FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION) # as libFuzzer's users know it
  add_link_options(-fsanitize=address,undefined)
elseif(STRIPWATCH_COVERAGE)
  add_compile_options(-fprofile-instr-generate -fcoverage-mapping)
  add_link_options(-fprofile-instr-generate)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT STRIPWATCH_SANITIZE)
  # The way of a packet leads through every file of dissect/: worth optimising as one.
  set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ON)
  add_compile_options(-D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection
                      -fcf-protection)
  add_link_options(-pie -Wl,-z,relro,-z,now,-z,noexecstack)
endif()
