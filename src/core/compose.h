/* SPDX-License-Identifier: MIT */
/* The texts that the rules of the environment compose, each a hf_compose (see arena.h). */
#pragma once

#include "arena.h"
#include "route.h"

/* A proxy URL (char *) in the form that every client reads; one that cannot be read as it is. */
void hf_compose_mended_url(struct hf_out *out, const void *text);

/* The first proxy of a list (char *), in that form. */
void hf_compose_first_url(struct hf_out *out, const void *list);

/* What http_proxy and https_proxy hand on to a program without this library. Go before 1.23 knows
 * socks5:// and not socks5h://, and every Go has the names resolved by the proxy: so socks:// is
 * spelled socks5:// there, and in what we fill socks5h:// as well. */
void hf_compose_handed_url(struct hf_out *out, const void *text);
void hf_compose_filled_url(struct hf_out *out, const void *text);

/* A no_proxy list (char *) in the form that no client trips over. */
void hf_compose_mended_list(struct hf_out *out, const void *text);

/* A mended list and behind it what it lacks of localhost, 127.0.0.1, ::1, 0.0.0.0, this machine's
 * name and its own addresses. */
struct hf_compose_list {
        struct hf_span text;
        const struct hf_self *self;                  /* may be NULL */
        uint64_t held[(5 + HF_SELF_NETS + 63) / 64]; /* bit i: number i of those stands there */
};
void hf_compose_note_held(struct hf_compose_list *list); /* first; fills in `held` */
void hf_compose_completed_list(struct hf_out *out, const void *list);

/* no_grpc_proxy: a finished no_proxy list and behind it what connect() leaves alone, as far as gRPC
 * can be told: the private ranges, the attached networks, and names that are nobody else's. */
void hf_compose_grpc_list(struct hf_out *out, const void *list);

/* The text that a record of HFPROXY_STATE holds encoded (struct hf_span). */
void hf_compose_decoded(struct hf_out *out, const void *encoded);
