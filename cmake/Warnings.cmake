# SPDX-License-Identifier: Apache-2.0
add_compile_options(-Wall -Wextra -Wshadow -Wconversion -Werror -Wpointer-arith -Wstrict-prototypes
                    -Wmissing-prototypes -Wvla -Wformat=2)
