# SPDX-License-Identifier: MIT
# The checks themselves, as functions that print what is wrong and fail: static.bats runs them on
# the tree, and on planted faults to see that they can fail.

# Names that a version script exports.
sym_exports() {
    sed -n '/global:/,/local:/{s/^ *\([a-z_0-9]*\);$/\1/p}' "$1" | sort
}

# Names that hooks.def lists; getenv and secure_getenv pass nothing on and so have no row.
def_names() {
    { sed -n 's/^HF_HOOK([^,]*, \([a-z_0-9]*\),.*/\1/p; s/^HF_ALIAS(\([a-z_0-9]*\), .*/\1/p' "$1"; echo getenv; echo secure_getenv; } | sort
}

lib_exports() {
    nm -D --defined-only "$1" | awk '{ print $3 }' | sort
}

# check_imports LIBRARY ALLOWED
check_imports() {
    nm -D --undefined-only "$1" | awk -v allowed="$2" '
        BEGIN {
            while ((getline line < allowed) > 0) {
                if (line ~ /^#/ || line == "") continue
                weak = sub(/^\?/, "", line)
                ok[line] = weak ? "w" : "U"
            }
        }
        {
            name = $2; version = ""
            if (split($2, part, "@") > 1) { name = part[1]; version = part[length(part)] }
            if (!(name in ok)) { print name " is not on the list"; bad = 1 }
            else if (ok[name] == "w" && $1 != "w") { print name " must be weak"; bad = 1 }
            if (version ~ /^GLIBC_/) {
                split(substr(version, 7), v, ".")
                if (v[1] > 2 || (v[1] == 2 && v[2] > 17)) { print $2 " is newer than glibc 2.17"; bad = 1 }
            }
        }
        END { exit bad }'
}

check_needed() {
    needed=$(readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | sort | tr '\n' ' ')
    [ "$needed" = "libc.so.6 libdl.so.2 " ] || { echo "NEEDED: $needed"; return 1; }
}

# check_calls_no_hook SYM OBJECT…: no object file calls a function that the library itself exports
# (it would be calling its own hook).
check_calls_no_hook() {
    sym=$1
    shift
    nm -u "$@" | awk '/^ *U /{ print $2 }' | sort -u | grep -Fx "$(sym_exports "$sym")" && return 1
    return 0
}

# check_layers SRC: hooks → process → core, wrap → core, and never back. (hooks.def is a table that
# process/real reads, too; process/sys.h is system calls, which hfwrap's probe makes past our hooks.)
check_layers() {
    ! { grep -nE '#include "(process|hooks|wrap)/' -r "$1/core"
        grep -nE '#include "(hooks|wrap)/' -r "$1/process" | grep -v '"hooks/hooks.def"'
        grep -nE '#include "(process|hooks)/' -r "$1/wrap" | grep -v '"process/sys.h"'
    } | grep .
}

check_spdx() {
    bad=0
    for file in "$@"; do
        head -n 3 "$file" | grep -q 'SPDX-License-Identifier: MIT' || { echo "$file: no SPDX line"; bad=1; }
    done
    return $bad
}

# Functions of stdio and the like, which have no business in a stranger's process.
check_banned() {
    ! grep -nE '\b(printf|fprintf|sprintf|snprintf|vsnprintf|strcpy|strcat|strtok|sscanf|atoi|atol|alloca|exit|abort|assert|pthread_once)\(' -r "$@"
}
