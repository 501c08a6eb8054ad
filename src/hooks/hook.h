/* SPDX-License-Identifier: MIT */
/* What every file of hooks/ needs. A hook only translates and dispatches. */
#pragma once

#include <errno.h>

/* The symbol is exported (hooks/hfproxy.sym names it too). */
#define HF_EXPORT __attribute__((visibility("default")))

static inline void hf_restore_errno(const int *saved)
{
        errno = *saved;
}

/* In a block that may disturb errno in a call that succeeds: it is as before when the block ends.
 */
#define HF_KEEP_ERRNO                                                                              \
        __attribute__((cleanup(hf_restore_errno), unused)) const int hf_saved_errno = errno

/* An internal result as a system call's: negative → errno and -1; errno is not touched otherwise.
 */
static inline int hf_sys(int result)
{
        if (result >= 0)
                return result;
        errno = -result;
        return -1;
}
