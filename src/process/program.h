/* SPDX-License-Identifier: MIT */
/* What kind of program this process runs. Found out when it is first asked for; async-signal-safe,
 * before our constructor too. */
#pragma once

#include <stdbool.h>

/* Does the executable carry the note "Go"? Such a program, when it was linked with libc, looks
 * names up by libc, but connects by system calls of its own and reads its environment from the
 * initial stack. */
bool hf_program_is_go(void);

/* Is it a shell or a launcher (core/program.h)? */
bool hf_program_is_launcher(void);
