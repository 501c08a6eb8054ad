/* SPDX-License-Identifier: MIT */
#include "table.h"

#include "core/program.h"

static const struct row {
        const char *name;
        const char *program;
        bool launches;
} rows[] = {
        {"sh", "sh", true},
        {"bash", "bash", true},
        {"a_login_shell", "-bash", true},
        {"dash", "dash", true},
        {"zsh", "zsh", true},
        {"fish", "fish", true},
        {"busybox", "busybox", true},
        {"env", "env", true},
        {"one_executable_for_all", "coreutils", true},
        {"timeout", "timeout", true},
        {"xargs", "xargs", true},
        {"sudo", "sudo", true},
        {"tmux", "tmux", true},
        {"make", "make", true},
        {"srun", "srun", true},
        {"hfwraps_own", "hfproxy-launch", true},
        {"python", "python3", false},
        {"curl", "curl", false},
        {"git", "git", false},
        {"a_longer_name", "bash5", false},
        {"a_shorter_name", "ba", false},
        {"another_case", "Bash", false},
        {"two_dashes", "--bash", false},
        {"a_dash_alone", "-", false},
        {"nothing", "", false},
        {"a_path", "/bin/bash", false},
};

static void check_row(void **state)
{
        const struct row *row = *state;

        assert_int_equal(hf_program_launches(hf_span(row->program), hf_span("run.sh")),
                         row->launches);
}

/* The name is cut out of a path: what stands around it does not count. */
static void reads_no_further_than_the_name(void **state)
{
        (void)state;
        assert_true(hf_program_launches((struct hf_span){"bash (deleted)", 4}, HF_SPAN("sh")));
        assert_false(hf_program_launches((struct hf_span){"bash", 3}, HF_SPAN("sh")));
        assert_false(hf_program_launches((struct hf_span){NULL, 0}, (struct hf_span){NULL, 0}));
}

static void knows_the_client_in_a_busybox(void **state)
{
        (void)state;
        assert_false(hf_program_launches(HF_SPAN("busybox"), HF_SPAN("wget")));
        assert_true(hf_program_launches(HF_SPAN("busybox"), HF_SPAN("wget.sh")));
        assert_true(hf_program_launches(HF_SPAN("busybox"), (struct hf_span){NULL, 0}));
}

int main(void)
{
        struct table t = {0};

        TABLE_ADD(&t, check_row, rows);
        table_add(&t, "reads_no_further_than_the_name", reads_no_further_than_the_name, NULL);
        table_add(&t, "knows_the_client_in_a_busybox", knows_the_client_in_a_busybox, NULL);
        return table_run("program", &t);
}
