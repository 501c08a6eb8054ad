# SPDX-License-Identifier: MIT
# The samples of scripts/bench as a table. A line of them is
#   ROW CONTENDER COUNT NUMBER [CPU]
#   hook NAME NANOSECONDS SAME IDLE PENDING      (hooks.c)
# A cell is the median of its samples. A ratio is the median of the ratios of each round, in which
# both sides ran one after the other: what the machine did meanwhile met both. -v quick=1: nothing is judged. -v delay=MS of the slow proxy.
# -v list=hooks: only those, all of them; -v list=names: look-ups. Exit status 1: a row is over its limit, or without a number.

$1 == "hook" {
    hooks++
    name[hooks] = $2; libc_ns[hooks] = $3; same[hooks] = $4; idle[hooks] = $5; pending[hooks] = $6
    next
}
{
    value = $1 ~ /^cpu/ ? $5 / $3 * 1e6 : $4
    samples[$1, $2, ++n[$1, $2]] = value
    in_order[$1, $2, n[$1, $2]] = value
    count[$1, $2] = $3
    if ($1 ~ /^node-/ && !($1 in seen)) {
        seen[$1] = 1
        nodes[++node_count] = $1
    }
}

# Sorts the samples of a cell; the one at a fraction of the way, "" if there are none.
function quantile(row, who, fraction,    i, j, v, last) {
    last = n[row, who]
    if (!last)
        return ""
    for (i = 2; i <= last; i++) {
        v = samples[row, who, i]
        for (j = i - 1; j > 0 && samples[row, who, j] > v; j--)
            samples[row, who, j + 1] = samples[row, who, j]
        samples[row, who, j + 1] = v
    }
    return samples[row, who, int((last - 1) * fraction + 0.5) + 1]
}

function median(row, who) {
    return quantile(row, who, 0.5)
}

# Of numbers that may be missing.
function over(a, b) {
    return a == "" || b == "" ? "" : a / b
}

# Of one contender to the other.
function paired(row, who, base,    i, key) {
    key = who "/" base
    if (n[row, who] != n[row, base])
        return ""
    if (!n[row, key])
        for (i = 1; i <= n[row, who]; i++)
            samples[row, key, ++n[row, key]] = in_order[row, who, i] / in_order[row, base, i]
    return median(row, key)
}

function cell(value, form) {
    return value == "" ? "-" : sprintf(form, value)
}

# VALUE against LIMIT, at most (SIGN 1) or at least (SIGN -1).
function verdict(value, limit, sign) {
    if (value == "") {
        failed = 1
        return "no number"
    }
    if (quick)
        return "(not judged)"
    if ((value - limit) * sign > 0) {
        failed = 1
        return "over"
    }
    return "ok"
}

# A contender's cell: its own number, scaled; with the count if it was given fewer connects.
function contender(row, who, scale, form,    few, value) {
    few = ""
    value = median(row, who)
    if (value == "" && row == "many") {
        value = median("few", who)
        few = " (" count["few", who] ")"
    } else if (row ~ /^node/ && count[row, who] != count[row, "hand"]) {
        few = " (" count[row, who] ")"
    }
    if (few != "")
        marked = 1
    return value == "" ? "-" : sprintf(form, value * scale) few
}

function print_row(label, row, scale, form, ratio, limit, result,    noise) {
    noise = paired(row, "again", "hand")
    printf "%-44s %10s %9s %9s %12s %11s %7s %7s %7s  %s\n", label, \
        contender(row, "hfproxy", scale, form), contender(row, "hand", scale, form), \
        contender(row, "libc", scale, form), contender(row, "proxychains4", scale, form), \
        contender(row, "torsocks", scale, form), cell(noise, "%.3f"), \
        cell(ratio, "%.3f"), limit, result
}

function print_hook_row(label, values, limit,    i, worst, beyond, result) {
    worst = 0
    for (i = 1; i <= hooks; i++) {
        if (values[i] == "-")
            continue
        if (!worst || values[i] > values[worst])
            worst = i
        if (values[i] > limit)
            beyond++
    }
    result = verdict(worst ? values[worst] : "", limit, 1)
    if (beyond && !quick)
        result = result sprintf(" (%d of %d)", beyond, hooks)
    printf "%-44s %-63s %7s %7s  %s\n", label, worst ? "worst: " name[worst] : "nothing was pending", \
        worst ? sprintf("%.3f", values[worst]) : "-", limit, result
}

