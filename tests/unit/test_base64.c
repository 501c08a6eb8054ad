/* SPDX-License-Identifier: MIT */
#include "table.h"

#include "core/base64.h"

static const struct row {
        const char *name;
        struct hf_span bytes;
        const char *text;
} rows[] = {
        /* RFC 4648 section 10 */
        {"encodes_nothing", BYTES(""), ""},
        {"pads_one_byte", BYTES("f"), "Zg=="},
        {"pads_two_bytes", BYTES("fo"), "Zm8="},
        {"encodes_three_bytes", BYTES("foo"), "Zm9v"},
        {"pads_four_bytes", BYTES("foob"), "Zm9vYg=="},
        {"pads_five_bytes", BYTES("fooba"), "Zm9vYmE="},
        {"encodes_six_bytes", BYTES("foobar"), "Zm9vYmFy"},
        {"encodes_credentials", BYTES("Aladdin:open sesame"), "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="},
        {"encodes_a_nul", BYTES("\0"), "AA=="},
        {"uses_plus_and_slash", BYTES("\xfb\xff\xbf"), "+/+/"},
        {"takes_bytes_as_unsigned", BYTES("\xff\xff\xff\xff"), "/////w=="},
        {"encodes_utf8", BYTES("p\xc3\xa4ss"), "cMOkc3M="},
};

static void check(void **state)
{
        const struct row *row = *state;
        struct guard g;
        char buf[64];
        struct hf_out out = hf_out_write(buf, sizeof buf);

        hf_base64_put(&out, guard_make(&g, row->bytes));
        expect_text(buf, &out, row->text);
        guard_free(&g);
}

static void uses_every_digit_in_order(void **state)
{
        char bytes[48], buf[64];
        struct hf_out out = hf_out_write(buf, sizeof buf);

        (void)state;
        for (size_t i = 0; i < 16; i++) {
                uint32_t d = (uint32_t)i * 4;
                uint32_t group = d << 18 | (d + 1) << 12 | (d + 2) << 6 | (d + 3);

                bytes[3 * i] = (char)(unsigned char)(group >> 16);
                bytes[3 * i + 1] = (char)(unsigned char)(group >> 8);
                bytes[3 * i + 2] = (char)(unsigned char)group;
        }
        hf_base64_put(&out, (struct hf_span){bytes, sizeof bytes});
        expect_text(buf, &out, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
}

int main(void)
{
        struct table t = {0};

        TABLE_ADD(&t, check, rows);
        table_add(&t, "uses_every_digit_in_order", uses_every_digit_in_order, NULL);
        return table_run("base64", &t);
}
