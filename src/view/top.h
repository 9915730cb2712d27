/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What `behalf top` shows, as a function of a snapshot and of what the user chose; and what keys do to
 * the choice. No terminal, no clock.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "ledger/snapshot.h"
#include "view/rows.h"
#include "view/screen.h"

#define VIEW_DELAY_MIN_NS 100000000ull
#define VIEW_DELAY_MAX_NS 60000000000ull

struct view_history;

/* What is shown. */
enum view_page { VIEW_PAGE_LIST, VIEW_PAGE_ACCOUNT, VIEW_PAGE_CPUS };

#define VIEW_FILTER_MAX 64

struct view_top {
	struct view_choice choice;
	uint64_t delay_ns;
	bool paused;
	bool help;    /* the help is shown */
	bool quit;    /* the user is done */
	bool refresh; /* a new sample is wanted at once */
	enum view_page shown;
	bool typing;			    /* the filter is being typed */
	char filter[VIEW_FILTER_MAX];	    /* empty: none */
	bool trend;			    /* TREND also where other columns have to go for it */
	const struct view_history *history; /* NULL: no TREND */
	size_t at;			    /* the account that Enter opens, of all in the list */
	bool moved;	   /* AT was moved by a key; else it follows its account: */
	uint64_t selected; /* id of the account at AT, set by view_top_compose */
	size_t first;	   /* account at the top of the list */
	size_t page;	   /* accounts that fit, set by view_top_compose */

	size_t width;	     /* columns of the terminal; 0: as many as it takes */
	size_t height;	     /* lines; 0: as many as it takes */
	const char *time;    /* of the day, of the sample */
	const char *message; /* shown in the last line; NULL: none */
};

/* Composes the page that fits WIDTH and HEIGHT. */
int view_top_compose(struct view_top *top, const struct ledger_snapshot *snapshot,
		     struct view_screen **screen, struct error *err);

/* Keys besides characters. */
enum view_special_key {
	VIEW_KEY_UP = 0x1000,
	VIEW_KEY_DOWN,
	VIEW_KEY_PAGE_UP,
	VIEW_KEY_PAGE_DOWN,
	VIEW_KEY_HOME,
	VIEW_KEY_END,
	VIEW_KEY_LEFT,
	VIEW_KEY_RIGHT,
	VIEW_KEY_BACKSPACE,
	VIEW_KEY_ESCAPE,
};

/* Does what the key table says of KEY; false when it says nothing. In the help any key leads back. */
bool view_top_key(struct view_top *top, int key);

/* The help page, made from the key table and the field table. */
void view_top_help(const struct view_top *top, struct view_screen *screen);

/* The key table: label and what it does, I from 0; false behind the last. */
bool view_top_key_text(size_t i, const char **label, const char **help);
