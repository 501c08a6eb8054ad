/* SPDX-License-Identifier: MIT */
/* What execve() by number has in common with execve(). */
#pragma once

#include "process/children.h"

/* EXEC(CALL, …) with ENVP, or with what that shall be. */
int hf_exec(char *const *envp, hf_children_exec *exec, const void *call);
