// SPDX-License-Identifier: GPL-2.0-or-later
#include "view/reconcile.h"

#include <string.h>

bool view_reconcile(const struct ledger_snapshot *snapshot, const struct ledger_account *account,
		    struct view_reconciliation *result)
{
	const uint64_t own_ns = ledger_account_own_ns(account);
	const uint64_t behalf_ns = ledger_account_behalf_ns(account);
	struct view_reconciliation r = {.says_ns = account->kernel_says_ns,
					.cost_ns = own_ns + behalf_ns};

	if (r.says_ns == 0 || (account->cgroup && strcmp(account->cgroup, "/") == 0))
		return false;
	if (!snapshot->irq_time) {
		r.imposed_ns = account->imposed_ns;
		if (r.says_ns > own_ns + r.imposed_ns)
			r.in_time_ns = r.says_ns - own_ns - r.imposed_ns;
		if (r.in_time_ns > behalf_ns)
			r.in_time_ns = behalf_ns;
	}
	r.elsewhere_ns = behalf_ns - r.in_time_ns;
	r.apart_ns = (int64_t)(r.says_ns - r.imposed_ns + r.elsewhere_ns - r.cost_ns);
	*result = r;
	return true;
}
