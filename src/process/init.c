/* SPDX-License-Identifier: MIT */
/* The constructor: the one place that decides what this process becomes. */
#include "children.h"
#include "config.h"
#include "env.h"
#include "real.h"

__attribute__((constructor)) static void hf_init(void)
{
        if (hf_env_secure())
                return;
        hf_real_init();
        hf_env_rewrite();
        hf_children_start();
        hf_config_refresh();
}
