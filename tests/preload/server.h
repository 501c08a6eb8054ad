/* SPDX-License-Identifier: MIT */
#pragma once

struct world;

/* Starts the world's servers in a process of their own, which ends with this one. Fills in the
 * ports. */
void server_start(struct world *w);
