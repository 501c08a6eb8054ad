/* SPDX-License-Identifier: MIT */
/* Signals that come again and again. */
#pragma once

#include <signal.h>
#include <stdatomic.h>
#include <sys/time.h>
#include <unistd.h>

static _Atomic(int) handled;

static inline void on_signal(int sig)
{
        (void)sig;
        atomic_fetch_add(&handled, 1);
}

/* A signal every MS milliseconds, whose handler restarts what it can; 0: no more. */
static inline void tick(int ms)
{
        const struct itimerval timer = {{0, ms * 1000}, {0, ms * 1000}};
        struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};

        if (ms)
                sigaction(SIGALRM, &sa, NULL);
        setitimer(ITIMER_REAL, &timer, NULL);
        if (!ms)
                alarm(300);
}