function print_hooks(    i) {
    printf "%-20s %9s %10s %8s %8s\n", "call", "libc, ns", "libc/libc", "idle", "pending"
    for (i = 1; i <= hooks; i++)
        printf "%-20s %9.1f %10.3f %8.3f %8s%s\n", name[i], libc_ns[i], same[i], idle[i], pending[i], \
            !quick && (idle[i] > 1.05 || pending[i] != "-" && pending[i] > 1.25) ? "  over" : ""
}

function print_connections(    i, handshake, value, ratio, few, all) {
    handshake = median("one", "hand")
    value = median("many", "hfproxy")
    if (value == "")
        value = median("few", "hfproxy")
    value = over(value, handshake)
    print_row(count["many", "hand"] " epoll connects, " delay " ms proxy: handshakes", "many", \
        handshake ? 1 / handshake : 0, "%.2f", value, "1.25", verdict(value, 1.25, 1))
    for (i = 1; i <= node_count; i++) {
        ratio = paired(nodes[i], "hfproxy", "hand")
        value = median(nodes[i], "hfproxy")
        print_row(count[nodes[i], "hand"] " connects on Node " substr(nodes[i], 6) ": s", nodes[i], 1, "%.3f", \
            ratio, "0.25 s", verdict(value, 0.25, 1))
    }
    for (i = 1; i <= 2; i++) {
        value = paired("real" i, "hfproxy", "hand")
        print_row("blocking connect, tinyproxy, " (i == 1 ? "one CPU" : "two CPUs") ": us", \
            "real" i, 1e6, "%.1f", value, "1.03", verdict(value, 1.03, 1))
    }
    for (i = 1; i <= 2; i++)
        print_row("blocking connect, empty proxy, " (i == 1 ? "one CPU" : "two CPUs") ": us", \
            "sequential" i, 1e6, "%.1f", paired("sequential" i, "hfproxy", "hand"), "", "")
    value = paired("bulk", "hfproxy", "hand")
    print_row(sprintf("%d MiB: GiB/s", count["bulk", "hand"] / 1048576), "bulk", 1 / 1073741824, "%.2f", \
        value, "0.98", verdict(value, 0.98, -1))
    few = median("cpu_few", "hfproxy")
    all = median("cpu_all", "hfproxy")
    print_row(count["cpu_few", "hand"] " pending: CPU us a connection", "cpu_few", 1, "%.1f", "", "", "")
    print_row(count["cpu_all", "hand"] " pending: CPU us a connection", "cpu_all", 1, "%.1f", \
        over(all, few), "1.3", verdict(over(all, few), 1.3, 1))
}

function print_noise(    base, i, worst) {
    base = median("sequential2", "libc")
    printf "noise: a plain connect, %d blocks on two CPUs: %.1f us, half of them within %.1f%%, nine in ten within %.1f%%;", \
        n["sequential2", "libc"], base * 1e6, \
        (quantile("sequential2", "libc", 0.75) - quantile("sequential2", "libc", 0.25)) / base * 100, \
        (quantile("sequential2", "libc", 0.95) - quantile("sequential2", "libc", 0.05)) / base * 100
    for (i = 1; i <= hooks; i++)
        if ((same[i] - 1) ^ 2 > worst ^ 2)
            worst = same[i] - 1
    printf " libc's calls against themselves: %.1f%% at most\n", (worst < 0 ? -worst : worst) * 100
}

# What a user would notice is judged: against libc and a name of /etc/hosts, which it reads as we do;
# where the table is full, against a look-up of libc's that finds nothing; what many threads do and
# what a long no_proxy costs, against one thread and a short list in the same run.
function name_row(label, row, base, scale, value, limit) {
    printf "%-48s %9s %9s %12s %8s %7s %7s  %s\n", label, cell(scaled(row, "hfproxy", scale), "%.1f"), \
        cell(scaled(base, "libc", scale), "%.1f"), cell(scaled(row, "proxychains4", scale), "%.1f"), \
        cell(scaled(row, "torsocks", scale), "%.1f"), cell(value, "%.3f"), limit, verdict(value, limit + 0, 1)
}

