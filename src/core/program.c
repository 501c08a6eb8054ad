/* SPDX-License-Identifier: MIT */
#include "program.h"

/* clang-format off */
static const char *const launchers[] = {
        "hfproxy-launch", /* hfwrap's own last step */
        /* shells; several commands in one executable */
        "sh", "ash", "bash", "csh", "dash", "fish", "ksh", "ksh93", "mksh", "pwsh",
        "rbash", "tcsh", "yash", "zsh", "zsh5",
        "busybox", "coreutils", "toybox",
        /* what runs the command in its arguments */
        "chroot", "chrt", "dbus-run-session", "doas", "env", "flock", "ionice", "login", "make", "gmake", "nice", "nohup",
        "nsenter", "numactl", "prlimit", "runuser", "script", "setarch", "setpriv", "setsid",
        "stdbuf", "strace", "su", "su-rs", "sudo", "sudo-rs", "taskset", "time", "timeout", "unshare", "watch",
        "xargs",
        /* what takes its environment elsewhere: to a server of its own, to other machines */
        "at", "mpiexec", "mpiexec.hydra", "mpirun", "orterun", "prterun", "qsub", "salloc",
        "sbatch", "screen", "srun", "systemd-run", "tmux", "zellij",
};
/* clang-format on */

bool hf_program_launches(struct hf_span name, struct hf_span called)
{
        /* It would take the socks5:// that Go is given for an error. */
        if (hf_span_eq(called, HF_SPAN("wget")))
                return false;
        if (name.n > 0 && name.s[0] == '-') {
                name.s++;
                name.n--;
        }
        for (size_t i = 0; i < HF_LEN(launchers); i++)
                if (hf_span_eq(name, hf_span(launchers[i])))
                        return true;
        return false;
}
