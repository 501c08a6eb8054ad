#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What can be said of the tree and the built library without running it. BUILD and SOURCE come
# from meson.

setup() {
    cd "$SOURCE" || return 1
    . tests/static/lib.sh
    lib=$BUILD/src/libhfproxy.so
    sym=src/hooks/hfproxy.sym
    scratch=$BATS_TEST_TMPDIR
}

@test "exports exactly what hfproxy.sym and hooks.def name" {
    diff <(sym_exports $sym) <(def_names src/hooks/hooks.def)
    diff <(sym_exports $sym) <(lib_exports "$lib")
}

@test "the export check fails on one name too many" {
    sed 's/connect;/connect;\n        surplus;/' $sym > "$scratch/planted.sym"
    run diff <(sym_exports "$scratch/planted.sym") <(lib_exports "$lib")
    [ "$status" -ne 0 ]
}

@test "imports only what glibc 2.17 and musl have" {
    check_imports "$lib" tests/static/imports.allow
}

@test "the import check fails on a symbol that is not on the list" {
    grep -v '^memcpy$' tests/static/imports.allow > "$scratch/allow"
    run check_imports "$lib" "$scratch/allow"
    [ "$status" -ne 0 ]
    [[ "$output" == *"memcpy is not on the list"* ]]
}

@test "the import check fails on a symbol newer than glibc 2.17" {
    echo 'extern int getentropy(void *, unsigned long); int f(void) { return getentropy(0, 0); }' > "$scratch/new.c"
    cc -shared -fPIC -o "$scratch/new.so" "$scratch/new.c"
    { cat tests/static/imports.allow; echo getentropy; } > "$scratch/allow"
    run check_imports "$scratch/new.so" "$scratch/allow"
    [ "$status" -ne 0 ]
    [[ "$output" == *"newer than glibc 2.17"* ]]
}

@test "needs libc and libdl, which is libc, and nothing else" {
    check_needed "$lib"
}

@test "has no text relocations, no executable stack, and binds at load" {
    readelf -lW "$lib" | grep GNU_STACK | grep -q ' RW '
    readelf -d "$lib" | grep -q 'BIND_NOW\|NOW'
    ! readelf -d "$lib" | grep -q TEXTREL
}

@test "has no thread-local storage of the dynamic kind" {
    ! readelf -lW "$lib" | grep -q '^ *TLS'
}

@test "no object of the library calls a function that the library exports" {
    check_calls_no_hook $sym "$BUILD"/src/libhfproxy.so.p/*.o
    check_calls_no_hook $sym "$BUILD"/src/libhfproxy-core.a
}

@test "the hook check fails on an object that calls getenv" {
    echo 'char *getenv(const char *); char *f(void) { return getenv("x"); }' > "$scratch/calls.c"
    cc -c -o "$scratch/calls.o" "$scratch/calls.c"
    run check_calls_no_hook $sym "$scratch/calls.o"
    [ "$status" -ne 0 ]
}

@test "includes point one way" {
    check_layers src
}

@test "the layer check fails on a core file that includes process/" {
    mkdir -p "$scratch/src"
    cp -r src/core src/process src/wrap "$scratch/src"
    echo '#include "process/log.h"' >> "$scratch/src/core/util.h"
    run check_layers "$scratch/src"
    [ "$status" -ne 0 ]
}

@test "every header compiles alone" {
    for header in src/*/*.h; do
        echo "#include \"${header#src/}\"" | cc -D_DEFAULT_SOURCE -std=c11 -Wall -Wextra -Wpedantic -Werror \
            -fsyntax-only -Isrc -x c - || { echo "$header"; return 1; }
    done
}

@test "the library uses no stdio, no banned function" {
    check_banned src/core src/process src/hooks
}

@test "every file says its licence" {
    check_spdx $(git ls-files --cached --others --exclude-standard src tests scripts .ci meson.build meson_options.txt |
        grep -E '\.(c|h|py|sh|bats|def|in|1|7)$|meson\.build$|scripts/[a-z]*$|\.ci/run$')
}

@test "is formatted by clang-format" {
    clang-format --dry-run -Werror src/*/*.c src/*/*.h tests/*/*.c tests/*/*.h
}

@test "shell scripts pass shellcheck" {
    scripts=$(git ls-files --cached --others --exclude-standard scripts .ci tests |
        xargs awk 'FNR == 1 { if (/^#! *\/bin\/sh/) print FILENAME; nextfile }')
    [ "$(echo "$scripts" | wc -l)" -ge 5 ]
    # shellcheck disable=SC2086
    shellcheck -s sh $scripts "$BUILD/scripts/hfwrap"
}

@test "manual pages pass groff" {
    for page in src/*.7 scripts/*.1; do
        run groff -man -ww -z -Tutf8 "$page"
        [ -z "$output" ] || { echo "$page: $output"; return 1; }
    done
}

@test "passes cppcheck" {
    cppcheck --quiet --error-exitcode=1 --enable=warning,performance,portability --inline-suppr \
        --std=c11 -D_DEFAULT_SOURCE -D__x86_64__ -Isrc src
}

@test "passes clang-tidy" {
    clang-tidy --quiet -p "$BUILD" src/core/*.c src/process/*.c src/hooks/*.c src/wrap/*.c
}