function scaled(row, who, scale,    value) {
    value = median(row, who)
    return value == "" ? "" : value * scale
}

function name_row_to_libc(label, row, base) {
    name_row(label, row, base, 1, over(median(row, "hfproxy"), median(base, "libc")), "3")
}

function name_row_to_own(label, row, base, scale, limit) {
    name_row(label, row, row, scale, over(median(row, "hfproxy"), median(base, "hfproxy")), limit)
}

function print_names(    i, sizes, texts) {
    printf "%-48s %9s %9s %12s %8s %7s %7s\n", "look-ups: us", "hfproxy", "libc", "proxychains4", "torsocks", \
        "ratio", "limit"
    name_row_to_libc("a name of /etc/hosts", "in_hosts", "in_hosts")
    name_row_to_libc("one name", "one", "in_hosts")
    name_row_to_libc("new names", "new", "in_hosts")
    name_row_to_libc("a name behind 200 in the same place", "crowd", "in_hosts")
    name_row_to_libc("the table full: a name that is in it", "known_full", "in_hosts")
    name_row_to_libc("the table full: new names", "new_full", "new_full")
    name_row_to_own("new names from 16 threads, to one thread", "threads16", "threads1", 1, "1.25")
    split("8000 100000", sizes, " ")
    split("8,000 100,000", texts, " ")
    for (i = 1; i <= 2; i++) {
        name_row_to_own("no_proxy of " texts[i] ": a look-up, to one of 5", "look_up_" sizes[i], "look_up_5", 1, "1.25")
        name_row_to_own("no_proxy of " texts[i] ": CPU of a connect, to 5", "connect_" sizes[i], "connect_5", 1, "1.25")
        name_row("no_proxy of " texts[i] ": getenv(), us", "getenv_" sizes[i], "getenv_" sizes[i], 1, \
            scaled("getenv_" sizes[i], "hfproxy", 1), "100 us")
        name_row("no_proxy of " texts[i] ": setenv() of it, ms", "setenv_" sizes[i], "setenv_" sizes[i], 1e-3, \
            scaled("setenv_" sizes[i], "hfproxy", 1e-3), "100 ms")
    }
    name_row("no_proxy of 5: the start of a program, CPU ms", "start_5", "start_5", 1e-3, \
        scaled("start_5", "hfproxy", 1e-3), "20 ms")
    name_row("no_proxy of 3,800 (under 64 KiB): the same", "start_3800", "start_3800", 1e-3, \
        scaled("start_3800", "hfproxy", 1e-3), "20 ms")
    name_row("no_proxy of 8,000 (under 128 KiB): the same", "start_8000", "start_8000", 1e-3, \
        scaled("start_8000", "hfproxy", 1e-3), "20 ms")
    print ""
    print "ratio: to a name of /etc/hosts that libc looks up, or to what the row says; setenv(), getenv() and starts: as it is."
    print "A connect of libc's goes there directly; hfproxy's goes through the empty proxy. torsocks asks its proxy for each name."
}

END {
    if (list == "names") {
        print_names()
        exit failed
    }
    if (list == "hooks") {
        print_hooks()
        print ""
    } else {
        print_noise()
        printf "%-44s %10s %9s %9s %12s %11s %7s %7s %7s\n", "", "hfproxy", "by hand", "libc", "proxychains4", \
            "torsocks", "noise", "ratio", "limit"
        print_connections()
    }
    print_hook_row("hooked calls, nothing pending", idle, 1.05)
    print_hook_row("hooked calls, one connection pending", pending, 1.25)
    if (list != "hooks") {
        print ""
        if (marked)
            print "(10): of so many connects, as it makes them one after another."
        print "empty proxy: one that does nothing but answer, and the far end of its tunnels itself: what the library costs."
        print "ratio: connects by epoll to one handshake; CPU to the row above; hooked calls to libc; else to the client by hand."
        print "noise: the client by hand again, to itself. The calls one by one: scripts/bench hooks."
    }
    exit failed
}
