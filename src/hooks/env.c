/* SPDX-License-Identifier: MIT */
/* getenv() & co. The prototypes are spelled out here and not taken from <stdlib.h>: it declares
 * some of them with attributes (nonnull) that would let the compiler drop our checks. */
#include "hook.h"

#include "process/config.h"
#include "process/env.h"
#include "process/real.h"

HF_EXPORT char *getenv(const char *name);
HF_EXPORT char *secure_getenv(const char *name);
HF_EXPORT int setenv(const char *name, const char *value, int overwrite);
HF_EXPORT int putenv(char *entry);
HF_EXPORT int unsetenv(const char *name);
HF_EXPORT int clearenv(void);

char *getenv(const char *name)
{
        return hf_env_get(name);
}

char *secure_getenv(const char *name)
{
        return hf_env_secure() ? NULL : hf_env_get(name);
}

/* Is NAME, whatever it ends with, no variable of ours? Then it is libc's business alone. */
static bool is_foreign(const char *name)
{
        return name && !hf_var_candidates(name);
}

/* The four that change `environ` do what libc does, and then tell connect(). */
static int changed(const char *name, int result)
{
        if (result == 0 && hf_env_started()) {
                HF_KEEP_ERRNO;
                if (hf_env_note_change(name))
                        hf_config_refresh();
        }
        return result;
}

int setenv(const char *name, const char *value, int overwrite)
{
        if (is_foreign(name))
                return hf_real_setenv(name, value, overwrite);
        return changed(name, hf_real_setenv(name, value, overwrite));
}

int putenv(char *entry)
{
        if (is_foreign(entry))
                return hf_real_putenv(entry);
        hf_env_note_putenv(entry);
        return changed(entry, hf_real_putenv(entry));
}

int unsetenv(const char *name)
{
        if (is_foreign(name))
                return hf_real_unsetenv(name);
        return changed(name, hf_real_unsetenv(name));
}

int clearenv(void)
{
        return changed(NULL, hf_real_clearenv());
}
