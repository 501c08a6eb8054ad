/* SPDX-License-Identifier: MIT */
/* What the log says about the environment, at start. */
#pragma once

#include "core/mirror.h"

/* Writes the lines: settings that make no sense, proxy variables that cannot be read, spellings
 * that differ. What an earlier process has said already is not said again: the result, a hash of
 * all complaints (0: none), goes into HFPROXY_STATE. */
uint64_t hf_report(const char *const values[HF_VARS], const struct hf_settings *settings,
                   const struct hf_facts *facts, const struct hf_view *view);
