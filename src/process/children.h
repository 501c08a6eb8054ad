/* SPDX-License-Identifier: MIT */
/* The environment that a program gets which this process starts. What this library hid from this
 * process (design.md 2) is hidden from it alone: a program without the library (static, Go) must
 * see it, and one with the library hides it again by itself. So whatever environment still carries
 * HFPROXY_STATE gets what stands there, and no other (env -i, subprocess.run(env={...}) mean what
 * they say); and it loses values of ours whose source the caller changed (core/stale.h).
 *
 * All of this may run in a child of vfork(), in a signal handler, before our constructor: nothing
 * is allocated, what is made lies on the stack of hf_children_run(). */
#pragma once

#include <stdbool.h>

/* Once, by the constructor, when `environ` is as it shall be. A process whose own environment has
 * no HFPROXY_STATE hides nothing, and does not look. */
void hf_children_start(void);

/* Would ENVP be handed on otherwise than it is? Never for one that the kernel will reject (bad
 * pointers): nothing here faults on it. */
bool hf_children_ask(char *const *envp);

/* Makes a call with an environment; what it returns is the call's result. */
typedef int hf_children_exec(const void *call, char *const *envp);

/* EXEC(CALL, …) with what ENVP shall be. Only if hf_children_ask(ENVP). */
int hf_children_run(char *const *envp, hf_children_exec *exec, const void *call);
