// SPDX-License-Identifier: GPL-2.0-or-later
#include "keeper/disk_control.h"

#define DOWN 0.7  /* what is left of what somebody has beyond its reserve, at each look, */
#define UP 1.2	  /* and what a cap grows by */
#define BINDS 0.8 /* of a cap that is used is one that is in the way */
#define SLACK_LOOKS 8

static bool anybody_lacks(const struct disk_user *users, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (users[i].lacks[TERMS_READ] || users[i].lacks[TERMS_WRITE])
			return true;
	}
	return false;
}

static bool lacks_any(const struct disk_user *user)
{
	return user->lacks[TERMS_READ] || user->lacks[TERMS_WRITE];
}

static double least_of(const struct disk_user *user, enum terms_access access)
{
	double least = user->reserve[access] > DISK_FLOOR_BYTES ? user->reserve[access]
								: DISK_FLOOR_BYTES;
	double drain = user->dirty_bytes / DISK_STALL_S;

	return access == TERMS_WRITE && drain > least ? drain : least;
}

/* Of two that are in the way, one with twice the share gives up half as much. */
static double left_of(const struct disk_user *user)
{
	double share = user->share ? user->share : TERMS_SHARE;
	double give = (1 - DOWN) * TERMS_SHARE / share;

	return give > 1 - DOWN ? DOWN : 1 - give;
}

static void squeeze(struct disk_user *user, enum terms_access access)
{
	double least = least_of(user, access), rate = user->rate[access], wanted;

	user->slack[access] = 0;
	/* one that does nothing is in nobody's way, and is capped as soon as it begins */
	if (rate <= least && !user->cap[access])
		return;
	wanted = rate > least ? least + (rate - least) * left_of(user) : least;
	if (!user->cap[access] || wanted < user->cap[access] || user->cap[access] < least)
		user->cap[access] = wanted;
}

static void loosen(struct disk_user *user, enum terms_access access)
{
	double least = least_of(user, access);

	if (!user->cap[access])
		return;
	if (user->cap[access] < least)
		user->cap[access] = least;
	if (user->rate[access] >= BINDS * user->cap[access]) {
		user->slack[access] = 0;
		user->cap[access] *= UP;
	} else if (++user->slack[access] >= SLACK_LOOKS) {
		user->cap[access] = 0;
		user->slack[access] = 0;
	}
}

void disk_control(struct disk_user *users, size_t n)
{
	bool lacking = anybody_lacks(users, n);

	for (size_t i = 0; i < n; i++) {
		for (int access = 0; access < TERMS_ACCESSES; access++) {
			if (lacking && !lacks_any(&users[i]))
				squeeze(&users[i], access);
			else
				loosen(&users[i], access);
		}
	}
}
