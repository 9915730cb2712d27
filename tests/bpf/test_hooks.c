// SPDX-License-Identifier: GPL-2.0-or-later
/* Which hooks are missed, where others can stand in for them. */
#include "ledger/hooks.h"

#include <errno.h>
#include <stdlib.h>

#include "tap.h"

static uint64_t bit(const char *target)
{
	size_t hook = ledger_hook_of_target(target);

	ok(hook < ledger_hooks_count);
	return 1ull << hook;
}

static bool is_missed(const char *target, uint64_t there)
{
	return ledger_hook_is_missed(ledger_hook_of_target(target), there, true);
}

TEST(hooks_fit_into_a_word)
{
	ok(ledger_hooks_count <= 64);
}

TEST(who_stands_in_does_so_for_a_hook)
{
	size_t n = 0;

	for (size_t i = 0; i < ledger_hooks_count; i++) {
		const char *original = ledger_hooks[i].instead_of;

		if (!original)
			continue;
		n++;
		ok(ledger_hook_of_target(original) < ledger_hooks_count);
		ok(!ledger_hooks[ledger_hook_of_target(original)].instead_of);
	}
	ok(n > 0);
}

TEST(a_hook_is_missed_unless_another_stands_in)
{
	ok(is_missed("sk_data_ready", 0));
	ok(!is_missed("sk_data_ready", bit("sk_data_ready")));
	ok(!is_missed("sk_data_ready", bit("sock_def_readable")));
	is_int(ledger_hook_stand_in(ledger_hook_of_target("sk_data_ready"),
				    bit("sock_def_readable")),
	       ledger_hook_of_target("sock_def_readable"));
	is_int(ledger_hook_stand_in(ledger_hook_of_target("sk_data_ready"), 0), ledger_hooks_count);
}

TEST(who_stands_in_is_missed_only_beside_others)
{
	const uint64_t one = bit("__smp_call_single_queue");

	/* the original is there, or is missed itself: nothing more to tell */
	ok(!is_missed("smp_call_function_many_cond", bit("csd_queue_cpu")));
	ok(!is_missed("smp_call_function_many_cond", 0));
	ok(is_missed("smp_call_function_many_cond", one));
	ok(!is_missed("csd_queue_cpu", one));
	ok(!is_missed("sock_def_readable", 0));
}

TEST(parts_have_names)
{
	struct error err = {0};
	uint32_t parts = 0;
	char *text;

	is_int(hook_parts_parse("block,polls", &parts, &err), 0);
	is_int(parts, 1u << HOOK_POLLS | 1u << HOOK_BLOCK);
	text = hook_parts_text(parts);
	is_str(text, "polls,block");
	free(text);
	is_int(hook_parts_parse("none", &parts, &err), 0);
	is_int(parts, 0);
	is_int(hook_parts_parse("polls,,", &parts, &err), -EINVAL);
	is_int(hook_parts_parse("polls,clocks", &parts, &err), -EINVAL);
	has_str(err.text, "'clocks' is not one of polls,");
}

TEST(no_part_has_a_hook_that_is_needed)
{
	for (size_t i = 0; i < ledger_hooks_count; i++)
		ok(ledger_hooks[i].without || ledger_hooks[i].part == HOOK_NEEDED);
}
